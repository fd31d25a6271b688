#include "train/step/step_engine.h"

#include <algorithm>
#include <opencv2/core/mat.hpp>

#include "model/execution/image_input.h"
#include "train/step/cpu_step_engine.h"
#include "train/step/cuda_step_engine.h"

namespace hardface::train {

model::Shape PassShape(const std::vector<PassImage>& images, int size_multiple) {
  model::Shape shape{static_cast<int>(images.size()), 3, size_multiple, size_multiple};
  for (const PassImage& image : images) {
    if (image.sample == nullptr) continue;
    shape.h = std::max(shape.h, model::RoundUp(image.sample->image.rows, size_multiple));
    shape.w = std::max(shape.w, model::RoundUp(image.sample->image.cols, size_multiple));
  }
  return shape;
}

std::vector<model::ShownImage> ShownImages(const std::vector<PassImage>& images) {
  std::vector<model::ShownImage> shown;
  for (const PassImage& image : images) shown.push_back({image.sample != nullptr ? image.sample->image : cv::Mat()});
  return shown;
}

std::function<bool(model::NetworkPart)> FrozenParts(const SolverOptions& options) {
  const bool early = options.early_rate == 0;
  return [early](model::NetworkPart part) { return early && part == model::NetworkPart::kEarly; };
}

std::vector<mining::FaceBox> FacesOf(const data::TrainingSample& sample) {
  std::vector<mining::FaceBox> faces;
  for (const data::SampleFace& face : sample.faces) faces.push_back({face.box, face.ignore});
  return faces;
}

absl::StatusOr<std::unique_ptr<StepEngine>> MakeStepEngine(model::Model* model, const StepEngineOptions& options,
                                                           Communicator* communicator) {
  if (options.device.cuda()) return MakeCudaStepEngine(model, options, communicator);
  return MakeCpuStepEngine(model, options, communicator);
}

}  // namespace hardface::train
