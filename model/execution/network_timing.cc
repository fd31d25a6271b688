#include "model/execution/network_timing.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/check.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "model/execution/cuda_executor.h"
#include "model/execution/detector_runner.h"
#include "model/execution/executor_cache.h"
#include "model/execution/image_input.h"
#include "model/execution/timing.h"
#include "model/weights/parameters.h"

namespace hardface::model {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

class CpuNetwork : public TimedNetwork {
 public:
  CpuNetwork(const NetworkSpec& network, Conv2dEngine engine)
      : parameters_(InitializeParameters(ListParameters(network), Initialization::kHe, /*seed=*/1)),
        executors_(network, ExecutorOptions{/*training=*/false, engine}) {
    for (const auto& [name, array] : parameters_) parameter_bytes_ += static_cast<int64_t>(array.values.size() * 4);
  }

  absl::StatusOr<double> Run(const Shape& input) override {
    ASSIGN_OR_RETURN(Executor* const executor, executors_.Get(input, parameters_, /*version=*/0));
    FillInputForTiming(executor->input());
    const auto start = Clock::now();
    executor->Forward();
    return SecondsSince(start);
  }

  absl::StatusOr<int64_t> BytesFor(const Shape& input) override {
    ASSIGN_OR_RETURN(Executor* const executor, executors_.Get(input, parameters_, /*version=*/0));
    const ExecutorResources& held = executors_.resources();
    return parameter_bytes_ + held.bytes() - held.arena.bytes() + executor->activation_bytes();
  }

 private:
  const ParameterSet parameters_;
  int64_t parameter_bytes_ = 0;
  ExecutorCache executors_;
};

class CudaNetwork : public TimedNetwork {
 public:
  static absl::StatusOr<std::unique_ptr<TimedNetwork>> Create(const NetworkSpec& network,
                                                              const TimingOptions& options) {
    CudaContextOptions of_context;
    of_context.device = options.device.index;
    ASSIGN_OR_RETURN(auto context, CudaContext::Create(of_context));
    const std::vector<ParameterSpec> specs = ListParameters(network);
    ASSIGN_OR_RETURN(auto parameters, DeviceParameters::Create(specs, context->stream().handle()));
    RETURN_IF_ERROR(parameters.Upload(InitializeParameters(specs, Initialization::kHe, /*seed=*/1), context->stream()));
    RETURN_IF_ERROR(context->stream().Synchronize());
    CudaExecutorOptions of_executor;
    of_executor.precision = options.precision;
    of_executor.resources = std::make_shared<CudaExecutorResources>(std::move(context));
    return std::make_unique<CudaNetwork>(network, of_executor, std::move(parameters));
  }

  CudaNetwork(const NetworkSpec& network, const CudaExecutorOptions& options, DeviceParameters parameters)
      : context_(options.resources->context), parameters_(std::move(parameters)), executors_(network, options) {}

  absl::StatusOr<double> Run(const Shape& input) override {
    RETURN_IF_ERROR(context_->MakeCurrent());
    ASSIGN_OR_RETURN(CudaExecutor* const executor, executors_.Get(input, parameters_, /*version=*/0));
    const DeviceTensor& image = executor->input();
    RETURN_IF_ERROR(FillWithZeros(image.data, image.bytes(), context_->stream().handle()));
    RETURN_IF_ERROR(context_->stream().Synchronize());
    const auto start = Clock::now();
    RETURN_IF_ERROR(executor->Forward());
    RETURN_IF_ERROR(context_->stream().Synchronize());
    return SecondsSince(start);
  }

  absl::StatusOr<int64_t> BytesFor(const Shape& input) override {
    ASSIGN_OR_RETURN(CudaExecutor* const executor, executors_.Get(input, parameters_, /*version=*/0));
    const CudaExecutorResources& held = executors_.resources();
    return parameters_.size() * 4 + held.bytes() - held.arena.bytes() + executor->activation_bytes();
  }

