#include "eval/protocols/dataset/dataset_score.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "eval/common/axis_fit.h"
#include "eval/common/calibration.h"

namespace hardface::eval {
namespace {

constexpr int kIouSteps = 10;  // 0.50, 0.55, .. 0.95
constexpr uint8_t kNoBin = 255;

constexpr HeightBin kHeightBins[] = {
    {"under_8", 0, 8}, {"8_16", 8, 16},     {"16_32", 16, 32},
    {"32_64", 32, 64}, {"64_128", 64, 128}, {"128_up", 128, std::numeric_limits<float>::infinity()},
};

std::vector<size_t> ByFallingScore(const std::vector<data::Detection>& detections) {
  std::vector<size_t> order(detections.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return detections[a].score > detections[b].score; });
  return order;
}

bool Counts(const data::Face& face, const HeightBin* bin) {
  return !face.ignore && (bin == nullptr || bin->Holds(face.box.h));
}

struct BestFace {
  int32_t face = -1;  // -1: none overlaps
  double iou = 0;
};

BestFace FindBestFace(const std::vector<data::Face>& faces, const data::Rect& box) {
  BestFace best;
  for (size_t i = 0; i < faces.size(); ++i) {
    const double iou = data::ContinuousIou(faces[i].box, box);
    if (iou > best.iou) best = {static_cast<int32_t>(i), iou};
  }
  return best;
}

// Judges one image's detections at several thresholds; the best faces are looked up once.
class ImageJudge {
 public:
  ImageJudge(const ScoredImage& image, int32_t index) : image_(image) {
    for (size_t i : ByFallingScore(image.detections)) {
      JudgedDetection judged;
      judged.score = image.detections[i].score;
      judged.image = index;
      const BestFace best = FindBestFace(image.faces, image.detections[i].box);
      judged.face = best.face;
      judged.iou = static_cast<float>(best.iou);
      candidates_.push_back(judged);
      ious_.push_back(best.iou);
      heights_.push_back(image.detections[i].box.h);
    }
  }

  void Judge(double iou_threshold, const HeightBin* bin, std::vector<JudgedDetection>* out) const {
    std::vector<bool> found(image_.faces.size(), false);
    for (size_t i = 0; i < candidates_.size(); ++i) {
      JudgedDetection judged = candidates_[i];
      if (judged.face >= 0 && ious_[i] >= iou_threshold) {
        judged.verdict = !Counts(image_.faces[judged.face], bin) ? Verdict::kIgnored
                         : found[judged.face]                    ? Verdict::kDuplicate
                                                                 : Verdict::kTruePositive;
        found[judged.face] = true;
      } else if (bin != nullptr && !bin->Holds(heights_[i])) {
        judged.verdict = Verdict::kIgnored;
      }
      out->push_back(judged);
    }
  }

 private:
  const ScoredImage& image_;
  std::vector<JudgedDetection> candidates_;  // falling score
  std::vector<double> ious_;                 // unrounded
  std::vector<float> heights_;
};

int64_t CountDetections(const std::vector<ScoredImage>& images) {
  int64_t count = 0;
  for (const ScoredImage& image : images) count += static_cast<int64_t>(image.detections.size());
  return count;
}

double IouStep(int step) { return (50 + 5 * step) / 100.0; }

uint8_t BinOf(float height) {
  for (size_t i = 0; i < std::size(kHeightBins); ++i) {
    if (kHeightBins[i].Holds(height)) return static_cast<uint8_t>(i);
  }
  return kNoBin;
}

// All detections in falling score, with what they come to at every IoU step and in every bin of heights. It takes 12
// bytes a detection, since there may be tens of millions of them, and each figure goes through it once more instead of
// keeping a ranking and a curve of its own. Equal to RankDataset at each step and bin.
class CompactRanking {
 public:
  static constexpr int kAllHeights = -1;

