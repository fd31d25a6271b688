#include "hardface/detector.h"

#include <omp.h>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "base/parallel.h"
#include "base/status_macros.h"
#include "base/without_exceptions.h"
#include "data_tools/images/image_io.h"
#include "data_tools/images/image_size.h"
#include "infer/decode.h"
#include "infer/face_detector.h"
#include "model/execution/device.h"
#include "model/weights/model_file.h"

namespace hardface {
namespace {

// The calling thread's number of OpenMP threads, given back at the end.
class OpenMpThreads {
 public:
  explicit OpenMpThreads(int threads) : before_(omp_get_max_threads()) { omp_set_num_threads(threads); }
  ~OpenMpThreads() { omp_set_num_threads(before_); }
  OpenMpThreads(const OpenMpThreads&) = delete;
  OpenMpThreads& operator=(const OpenMpThreads&) = delete;

 private:
  const int before_;
};

int ChannelsOf(PixelFormat format) {
  switch (format) {
    case PixelFormat::kBgr:
    case PixelFormat::kRgb:
      return 3;
    case PixelFormat::kBgra:
    case PixelFormat::kRgba:
      return 4;
    case PixelFormat::kGray:
      return 1;
  }
  return 0;
}

// 8-bit BGR: the caller's pixels themselves, where they are that, for as long as they are there.
absl::StatusOr<cv::Mat> ToBgr(const ImageView& image) {
  const int channels = ChannelsOf(image.format);
  if (image.pixels == nullptr) return absl::InvalidArgumentError("the image's pixels are a null pointer");
  if (channels == 0) {
    return absl::InvalidArgumentError(absl::StrCat("the image's format ", static_cast<int>(image.format), " is none"));
  }
  if (image.width < 1 || image.height < 1 || image.width > data::kMaxImageSide || image.height > data::kMaxImageSide ||
      int64_t{image.width} * image.height > data::kMaxImagePixels) {
    return absl::InvalidArgumentError(absl::StrCat("an image of ", image.width, " x ", image.height,
                                                   " pixels; give 1 to ", data::kMaxImageSide, " a side and at most ",
                                                   data::kMaxImagePixels, " together"));
  }
  const std::ptrdiff_t least = std::ptrdiff_t{image.width} * channels;
  const std::ptrdiff_t step = image.row_bytes == 0 ? least : image.row_bytes;
  if (step < least) {
    return absl::InvalidArgumentError(absl::StrCat("the image's row_bytes are ", step, ", but ", image.width,
                                                   " pixels of ", channels, " bytes take ", least));
  }
  // Not written to: OpenCV has no type for pixels that only may be read.
  const cv::Mat given(image.height, image.width, CV_8UC(channels), const_cast<uint8_t*>(image.pixels),
                      static_cast<size_t>(step));
  cv::Mat bgr;
  switch (image.format) {
    case PixelFormat::kBgr:
      return given;
    case PixelFormat::kRgb:
      cv::cvtColor(given, bgr, cv::COLOR_RGB2BGR);
      return bgr;
    case PixelFormat::kBgra:
      cv::cvtColor(given, bgr, cv::COLOR_BGRA2BGR);
      return bgr;
    case PixelFormat::kRgba:
      cv::cvtColor(given, bgr, cv::COLOR_RGBA2BGR);
      return bgr;
    case PixelFormat::kGray:
      cv::cvtColor(given, bgr, cv::COLOR_GRAY2BGR);
      return bgr;
  }
  return bgr;
}

absl::Status CheckOptions(const DetectorOptions& options) {
  if (options.score_threshold != -1 && !(options.score_threshold >= 0 && options.score_threshold <= 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("score_threshold is ", options.score_threshold, "; give -1, or a number from 0 to 1"));
  }
  for (const int level : options.pyramid) {
    if (level < 1 || level > 100000) {
      return absl::InvalidArgumentError(absl::StrCat("pyramid holds ", level, "; levels are from 1 to 100000"));
    }
  }
  if (options.threads < 0) return absl::InvalidArgumentError(absl::StrCat("threads is ", options.threads));
  if (options.memory_limit < 0) {
    return absl::InvalidArgumentError(absl::StrCat("memory_limit is ", options.memory_limit));
  }
  return absl::OkStatus();
}

}  // namespace

class Detector::Implementation {
 public:
  Implementation(model::Model model, infer::DetectOptions options, int threads)
      : model_(std::move(model)), options_(std::move(options)), threads_(threads) {}

