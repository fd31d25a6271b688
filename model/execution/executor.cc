#include "model/execution/executor.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/status_macros.h"
#include "model/execution/memory_plan.h"
#include "model/ops/concat.h"
#include "model/ops/elementwise.h"
#include "model/ops/flush_denormals.h"
#include "model/ops/l2_norm.h"
#include "model/ops/max_out.h"
#include "model/ops/max_pool.h"
#include "model/ops/relu.h"
#include "model/ops/upsample.h"

namespace hardface::model {
namespace {

// The convolutions that also do the pooling after them: convolution -> pooling layer.
std::map<std::string, std::string> FindFusedPools(const NetworkSpec& network) {
  std::map<std::string, std::string> pools;
  for (const LayerSpec& layer : network.layers) {
    if (layer.kind == LayerKind::kMaxPool) pools.emplace(layer.inputs[0], layer.name);
  }
  return pools;
}

int CountReaders(const NetworkSpec& network, const std::string& name) {
  auto readers = std::count(network.outputs.begin(), network.outputs.end(), name);
  for (const LayerSpec& layer : network.layers) readers += std::count(layer.inputs.begin(), layer.inputs.end(), name);
  return static_cast<int>(readers);
}

}  // namespace

// Collects buffers with their lifetimes while the steps are laid out.
struct Executor::BufferList {
  std::vector<TensorView> views;
  std::vector<BufferLifetime> lifetimes;

