#include "infer/detect_images.h"

#include <omp.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "base/status_macros.h"
#include "data_tools/images/image_io.h"
#include "infer/detection_workers.h"
#include "infer/draw.h"
#include "infer/result_names.h"
#include "infer/result_writers.h"

namespace hardface::infer {
namespace {

data::ImageDetections ToDetections(const ImageToDetect& image, const std::vector<ScoredBox>& boxes,
                                   const data::BoxStyle& style) {
  data::ImageDetections detections{image.name, image.flip, {}};
  for (const auto& [box, score] : boxes) detections.boxes.push_back({data::Restyle(CoveredArea(box), style), score});
  return detections;
}

// Threads that decode pictures for each detector. A GPU takes 4 ms for a picture with a small network, by estimate, and
// one thread 6 ms to decode it; on a CPU one is enough, and takes least from the network.
int LoadersFor(const DetectImagesOptions& options) {
  if (options.devices.empty() && !options.detect.device.cuda()) return 1;
  const int detectors = std::max<int>(1, static_cast<int>(options.devices.size()));
  return std::clamp(ResolveThreads(options.threads) / detectors, 1, 4);
}

std::vector<std::unique_ptr<FaceDetector>> MakeDetectors(const model::Model& model,
                                                         const DetectImagesOptions& options) {
  std::vector<model::Device> devices = options.devices;
  if (devices.empty()) devices = {options.detect.device};
  std::vector<std::unique_ptr<FaceDetector>> detectors;
  for (const model::Device& device : devices) {
    DetectOptions of_one = options.detect;
    of_one.device = device;
    detectors.push_back(std::make_unique<FaceDetector>(model, of_one));
  }
  return detectors;
}

}  // namespace

absl::StatusOr<DetectionCounts> DetectImages(const model::Model& model, const std::vector<ImageToDetect>& images,
                                             const std::string& folder, const DetectImagesOptions& options) {
  omp_set_num_threads(ResolveThreads(options.threads));
  std::vector<std::unique_ptr<ResultWriter>> writers;
  for (const std::string& format : options.formats) {
    ASSIGN_OR_RETURN(writers.emplace_back(), MakeResultWriter(format, folder));
  }
  const std::vector<std::unique_ptr<FaceDetector>> detectors = MakeDetectors(model, options);
  std::vector<DetectFunction> functions;
  for (const auto& detector : detectors) {
    functions.push_back([&detector](const cv::Mat& image, const std::function<cv::Mat()>& upcoming) {
      return detector->Detect(image, upcoming);
    });
  }
  DetectionCounts counts;
  const auto count = static_cast<int64_t>(images.size());
  Progress progress("detect", count, "images");
  // One image ahead keeps the processors busy; the memory limit counts on no more (face_detector.cc).
  const bool host_limit = options.detect.memory_limit > 0 && options.devices.empty() && !options.detect.device.cuda();
  DetectionWorkers workers(std::move(functions), count, LoadersFor(options), /*ahead=*/host_limit ? 1 : 4,
                           [&](int64_t i) { return LoadImage(images[static_cast<size_t>(i)]); });
  for (int64_t i = 0; i < count; ++i) {
    const ImageToDetect& image = images[static_cast<size_t>(i)];
    const DetectedImage detected = workers.Next();
    if (!detected.pixels.ok()) {
      counts.failures.emplace_back(detected.pixels.status().message());
      progress.Advance(1);
      continue;
    }
    RETURN_IF_ERROR(detected.boxes.status());
    const data::ImageDetections detections = ToDetections(image, *detected.boxes, options.style);
    for (const auto& writer : writers) RETURN_IF_ERROR(writer->Write(detections));
    if (options.draw) {
      RETURN_IF_ERROR(data::WritePng(absl::StrCat(folder, "/drawn/", DrawnName(i, image)),
                                     DrawDetections(*detected.pixels, detections.boxes, options.draw_threshold)));
    }
    ++counts.images;
    counts.boxes += static_cast<int64_t>(detected.boxes->size());
    progress.Advance(1);
  }
  for (const auto& writer : writers) RETURN_IF_ERROR(writer->Finish());
  return counts;
}

}  // namespace hardface::infer