 private:
  const std::shared_ptr<CudaContext> context_;
  const DeviceParameters parameters_;
  CudaExecutorCache executors_;
};

// Level K of the base of 800 pixels (1200 for the long side): infer/face_detector.h has the same.
TimedPass BaseLevel(int level, int height, int width, int runs) {
  double scale = 800.0 / std::min(height, width);
  if (scale * std::max(height, width) > 1200) scale = 1200.0 / std::max(height, width);
  const LevelGeometry geometry = LevelGeometryOf(height, width, scale * level / 800);
  return {geometry.rows, geometry.columns, runs};
}

TimedPass Scaled(double scale, int height, int width, int runs = 1) {
  const LevelGeometry geometry = LevelGeometryOf(height, width, scale);
  return {geometry.rows, geometry.columns, runs};
}

// What both S3FD's and PyramidBox's tests run within MOST, the largest scale allowed: the image and its mirror image, a
// half, and one or more enlargements.
std::vector<TimedPass> SsdScales(double most, int height, int width) {
  std::vector<TimedPass> passes = {Scaled(std::min(most, 1.0), height, width, /*runs=*/2)};
  const double half = most >= 0.75 ? 0.5 : 0.5 * most;
  passes.push_back(Scaled(half, height, width));
  double larger = most > 1 ? std::min(2.0, most) : (half + most) / 2;
  passes.push_back(Scaled(larger, height, width));
  if (most <= 2) return passes;
  for (larger *= 2; larger < most; larger *= 2) passes.push_back(Scaled(larger, height, width));
  passes.push_back(Scaled(most, height, width));
  return passes;
}

// The most pixels that Caffe takes are 2^31 / 577.
double CaffeLimit(int height, int width) { return std::sqrt(2147483647.0 / 577 / (double{1} * height * width)); }

// PyramidBox's limit: 678 * 1024 * 4 pixels, cut to two digits, less 0.3 and then a little that grows with it.
double PyramidBoxLimit(int height, int width) {
  const double pixels = std::sqrt(678.0 * 1024 * 4 / (double{1} * height * width));
  double most = std::floor(std::min(CaffeLimit(height, width), pixels) * 100) / 100 - 0.3;
  for (int whole = 5; whole >= 2; --whole) {
    if (most >= whole) return most - 0.1 * whole;
  }
  return most >= 1.5 ? most - 0.1 : most;
}

// 0 .. COUNT - 1 in an order that the ROUND decides.
std::vector<size_t> ShuffledPlaces(size_t count, uint64_t round) {
  std::vector<size_t> places(count);
  std::iota(places.begin(), places.end(), size_t{0});
  Random random({/*use=*/uint64_t{0x71e}, round});
  for (size_t i = count; i > 1; --i) std::swap(places[i - 1], places[random.Index(static_cast<int64_t>(i))]);
  return places;
}

Shape InputOf(const TimedPass& pass, const DetectorSpec& detector) {
  return PaddedShape(detector, pass.height, pass.width);
}

// A detector in the making of its rows.
struct Contestant {
  TimedDetector detector;
  DetectorSpec spec;
  std::vector<TimedCase> cases;
  std::unique_ptr<TimedNetwork> network;

  absl::StatusOr<double> RunAll(const TimedCase& of_case) {
    double seconds = 0;
    for (const TimedPass& pass : of_case.passes) {
      for (int run = 0; run < pass.runs; ++run) {
        ASSIGN_OR_RETURN(const double of_pass, network->Run(InputOf(pass, spec)));
        seconds += of_pass;
      }
    }
    return seconds;
  }

  absl::StatusOr<TimingRow> StartRow(const TimedCase& of_case) const {
    TimingRow row{detector.name, of_case.label};
    for (const ParameterSpec& parameter : ListParameters(spec.network)) row.parameters += parameter.size();
    for (const TimedPass& pass : of_case.passes) {
      ASSIGN_OR_RETURN(const double flops, CountFlops(spec.network, InputOf(pass, spec)));
      row.gflop += flops * 1e-9 * pass.runs;
    }
    return row;
  }
};

}  // namespace

const std::vector<TimedDetector>& TimedDetectors() {
  static const auto* const detectors = new std::vector<TimedDetector>{
      {"single_dh", "the paper's: one map, dilated heads (DH)", {"smallhard", 1, true}},
      {"single", "Baseline-Single: one map, no DH", {"smallhard", 1, false}},
      {"three", "Baseline-Three: three maps, no DH", {"three_maps", 1, false}},
      {"ssh", "SSH", {"ssh"}},
      {"s3fd", "S3FD", {"s3fd"}},
      {"pyramidbox", "PyramidBox", {"pyramidbox"}},
  };
  return *detectors;
}

std::vector<TimedPass> TestPyramid(const std::string& architecture, int image_height, int image_width) {
  std::vector<TimedPass> passes;
  if (architecture == "s3fd") return SsdScales(CaffeLimit(image_height, image_width), image_height, image_width);
  if (architecture == "pyramidbox") {
    const double most = PyramidBoxLimit(image_height, image_width);
    passes = SsdScales(most, image_height, image_width);
    passes.push_back(Scaled(0.25, image_height, image_width));
    for (const double scale : {0.75, 1.25, 1.5, 1.75}) {
      if (scale <= most) passes.push_back(Scaled(scale, image_height, image_width));
    }
  } else if (architecture == "ssh") {
    for (const int level : {500, 800, 1200, 1600}) passes.push_back(BaseLevel(level, image_height, image_width, 1));
  } else {
    for (const int level : {100, 300, 600, 1000, 1400})
      passes.push_back(BaseLevel(level, image_height, image_width, 2));
  }
  return passes;
}

