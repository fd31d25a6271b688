// Forward and backward time of VGG16's 3x3 convolutions: bazel run //model:conv2d_benchmark [-- --benchmark_filter=...
// --benchmark_format=json]. OMP_NUM_THREADS sets the threads. GFLOP/s count a direct convolution's operations (2 per
// multiply-add), so a Winograd kernel can exceed the machine's multiply-add peak.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "model/execution/benchmark_main.h"
#include "model/ops/conv2d.h"

namespace hardface::model {
namespace {

enum Pass { kForward, kBackwardData, kBackwardWeights };

// Arguments: input channels, output channels, height and width.
void BM_Conv3x3(benchmark::State& state, const std::string& engine, Pass pass) {
  const int channels_in = static_cast<int>(state.range(0)), channels_out = static_cast<int>(state.range(1));
  const int size = static_cast<int>(state.range(2)), block = PreferredBlock();
  const int in_block = channels_in == 3 ? 1 : block;
  Conv2dConfig config{{channels_in, channels_out, 3, 1, true}, {1, channels_in, size, size}, in_block, block};
  config.training = pass != kForward;
  config.input_grad = pass == kBackwardData;
  config.engine = *ParseConv2dEngine(engine);
  auto conv = MakeConv2d(config);
  std::vector<float> weights(static_cast<size_t>(channels_in) * channels_out * 9), bias(channels_out);
  Random random(1);
  for (float& weight : weights) weight = static_cast<float>(random.Uniform(-1, 1));
  (*conv)->weights().Set(weights.data(), bias.data());
  std::vector<float> grad_weights(weights.size()), grad_bias(bias.size());
  const Tensor in({1, channels_in, size, size}, in_block), out({1, channels_out, size, size}, block);
  for (const Tensor* tensor : {&in, &out}) {
    std::generate(tensor->data(), tensor->data() + tensor->view().stored(),
                  [&] { return static_cast<float>(random.Uniform(-1, 1)); });
  }
  for (auto _ : state) {
    if (pass == kForward) (*conv)->Forward(in.view(), out.view());
    if (pass == kBackwardData) (*conv)->BackwardData(out.view(), in.view());
    if (pass == kBackwardWeights) {
      (*conv)->BackwardWeights(in.view(), out.view(), grad_weights.data(), grad_bias.data());
    }
  }
  state.counters["GFLOP/s"] = benchmark::Counter(2e-9 * 9 * channels_in * channels_out * size * size,
                                                 benchmark::Counter::kIsIterationInvariantRate);
}

// VGG16's layers for a 640x640 image at full width, and at a quarter of it.
void Layers(benchmark::internal::Benchmark* benchmark, bool first_layer) {
  for (const int divisor : {1, 4}) {
    const std::vector<std::vector<int>> layers = {{64, 64, 640},   {64, 128, 320},  {128, 128, 320},
                                                  {128, 256, 160}, {256, 256, 160}, {256, 512, 80},
                                                  {512, 512, 80},  {512, 512, 40},  {512, 512, 20}};
    if (first_layer) benchmark->Args({3, 64 / divisor, 640});
    for (const auto& layer : layers) benchmark->Args({layer[0] / divisor, layer[1] / divisor, layer[2]});
  }
  benchmark->Unit(benchmark::kMillisecond)->UseRealTime()->MinTime(0.2);
}

void Register() {
  for (const char* engine : {"fastest", "winograd4", "winograd6", "onednn_winograd", "onednn_direct"}) {
    for (const auto& [name, pass] : std::vector<std::pair<std::string, Pass>>{
             {"forward", kForward}, {"backward_data", kBackwardData}, {"backward_weights", kBackwardWeights}}) {
      Layers(benchmark::RegisterBenchmark((name + "/" + engine).c_str(), &BM_Conv3x3, std::string(engine), pass),
             /*first_layer=*/pass != kBackwardData);
    }
  }
}

}  // namespace
}  // namespace hardface::model

int main(int argc, char** argv) { return hardface::model::BenchmarkMain(argc, argv, &hardface::model::Register); }
