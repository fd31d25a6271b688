#include "model/execution/cpu_detector_runner.h"

#include "base/status_macros.h"
#include "model/execution/image_input.h"

namespace hardface::model {

void WriteShownImages(const Model& model, const std::vector<ShownImage>& images, const TensorView& input) {
  for (size_t n = 0; n < images.size(); ++n) {
    const ShownImage& image = images[n];
    WriteNetworkInput(image.pixels.empty() ? cv::Mat(0, 0, CV_32FC3) : image.pixels, model.info.input_divisor,
                      image.mirror, static_cast<int>(n), input, image.from, model.detector.bgr_mean);
  }
}

absl::Status CpuDetectorRunner::Forward(const Shape& shape, const std::vector<ShownImage>& images, int64_t version) {
  ASSIGN_OR_RETURN(executor_, executors_.Get(shape, model_.parameters, version));
  WriteShownImages(model_, images, executor_->input());
  executor_->Forward();
  return absl::OkStatus();
}

std::vector<AnchorPlane> CpuDetectorRunner::planes(int n) const {
  return PlanesOf(
      model_.detector, [this](const std::string& name) { return output(name); }, n);
}

absl::StatusOr<std::vector<AnchorPlane>> CpuDetectorRunner::Run(const cv::Mat& image, double scale, bool mirror,
                                                                const std::function<cv::Mat()>& /*upcoming*/) {
  const cv::Mat level = ResizeToFloat(image, scale);
  RETURN_IF_ERROR(Forward(PaddedShape(model_.detector, level.rows, level.cols), {{level, mirror}}));
  return planes(0);
}

}  // namespace hardface::model
