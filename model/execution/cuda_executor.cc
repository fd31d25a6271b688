#include "model/execution/cuda_executor.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "model/cuda/weight_order.h"
#include "model/execution/memory_plan.h"

namespace hardface::model {
namespace {

// Each keeps a call of a plan for each convolution, and perhaps a recorded graph. WIDER FACE's images make some 310
// shapes in detection.
constexpr size_t kMaxEntries = 512;

// Works that an executor keeps recorded: a few keys take turns, such as a pass of which a gradient is sent away and one
// of which none is.
constexpr size_t kMaxWorks = 4;

// The memory plan counts in floats.
int64_t FloatsOf(int64_t bytes) { return (bytes + 3) / 4; }

}  // namespace

absl::Status CudaExecutorResources::Reserve(int64_t arena_bytes, int64_t workspace_bytes) {
  if (arena_bytes <= arena.bytes() && workspace_bytes <= workspace.bytes()) return absl::OkStatus();
  ++moves;
  RETURN_IF_ERROR(context->stream().Synchronize());  // what is queued may use the old memory
  RETURN_IF_ERROR(arena.Grow(arena_bytes, "the network's activations"));
  return workspace.Grow(workspace_bytes, "the convolutions' workspace");
}

absl::Status CudaExecutorResources::Release() {
  ++moves;
  RETURN_IF_ERROR(context->stream().Synchronize());
  arena = DeviceMemory();
  workspace = DeviceMemory();
  return absl::OkStatus();
}

int64_t CudaExecutorResources::bytes() const {
  int64_t bytes = arena.bytes() + workspace.bytes() + packed.bytes();
  for (const auto& [name, of_layer] : weights) bytes += of_layer->bytes();
  for (const auto& [name, of_layer] : scales) bytes += of_layer.bytes();
  return bytes;
}

// Lays out steps and buffers; the counterpart of Executor::Create. Of an executor without resources the memory only.
class CudaExecutor::Builder {
 public:
  Builder(const NetworkSpec& network, const CudaExecutorOptions& options, CudaExecutor* executor)
      : network_(network),
        options_(options),
        executor_(executor),
        layers_(static_cast<int>(network.layers.size())),
        end_(2 * layers_ + 2) {}

  absl::Status Build(const Shape& input) {
    ASSIGN_OR_RETURN(shapes_, InferShapes(network_, input));
    if (options_.training) RETURN_IF_ERROR(CheckTrainable(network_));
    layer_buffers_[network_.layers[0].name] = AddTensor(input, 0);
    for (int i = 1; i < layers_; ++i) RETURN_IF_ERROR(AddStep(i));
    for (const std::string& name : network_.outputs) AddOutput(name);
    if (options_.training) AddScratch();
    MemoryPlan plan = PlanMemory(lifetimes_);
    for (int64_t& offset : plan.offsets) offset *= 4;
    executor_->offsets_ = std::move(plan.offsets);
    executor_->arena_bytes_ = plan.total * 4;
    executor_->gradient_written_.assign(executor_->buffers_.size(), false);
    return absl::OkStatus();
  }

 private:
  int AddPlace(int64_t bytes, int step) {
    lifetimes_.push_back({FloatsOf(bytes), step, step});
    return static_cast<int>(lifetimes_.size()) - 1;
  }
  int AddTensor(const Shape& shape, int step) {
    const DeviceTensor tensor{nullptr, shape, ElementTypeOf(options_.precision)};
    executor_->buffers_.push_back(tensor);
    executor_->places_.push_back(AddPlace(tensor.bytes(), step));
    return static_cast<int>(executor_->buffers_.size()) - 1;
  }
  int AddPlain(const Shape& shape, int first, int last) {
    const int place = AddPlace(shape.size() * static_cast<int64_t>(sizeof(float)), first);
    lifetimes_[static_cast<size_t>(place)].last = last;
    executor_->plain_.push_back({shape, nullptr, place});
    return static_cast<int>(executor_->plain_.size()) - 1;
  }
  void Use(int buffer, int step) {
    if (buffer < 0) return;
    BufferLifetime& lifetime = lifetimes_[static_cast<size_t>(executor_->places_[static_cast<size_t>(buffer)])];
    lifetime.first = std::min(lifetime.first, step);
    lifetime.last = std::max(lifetime.last, step);
  }