  explicit CompactRanking(const std::vector<ScoredImage>& images) {
    detections_.reserve(static_cast<size_t>(CountDetections(images)));
    for (const ScoredImage& image : images) Add(image);
    // Stable: equal scores stay in the order of images, and of the file within one.
    std::stable_sort(detections_.begin(), detections_.end(),
                     [](const Ranked& a, const Ranked& b) { return a.score > b.score; });
  }

  int64_t CountFaces(int bin) const {
    return std::count_if(faces_.begin(), faces_.end(), [&](const RankedFace& face) { return Counts(face, bin); });
  }

  // Calls VISIT(score, whether it is right) for every detection that counts, in falling score.
  template <typename Visit>
  void ForEach(int step, int bin, Visit visit) const {
    std::vector<bool> found(faces_.size(), false);
    for (const Ranked& detection : detections_) {
      if (detection.steps > step) {
        const bool again = found[detection.face];
        found[detection.face] = true;
        if (Counts(faces_[detection.face], bin)) visit(double{detection.score}, !again);
      } else if (bin == kAllHeights || detection.bin == bin) {
        visit(double{detection.score}, false);
      }
    }
  }

  std::vector<CurvePoint> Corners(int step, int bin) const {
    CurveCorners corners(CountFaces(bin));
    ForEach(step, bin, [&](double score, bool right) { corners.Add(score, right); });
    return std::move(corners).Points();
  }

  double Ap(int step, int bin) const {
    return CountFaces(bin) == 0 ? std::numeric_limits<double>::quiet_NaN() : AllPointAp(Corners(step, bin));
  }

 private:
  struct Ranked {
    float score;
    uint32_t face;  // the best one, of all images' one after another
    uint8_t steps;  // how many IoU steps it reaches with it; 0: it lies on no face
    uint8_t bin;    // of its own height
  };
  struct RankedFace {
    bool ignore;
    uint8_t bin;
  };

  static bool Counts(const RankedFace& face, int bin) {
    return !face.ignore && (bin == kAllHeights || face.bin == bin);
  }

  void Add(const ScoredImage& image) {
    const size_t first_face = faces_.size();
    for (const data::Face& face : image.faces) faces_.push_back({face.ignore, BinOf(face.box.h)});
    for (const data::Detection& detection : image.detections) {
      const BestFace best = FindBestFace(image.faces, detection.box);
      Ranked ranked{detection.score, 0, 0, BinOf(detection.box.h)};
      while (ranked.steps < kIouSteps && best.iou >= IouStep(ranked.steps)) ++ranked.steps;
      if (ranked.steps > 0) ranked.face = static_cast<uint32_t>(first_face + static_cast<size_t>(best.face));
      detections_.push_back(ranked);
    }
  }

  std::vector<Ranked> detections_;
  std::vector<RankedFace> faces_;
};

// Of the curve with ties together, the last point with at most ALLOWED false positives and the next one: all that
// RecallAtFalsePositives and ThresholdAtFalsePositives look at.
class PointsAtRate {
 public:
  explicit PointsAtRate(double allowed) : allowed_(allowed) {}

  void Add(const CurvePoint& point) {
    if (is_complete_) return;
    is_complete_ = point.false_positives > allowed_;
    if (!is_complete_) points_.clear();
    points_.push_back(point);
  }

  double allowed() const { return allowed_; }
  const std::vector<CurvePoint>& points() const { return points_; }

 private:
  double allowed_;
  bool is_complete_ = false;
  std::vector<CurvePoint> points_;
};

// F1, the harmonic mean of precision and recall.
double F1(const CurvePoint& point) {
  return point.true_positives > 0 ? 2 * point.precision * point.recall / (point.precision + point.recall) : 0;
}

// Of the same curve, the point of greatest F1 and the next one, all that ThresholdBehind looks at.
class PointsOfBalance {
 public:
  void Add(const CurvePoint& point) {
    if (points_.empty() || F1(point) > F1(points_[0])) {
      points_ = {point};
    } else if (points_.size() == 1) {
      points_.push_back(point);
    }
  }