absl::StatusOr<std::unique_ptr<TimedNetwork>> MakeTimedNetwork(const NetworkSpec& network,
                                                               const TimingOptions& options) {
  if (options.device.cuda()) return CudaNetwork::Create(network, options);
  return std::make_unique<CpuNetwork>(network, options.engine);
}

absl::StatusOr<std::vector<TimingRow>> TimeDetectors(
    const std::vector<TimedDetector>& detectors,
    const std::function<std::vector<TimedCase>(const TimedDetector&)>& cases, const TimingOptions& options,
    const std::function<void(const std::string&)>& tell) {
  std::vector<Contestant> contestants;
  for (const TimedDetector& detector : detectors) {
    Contestant contestant{detector, {}, cases(detector), nullptr};
    DetectorOptions wanted = detector.options;
    wanted.width_divisor = options.width_divisor;
    ASSIGN_OR_RETURN(contestant.spec, BuildDetector(wanted));
    ASSIGN_OR_RETURN(contestant.network, MakeTimedNetwork(contestant.spec.network, options));
    contestants.push_back(std::move(contestant));
  }
  std::vector<TimingRow> rows;
  const size_t count = contestants.empty() ? 0 : contestants[0].cases.size();
  for (size_t c = 0; c < count; ++c) {
    std::vector<TimingRow> of_case;
    const int rounds = contestants[0].cases[c].rounds;
    for (Contestant& contestant : contestants) {
      HARDFACE_CHECK(contestant.cases.size() == count);
      ASSIGN_OR_RETURN(TimingRow row, contestant.StartRow(contestant.cases[c]));
      of_case.push_back(std::move(row));
      // Weights are packed and, on a GPU, engines chosen at the first run.
      if (rounds > 1) RETURN_IF_ERROR(contestant.RunAll(contestant.cases[c]).status());
    }
    for (int round = 0; round < rounds; ++round) {
      for (const size_t i : ShuffledPlaces(contestants.size(), static_cast<uint64_t>(round))) {
        ASSIGN_OR_RETURN(const double seconds, contestants[i].RunAll(contestants[i].cases[c]));
        of_case[i].seconds.push_back(seconds);
        tell(absl::StrFormat("%s, round %d of %d: %s %.3f s", of_case[i].label, round + 1, rounds, of_case[i].detector,
                             seconds));
      }
    }
    for (size_t i = 0; i < contestants.size(); ++i) {
      TimingRow& row = of_case[i];
      row.median = Median(row.seconds);
      row.least = *std::min_element(row.seconds.begin(), row.seconds.end());
      std::vector<double> ratios;
      for (size_t round = 0; round < row.seconds.size(); ++round) {
        ratios.push_back(row.seconds[round] / of_case[0].seconds[round]);
      }
      row.ratio = Median(ratios);
      for (const TimedPass& pass : contestants[i].cases[c].passes) {
        ASSIGN_OR_RETURN(const int64_t bytes, contestants[i].network->BytesFor(InputOf(pass, contestants[i].spec)));
        row.bytes = std::max(row.bytes, bytes);
      }
    }
    rows.insert(rows.end(), of_case.begin(), of_case.end());
  }
  return rows;
}

std::string TimingMarkdown(const std::vector<TimingRow>& rows, const std::string& machine) {
  std::string text =
      "| detector | images | time (median), s | least, s | of the first | GFLOP | parameters, million | memory, MB |\n"
      "|---|---|---|---|---|---|---|---|\n";
  for (const TimingRow& row : rows) {
    absl::StrAppendFormat(&text, "| %s | %s | %.3f | %.3f | %.2f | %.1f | %.2f | %.0f |\n", row.detector, row.label,
                          row.median, row.least, row.ratio, row.gflop, static_cast<double>(row.parameters) * 1e-6,
                          static_cast<double>(row.bytes) * 1e-6);
  }
  return absl::StrCat(text, "\n", machine, "\n");
}

std::string TimingCsv(const std::vector<TimingRow>& rows) {
  std::string text = "detector,images,rounds,seconds_median,seconds_least,ratio_to_first,gflop,parameters,bytes\n";
  for (const TimingRow& row : rows) {
    absl::StrAppendFormat(&text, "%s,%s,%d,%.6f,%.6f,%.4f,%.3f,%d,%d\n", row.detector, row.label, row.seconds.size(),
                          row.median, row.least, row.ratio, row.gflop, row.parameters, row.bytes);
  }
  return text;
}

}  // namespace hardface::model