  // The backward step of layer i happens at time end - i.
  absl::Status AddStep(int i) {
    const LayerSpec& layer = network_.layers[static_cast<size_t>(i)];
    const bool convolution = layer.kind == LayerKind::kConv2d;
    Step step;
    step.layer = layer;
    step.output = layer_buffers_[layer.name] = AddTensor(shapes_.at(layer.name), i);
    bool needs_gradient = convolution && !options_.frozen(layer.part);
    step.needs_weight_gradient = options_.training && needs_gradient;
    step.completes_gradient = step.needs_weight_gradient && with_gradient_.insert(layer.parameters).second;
    for (size_t k = 0; k < layer.inputs.size(); ++k) {
      step.inputs.push_back(layer_buffers_.at(layer.inputs[k]));
      Use(step.inputs.back(), i);
      const auto gradient = gradient_buffers_.find(layer.inputs[k]);
      if (gradient == gradient_buffers_.end()) continue;
      step.input_gradients[k] = gradient->second;
      needs_gradient = true;
    }
    if (options_.training && needs_gradient) {
      step.output_gradient = gradient_buffers_[layer.name] = AddTensor(shapes_.at(layer.name), end_ - i);
      for (const int gradient : step.input_gradients) Use(gradient, end_ - i);
      // Convolutions need their input, ReLU its output and pooling its input again.
      for (const int buffer : step.inputs) Use(buffer, end_ - i);
      Use(step.output, end_ - i);
    }
    if (convolution && executor_->resources_ != nullptr) RETURN_IF_ERROR(AddConvolution(&step));
    if (layer.kind == LayerKind::kL2Norm && executor_->resources_ != nullptr) RETURN_IF_ERROR(AddScales(layer));
    executor_->steps_.push_back(std::move(step));
    return absl::OkStatus();
  }

  absl::Status AddConvolution(Step* step) {
    const LayerSpec& layer = step->layer;
    Conv2dCudaConfig config;
    config.input = shapes_.at(layer.inputs[0]);
    config.spec = layer.convolution(config.input.c);
    config.precision = options_.precision;
    config.training = step->needs_weight_gradient;
    config.input_grad = step->input_gradients[0] >= 0;
    config.deterministic = options_.deterministic;
    config.max_workspace = options_.max_workspace;
    // A frozen convolution after a trained layer would need the data pass alone; no detector has one.
    if (config.input_grad && !config.training) {
      return absl::UnimplementedError(absl::StrCat("layer ", layer.name, " is frozen, and what comes before is not"));
    }
    auto& known = executor_->resources_->weights;
    if (known.count(layer.parameters) == 0) {
      ASSIGN_OR_RETURN(auto weights, DeviceConvWeights::Create(layer.out_channels, config.input.c, layer.kernel,
                                                               ElementTypeOf(options_.precision)));
      known.emplace(layer.parameters, std::move(weights));
    }
    step->weights = known.at(layer.parameters);
    ASSIGN_OR_RETURN(step->conv, Conv2dCuda::Create(config, executor_->resources_->context));
    executor_->workspace_bytes_ = std::max(executor_->workspace_bytes_, step->conv->workspace_bytes());
    return absl::OkStatus();
  }

  absl::Status AddScales(const LayerSpec& layer) {
    auto& known = executor_->resources_->scales;
    if (known.count(layer.parameters) > 0) return absl::OkStatus();
    const int64_t bytes =
        int64_t{StoredChannels(shapes_.at(layer.name).c)} * ElementBytes(ElementTypeOf(options_.precision));
    ASSIGN_OR_RETURN(auto memory, DeviceMemory::Allocate(bytes, "scales"));
    known.emplace(layer.parameters, std::move(memory));
    return absl::OkStatus();
  }

  void AddOutput(const std::string& name) {
    NetworkOutput output;
    output.layer_buffer = layer_buffers_.at(name);
    Use(output.layer_buffer, layers_);
    output.plain = AddPlain(shapes_.at(name), layers_, end_);
    if (options_.training) {
      output.layer_gradient = gradient_buffers_.at(name);
      Use(output.layer_gradient, layers_ + 1);
      output.plain_gradient = AddPlain(shapes_.at(name), layers_, layers_ + 1);
    }
    executor_->outputs_[name] = output;
  }

  void AddScratch() {
    int64_t largest = 0;
    for (const auto& [name, buffer] : gradient_buffers_) {
      largest = std::max(largest, executor_->buffers_[static_cast<size_t>(buffer)].bytes());
    }
    executor_->scratch_place_ = AddPlace(largest, layers_ + 1);
    lifetimes_[static_cast<size_t>(executor_->scratch_place_)].last = end_;
  }