  const std::vector<CurvePoint>& points() const { return points_; }

 private:
  std::vector<CurvePoint> points_;
};

std::vector<int64_t> CountFaces(const std::vector<ScoredImage>& images, const HeightBin* bin) {
  std::vector<int64_t> counts;
  for (const ScoredImage& image : images) {
    counts.push_back(std::count_if(image.faces.begin(), image.faces.end(),
                                   [bin](const data::Face& face) { return Counts(face, bin); }));
  }
  return counts;
}

// The score threshold of greatest F1 and what it gives. Detections count that have a score above it, as infer:detect
// --score_threshold has it: it lies between two scores.
void AddBalancedThreshold(const std::vector<CurvePoint>& balance, size_t images, Metrics* metrics) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  const bool any = !balance.empty() && F1(balance[0]) > 0;
  (*metrics)["balanced_threshold"] = any ? ThresholdBehind(balance, 0) : kNone;
  (*metrics)["balanced_recall"] = any ? balance[0].recall : kNone;
  (*metrics)["balanced_precision"] = any ? balance[0].precision : kNone;
  (*metrics)["balanced_fp_per_image"] = any ? balance[0].false_positives / static_cast<double>(images) : kNone;
}

std::string RateName(double rate) { return absl::StrFormat("recall_at_%g_fp_per_image", rate); }

// The figures of score thresholds: recall at FP_PER_IMAGE, and the greatest F1.
void AddThresholds(const CompactRanking& ranking, size_t images, const std::vector<double>& fp_per_image,
                   Metrics* metrics) {
  const int64_t faces = ranking.CountFaces(CompactRanking::kAllHeights);
  std::vector<PointsAtRate> at_rates;
  for (double rate : fp_per_image) at_rates.emplace_back(rate * static_cast<double>(images));
  PointsOfBalance balance;
  TiesTogether reachable(faces, [&](const CurvePoint& point) {
    for (PointsAtRate& at_rate : at_rates) at_rate.Add(point);
    balance.Add(point);
  });
  ranking.ForEach(0, CompactRanking::kAllHeights, [&](double score, bool right) { reachable.Add(score, right); });
  reachable.Finish();
  for (size_t i = 0; i < fp_per_image.size(); ++i) {
    const std::vector<CurvePoint>& points = at_rates[i].points();
    const double allowed = at_rates[i].allowed();
    (*metrics)[RateName(fp_per_image[i])] =
        faces > 0 ? RecallAtFalsePositives(points, allowed) : std::numeric_limits<double>::quiet_NaN();
    (*metrics)[absl::StrFormat("threshold_at_%g_fp_per_image", fp_per_image[i])] =
        ThresholdAtFalsePositives(points, allowed);
  }
  AddBalancedThreshold(balance.points(), images, metrics);
}

void AddCalibration(const CompactRanking& ranking, Metrics* metrics) {
  const auto outcomes = [&](absl::FunctionRef<void(double, double, double)> take) {
    ranking.ForEach(0, CompactRanking::kAllHeights,
                    [&](double score, bool right) { take(score, right ? 1 : 0, right ? 0 : 1); });
  };
  const Calibration calibration = FitCalibration(outcomes);
  (*metrics)["calibration_temperature"] = calibration.temperature;
  (*metrics)["calibration_shift"] = calibration.shift;
  (*metrics)["calibration_error"] = CalibrationError(outcomes);
}

}  // namespace

absl::Span<const HeightBin> HeightBins() { return kHeightBins; }

