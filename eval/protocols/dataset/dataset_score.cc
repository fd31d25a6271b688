#include "eval/protocols/dataset/dataset_score.h"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "eval/common/axis_fit.h"
#include "eval/common/calibration.h"

namespace hardface::eval {
namespace {

constexpr int kIouSteps = 10;  // 0.50, 0.55, .. 0.95

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

// Sets face and iou of the best match.
void FindBestFace(const std::vector<data::Face>& faces, const data::Rect& box, JudgedDetection* judged) {
  double best = 0;
  for (size_t i = 0; i < faces.size(); ++i) {
    const double iou = data::ContinuousIou(faces[i].box, box);
    if (iou <= best) continue;
    best = iou;
    judged->face = static_cast<int32_t>(i);
  }
  judged->iou = static_cast<float>(best);
}

// Judges one image's detections at several thresholds; the best faces are looked up once.
class ImageJudge {
 public:
  ImageJudge(const ScoredImage& image, int32_t index) : image_(image) {
    for (size_t i : ByFallingScore(image.detections)) {
      JudgedDetection judged;
      judged.score = image.detections[i].score;
      judged.image = index;
      FindBestFace(image.faces, image.detections[i].box, &judged);
      candidates_.push_back(judged);
      ious_.push_back(judged.face < 0 ? 0 : data::ContinuousIou(image.faces[judged.face].box, image.detections[i].box));
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

std::vector<ImageJudge> MakeJudges(const std::vector<ScoredImage>& images) {
  std::vector<ImageJudge> judges;
  judges.reserve(images.size());
  for (size_t i = 0; i < images.size(); ++i) judges.emplace_back(images[i], static_cast<int32_t>(i));
  return judges;
}

std::vector<JudgedDetection> JudgeAll(const std::vector<ImageJudge>& judges, double iou_threshold,
                                      const HeightBin* bin) {
  std::vector<JudgedDetection> all;
  for (const ImageJudge& judge : judges) judge.Judge(iou_threshold, bin, &all);
  return all;
}

std::vector<int64_t> CountFaces(const std::vector<ScoredImage>& images, const HeightBin* bin) {
  std::vector<int64_t> counts;
  for (const ScoredImage& image : images) {
    counts.push_back(std::count_if(image.faces.begin(), image.faces.end(),
                                   [bin](const data::Face& face) { return Counts(face, bin); }));
  }
  return counts;
}

// The score threshold of greatest F1, the harmonic mean of precision and recall, and what it gives. Detections count
// that have a score above it, as infer:detect --score_threshold has it: it lies between two scores.
void AddBalancedThreshold(const std::vector<CurvePoint>& reachable, size_t images, Metrics* metrics) {
  const auto f1 = [](const CurvePoint& point) {
    return point.true_positives > 0 ? 2 * point.precision * point.recall / (point.precision + point.recall) : 0;
  };
  size_t best = 0;
  for (size_t i = 1; i < reachable.size(); ++i) {
    if (f1(reachable[i]) > f1(reachable[best])) best = i;
  }
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  const bool any = !reachable.empty() && f1(reachable[best]) > 0;
  (*metrics)["balanced_threshold"] = any ? ThresholdBehind(reachable, best) : kNone;
  (*metrics)["balanced_recall"] = any ? reachable[best].recall : kNone;
  (*metrics)["balanced_precision"] = any ? reachable[best].precision : kNone;
  (*metrics)["balanced_fp_per_image"] = any ? reachable[best].false_positives / static_cast<double>(images) : kNone;
}

void AddCalibration(const Ranking& ranking, Metrics* metrics) {
  const Calibration calibration = FitCalibration(ranking);
  (*metrics)["calibration_temperature"] = calibration.temperature;
  (*metrics)["calibration_shift"] = calibration.shift;
  (*metrics)["calibration_error"] = CalibrationError(ranking);
}

std::string RateName(double rate) {
  std::string name = absl::StrFormat("recall_at_%g_fp_per_image", rate);
  return name;
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
  return JudgeAll(MakeJudges(images), iou_threshold, bin);
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
  const std::vector<ImageJudge> judges = MakeJudges(joined.images);
  const auto rank = [&](double iou_threshold, const HeightBin* bin) {
    return MakeRanking(JudgeAll(judges, iou_threshold, bin), CountFaces(joined.images, bin));
  };
  const Ranking ranking = rank(kScoredIou, nullptr);
  DatasetScores scores;
  scores.curve = MakeCurve(ranking, Ties::kApart);
  Metrics& metrics = scores.metrics;
  metrics["ap"] = AveragePrecision(ranking, Ties::kApart);
  double sum = 0;
  for (int i = 0; i < kIouSteps; ++i) sum += AveragePrecision(rank((50 + 5 * i) / 100.0, nullptr), Ties::kApart);
  metrics["ap_50_95"] = sum / kIouSteps;
  const std::vector<CurvePoint> reachable = MakeCurve(ranking, Ties::kTogether);
  const bool has_faces = ranking.total_faces() > 0;
  for (double rate : fp_per_image) {
    const double allowed = rate * static_cast<double>(joined.images.size());
    metrics[RateName(rate)] =
        has_faces ? RecallAtFalsePositives(reachable, allowed) : std::numeric_limits<double>::quiet_NaN();
    metrics[absl::StrFormat("threshold_at_%g_fp_per_image", rate)] = ThresholdAtFalsePositives(reachable, allowed);
  }
  AddBalancedThreshold(reachable, joined.images.size(), &metrics);
  AddCalibration(ranking, &metrics);
  for (const HeightBin& bin : kHeightBins) {
    const Ranking in_bin = rank(kScoredIou, &bin);
    metrics[absl::StrCat("ap_height_", bin.name)] = AveragePrecision(in_bin, Ties::kApart);
    metrics[absl::StrCat("faces_height_", bin.name)] = in_bin.total_faces();
  }
  const CurvePoint last = scores.curve.empty() ? CurvePoint{} : scores.curve.back();
  metrics["recall"] = has_faces ? last.recall : std::numeric_limits<double>::quiet_NaN();
  metrics["images"] = joined.images.size();
  metrics["faces"] = ranking.total_faces();
  metrics["detections"] = static_cast<int64_t>(
      std::accumulate(joined.images.begin(), joined.images.end(), size_t{0},
                      [](size_t count, const ScoredImage& image) { return count + image.detections.size(); }));
  metrics["true_positives"] = static_cast<int64_t>(last.true_positives);
  metrics["false_positives"] = static_cast<int64_t>(last.false_positives);
  metrics["images_without_detections"] = joined.without_detections.size();
  return scores;
}

}  // namespace hardface::eval
