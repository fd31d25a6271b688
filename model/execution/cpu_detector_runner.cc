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

absl::StatusOr<std::vector<std::vector<AnchorPlane>>> CpuDetectorRunner::Run(
    const std::vector<RunnerImage>& images, double scale, const std::function<std::vector<cv::Mat>()>& /*upcoming*/) {
  std::vector<ShownImage> shown;
  for (const RunnerImage& image : images) shown.push_back({ResizeToFloat(image.pixels, scale), image.mirror});
  Shape shape = PaddedShape(model_.detector, shown[0].pixels.rows, shown[0].pixels.cols);
  shape.n = static_cast<int>(images.size());
  RETURN_IF_ERROR(Forward(shape, shown));
  std::vector<std::vector<AnchorPlane>> all;
  for (int n = 0; n < shape.n; ++n) all.push_back(planes(n));
  return all;
}

}  // namespace hardface::model
