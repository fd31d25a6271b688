// Time of detection, decoding and merging included, with random weights: bazel run //infer:detect_benchmark
// [-- --benchmark_filter=... --benchmark_format=json]. OMP_NUM_THREADS sets the threads.
//   single    one level at the image's own size, no mirrored pass
//   pyramid   the levels for WIDER FACE, each also mirrored
// Arguments: width divisor, height, width of the image.
#include <benchmark/benchmark.h>

#include <opencv2/core.hpp>
#include <vector>

#include "infer/face_detector.h"
#include "model/execution/benchmark_main.h"

namespace hardface::infer {
namespace {

model::Model RandomModel(int width_divisor) {
  model::Model model;
  model.detector = *model::BuildDetector({"smallhard", width_divisor, true});
  model.parameters =
      model::InitializeParameters(model::ListParameters(model.detector.network), model::Initialization::kHe, 1);
  model.info.input_divisor = 64;
  return model;
}

void BM_Detect(benchmark::State& state, bool pyramid) {
  const int height = static_cast<int>(state.range(1)), width = static_cast<int>(state.range(2));
  DetectOptions options;
  options.flip = pyramid;
  options.pyramid = {100, 300, 600, 1000, 1400};
  if (!pyramid) options.pyramid = {static_cast<int>(800 / BaseScale(width, height) + 0.5)};
  // Random weights call every anchor a face with about even odds; a trained detector leaves some hundreds.
  options.decode.max_boxes = 300;
  FaceDetector detector(RandomModel(static_cast<int>(state.range(0))), options);
  cv::Mat image(height, width, CV_8UC3);
  cv::RNG random(1);
  random.fill(image, cv::RNG::UNIFORM, 0, 256);
  for (auto _ : state) benchmark::DoNotOptimize(detector.Detect(image)->size());
}

void Sizes(benchmark::internal::Benchmark* benchmark) {
  for (const int divisor : {1, 4}) {
    for (const auto& [height, width] : std::vector<std::pair<int, int>>{{320, 320}, {640, 640}, {960, 1280}}) {
      benchmark->Args({divisor, height, width});
    }
  }
  benchmark->Unit(benchmark::kMillisecond)->UseRealTime()->MeasureProcessCPUTime();
}

void Register() {
  Sizes(benchmark::RegisterBenchmark("single", &BM_Detect, /*pyramid=*/false));
  Sizes(benchmark::RegisterBenchmark("pyramid", &BM_Detect, /*pyramid=*/true));
}

}  // namespace
}  // namespace hardface::infer

int main(int argc, char** argv) { return hardface::model::BenchmarkMain(argc, argv, &hardface::infer::Register); }
