// Time of networks on the CPU, random weights: bazel run //model/execution:executor_benchmark [--
// --benchmark_filter=...
// --benchmark_format=json]. OMP_NUM_THREADS sets the threads.
//   trunk      VGG16's conv1_1 .. conv5_3
//   detector   the whole detector with dilated heads
//   training   forward and backward of the detector, nothing frozen
// Arguments: width divisor, height, width.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "model/detectors/detector.h"
#include "model/execution/benchmark_main.h"
#include "model/execution/executor.h"
#include "model/execution/timing.h"
#include "model/weights/parameters.h"

namespace hardface::model {
namespace {

NetworkSpec BuildNetwork(int width_divisor, bool trunk_only) {
  DetectorOptions options;
  options.width_divisor = width_divisor;
  NetworkSpec network = BuildDetector(options)->network;
  if (!trunk_only) return network;
  const auto last = std::find_if(network.layers.begin(), network.layers.end(),
                                 [](const LayerSpec& layer) { return layer.name == "conv5_3"; });
  network.layers.erase(last + 1, network.layers.end());
  network.outputs = {"conv5_3"};
  return network;
}

void BM_Network(benchmark::State& state, const std::string& engine, bool trunk_only, bool training) {
  const NetworkSpec network = BuildNetwork(static_cast<int>(state.range(0)), trunk_only);
  const Shape shape{1, 3, static_cast<int>(state.range(1)), static_cast<int>(state.range(2))};
  ExecutorOptions options;
  options.engine = *ParseConv2dEngine(engine);
  options.training = training;
  const auto executor = *Executor::Create(network, shape, options);
  const std::vector<ParameterSpec> specs = ListParameters(network);
  const ParameterSet parameters = InitializeParameters(specs, Initialization::kHe, 1);
  ParameterSet gradients = training ? ZeroParameters(specs) : ParameterSet();
  executor->SetParameters(parameters);
  FillInputForTiming(executor->input());
  const auto run = [&] {
    if (training) executor->SetParameters(parameters);  // as after an update: weights are packed anew
    executor->Forward();
    if (!training) return;
    for (const std::string& name : network.outputs) {
      const TensorView gradient = executor->output_gradient(name);
      std::fill(gradient.data, gradient.data + gradient.stored(), 1e-3f);
    }
    executor->Backward(&gradients);
  };
  run();
  for (auto _ : state) run();
  state.counters["GFLOP"] = *CountFlops(network, shape) * 1e-9 * (training ? 3 : 1);
  const ExecutorResources& held = executor->resources();
  state.counters["MB"] = static_cast<double>(held.bytes()) * 1e-6;
  state.counters["activations_MB"] = static_cast<double>(held.arena.bytes()) * 1e-6;
  state.counters["workspace_MB"] = static_cast<double>(held.workspace->bytes()) * 1e-6;
}

void Register() {
  for (const char* engine : {"fastest", "winograd4", "winograd6", "onednn_winograd", "onednn_direct", "onednn_bf16"}) {
    if (!ParseConv2dEngine(engine).ok()) continue;  // this processor has no bf16
    const auto add = [engine](const std::string& name, bool trunk, bool training) {
      auto* const added = benchmark::RegisterBenchmark((name + "/" + engine).c_str(), &BM_Network, std::string(engine),
                                                       trunk, training);
      for (const int divisor : {1, 4}) {
        added->Args({divisor, 640, 640});
        if (!trunk) added->Args({divisor, 320, 320});
        if (!trunk && !training) added->Args({divisor, 960, 1280});
      }
      added->Unit(benchmark::kMillisecond)->UseRealTime()->MeasureProcessCPUTime()->MinTime(1);
    };
    add("trunk", true, false);
    add("detector", false, false);
    add("training", false, true);
  }
}

}  // namespace
}  // namespace hardface::model

int main(int argc, char** argv) { return hardface::model::BenchmarkMain(argc, argv, &hardface::model::Register); }
