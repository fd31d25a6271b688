#include "infer/face_detector.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "infer/region_plan.h"
#include "model/execution/detector_runner.h"
#include "model/execution/image_input.h"
#include "model/weights/pruning.h"

namespace hardface::infer {
namespace {

constexpr int kReferenceLevel = 800;
constexpr int kLongestSide = 1200;
// What a process of ours takes for code, libraries, small buffers and the convolutions' workspace.
constexpr int64_t kProcessBytes = int64_t{224} << 20;

// kAccurate computes with the model as it is, to the bit.
model::Model Prepared(model::Model model, const DetectOptions& options) {
  model.detector.size_multiple = model::PaddedMultiple(model.detector.size_multiple, options.pad_to);
  const bool as_it_is = options.speed == Speed::kAccurate || options.device.cuda();
  return as_it_is ? std::move(model) : model::WithoutDeadChannels(std::move(model));
}

double ScaleOf(const cv::Mat& image, int level) { return BaseScale(image.cols, image.rows) * level / kReferenceLevel; }

// BOX with its width and height multiplied by REACH.
data::EdgeBox Grown(const data::EdgeBox& box, float reach) {
  const float x = (box.x1 + box.x2) / 2, y = (box.y1 + box.y2) / 2;
  const float half_width = box.width() / 2 * reach, half_height = box.height() / 2 * reach;
  return {x - half_width, y - half_height, x + half_width, y + half_height};
}

// The least score of a box that any step of SPEED looks at.
float LeastCandidate(Speed speed) {
  float least = std::numeric_limits<float>::infinity();
  if (speed == Speed::kAccurate) return least;
  for (const SpeedStep& step : SpeedSteps(speed)) least = step.whole ? least : std::min(least, step.min_score);
  return least;
}

}  // namespace

double BaseScale(int width, int height) {
  const double scale = static_cast<double>(kReferenceLevel) / std::min(width, height);
  return scale * std::max(width, height) > kLongestSide ? static_cast<double>(kLongestSide) / std::max(width, height)
                                                        : scale;
}

const std::vector<SpeedStep>& SpeedSteps(Speed speed) {
  const auto regions = [](int up_to, float min_score, float max_side, float reach, bool mirrored, int overlap) {
    return SpeedStep{up_to, /*whole=*/false, min_score, max_side, reach, mirrored, overlap};
  };
  const auto whole = [](int up_to, bool mirrored) {
    SpeedStep step{up_to, /*whole=*/true};
    step.mirrored = mirrored;
    return step;
  };
  static const std::vector<SpeedStep> balanced = {
      whole(400, /*mirrored=*/true), whole(600, /*mirrored=*/false), regions(1000, 0.1f, 40, 3, /*mirrored=*/true, 0),
      regions(std::numeric_limits<int>::max(), 0.1f, 32, 3, /*mirrored=*/false, 0)};
  static const std::vector<SpeedStep> fast = {whole(300, /*mirrored=*/false),
                                              regions(600, 0.02f, 24, 5, /*mirrored=*/false, 64),
                                              regions(1000, 0.2f, 24, 5, /*mirrored=*/false, 64)};
  HARDFACE_CHECK(speed != Speed::kAccurate);
  return speed == Speed::kBalanced ? balanced : fast;
}

FaceDetector::FaceDetector(model::Model model, DetectOptions options)
    : model_(Prepared(std::move(model), options)), options_(std::move(options)) {
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

std::vector<FaceDetector::PlannedLevel> FaceDetector::Levels() const {
  static constexpr SpeedStep kWhole{0, /*whole=*/true};
  std::vector<int> levels = options_.pyramid.empty() ? model_.info.pyramid : options_.pyramid;
  std::vector<PlannedLevel> planned;
  if (options_.speed == Speed::kAccurate) {
    for (const int level : levels) planned.push_back({level, nullptr});
    return planned;
  }
  std::sort(levels.begin(), levels.end());
  const std::vector<SpeedStep>& steps = SpeedSteps(options_.speed);
  for (const int level : levels) {
    const auto step =
        std::find_if(steps.begin(), steps.end(), [level](const SpeedStep& step) { return level <= step.up_to; });
    if (planned.empty()) {
      planned.push_back({level, step != steps.end() && step->whole ? &*step : &kWhole});
    } else if (step != steps.end()) {
      planned.push_back({level, model_.detector.tiles ? &*step : &kWhole});
    }
  }
  return planned;
}

void FaceDetector::Add(const std::vector<ScoredBox>& boxes, double scale, bool mirrored, float image_width,
                       Found* found) const {
  const auto factor = static_cast<float>(1.0 / scale);
  const float least = LeastCandidate(options_.speed);
  for (auto [box, score] : boxes) {
    if (score <= options_.score_threshold && score < least) continue;
    box = data::Scaled(box, factor);
    if (mirrored) box = data::Mirror(box, image_width);  // x -> width - x, as published
    if (score > options_.score_threshold) found->boxes.push_back({box, score});
    if (score >= least) found->candidates.push_back({box, score});
  }
}

absl::Status FaceDetector::DetectAtScale(const cv::Mat& image, double scale, bool flip, Found* found) {
  const cv::Mat level = model::ResizeToFloat(image, scale);
  ASSIGN_OR_RETURN(const int64_t activation_bytes, ActivationBytes(image, level));
  const auto width = static_cast<float>(image.cols);
  return runner_->Run(level, flip, activation_bytes, [&](bool mirrored, const auto& planes) {
    Add(DecodeDetections(planes, level.cols, level.rows, options_.decode), scale, mirrored, width, found);
  });
}

absl::Status FaceDetector::DetectInRegions(const cv::Mat& image, double scale, double coarser, const SpeedStep& step,
                                           Found* found) {
  std::vector<data::EdgeBox> wanted;
  for (const auto& [box, score] : found->candidates) {
    const float side = std::sqrt(box.area()) * static_cast<float>(coarser);
    if (score >= step.min_score && side <= step.max_side) wanted.push_back(Grown(box, step.reach));
  }
  TileRules rules = runner_->rules();
  if (step.overlap > 0) rules.overlap = step.overlap;
  RETURN_IF_ERROR(RunRegions(image, scale, wanted, rules, /*mirrored=*/false, found));
  if (!step.mirrored || !options_.flip) return absl::OkStatus();
  const auto width = static_cast<float>(image.cols);
  for (data::EdgeBox& box : wanted) box = data::Mirror(box, width);
  return RunRegions(image, scale, wanted, rules, /*mirrored=*/true, found);
}

absl::Status FaceDetector::RunRegions(const cv::Mat& image, double scale, const std::vector<data::EdgeBox>& wanted,
                                      const TileRules& rules, bool mirrored, Found* found) {
  const model::LevelGeometry level = model::LevelGeometryOf(image.rows, image.cols, scale);
  const model::Shape padded = model::PaddedShape(model_.detector, level.rows, level.columns);
  const auto factor = static_cast<float>(scale);
  std::vector<data::EdgeBox> on_level;
  for (const data::EdgeBox& box : wanted) on_level.push_back(data::Scaled(box, factor));
  for (const LevelRegion& region : CoverRegions(rules, padded.h, padded.w, on_level)) {
    // What the tile shows of the level, or of its mirror image.
    cv::Rect window = cv::Rect(region.columns.begin, region.rows.begin, region.tile_width, region.tile_height) &
                      cv::Rect(0, 0, level.columns, level.rows);
    const DecodeWindow core{window.x,
                            window.y,
                            region.columns.core_begin,
                            region.rows.core_begin,
                            region.columns.core_end,
                            region.rows.core_end};
    if (mirrored) window.x = level.columns - window.x - window.width;
    const cv::Mat tile = model::ResizeToFloat(image, scale, window);
    ASSIGN_OR_RETURN(const int64_t activation_bytes, ActivationBytes(image, tile));
    // What does not fit the memory limit is run whole, in tiles that do.
    const double bytes = rules.bytes_per_pixel * static_cast<double>(region.pixels());
    if (activation_bytes > 0 && bytes > static_cast<double>(activation_bytes)) {
      return mirrored ? absl::OkStatus() : DetectAtScale(image, scale, /*flip=*/false, found);
    }
    const model::Shape shape{1, 3, region.tile_height, region.tile_width};
    ASSIGN_OR_RETURN(const auto planes, runner_->RunTile(tile, shape, mirrored));
    Add(DecodeDetections(planes, level.columns, level.rows, options_.decode, &core), scale, mirrored,
        static_cast<float>(image.cols), found);
  }
  return absl::OkStatus();
}

absl::Status FaceDetector::StartDevice() {
  const size_t levels = options_.pyramid.empty() ? model_.info.pyramid.size() : options_.pyramid.size();
  const bool flip = options_.flip && options_.speed != Speed::kFast;
  CudaFaceDetectorOptions options;
  options.device = options_.device.index;
  options.precision = options_.precision;
  options.flip = flip;
  options.memory_limit = options_.memory_limit;
  options.detections.decode = options_.decode;
  options.detections.max_passes = static_cast<int>(levels) * (flip ? 2 : 1);
  options.detections.score_threshold = options_.score_threshold;
  options.detections.vote = options_.merge == Merge::kVote;
  options.detections.voting = options_.vote;
  options.detections.nms_threshold = options_.nms_threshold;
  if (options_.speed != Speed::kAccurate) {
    options.detections.small_score = LeastCandidate(options_.speed);
    float side = 0;
    for (const SpeedStep& step : SpeedSteps(options_.speed)) side = std::max(side, step.max_side);
    options.detections.small_area = side * side;
  }
  ASSIGN_OR_RETURN(cuda_, CudaFaceDetector::Create(model_, options));
  return absl::OkStatus();
}

absl::Status FaceDetector::SetParameters(const model::ParameterSet& parameters) {
  HARDFACE_CHECK(options_.device.cuda());
  model_.parameters = parameters;
  return cuda_ != nullptr ? cuda_->UpdateParameters() : absl::OkStatus();
}

absl::Status FaceDetector::ReleaseMemory() {
  HARDFACE_CHECK(options_.device.cuda());
  return cuda_ != nullptr ? cuda_->ReleaseMemory() : absl::OkStatus();
}

absl::StatusOr<std::vector<data::Detection>> FaceDetector::DetectOnDevice(const cv::Mat& image,
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
  bool larger_may_add = true;
  for (const PlannedLevel& planned : Levels()) {
    if (!planned.whole() && !larger_may_add) continue;
    RETURN_IF_ERROR(cuda_->RunLevel(ScaleOf(image, planned.level)));
    if (planned.step == nullptr) continue;  // the answer would have to be waited for
    preload();
    ASSIGN_OR_RETURN(larger_may_add, cuda_->SmallCandidates());
  }
  preload();
  return cuda_->Finish();
}

absl::StatusOr<std::vector<data::Detection>> FaceDetector::Detect(const cv::Mat& image,
                                                                  const std::function<cv::Mat()>& upcoming) {
  ASSIGN_OR_RETURN(std::vector<data::Detection> faces,
                   options_.device.cuda() ? DetectOnDevice(image, upcoming) : DetectOnCpu(image));
  if (!model_.info.calibration.has_value()) return faces;
  for (data::Detection& face : faces) face.score = model_.info.calibration->Told(face.score);
  return faces;
}

absl::StatusOr<std::vector<data::Detection>> FaceDetector::DetectOnCpu(const cv::Mat& image) {
  Found found;
  double coarser = 0;  // the scale before
  for (const PlannedLevel& planned : Levels()) {
    const double scale = ScaleOf(image, planned.level);
    const bool flip = options_.flip && (planned.step == nullptr || planned.step->mirrored);
    RETURN_IF_ERROR(planned.whole() ? DetectAtScale(image, scale, flip, &found)
                                    : DetectInRegions(image, scale, coarser, *planned.step, &found));
    coarser = scale;
  }
  std::vector<ScoredBox>& boxes = found.boxes;
  if (options_.merge == Merge::kVote) return ToDetections(VoteBoxes(std::move(boxes), options_.vote));
  std::vector<ScoredBox> kept;
  for (const int i : PlainNms(boxes, options_.nms_threshold)) kept.push_back(boxes[static_cast<size_t>(i)]);
  return ToDetections(kept);
}

}  // namespace hardface::infer