absl::StatusOr<JoinedDetections> JoinDetections(const data::Dataset& dataset,
                                                std::vector<data::ImageDetections> detections,
                                                const std::string& detections_path) {
  if (dataset.entries.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(dataset.manifest_path, ": the dataset has no images to score"));
  }
  JoinedDetections joined;
  joined.images.resize(dataset.entries.size());
  std::map<std::pair<std::string, bool>, size_t> index;
  for (size_t i = 0; i < dataset.entries.size(); ++i) {
    const data::DatasetEntry& entry = dataset.entries[i];
    joined.images[i].faces = entry.faces;
    if (!index.emplace(std::make_pair(entry.image, entry.flip), i).second) {
      return absl::InvalidArgumentError(absl::StrCat(dataset.manifest_path, ": image ", entry.image,
                                                     entry.flip ? " (flipped)" : "",
                                                     " stands twice; data_tools:doctor --repair mends that"));
    }
  }
  std::vector<bool> named(dataset.entries.size(), false);
  joined.entries.assign(dataset.entries.size(), -1);
  for (size_t d = 0; d < detections.size(); ++d) {
    data::ImageDetections& of_image = detections[d];
    const auto found = index.find({of_image.image, of_image.flip});
    if (found == index.end()) {
      joined.unknown_images.push_back(absl::StrCat(of_image.image, of_image.flip ? " (flipped)" : ""));
      joined.unknown_entries.push_back(d);
    } else {
      joined.entries[found->second] = static_cast<int64_t>(d);
      joined.images[found->second].detections = std::move(of_image.boxes);
      named[found->second] = true;
    }
  }
  const size_t matched = detections.size() - joined.unknown_images.size();
  for (size_t i = 0; i < named.size(); ++i) {
    if (!named[i]) joined.without_detections.push_back(i);
  }
  if (matched == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        detections_path, ": ", detections.empty() ? "holds no image" : "none of its images is in the dataset",
        detections.empty() ? "" : absl::StrCat(" (its first: ", joined.unknown_images[0], ")"), "; ",
        dataset.manifest_path, " starts with ", dataset.entries[0].image,
        ". Names must be equal: run infer:detect with --dataset on this dataset"));
  }
  return joined;
}

std::vector<JudgedDetection> JudgeDataset(const std::vector<ScoredImage>& images, double iou_threshold,
                                          const HeightBin* bin) {
  std::vector<JudgedDetection> all;
  all.reserve(static_cast<size_t>(CountDetections(images)));
  for (size_t i = 0; i < images.size(); ++i) {
    ImageJudge(images[i], static_cast<int32_t>(i)).Judge(iou_threshold, bin, &all);
  }
  return all;
}

Ranking RankDataset(const std::vector<ScoredImage>& images, double iou_threshold, const HeightBin* bin) {
  return MakeRanking(JudgeDataset(images, iou_threshold, bin), CountFaces(images, bin));
}

namespace {

// How the true positives lie to their faces on average, in the images for which COUNTS(index).
template <typename Counts>
data::BoxStyle FitStyle(const std::vector<ScoredImage>& images, const Counts& counts) {
  const std::vector<JudgedDetection> judged = JudgeDataset(images, kScoredIou);
  AxisFit x, y;
  size_t next = 0;  // of judged, which has the images' detections in falling score
  for (size_t i = 0; i < images.size(); ++i) {
    const ScoredImage& image = images[i];
    for (const size_t d : ByFallingScore(image.detections)) {
      const JudgedDetection& detection = judged[next++];
      if (detection.verdict != Verdict::kTruePositive || !counts(i)) continue;
      const data::Rect& box = image.detections[d].box;
      const data::Rect& face = image.faces[static_cast<size_t>(detection.face)].box;
      x.Add(face.x, double{face.x} + face.w, box.x, double{box.x} + box.w);
      y.Add(face.y, double{face.y} + face.h, box.y, double{box.y} + box.h);
    }
  }
  return {x.offset(), y.offset(), x.ratio(), y.ratio()};
}

void ApplyStyle(const data::BoxStyle& style, std::vector<ScoredImage>* images) {
  for (ScoredImage& image : *images) {
    for (data::Detection& detection : image.detections) detection.box = data::Restyle(detection.box, style);
  }
}

// REFITS refits by the images for which COUNTS(index), and what they came to.
template <typename Counts>
data::BoxStyle RefitBy(int refits, const Counts& counts, std::vector<ScoredImage>* images) {
  data::BoxStyle all;
  for (int i = 0; i < refits; ++i) {
    const data::BoxStyle style = FitStyle(*images, counts);
    ApplyStyle(style, images);
    all = data::Then(all, style);
  }
  return all;
}

}  // namespace