  absl::StatusOr<std::vector<Face>> Detect(const cv::Mat& bgr) {
    // A GPU computes one picture at a time.
    if (options_.device.cuda()) {
      const absl::MutexLock lock(&device_mutex_);
      return DetectByOne(bgr);
    }
    return DetectByOne(bgr);
  }

 private:
  absl::StatusOr<std::vector<Face>> DetectByOne(const cv::Mat& bgr) {
    std::unique_ptr<infer::FaceDetector> detector = Take();
    const OpenMpThreads threads(threads_);
    auto boxes = detector->Detect(bgr);
    Return(std::move(detector));
    if (!boxes.ok()) return boxes.status();
    std::vector<Face> faces;
    for (const auto& [box, score] : *boxes) faces.push_back({box.x, box.y, box.w, box.h, score});
    return faces;
  }

  std::unique_ptr<infer::FaceDetector> Take() {
    {
      const absl::MutexLock lock(&mutex_);
      if (!idle_.empty()) {
        std::unique_ptr<infer::FaceDetector> detector = std::move(idle_.back());
        idle_.pop_back();
        return detector;
      }
    }
    return std::make_unique<infer::FaceDetector>(model_, options_);
  }

  void Return(std::unique_ptr<infer::FaceDetector> detector) {
    const absl::MutexLock lock(&mutex_);
    idle_.push_back(std::move(detector));
  }

  const model::Model model_;
  const infer::DetectOptions options_;
  const int threads_;
  absl::Mutex device_mutex_;
  absl::Mutex mutex_;
  std::vector<std::unique_ptr<infer::FaceDetector>> idle_ ABSL_GUARDED_BY(mutex_);
};

Detector::Detector(std::unique_ptr<Implementation> implementation) : implementation_(std::move(implementation)) {}
Detector::Detector(Detector&&) noexcept = default;
Detector& Detector::operator=(Detector&&) noexcept = default;
Detector::~Detector() = default;

absl::StatusOr<Detector> Detector::Load(const std::string& path, const DetectorOptions& options) {
  RETURN_IF_ERROR(CheckOptions(options));
  return WithoutExceptions([&]() -> absl::StatusOr<Detector> {
    infer::DetectOptions detect;
    ASSIGN_OR_RETURN(detect.device, model::ParseDevice(options.device));
    ASSIGN_OR_RETURN(model::Model model, model::LoadModel(path));
    detect.pyramid = options.pyramid;
    detect.flip = options.flip;
    detect.speed = options.speed == DetectorSpeed::kAccurate   ? infer::Speed::kAccurate
                   : options.speed == DetectorSpeed::kBalanced ? infer::Speed::kBalanced
                                                               : infer::Speed::kFast;
    detect.memory_limit = options.memory_limit;
    const std::optional<float> threshold =
        options.score_threshold != -1 ? options.score_threshold : model.info.score_threshold;
    if (threshold.has_value()) detect.score_threshold = model.info.NetworkScore(*threshold);
    return Detector(
        std::make_unique<Implementation>(std::move(model), std::move(detect), ResolveThreads(options.threads)));
  });
}

absl::StatusOr<std::vector<Face>> Detector::Detect(const ImageView& image) const {
  return WithoutExceptions([&]() -> absl::StatusOr<std::vector<Face>> {
    ASSIGN_OR_RETURN(const cv::Mat bgr, ToBgr(image));
    return implementation_->Detect(bgr);
  });
}

absl::StatusOr<std::vector<Face>> Detector::DetectFile(const std::string& path) const {
  return WithoutExceptions([&]() -> absl::StatusOr<std::vector<Face>> {
    ASSIGN_OR_RETURN(const cv::Mat bgr, data::ReadImageOrPipe(path, data::Pixels::kAsSeen));
    return implementation_->Detect(bgr);
  });
}

}  // namespace hardface