  const NetworkSpec& network_;
  const CudaExecutorOptions& options_;
  CudaExecutor* const executor_;
  const int layers_, end_;
  std::map<std::string, Shape> shapes_;
  std::map<std::string, int> layer_buffers_, gradient_buffers_;
  std::set<std::string> with_gradient_;  // names of parameters
  std::vector<BufferLifetime> lifetimes_;
};

absl::StatusOr<std::unique_ptr<CudaExecutor>> CudaExecutor::Create(const NetworkSpec& network, const Shape& input,
                                                                   const CudaExecutorOptions& options) {
  HARDFACE_CHECK(options.resources != nullptr);
  std::unique_ptr<CudaExecutor> executor(new CudaExecutor);
  executor->resources_ = options.resources;
  executor->training_ = options.training;
  executor->record_graph_ = options.record_graph;
  RETURN_IF_ERROR(Builder(network, options, executor.get()).Build(input));
  RETURN_IF_ERROR(executor->Bind());
  return executor;
}

absl::StatusOr<int64_t> CudaExecutor::ActivationBytes(const NetworkSpec& network, const Shape& input,
                                                      const CudaExecutorOptions& options) {
  CudaExecutor layout;
  RETURN_IF_ERROR(Builder(network, options, &layout).Build(input));
  return layout.arena_bytes_;
}

absl::Status CudaExecutor::Bind() {
  RETURN_IF_ERROR(resources_->Reserve(arena_bytes_, workspace_bytes_));
  if (bound_moves_ == resources_->moves) return absl::OkStatus();
  char* const base = resources_->arena.as<char>();
  const auto address = [&](int place) { return base + offsets_[static_cast<size_t>(place)]; };
  for (size_t i = 0; i < buffers_.size(); ++i) buffers_[i].data = address(places_[i]);
  for (PlainBuffer& plain : plain_) plain.data = reinterpret_cast<float*>(address(plain.place));
  bound_moves_ = resources_->moves;
  forward_.Forget();
  works_.clear();
  return absl::OkStatus();
}

absl::Status CudaExecutor::SetParameters(const DeviceParameters& parameters) {
  for (const auto& [name, weights] : resources_->weights) {
    RETURN_IF_ERROR(weights->Set(parameters.at(name + ".weight"), parameters.at(name + ".bias"), stream()));
  }
  for (const auto& [name, scales] : resources_->scales) {
    const std::string of_layer = name + ".weight";
    RETURN_IF_ERROR(PackBias(parameters.at(of_layer), static_cast<int>(parameters.size_of(of_layer)), buffers_[0].type,
                             scales.data(), stream()));
  }
  return absl::OkStatus();
}

absl::Status CudaExecutor::ForwardStep(const Step& step) {
  const DeviceTensor& in = buffers_[static_cast<size_t>(step.inputs[0])];
  const DeviceTensor& out = buffers_[static_cast<size_t>(step.output)];
  switch (step.layer.kind) {
    case LayerKind::kInput:
      break;
    case LayerKind::kConv2d:
      return step.conv->Forward(*step.weights, in, out, resources_->workspace.data());
    case LayerKind::kMaxPool:
      return MaxPool2x2(in, out, stream());
    case LayerKind::kUpsample:
      return Upsample2x(in, out, stream());
    case LayerKind::kConcat:
      return ConcatChannels(in, buffers_[static_cast<size_t>(step.inputs[1])], out, stream());
    case LayerKind::kL2Norm:
      return L2Normalize(in, resources_->scales.at(step.layer.parameters).data(), out, stream());
    case LayerKind::kAdd:
      return AddMaps(in, buffers_[static_cast<size_t>(step.inputs[1])], step.layer.relu, out, stream());
    case LayerKind::kMultiply:
      return MultiplyMaps(in, buffers_[static_cast<size_t>(step.inputs[1])], out, stream());
    case LayerKind::kMaxOut:
      return MaxOut(in, step.layer.background_logits, step.layer.face_logits, out, stream());
  }
  return absl::OkStatus();
}

absl::Status CudaExecutor::ForwardSteps() {
  for (const Step& step : steps_) RETURN_IF_ERROR(ForwardStep(step));
  for (const auto& [name, output] : outputs_) {
    RETURN_IF_ERROR(ToPlanar(buffers_[static_cast<size_t>(output.layer_buffer)],
                             plain_[static_cast<size_t>(output.plain)].data, stream()));
    if (output.plain_gradient < 0) continue;
    const PlainBuffer& gradient = plain_[static_cast<size_t>(output.plain_gradient)];
    RETURN_IF_ERROR(
        FillWithZeros(gradient.data, gradient.shape.size() * static_cast<int64_t>(sizeof(float)), stream()));
  }
  return absl::OkStatus();
}

absl::Status CudaExecutor::Forward() {
  HARDFACE_CHECK(bound_moves_ == resources_->moves);  // else Bind() was forgotten
  if (!record_graph_ || training_) return ForwardSteps();
  return forward_.Run(stream(), [this] { return ForwardSteps(); });
}

absl::Status CudaExecutor::Run(const std::vector<int64_t>& key, const std::function<absl::Status()>& work) {
  if (!record_graph_) return work();
  auto known = works_.find(key);
  if (known == works_.end()) {
    if (works_.size() == kMaxWorks) {
      RETURN_IF_ERROR(resources_->context->stream().Synchronize());  // a graph that goes may still be running
      works_.clear();
    }
    known = works_.emplace(key, RecordedWork(kRunsBeforeTraining)).first;
  }
  return known->second.Run(stream(), work);
}

bool CudaExecutor::recorded() const {
  return forward_.recorded() ||
         std::any_of(works_.begin(), works_.end(), [](const auto& work) { return work.second.recorded(); });
}

TensorView CudaExecutor::output(const std::string& name) const {
  const PlainBuffer& plain = plain_[static_cast<size_t>(outputs_.at(name).plain)];
  return {plain.data, plain.shape, /*block=*/1};
}

TensorView CudaExecutor::output_gradient(const std::string& name) const {
  HARDFACE_CHECK(training_);
  const PlainBuffer& plain = plain_[static_cast<size_t>(outputs_.at(name).plain_gradient)];
  return {plain.data, plain.shape, /*block=*/1};
}

absl::Status CudaExecutor::AccumulateInto(int buffer,
                                          const std::function<absl::Status(const DeviceTensor&)>& operation) {
  if (buffer < 0) return absl::OkStatus();
  const DeviceTensor& target = buffers_[static_cast<size_t>(buffer)];
  if (!gradient_written_[static_cast<size_t>(buffer)]) {
    gradient_written_[static_cast<size_t>(buffer)] = true;
    return operation(target);
  }
  DeviceTensor scratch = target;
  scratch.data = resources_->arena.as<char>() + offsets_[static_cast<size_t>(scratch_place_)];
  RETURN_IF_ERROR(operation(scratch));
  return Add(scratch, target, stream());
}

absl::Status CudaExecutor::BackwardStep(const Step& step, const DeviceParameters& gradients) {
  const DeviceTensor& in = buffers_[static_cast<size_t>(step.inputs[0])];
  const DeviceTensor& gradient = buffers_[static_cast<size_t>(step.output_gradient)];
  void* const workspace = resources_->workspace.data();
  switch (step.layer.kind) {
    case LayerKind::kInput:
      break;
    case LayerKind::kConv2d: {
      // Of a convolution that is run backward the weights have a gradient, too (Builder::AddConvolution).
      const std::string& name = step.layer.parameters;
      RETURN_IF_ERROR(step.conv->BackwardRelu(buffers_[static_cast<size_t>(step.output)], gradient,
                                              gradients.at(name + ".bias"), workspace));
      RETURN_IF_ERROR(AccumulateInto(step.input_gradients[0], [&](const DeviceTensor& to) {
        return step.conv->BackwardData(*step.weights, gradient, to, workspace);
      }));
      return step.conv->BackwardWeights(in, gradient, gradients.at(name + ".weight"), workspace);
    }
    case LayerKind::kMaxPool:
      return AccumulateInto(step.input_gradients[0],
                            [&](const DeviceTensor& to) { return MaxPool2x2Backward(in, gradient, to, stream()); });
    case LayerKind::kUpsample:
      return AccumulateInto(step.input_gradients[0],
                            [&](const DeviceTensor& to) { return Upsample2xBackward(gradient, to, stream()); });
    case LayerKind::kConcat: {
      // Both inputs always have gradients or none: each has one user, this layer.
      const auto [a, b] = step.input_gradients;
      gradient_written_[static_cast<size_t>(a)] = gradient_written_[static_cast<size_t>(b)] = true;
      return ConcatChannelsBackward(gradient, buffers_[static_cast<size_t>(a)], buffers_[static_cast<size_t>(b)],
                                    stream());
    }
    case LayerKind::kL2Norm:
    case LayerKind::kAdd:
    case LayerKind::kMultiply:
    case LayerKind::kMaxOut:
      HARDFACE_CHECK(false);  // CheckTrainable
  }
  return absl::OkStatus();
}

absl::Status CudaExecutor::Backward(float loss_scale, const DeviceParameters& gradients,
                                    const std::function<absl::Status(const std::string& layer)>& complete) {
  HARDFACE_CHECK(training_);
  gradient_written_.assign(buffers_.size(), false);
  for (const auto& [name, output] : outputs_) {
    RETURN_IF_ERROR(FromPlanar(plain_[static_cast<size_t>(output.plain_gradient)].data, loss_scale,
                               buffers_[static_cast<size_t>(output.layer_gradient)], stream()));
    gradient_written_[static_cast<size_t>(output.layer_gradient)] = true;
  }
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    if (step->output_gradient < 0) continue;
    RETURN_IF_ERROR(BackwardStep(*step, gradients));
    if (complete != nullptr && step->completes_gradient) RETURN_IF_ERROR(complete(step->layer.parameters));
  }
  return absl::OkStatus();
}

