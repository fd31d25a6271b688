#include "model/execution/detector_runner.h"

#include "base/status_macros.h"
#include "model/execution/cpu_detector_runner.h"
#include "model/execution/cuda_detector_runner.h"
#include "model/execution/image_input.h"

namespace hardface::model {

Shape PaddedShape(const DetectorSpec& detector, int rows, int columns) {
  return {1, 3, RoundUp(rows, detector.size_multiple), RoundUp(columns, detector.size_multiple)};
}

absl::StatusOr<std::vector<AnchorPlane>> DetectorRunner::Run(const cv::Mat& image, double scale, bool mirror) {
  ASSIGN_OR_RETURN(const auto planes, Run(std::vector<RunnerImage>{{image, mirror}}, scale, nullptr));
  return planes[0];
}

absl::StatusOr<std::unique_ptr<DetectorRunner>> MakeDetectorRunner(const Model& model,
                                                                   const DetectorRunnerOptions& options) {
  if (options.device.cuda()) {
    CudaDetectorRunnerOptions of_cuda;
    of_cuda.device = options.device.index;
    of_cuda.precision = options.precision;
    return CudaDetectorRunner::Create(model, of_cuda);
  }
  ExecutorOptions of_cpu;
  of_cpu.engine = options.engine;
  return std::make_unique<CpuDetectorRunner>(model, of_cpu);
}

}  // namespace hardface::model