data::BoxStyle RefitDetections(int refits, std::vector<ScoredImage>* images) {
  return RefitBy(
      refits, [](size_t) { return true; }, images);
}

void RefitDetectionsByFolds(int refits, size_t folds, std::vector<ScoredImage>* images) {
  const std::vector<ScoredImage> original = *images;
  for (size_t fold = 0; fold < folds; ++fold) {
    std::vector<ScoredImage> moved = original;
    RefitBy(
        refits, [&](size_t image) { return image % folds != fold; }, &moved);
    for (size_t i = fold; i < moved.size(); i += folds) (*images)[i] = std::move(moved[i]);
  }
}

Metrics Refit(const RefitOptions& options, JoinedDetections* joined) {
  Metrics metrics = Metrics::object();
  if (options.refits == 0) return metrics;
  metrics["refits"] = options.refits;
  const double ap_before = AveragePrecision(RankDataset(joined->images, kScoredIou), Ties::kApart);
  if (options.folds > 0) {
    RefitDetectionsByFolds(options.refits, static_cast<size_t>(options.folds), &joined->images);
    metrics["refit_folds"] = options.folds;
  } else {
    const data::BoxStyle style = RefitDetections(options.refits, &joined->images);
    metrics["refit_dx"] = style.dx;
    metrics["refit_dy"] = style.dy;
    metrics["refit_width"] = style.width;
    metrics["refit_height"] = style.height;
  }
  metrics["ap_without_refits"] = ap_before;
  return metrics;
}

DatasetScores ScoreDataset(const JoinedDetections& joined, const std::vector<double>& fp_per_image) {
  constexpr int kAll = CompactRanking::kAllHeights;
  const CompactRanking ranking(joined.images);
  const int64_t faces = ranking.CountFaces(kAll);
  DatasetScores scores;
  scores.curve = ranking.Corners(/*step=*/0, kAll);
  Metrics& metrics = scores.metrics;
  metrics["ap"] = ranking.Ap(/*step=*/0, kAll);
  double sum = 0;
  for (int step = 0; step < kIouSteps; ++step) sum += ranking.Ap(step, kAll);
  metrics["ap_50_95"] = sum / kIouSteps;
  AddThresholds(ranking, joined.images.size(), fp_per_image, &metrics);
  AddCalibration(ranking, &metrics);
  for (size_t i = 0; i < std::size(kHeightBins); ++i) {
    const int bin = static_cast<int>(i);
    metrics[absl::StrCat("ap_height_", kHeightBins[i].name)] = ranking.Ap(/*step=*/0, bin);
    metrics[absl::StrCat("faces_height_", kHeightBins[i].name)] = ranking.CountFaces(bin);
  }
  const CurvePoint last = scores.curve.empty() ? CurvePoint{} : scores.curve.back();
  metrics["recall"] = faces > 0 ? last.recall : std::numeric_limits<double>::quiet_NaN();
  metrics["images"] = joined.images.size();
  metrics["faces"] = faces;
  metrics["detections"] = CountDetections(joined.images);
  metrics["true_positives"] = static_cast<int64_t>(last.true_positives);
  metrics["false_positives"] = static_cast<int64_t>(last.false_positives);
  metrics["images_without_detections"] = joined.without_detections.size();
  return scores;
}

}  // namespace hardface::eval