bool CudaExecutorCache::Has(const Shape& shape) const {
  return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.shape == shape; });
}

// Two tables on the device: the parameters that are packed, and behind them which of them each block of the parameters'
// memory belongs to.
absl::Status CudaExecutorCache::PackAgain(const DeviceParameters& parameters) {
  CudaExecutorResources& resources = *options_.resources;
  const CudaStream& stream = resources.context->stream();
  const auto count = static_cast<int64_t>(2 * resources.weights.size() + resources.scales.size());
  const int64_t table_bytes = count * static_cast<int64_t>(sizeof(PackedParameter));
  if (resources.packed.data() == nullptr) {
    std::vector<PackedParameter> packed;
    const auto add = [&](const std::string& name, PackedParameter parameter) {
      parameter.begin = parameters.at(name) - parameters.data();
      parameter.size = parameters.size_of(name);
      packed.push_back(parameter);
    };
    for (const auto& [name, of_layer] : resources.weights) {
      add(name + ".weight", of_layer->packed_weights());
      add(name + ".bias", of_layer->packed_bias());
    }
    for (const auto& [name, of_layer] : resources.scales) add(name + ".weight", {0, 0, of_layer.data()});
    std::vector<int> of_block(static_cast<size_t>(parameters.size() / kParameterBlock), -1);
    for (size_t i = 0; i < packed.size(); ++i) {
      const int64_t end = packed[i].begin + packed[i].size;
      for (int64_t block = packed[i].begin / kParameterBlock; block * kParameterBlock < end; ++block) {
        of_block[static_cast<size_t>(block)] = static_cast<int>(i);
      }
    }
    const auto block_bytes = static_cast<int64_t>(of_block.size() * sizeof(int));
    ASSIGN_OR_RETURN(DeviceMemory memory, DeviceMemory::Allocate(table_bytes + block_bytes, "the packing of weights"));
    RETURN_IF_ERROR(CopyToDevice(packed.data(), memory.data(), table_bytes, stream.handle()));
    RETURN_IF_ERROR(CopyToDevice(of_block.data(), memory.as<char>() + table_bytes, block_bytes, stream.handle()));
    RETURN_IF_ERROR(stream.Synchronize());
    resources.packed = std::move(memory);
  }
  return PackAll(parameters.data(), parameters.size(),
                 reinterpret_cast<const int*>(resources.packed.as<char>() + table_bytes),
                 resources.packed.as<PackedParameter>(), ElementTypeOf(options_.precision), stream.handle());
}

absl::StatusOr<CudaExecutor*> CudaExecutorCache::Get(const Shape& shape, const DeviceParameters& parameters,
                                                     int64_t version) {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.shape == shape; });
  if (found != entries_.end()) {
    entries_.splice(entries_.begin(), entries_, found);
  } else {
    ASSIGN_OR_RETURN(auto executor, CudaExecutor::Create(network_, shape, options_));
    options_.resources->context->SavePlans();
    entries_.push_front({shape, std::move(executor)});
    if (entries_.size() > kMaxEntries) {
      // Its graph and the kernels that its plans hold may still be running.
      RETURN_IF_ERROR(options_.resources->context->stream().Synchronize());
      entries_.pop_back();
    }
  }
  CudaExecutor* const executor = entries_.front().executor.get();
  RETURN_IF_ERROR(executor->Bind());
  if (version_ == version) return executor;
  RETURN_IF_ERROR(version_ < 0 ? executor->SetParameters(parameters) : PackAgain(parameters));
  version_ = version;
  return executor;
}

}  // namespace hardface::model
