#include "infer/cuda_face_detector.h"

#include <cstring>
#include <utility>

#include "data_tools/base/check.h"
#include "data_tools/base/status_macros.h"
#include "model/anchors.h"
#include "model/device_image.h"
#include "model/image_input.h"

namespace hardface {

absl::StatusOr<std::unique_ptr<CudaFaceDetector>> CudaFaceDetector::Create(const Model& model,
                                                                           const CudaFaceDetectorOptions& options) {
  std::unique_ptr<CudaFaceDetector> detector(new CudaFaceDetector(model, options));
  CudaContextOptions context_options;
  context_options.device = options.device;
  ASSIGN_OR_RETURN(detector->context_, CudaContext::Create(context_options));
  const CudaStream& stream = detector->context_->stream();
  ASSIGN_OR_RETURN(detector->parameters_,
                   DeviceParameters::Create(ListParameters(model.detector.network), stream.handle()));
  RETURN_IF_ERROR(detector->parameters_.Upload(model.parameters, stream));
  CudaExecutorOptions executor_options;
  executor_options.precision = options.precision;
  executor_options.resources = std::make_shared<CudaExecutorResources>(detector->context_);
  detector->executors_ = std::make_unique<CudaExecutorCache>(model.detector.network, executor_options);
  ASSIGN_OR_RETURN(detector->detections_, DeviceDetections::Create(options.detections, detector->context_));
  return detector;
}

absl::Status CudaFaceDetector::Start(const cv::Mat& image) {
  HARDFACE_CHECK(image.type() == CV_8UC3);
  RETURN_IF_ERROR(context_->MakeCurrent());
  rows_ = image.rows;
  columns_ = image.cols;
  const int64_t row_bytes = int64_t{3} * columns_, bytes = row_bytes * rows_;
  // The last image's copy and kernels may still be under way after an error.
  RETURN_IF_ERROR(context_->stream().Synchronize());
  RETURN_IF_ERROR(staging_.Grow(bytes));
  RETURN_IF_ERROR(image_.Grow(bytes, "the image"));
  for (int y = 0; y < rows_; ++y) {
    std::memcpy(staging_.as<uint8_t>() + y * row_bytes, image.ptr(y), static_cast<size_t>(row_bytes));
  }
  detections_->Start();
  return CopyToDevice(staging_.data(), image_.data(), bytes, context_->stream().handle());
}

absl::Status CudaFaceDetector::RunPasses(double scale, int first_pass, int passes) {
  const LevelGeometry geometry = LevelGeometryOf(rows_, columns_, scale);
  const int multiple = model_.detector.size_multiple;
  const Shape shape{passes, 3, RoundUp(geometry.rows, multiple), RoundUp(geometry.columns, multiple)};
  ASSIGN_OR_RETURN(CudaExecutor* const executor, executors_->Get(shape, parameters_, /*version=*/0));
  DeviceLevel level{geometry.rows, geometry.columns, geometry.x_step, geometry.y_step};
  std::copy(std::begin(kBgrMean), std::end(kBgrMean), level.mean);
  level.factor = 1.0f / model_.info.input_divisor;
  level.mirror_first = first_pass == 1;
  RETURN_IF_ERROR(WriteNetworkInput({image_.as<uint8_t>(), rows_, columns_}, level, executor->input(),
                                    context_->stream().handle()));
  RETURN_IF_ERROR(executor->Forward());
  for (int n = 0; n < passes; ++n) {
    const auto planes = PlanesOf(
        model_.detector, [executor](const std::string& name) { return executor->output(name); }, n);
    PassGeometry pass;
    pass.level_width = geometry.columns;
    pass.level_height = geometry.rows;
    pass.factor = static_cast<float>(1.0 / scale);
    pass.image_width = static_cast<float>(columns_);
    pass.mirrored = first_pass + n == 1;
    RETURN_IF_ERROR(detections_->AddPass(planes, pass));
  }
  return absl::OkStatus();
}

absl::Status CudaFaceDetector::RunLevel(double scale) {
  const int passes = options_.flip ? 2 : 1;
  const absl::Status together = RunPasses(scale, 0, passes);
  if (passes == 1 || !absl::IsResourceExhausted(together)) return together;
  // Memory runs out before anything of the level is queued.
  RETURN_IF_ERROR(RunPasses(scale, 0, 1));
  return RunPasses(scale, 1, 1);
}

}  // namespace hardface
