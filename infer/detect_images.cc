#include "infer/detect_images.h"

#include <omp.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <opencv2/core.hpp>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "base/status_macros.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/images/image_io.h"
#include "infer/detection_workers.h"
#include "infer/draw.h"
#include "infer/result_writers.h"

namespace hardface::infer {
namespace {

namespace fs = std::filesystem;

bool LooksLikeImage(const fs::path& path) {
  const std::string name = path.filename().string();
  return absl::EndsWithIgnoreCase(name, ".jpg") || absl::EndsWithIgnoreCase(name, ".jpeg") ||
         absl::EndsWithIgnoreCase(name, ".png");
}

absl::StatusOr<cv::Mat> Load(const ImageToDetect& image) {
  ASSIGN_OR_RETURN(cv::Mat pixels, data::ReadImage(image.path));
  if (!image.flip) return pixels;
  cv::Mat mirrored;
  cv::flip(pixels, mirrored, /*flipCode=*/1);
  return mirrored;
}

data::ImageDetections ToDetections(const ImageToDetect& image, const std::vector<ScoredBox>& boxes,
                                   const data::BoxStyle& style) {
  data::ImageDetections detections{image.name, image.flip, {}};
  for (const auto& [box, score] : boxes) detections.boxes.push_back({data::Restyle(CoveredArea(box), style), score});
  return detections;
}

// "a/b.jpg" -> "drawn/0007_b.png": the number keeps names apart.
std::string DrawnName(const std::string& folder, int64_t index, const ImageToDetect& image) {
  return absl::StrCat(folder, "/drawn/", absl::Dec(index, absl::kZeroPad5), "_", fs::path(image.name).stem().string(),
                      image.flip ? "_flip" : "", ".png");
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

absl::StatusOr<std::vector<ImageToDetect>> ImagesOfDataset(const std::string& dataset) {
  ASSIGN_OR_RETURN(const auto reader, data::DatasetReader::Open(dataset));
  std::vector<ImageToDetect> images;
  data::DatasetEntry entry;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, reader->Next(&entry));
    if (!more) return images;
    images.push_back({entry.image, reader->ImagePath(entry), entry.flip});
  }
}

absl::StatusOr<std::vector<ImageToDetect>> ImagesOfPaths(const std::vector<std::string>& paths) {
  std::vector<ImageToDetect> images;
  for (const std::string& path : paths) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      if (!fs::exists(path, error)) return absl::NotFoundError(absl::StrCat(path, ": no such file or folder"));
      images.push_back({path, path});
      continue;
    }
    std::vector<std::string> found;
    for (const auto& entry :
         fs::recursive_directory_iterator(path, fs::directory_options::skip_permission_denied, error)) {
      if (entry.is_regular_file(error) && LooksLikeImage(entry.path())) found.push_back(entry.path().string());
    }
    std::sort(found.begin(), found.end());
    for (const std::string& file : found) images.push_back({file, file});
  }
  if (images.empty()) return absl::NotFoundError("no image found; give .jpg or .png files, or folders that hold some");
  return images;
}

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
  DetectionWorkers workers(std::move(functions), count, /*ahead=*/host_limit ? 1 : 4,
                           [&](int64_t i) { return Load(images[static_cast<size_t>(i)]); });
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
      RETURN_IF_ERROR(data::WritePng(DrawnName(folder, i, image),
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
