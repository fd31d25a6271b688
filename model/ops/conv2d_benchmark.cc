// Forward and backward time of VGG16's 3x3 convolutions: bazel run //model/ops:conv2d_benchmark. GFLOP/s count a direct
// convolution's operations (2 per multiply-add), so a Winograd kernel can exceed the machine's multiply-add peak.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <vector>

#include "data_tools/base/random.h"
#include "model/ops/conv2d.h"

namespace hardface {
namespace {

enum Pass { kForward, kBackwardData, kBackwardWeights };

void BM_Conv3x3(benchmark::State& state, Conv2dEngine engine, Pass pass) {
  const int channels_in = static_cast<int>(state.range(0)), channels_out = static_cast<int>(state.range(1));
  const int size = static_cast<int>(state.range(2)), block = PreferredBlock();
  Conv2dConfig config{{channels_in, channels_out, 3, 1, false}, {1, channels_in, size, size}, block, block, true};
  config.engine = engine;
  auto conv = MakeConv2d(config);
  std::vector<float> weights(static_cast<size_t>(channels_in) * channels_out * 9), bias(channels_out);
  Random random(1);
  for (float& weight : weights) weight = static_cast<float>(random.Uniform(-1, 1));
  (*conv)->SetWeights(weights.data(), bias.data());
  const Tensor in({1, channels_in, size, size}, block), out({1, channels_out, size, size}, block);
  for (const Tensor* tensor : {&in, &out}) {
    std::generate(tensor->data(), tensor->data() + tensor->view().stored(),
                  [&] { return static_cast<float>(random.Uniform(-1, 1)); });
  }
  for (auto _ : state) {
    if (pass == kForward) (*conv)->Forward(in.view(), out.view());
    if (pass == kBackwardData) (*conv)->BackwardData(out.view(), in.view());
    if (pass == kBackwardWeights) (*conv)->BackwardWeights(in.view(), out.view(), weights.data(), bias.data());
  }
  state.counters["GFLOP/s"] = benchmark::Counter(2e-9 * 9 * channels_in * channels_out * size * size,
                                                 benchmark::Counter::kIsIterationInvariantRate);
}

void Layers(benchmark::internal::Benchmark* benchmark) {
  for (const int divisor : {1, 4}) {
    const std::vector<std::vector<int>> layers = {
        {64, 64, 320}, {128, 128, 160}, {256, 256, 80}, {512, 512, 40}, {512, 512, 20}};
    for (const auto& layer : layers) benchmark->Args({layer[0] / divisor, layer[1] / divisor, layer[2]});
  }
  benchmark->Unit(benchmark::kMillisecond)->UseRealTime()->MinTime(0.2);
}

BENCHMARK_CAPTURE(BM_Conv3x3, forward_fastest, Conv2dEngine::kFastest, kForward)->Apply(Layers);
BENCHMARK_CAPTURE(BM_Conv3x3, forward_direct, Conv2dEngine::kDirect, kForward)->Apply(Layers);
BENCHMARK_CAPTURE(BM_Conv3x3, data_fastest, Conv2dEngine::kFastest, kBackwardData)->Apply(Layers);
BENCHMARK_CAPTURE(BM_Conv3x3, data_direct, Conv2dEngine::kDirect, kBackwardData)->Apply(Layers);
BENCHMARK_CAPTURE(BM_Conv3x3, weights_fastest, Conv2dEngine::kFastest, kBackwardWeights)->Apply(Layers);
BENCHMARK_CAPTURE(BM_Conv3x3, weights_direct, Conv2dEngine::kDirect, kBackwardWeights)->Apply(Layers);

}  // namespace
}  // namespace hardface
