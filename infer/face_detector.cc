#include "infer/face_detector.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "model/detectors/anchors.h"
#include "model/execution/image_input.h"

namespace hardface::infer {
namespace {

constexpr int kReferenceLevel = 800;
constexpr int kLongestSide = 1200;
// Of the adaptive pyramid (DetectOptions::adaptive).
constexpr float kCandidateScore = 0.5f, kSmallSide = 32;
constexpr double kFinerRatio = 2.5;
// What a process of ours takes for code, libraries, small buffers and the convolutions' workspace.
constexpr int64_t kProcessBytes = int64_t{224} << 20;

}  // namespace

double BaseScale(int width, int height) {
  const double scale = static_cast<double>(kReferenceLevel) / std::min(width, height);
  return scale * std::max(width, height) > kLongestSide ? static_cast<double>(kLongestSide) / std::max(width, height)
                                                        : scale;
}

FaceDetector::FaceDetector(model::Model model, DetectOptions options)
    : model_(std::move(model)), options_(std::move(options)) {
  if (options_.device.cuda()) return;
  model::ExecutorOptions executor_options;
  executor_options.engine = options_.engine;
  runner_ = std::make_unique<LevelRunner>(model_, executor_options);
}

absl::StatusOr<int64_t> FaceDetector::ActivationBytes(const cv::Mat& image, const cv::Mat& level) const {
  if (options_.memory_limit == 0) return 0;
  int64_t parameters = 0;
  for (const auto& [name, array] : model_.parameters) parameters += static_cast<int64_t>(array.values.size() * 4);
  // The image and the next one, read ahead; the level; weights as they are and transformed (64 values for 9 at most).
  const auto pixels = static_cast<int64_t>(image.total() * image.elemSize());
  const int64_t held = kProcessBytes + 2 * pixels + static_cast<int64_t>(level.total() * level.elemSize()) +
                       parameters + parameters * 64 / 9;
  if (held < options_.memory_limit) return options_.memory_limit - held;
  return absl::ResourceExhaustedError(
      absl::StrCat("an image of ", image.cols, " x ", image.rows, " pixels and this model take ", held / 1000000,
                   " MB before any activations; raise --memory_limit (", options_.memory_limit / 1000000, " MB)"));
}

absl::Status FaceDetector::DetectAtScale(const cv::Mat& image, double scale, std::vector<ScoredBox>* all,
                                         bool* small_candidates) {
  *small_candidates = false;
  const cv::Mat level = model::ResizeToFloat(image, scale);
  ASSIGN_OR_RETURN(const int64_t activation_bytes, ActivationBytes(image, level));
  const auto factor = static_cast<float>(1.0 / scale), width = static_cast<float>(image.cols);
  return runner_->Run(level, options_.flip, activation_bytes, [&](bool mirrored, const auto& output, int n) {
    const auto planes = model::PlanesOf(model_.detector, output, n);
    for (auto [box, score] : DecodeDetections(planes, level.cols, level.rows, options_.decode)) {
      *small_candidates |= score >= kCandidateScore && box.width() * box.height() <= kSmallSide * kSmallSide;
      if (score <= options_.score_threshold) continue;
      box = {box.x1 * factor, box.y1 * factor, box.x2 * factor, box.y2 * factor};
      if (mirrored) box = {width - box.x2, box.y1, width - box.x1, box.y2};  // x -> width - x, as published
      all->push_back({box, score});
    }
  });
}

absl::Status FaceDetector::ForEachLevel(const cv::Mat& image,
                                        const std::function<absl::Status(double, bool*)>& run) const {
  std::vector<int> levels = options_.pyramid.empty() ? model_.info.pyramid : options_.pyramid;
  if (options_.adaptive) std::sort(levels.begin(), levels.end());
  const double base = BaseScale(image.cols, image.rows);
  int last = 0;
  bool finer_may_add = true;
  for (const int level : levels) {
    if (options_.adaptive && !finer_may_add && level <= kFinerRatio * last) continue;
    RETURN_IF_ERROR(run(base * level / kReferenceLevel, &finer_may_add));
    last = level;
  }
  return absl::OkStatus();
}

absl::Status FaceDetector::StartDevice() {
  const size_t levels = options_.pyramid.empty() ? model_.info.pyramid.size() : options_.pyramid.size();
  CudaFaceDetectorOptions options;
  options.device = options_.device.index;
  options.precision = options_.precision;
  options.flip = options_.flip;
  options.memory_limit = options_.memory_limit;
  options.detections.decode = options_.decode;
  options.detections.most_passes = static_cast<int>(levels) * (options_.flip ? 2 : 1);
  options.detections.score_threshold = options_.score_threshold;
  options.detections.vote = options_.merge == Merge::kVote;
  options.detections.voting = options_.vote;
  options.detections.nms_threshold = options_.nms_threshold;
  options.detections.small_score = kCandidateScore;
  options.detections.small_area = kSmallSide * kSmallSide;
  ASSIGN_OR_RETURN(cuda_, CudaFaceDetector::Create(model_, options));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ScoredBox>> FaceDetector::DetectOnDevice(const cv::Mat& image,
                                                                    const std::function<cv::Mat()>& upcoming) {
  if (cuda_ == nullptr) RETURN_IF_ERROR(StartDevice());
  bool asked = upcoming == nullptr;
  // While the device has something to compute and before it is waited for.
  const auto preload = [&] {
    if (std::exchange(asked, true)) return;
    const cv::Mat next = upcoming();
    if (!next.empty()) cuda_->Preload(next);
  };
  RETURN_IF_ERROR(cuda_->Start(image));
  RETURN_IF_ERROR(ForEachLevel(image, [&](double scale, bool* small_candidates) {
    RETURN_IF_ERROR(cuda_->RunLevel(scale));
    if (!options_.adaptive) return absl::OkStatus();  // the answer would have to be waited for
    preload();
    ASSIGN_OR_RETURN(*small_candidates, cuda_->SmallCandidates());
    return absl::OkStatus();
  }));
  preload();
  return cuda_->Finish();
}

absl::StatusOr<std::vector<ScoredBox>> FaceDetector::Detect(const cv::Mat& image,
                                                            const std::function<cv::Mat()>& upcoming) {
  if (options_.device.cuda()) return DetectOnDevice(image, upcoming);
  std::vector<ScoredBox> boxes;
  RETURN_IF_ERROR(ForEachLevel(image, [&](double scale, bool* small_candidates) {
    return DetectAtScale(image, scale, &boxes, small_candidates);
  }));
  if (options_.merge == Merge::kVote) return VoteBoxes(std::move(boxes), options_.vote);
  std::vector<ScoredBox> kept;
  for (const int i : PlainNms(boxes, options_.nms_threshold)) kept.push_back(boxes[static_cast<size_t>(i)]);
  return kept;
}

}  // namespace hardface::infer