  int Add(const Shape& shape, int block, int step) {
    views.push_back({nullptr, shape, block});
    lifetimes.push_back({views.back().stored(), step, step});
    return static_cast<int>(views.size()) - 1;
  }
  void Use(int buffer, int step) {
    if (buffer < 0) return;
    lifetimes[buffer].first = std::min(lifetimes[buffer].first, step);
    lifetimes[buffer].last = std::max(lifetimes[buffer].last, step);
  }
};

int64_t ExecutorResources::bytes() const {
  int64_t bytes = workspace->bytes() + arena.bytes();
  for (const auto& [name, of_layer] : weights) bytes += of_layer->packed_bytes();
  return bytes;
}

absl::StatusOr<std::unique_ptr<Executor>> Executor::Create(const NetworkSpec& network, const Shape& input,
                                                           const ExecutorOptions& options) {
  ASSIGN_OR_RETURN(const auto shapes, InferShapes(network, input));
  if (options.training) RETURN_IF_ERROR(CheckTrainable(network));
  std::unique_ptr<Executor> executor(new Executor);
  executor->resources_ = options.resources != nullptr ? options.resources : std::make_shared<ExecutorResources>();
  ExecutorResources& resources = *executor->resources_;
  const std::map<std::string, std::string> pools =
      options.training ? std::map<std::string, std::string>() : FindFusedPools(network);
  const int block = PreferredBlock();
  const int layer_count = static_cast<int>(network.layers.size());
  const int end = 2 * layer_count + 2;  // the backward step of layer i happens at time end - i
  BufferList buffers;
  std::map<std::string, int> gradient_buffers;  // of layers whose gradient is wanted
  std::set<std::string> with_gradient;          // names of parameters
  std::map<std::string, int>& layer_buffers = executor->layer_buffers_;

  layer_buffers[network.layers[0].name] = buffers.Add(input, /*block=*/1, 0);
  for (int i = 1; i < layer_count; ++i) {
    const LayerSpec& layer = network.layers[i];
    if (layer_buffers.count(layer.name) != 0) continue;  // pooled by the convolution before it
    Step step;
    step.layer = layer;
    Conv2dConfig config;
    if (layer.kind == LayerKind::kConv2d) {
      config.input = shapes.at(layer.inputs[0]);
      config.spec = layer.convolution(config.input.c);
      config.in_block = buffers.views[layer_buffers[layer.inputs[0]]].block;
      config.out_block = block;
      config.engine = options.engine;
      const auto pool = pools.find(layer.name);
      if (pool != pools.end() && FusesPooling(config)) {
        step.pooled = layer_buffers[pool->second] = buffers.Add(shapes.at(pool->second), block, i);
      }
    }
    const bool only_pooled = step.pooled >= 0 && CountReaders(network, layer.name) == 1;
    if (!only_pooled) step.output = layer_buffers[layer.name] = buffers.Add(shapes.at(layer.name), block, i);
    bool needs_gradient = layer.kind == LayerKind::kConv2d && !options.frozen(layer.part);
    step.needs_weight_gradient = options.training && needs_gradient;
    step.completes_gradient = step.needs_weight_gradient && with_gradient.insert(layer.parameters).second;
    for (size_t k = 0; k < layer.inputs.size(); ++k) {
      step.inputs.push_back(layer_buffers.at(layer.inputs[k]));
      buffers.Use(step.inputs.back(), i);
      const auto gradient = gradient_buffers.find(layer.inputs[k]);
      if (gradient == gradient_buffers.end()) continue;
      step.input_gradients[k] = gradient->second;
      needs_gradient = true;
    }
    if (options.training && needs_gradient) {
      step.output_gradient = gradient_buffers[layer.name] = buffers.Add(shapes.at(layer.name), block, end - i);
      for (const int gradient : step.input_gradients) buffers.Use(gradient, end - i);
      // Convolutions need their input, ReLU its output and pooling its input again.
      for (const int buffer : step.inputs) buffers.Use(buffer, end - i);
      buffers.Use(step.output, end - i);
    }
    if (layer.kind == LayerKind::kConv2d) {
      config.training = step.needs_weight_gradient;
      config.input_grad = step.input_gradients[0] >= 0;
      std::shared_ptr<ConvWeights>& weights = resources.weights[layer.parameters];
      if (weights == nullptr) {
        weights = std::make_shared<ConvWeights>(layer.out_channels, config.input.c, layer.kernel);
      }
      config.weights = weights;
      config.workspace = resources.workspace;
      ASSIGN_OR_RETURN(step.conv, MakeConv2d(config));
    }
    if (layer.kind == LayerKind::kL2Norm) resources.scales.emplace(layer.parameters, nullptr);
    if (!options.training && options.strips) executor->TakeLastStep(network, i, &step, &buffers);
    executor->steps_.push_back(std::move(step));
  }
  // A frozen early part lets go of its activations as inference does; everything else is kept by the lifetimes above.
  for (const std::string& name : network.outputs) {
    NetworkOutput output{layer_buffers.at(name), buffers.Add(shapes.at(name), /*block=*/1, layer_count)};
    buffers.Use(output.layer_buffer, layer_count);
    buffers.Use(output.plain_buffer, end);
    if (options.training) {
      output.plain_gradient = buffers.Add(shapes.at(name), /*block=*/1, layer_count);
      output.layer_gradient = gradient_buffers.at(name);
      buffers.Use(output.plain_gradient, layer_count + 1);
      buffers.Use(output.layer_gradient, layer_count + 1);
    }
    executor->outputs_[name] = output;
  }
  if (options.training) {
    int64_t largest = 0;
    Shape scratch_shape{1, 1, 1, 0};
    for (const auto& [name, buffer] : gradient_buffers) largest = std::max(largest, buffers.views[buffer].stored());
    scratch_shape.w = static_cast<int>(largest);
    HARDFACE_CHECK(scratch_shape.w == largest);
    executor->scratch_ = buffers.Add(scratch_shape, 1, layer_count + 1);
    buffers.Use(executor->scratch_, end);
  }
  MemoryPlan plan = PlanMemory(buffers.lifetimes);
  executor->arena_floats_ = plan.total;
  executor->offsets_ = std::move(plan.offsets);
  executor->buffers_ = std::move(buffers.views);
  executor->gradient_written_.assign(executor->buffers_.size(), false);
  if (options.resources == nullptr) executor->Bind();
  return executor;
}

void Executor::TakeLastStep(const NetworkSpec& network, int time, Step* step, BufferList* buffers) {
  if (step->conv == nullptr || steps_.empty()) return;
  Step& last = steps_.back();
  const std::string name = last.layer.name;
  if (last.conv == nullptr || last.before != nullptr || last.pooled >= 0 || last.output != step->inputs[0]) return;
  if (CountReaders(network, name) != 1) return;
  const int rows = step->conv->StripRows(*last.conv);
  if (rows == 0) return;
  step->before = std::move(last.conv);
  step->window = last.output;
  step->inputs = std::move(last.inputs);
  steps_.pop_back();
  layer_buffers_.erase(name);
  for (const int input : step->inputs) buffers->Use(input, time);
  TensorView& window = buffers->views[step->window];
  window.shape.n = 1;
  window.shape.h = rows;
  buffers->lifetimes[step->window] = {window.stored(), time, time};
}

void Executor::Bind() {
  float* const base = resources_->arena.Get(arena_floats_);
  for (size_t i = 0; i < buffers_.size(); ++i) buffers_[i].data = base + offsets_[i];
}

void Executor::SetParameters(const ParameterSet& parameters) {
  for (const auto& [name, weights] : resources_->weights) {
    weights->Set(parameters.at(name + ".weight").values.data(), parameters.at(name + ".bias").values.data());
  }
  for (auto& [name, scales] : resources_->scales) scales = parameters.at(name + ".weight").values.data();
}

void Executor::ForwardStep(const Step& step) {
  const TensorView& in = buffers_[step.inputs[0]];
  const TensorView* const out = step.output >= 0 ? &buffers_[step.output] : nullptr;
  switch (step.layer.kind) {
    case LayerKind::kInput:
      break;
    case LayerKind::kConv2d: {
      const TensorView* const pooled = step.pooled >= 0 ? &buffers_[step.pooled] : nullptr;
      if (step.before == nullptr) {
        step.conv->Forward(in, out, pooled);
      } else {
        step.conv->ForwardAfter(step.before.get(), in, buffers_[step.window], out, pooled);
      }
      break;
    }
    case LayerKind::kMaxPool:
      MaxPool2x2(in, *out);
      break;
    case LayerKind::kUpsample:
      Upsample2x(in, *out);
      break;
    case LayerKind::kConcat:
      ConcatChannels(in, buffers_[step.inputs[1]], *out);
      break;
    case LayerKind::kL2Norm:
      L2Normalize(in, resources_->scales.at(step.layer.parameters), *out);
      break;
    case LayerKind::kAdd:
      AddMaps(in, buffers_[step.inputs[1]], step.layer.relu, *out);
      break;
    case LayerKind::kMultiply:
      MultiplyMaps(in, buffers_[step.inputs[1]], *out);
      break;
    case LayerKind::kMaxOut:
      MaxOut(in, step.layer.background_logits, step.layer.face_logits, *out);
      break;
  }
}

void Executor::Forward(const LayerObserver& after) {
  const FlushDenormals flush;
  for (const Step& step : steps_) {
    ForwardStep(step);
    if (after != nullptr) after(step.layer, step.conv.get());
  }
  for (const auto& [name, output] : outputs_) {
    ConvertLayout(buffers_[output.layer_buffer], buffers_[output.plain_buffer]);
    if (output.plain_gradient < 0) continue;
    const TensorView& gradient = buffers_[output.plain_gradient];
    std::fill(gradient.data, gradient.data + gradient.stored(), 0.0f);
  }
}

TensorView Executor::output(const std::string& name) const { return buffers_[outputs_.at(name).plain_buffer]; }

TensorView Executor::output_gradient(const std::string& name) const {
  const NetworkOutput& output = outputs_.at(name);
  HARDFACE_CHECK(output.plain_gradient >= 0);
  return buffers_[output.plain_gradient];
}

Tensor Executor::LayerOutput(const std::string& name) const {
  const TensorView& view = buffers_[layer_buffers_.at(name)];
  Tensor copy(view.shape);
  ConvertLayout(view, copy.view());
  return copy;
}

void Executor::AccumulateInto(int buffer, const std::function<void(const TensorView&)>& operation) {
  if (buffer < 0) return;
  const TensorView& target = buffers_[buffer];
  if (!gradient_written_[buffer]) {
    operation(target);
    gradient_written_[buffer] = true;
    return;
  }
  TensorView scratch = target;
  scratch.data = buffers_[scratch_].data;
  operation(scratch);
  const int64_t count = target.stored();
  for (int64_t i = 0; i < count; ++i) target.data[i] += scratch.data[i];
}

void Executor::BackwardStep(const Step& step, ParameterSet* gradients) {
  const TensorView& in = buffers_[step.inputs[0]];
  const TensorView& gradient = buffers_[step.output_gradient];
  switch (step.layer.kind) {
    case LayerKind::kInput:
      break;
    case LayerKind::kConv2d: {
      if (step.layer.relu) ReluBackward(buffers_[step.output], gradient);
      AccumulateInto(step.input_gradients[0], [&](const TensorView& to) { step.conv->BackwardData(gradient, to); });
      if (!step.needs_weight_gradient) break;
      const std::string& name = step.layer.parameters;
      step.conv->BackwardWeights(in, gradient, gradients->at(name + ".weight").values.data(),
                                 gradients->at(name + ".bias").values.data());
      break;
    }
    case LayerKind::kMaxPool:
      AccumulateInto(step.input_gradients[0], [&](const TensorView& to) { MaxPool2x2Backward(in, gradient, to); });
      break;
    case LayerKind::kUpsample:
      AccumulateInto(step.input_gradients[0], [&](const TensorView& to) { Upsample2xBackward(gradient, to); });
      break;
    case LayerKind::kConcat: {
      // Both inputs always have gradients or none: each has one user, this layer.
      const TensorView& a = buffers_[step.input_gradients[0]];
      const TensorView& b = buffers_[step.input_gradients[1]];
      ConcatChannelsBackward(gradient, a, b);
      gradient_written_[step.input_gradients[0]] = gradient_written_[step.input_gradients[1]] = true;
      break;
    }
    case LayerKind::kL2Norm:
    case LayerKind::kAdd:
    case LayerKind::kMultiply:
    case LayerKind::kMaxOut:
      HARDFACE_CHECK(false);  // CheckTrainable
  }
}

void Executor::Backward(ParameterSet* gradients, const std::function<void(const std::string& layer)>& complete) {
  const FlushDenormals flush;
  gradient_written_.assign(buffers_.size(), false);
  for (const auto& [name, output] : outputs_) {
    ConvertLayout(buffers_[output.plain_gradient], buffers_[output.layer_gradient]);
    gradient_written_[output.layer_gradient] = true;
  }
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    if (step->output_gradient < 0) continue;
    BackwardStep(*step, gradients);
    if (complete != nullptr && step->completes_gradient) complete(step->layer.parameters);
  }
}

}  // namespace hardface::model
