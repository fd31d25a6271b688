// Time of networks on a GPU, random weights: cuda_executor_benchmark [--benchmark_filter=... --benchmark_format=json].
//   detector   forward of the whole detector, full width, image already on the device; the argument names as
//              executor_benchmark's: batch, height, width
//   training   packing of the weights, forward and backward, conv1_* and conv2_* frozen as in the paper: the latter two
//   as
//              one graph, as `train` has them for shapes that come often
//   training_by_calls  the same, queued call by call
//   convolution  one 512 to 512 channel layer: the rate that cuDNN reaches for the largest of ours
//   copy       device memory to itself: what the memory gives
// Times are of the device, between two events. compare_cuda.py runs it beside PyTorch.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "base/status_macros.h"
#include "model/detectors/detector.h"
#include "model/execution/benchmark_main.h"
#include "model/execution/cuda_executor.h"
#include "model/ops/device_ops.h"
#include "model/weights/parameters.h"

namespace hardface::model {
namespace {

// Ends the benchmark with STATUS as its error.
bool Failed(const absl::Status& status, benchmark::State* state) {
  if (!status.ok()) state->SkipWithError(std::string(status.message()).c_str());
  return !status.ok();
}

// One context for all, so that plans found stay.
absl::StatusOr<std::shared_ptr<CudaContext>> SharedContext() {
  static const auto* const context = new absl::StatusOr<std::shared_ptr<CudaContext>>(CudaContext::Create({}));
  return *context;
}

// Fills COUNT floats of device memory with numbers from -1 to 1. Numbers must be random: on zeros a GPU draws less
// power and clocks higher.
absl::Status FillWithRandomNumbers(float* to, int64_t count, const CudaStream& stream) {
  constexpr int64_t kBlock = int64_t{1} << 20;
  std::vector<float> block(kBlock);
  Random random(1);
  for (float& value : block) value = static_cast<float>(random.Uniform(-1, 1));
  for (int64_t i = 0; i < count; i += kBlock) {
    const int64_t bytes = std::min(kBlock, count - i) * static_cast<int64_t>(sizeof(float));
    RETURN_IF_ERROR(CopyToDevice(block.data(), to + i, bytes, stream.handle()));
  }
  return stream.Synchronize();
}

absl::Status FillWithRandomNumbers(const DeviceTensor& tensor, const CudaStream& stream) {
  const int64_t count = tensor.shape.size();
  ASSIGN_OR_RETURN(const DeviceMemory planar,
                   DeviceMemory::Allocate(count * static_cast<int64_t>(sizeof(float)), "a benchmark"));
  RETURN_IF_ERROR(FillWithRandomNumbers(planar.as<float>(), count, stream));
  RETURN_IF_ERROR(FromPlanar(planar.as<float>(), 1.0f, tensor, stream.handle()));
  return stream.Synchronize();
}

// Runs RUN until the benchmark has enough, timing each on the device.
void TimeOnDevice(const CudaContext& context, const std::function<absl::Status()>& run, benchmark::State* state) {
  const auto begin = CudaEvent::Create(/*timed=*/true), end = CudaEvent::Create(/*timed=*/true);
  if (Failed(begin.status(), state) || Failed(end.status(), state)) return;
  for (int warm = 0; warm < 5; ++warm) {  // loads kernels, records graphs, brings clocks up
    if (Failed(run(), state)) return;
  }
  if (Failed(context.stream().Synchronize(), state)) return;
  for (auto _ : *state) {
    const absl::Status status = [&]() -> absl::Status {
      if (absl::Status s = begin->Record(context.stream().handle()); !s.ok()) return s;
      if (absl::Status s = run(); !s.ok()) return s;
      if (absl::Status s = end->Record(context.stream().handle()); !s.ok()) return s;
      return end->Synchronize();
    }();
    if (Failed(status, state)) return;
    state->SetIterationTime(*end->MillisecondsSince(*begin) * 1e-3);
  }
}

enum class Work { kDetector, kTraining, kTrainingByCalls };

void BM_Network(benchmark::State& state, Precision precision, Work work) {
  const auto context = SharedContext();
  if (Failed(context.status(), &state)) return;
  const NetworkSpec network = BuildDetector({})->network;
  const Shape shape{static_cast<int>(state.range(0)), 3, static_cast<int>(state.range(1)),
                    static_cast<int>(state.range(2))};
  CudaExecutorOptions options;
  const bool training = work != Work::kDetector;
  options.precision = precision;
  options.training = training;
  options.record_graph = work != Work::kTrainingByCalls;
  options.deterministic = false;  // as PyTorch's default is
  options.frozen = [](NetworkPart part) { return part == NetworkPart::kEarly; };
  options.resources = std::make_shared<CudaExecutorResources>(*context);
  CudaExecutorCache cache(network, options);
  const std::vector<ParameterSpec> specs = ListParameters(network);
  const CudaStream& stream = (*context)->stream();
  auto parameters = DeviceParameters::Create(specs, stream.handle());
  const auto gradients = DeviceParameters::Create(specs, stream.handle());
  if (Failed(parameters.status(), &state) || Failed(gradients.status(), &state)) return;
  if (Failed(parameters->Upload(InitializeParameters(specs, Initialization::kHe, 1), stream), &state)) return;
  int64_t version = 0;
  const auto executor = cache.Get(shape, *parameters, version);
  if (Failed(executor.status(), &state)) return;
  if (Failed(FillWithRandomNumbers((*executor)->input(), stream), &state)) return;
  // Forward() sets the outputs' gradients to zero, so that each run gets them anew from here.
  int64_t largest = 0;
  for (const std::string& name : network.outputs) largest = std::max(largest, (*executor)->output(name).shape.size());
  constexpr auto kFloat = static_cast<int64_t>(sizeof(float));
  const auto slopes = DeviceMemory::Allocate(largest * kFloat, "a benchmark");
  if (Failed(slopes.status(), &state)) return;
  if (Failed(FillWithRandomNumbers(slopes->as<float>(), largest, stream), &state)) return;
  TimeOnDevice(
      **context,
      [&]() -> absl::Status {
        if (!training) return (*executor)->Forward();
        // As after an update.
        if (const auto updated = cache.Get(shape, *parameters, ++version); !updated.ok()) return updated.status();
        return (*executor)->Run({}, [&]() -> absl::Status {
          RETURN_IF_ERROR((*executor)->Forward());
          for (const std::string& name : network.outputs) {
            const TensorView gradient = (*executor)->output_gradient(name);
            RETURN_IF_ERROR(
                CopyOnDevice(slopes->data(), gradient.data, gradient.shape.size() * kFloat, stream.handle()));
          }
          return (*executor)->Backward(1, *gradients);
        });
      },
      &state);
  const double gflop = *CountFlops(network, shape) * 1e-9;
  state.counters["GFLOP"] = gflop;  // of the forward pass
  state.counters["MB"] = static_cast<double>((*executor)->resources().bytes()) * 1e-6;
}

void BM_Convolution(benchmark::State& state, Precision precision) {
  const auto context = SharedContext();
  if (Failed(context.status(), &state)) return;
  Conv2dCudaConfig config;
  config.spec = {512, 512, 3, 1, true};
  config.input = {static_cast<int>(state.range(0)), 512, 120, 160};
  config.precision = precision;
  config.deterministic = false;
  const auto convolution = Conv2dCuda::Create(config, *context);
  const auto weights = DeviceConvWeights::Create(512, 512, 3, ElementTypeOf(precision));
  if (Failed(convolution.status(), &state) || Failed(weights.status(), &state)) return;
  DeviceTensor in{nullptr, config.input, ElementTypeOf(precision)};
  const auto in_memory = DeviceMemory::Allocate(in.bytes(), "a benchmark");
  const auto out_memory = DeviceMemory::Allocate(in.bytes(), "a benchmark");
  const auto workspace = DeviceMemory::Allocate((*convolution)->workspace_bytes(), "a benchmark");
  if (Failed(in_memory.status(), &state) || Failed(out_memory.status(), &state)) return;
  if (Failed(workspace.status(), &state)) return;
  in.data = in_memory->data();
  DeviceTensor out = in;
  out.data = out_memory->data();
  const CudaStream& stream = (*context)->stream();
  constexpr int64_t kWeights = int64_t{512} * 512 * 9;
  const auto random = DeviceMemory::Allocate(kWeights * static_cast<int64_t>(sizeof(float)), "a benchmark");
  if (Failed(random.status(), &state)) return;
  if (Failed(FillWithRandomNumbers(in, stream), &state)) return;
  if (Failed(FillWithRandomNumbers(random->as<float>(), kWeights, stream), &state)) return;
  const float* const numbers = random->as<float>();
  if (Failed((*weights)->Set(numbers, numbers, stream.handle()), &state)) return;
  TimeOnDevice(
      **context, [&] { return (*convolution)->Forward(**weights, in, out, workspace->data()); }, &state);
  state.counters["GFLOP"] = 2e-9 * static_cast<double>(config.input.size()) * 512 * 9;
}

void BM_Copy(benchmark::State& state) {
  const auto context = SharedContext();
  if (Failed(context.status(), &state)) return;
  const auto from = DeviceMemory::Allocate(state.range(0), "a benchmark");
  const auto to = DeviceMemory::Allocate(state.range(0), "a benchmark");
  if (Failed(from.status(), &state) || Failed(to.status(), &state)) return;
  const CudaStreamHandle stream = (*context)->stream().handle();
  TimeOnDevice(
      **context, [&] { return CopyOnDevice(from->data(), to->data(), state.range(0), stream); }, &state);
  state.SetBytesProcessed(2 * state.iterations() * state.range(0));
}

void Register() {
  for (const Precision precision : {Precision::kFp32, Precision::kTf32, Precision::kBf16, Precision::kFp16}) {
    const auto add = [&](const std::string& name, auto function) {
      return benchmark::RegisterBenchmark((name + "/" + PrecisionName(precision)).c_str(), function)
          ->Unit(benchmark::kMillisecond)
          ->UseManualTime();
    };
    auto* const detector =
        add("detector", [precision](benchmark::State& state) { BM_Network(state, precision, Work::kDetector); });
    for (const int batch : {1, 8}) detector->Args({batch, 640, 640})->Args({batch, 960, 1280});
    for (const auto& [name, work] :
         {std::pair("training", Work::kTraining), std::pair("training_by_calls", Work::kTrainingByCalls)}) {
      auto* const training =
          add(name, [precision, work = work](benchmark::State& state) { BM_Network(state, precision, work); });
      for (const int batch : {1, 8}) training->Args({batch, 640, 640});
      training->Args({32, 320, 320});
    }
    add("convolution", [precision](benchmark::State& state) { BM_Convolution(state, precision); })->Arg(1)->Arg(8);
  }
  benchmark::RegisterBenchmark("copy", &BM_Copy)->Arg(1 << 30)->UseManualTime();
}

}  // namespace
}  // namespace hardface::model

int main(int argc, char** argv) {
  if (hardface::model::CudaDeviceCount() == 0) {
    std::fprintf(stderr, "cuda_executor_benchmark: %s\n", hardface::model::WhyNoCuda().c_str());
    return 1;
  }
  return hardface::model::BenchmarkMain(argc, argv, &hardface::model::Register);
}
