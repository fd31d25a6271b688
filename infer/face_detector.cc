#include "infer/face_detector.h"

#include <algorithm>
#include <utility>

#include "data_tools/base/status_macros.h"
#include "model/anchors.h"
#include "model/image_input.h"

namespace hardface {
namespace {

constexpr int kReferenceLevel = 800;
constexpr int kLongestSide = 1200;

}  // namespace

double BaseScale(int width, int height) {
  const double scale = static_cast<double>(kReferenceLevel) / std::min(width, height);
  return scale * std::max(width, height) > kLongestSide ? static_cast<double>(kLongestSide) / std::max(width, height)
                                                        : scale;
}

FaceDetector::FaceDetector(Model model, DetectOptions options)
    : model_(std::move(model)), options_(std::move(options)), executors_(model_.detector.network, ExecutorOptions()) {}

absl::Status FaceDetector::DetectAtScale(const cv::Mat& image, double scale, std::vector<ScoredBox>* all) {
  const cv::Mat resized = ResizeToFloat(image, scale);
  const int multiple = model_.detector.size_multiple, passes = options_.flip ? 2 : 1;
  const Shape shape{passes, 3, RoundUp(resized.rows, multiple), RoundUp(resized.cols, multiple)};
  ASSIGN_OR_RETURN(Executor* const executor, executors_.Get(shape, model_.parameters, /*version=*/0));
  for (int n = 0; n < passes; ++n) {
    WriteNetworkInput(resized, model_.info.input_divisor, /*mirror=*/n == 1, n, executor->input());
  }
  executor->Forward();
  const auto factor = static_cast<float>(1.0 / scale), width = static_cast<float>(image.cols);
  for (int n = 0; n < passes; ++n) {
    const auto planes = PlanesOf(
        model_.detector, [&](const std::string& name) { return executor->output(name); }, n);
    for (auto [box, score] : DecodeDetections(planes, resized.cols, resized.rows, options_.decode)) {
      if (score <= options_.score_threshold) continue;
      box = {box.x1 * factor, box.y1 * factor, box.x2 * factor, box.y2 * factor};
      if (n == 1) box = {width - box.x2, box.y1, width - box.x1, box.y2};  // x -> width - x, as published
      all->push_back({box, score});
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ScoredBox>> FaceDetector::Detect(const cv::Mat& image) {
  const std::vector<int>& levels = options_.pyramid.empty() ? model_.info.pyramid : options_.pyramid;
  const double base = BaseScale(image.cols, image.rows);
  std::vector<ScoredBox> boxes;
  for (const int level : levels) RETURN_IF_ERROR(DetectAtScale(image, base * level / kReferenceLevel, &boxes));
  if (options_.merge == Merge::kVote) return VoteBoxes(std::move(boxes), options_.vote);
  std::vector<ScoredBox> kept;
  for (const int i : PlainNms(boxes, options_.nms_threshold)) kept.push_back(boxes[static_cast<size_t>(i)]);
  return kept;
}

}  // namespace hardface
