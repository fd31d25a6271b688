#include "eval/protocols/wider/wider_score.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/types/optional.h"
#include "base/parallel.h"
#include "base/status_macros.h"

namespace hardface::eval {
namespace {

constexpr double kMinIou = 0.5;

// MATLAB's conversion of a double to int32: rounded half away from zero, saturated.
int64_t ToInt32(double value) {
  constexpr double kLow = std::numeric_limits<int32_t>::min(), kHigh = std::numeric_limits<int32_t>::max();
  return static_cast<int64_t>(std::clamp(std::round(value), kLow, kHigh));
}

// The result of an int32 operation.
int64_t Saturate(int64_t value) {
  return std::clamp<int64_t>(value, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max());
}

// boxoverlap.m of the toolkit on int32 faces: "inter ./ (aarea + barea - inter)" with every step rounded to int32.
class Int32Matcher {
 public:
  explicit Int32Matcher(const std::vector<WiderFace>& faces) {
    faces_.reserve(faces.size());
    for (const WiderFace& face : faces) {
      IntFace out;
      out.x1 = ToInt32(face.x);
      out.y1 = ToInt32(face.y);
      out.x2 = Saturate(out.x1 + ToInt32(face.w));
      out.y2 = Saturate(out.y1 + ToInt32(face.h));
      out.area = Saturate(Extent(out.x1, out.x2) * Extent(out.y1, out.y2));
      faces_.push_back(out);
    }
  }

  int32_t Match(const ResultBox& box) const {
    const double x2 = box.x + box.w, y2 = box.y + box.h;
    const double box_area = (x2 - box.x + 1) * (y2 - box.y + 1);  // of doubles only: not rounded
    const int64_t bx1 = ToInt32(box.x), by1 = ToInt32(box.y), bx2 = ToInt32(x2), by2 = ToInt32(y2);
    int64_t best = 0;
    int32_t match = -1;
    for (size_t i = 0; i < faces_.size(); ++i) {
      const IntFace& face = faces_[i];
      const int64_t w = Extent(std::max(face.x1, bx1), std::min(face.x2, bx2));
      if (w <= 0) continue;
      const int64_t h = Extent(std::max(face.y1, by1), std::min(face.y2, by2));
      if (h <= 0) continue;
      const int64_t intersection = Saturate(w * h);
      const int64_t all = Saturate(ToInt32(static_cast<double>(face.area) + box_area) - intersection);
      const int64_t iou = Divide(intersection, all);
      if (iou <= best) continue;
      best = iou;
      match = static_cast<int32_t>(i);
    }
    return match;
  }

 private:
  struct IntFace {
    int64_t x1, y1, x2, y2, area;  // each within int32
  };

  static int64_t Extent(int64_t from, int64_t to) { return Saturate(Saturate(to - from) + 1); }

  // int32 ./ int32 for a numerator above 0; x ./ 0 saturates.
  static int64_t Divide(int64_t numerator, int64_t denominator) {
    if (denominator == 0) return std::numeric_limits<int32_t>::max();
    if (denominator < 0) return -1;  // at most 0: never a match
    return (2 * numerator + denominator) / (2 * denominator);
  }

  std::vector<IntFace> faces_;
};

class ExactMatcher {
 public:
  explicit ExactMatcher(const std::vector<WiderFace>& faces) {
    faces_.reserve(faces.size());
    for (const WiderFace& face : faces) {
      const double x2 = face.x + face.w, y2 = face.y + face.h;
      faces_.push_back({face.x, face.y, x2, y2, (x2 - face.x + 1) * (y2 - face.y + 1)});
    }
  }

  // The face of highest IoU, -1 when none overlaps.
  int32_t Best(const ResultBox& box, double* best_iou) const {
    const double x2 = box.x + box.w, y2 = box.y + box.h;
    const double box_area = (x2 - box.x + 1) * (y2 - box.y + 1);
    *best_iou = 0;
    int32_t match = -1;
    for (size_t i = 0; i < faces_.size(); ++i) {
      const ExactFace& face = faces_[i];
      const double w = std::min(face.x2, x2) - std::max(face.x1, box.x) + 1;
      if (w <= 0) continue;
      const double h = std::min(face.y2, y2) - std::max(face.y1, box.y) + 1;
      if (h <= 0) continue;
      const double iou = w * h / (face.area + box_area - w * h);
      if (!(iou > *best_iou)) continue;
      *best_iou = iou;
      match = static_cast<int32_t>(i);
    }
    return match;
  }

  int32_t Match(const ResultBox& box) const {
    double iou;
    const int32_t best = Best(box, &iou);
    return iou >= kMinIou ? best : -1;
  }

 private:
  struct ExactFace {
    double x1, y1, x2, y2, area;
  };
  std::vector<ExactFace> faces_;
};

template <typename Matcher>
std::vector<int32_t> MatchAll(const Matcher& matcher, const std::vector<ResultBox>& boxes) {
  std::vector<int32_t> matches;
  matches.reserve(boxes.size());
  for (const ResultBox& box : boxes) matches.push_back(matcher.Match(box));
  return matches;
}

// The score thresholds 1 - t/1000 as doubles, just as MATLAB computes them.
class Thresholds {
 public:
  Thresholds() {
    for (int t = 0; t <= kWiderThresholds; ++t) values_[t] = 1 - static_cast<double>(t) / kWiderThresholds;
  }
  double Value(int t) const { return values_[t]; }
  // The first t >= 1 whose threshold SCORE, in [0, 1], reaches.
  int First(double score) const {
    int t = std::clamp(static_cast<int>(std::ceil((1 - score) * kWiderThresholds)), 1, kWiderThresholds);
    while (t > 1 && values_[t - 1] <= score) --t;
    while (t < kWiderThresholds && values_[t] > score) ++t;
    return t;
  }

 private:
  std::array<double, kWiderThresholds + 1> values_;
};

const Thresholds& AllThresholds() {
  static const Thresholds* thresholds = new Thresholds;
  return *thresholds;
}

struct ScoreRange {
  double min, max;
};

// SCORE as a fraction of the range. The toolkit starts its maximum and minimum at realmin('single') and
// realmax('single'); MATLAB's arithmetic of a single with a double is single, and so are the normalised scores.
double Normalise(double score, const ScoreRange& range, WiderMatching matching) {
  if (matching == WiderMatching::kBestIou) return (score - range.min) / (range.max - range.min);
  const auto min = static_cast<float>(range.min), max = static_cast<float>(range.max);
  return (static_cast<float>(score) - min) / (max - min);
}

absl::StatusOr<ScoreRange> FindScoreRange(const WiderDetections& detections, WiderMatching matching) {
  ScoreRange range{std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  if (matching == WiderMatching::kOfficial) range.max = std::numeric_limits<float>::min();  // realmin('single')
  for (const std::vector<ResultBox>& boxes : detections.images) {
    if (boxes.empty()) continue;
    range.max = std::max(range.max, boxes.front().score);  // they are in falling order
    range.min = std::min(range.min, boxes.back().score);
  }
  const bool official = matching == WiderMatching::kOfficial;
  if (official ? static_cast<float>(range.min) < static_cast<float>(range.max) : range.min < range.max) return range;
  return absl::InvalidArgumentError(absl::StrCat(
      "all detections have the score ", range.min,
      ": WIDER's protocol normalises scores by their range, which is 0 here; write the detector's real scores"));
}

const char* VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kTruePositive:
      return "true_positive";
    case Verdict::kIgnored:
      return "ignored";
    case Verdict::kDuplicate:
      return "duplicate";
    case Verdict::kFalseAlarm:
      return "false_alarm";
  }
  return "?";
}

std::vector<bool> FoundFaces(size_t faces, const std::vector<int32_t>& matches) {
  std::vector<bool> found(faces, false);
  for (int32_t match : matches) {
    if (match >= 0) found[match] = true;
  }
  return found;
}

void AppendFaceDifferences(const WiderImage& image, const std::string& prefix, const std::vector<std::string>& subsets,
                           const std::vector<int32_t>& official, const std::vector<int32_t>& best, std::string* csv) {
  const std::vector<bool> found_official = FoundFaces(image.faces.size(), official);
  const std::vector<bool> found_best = FoundFaces(image.faces.size(), best);
  for (size_t i = 0; i < image.faces.size(); ++i) {
    if (found_official[i] == found_best[i]) continue;
    const WiderFace& face = image.faces[i];
    for (size_t s = 0; s < subsets.size(); ++s) {
      if (!(face.subsets >> s & 1)) continue;
      absl::StrAppendFormat(csv, "%s,face,%d,%g,%g,%g,%g,,%s,%s,%s\n", prefix, i + 1, face.x, face.y, face.w, face.h,
                            subsets[s], found_official[i] ? "found" : "missed", found_best[i] ? "found" : "missed");
    }
  }
}

}  // namespace

std::vector<int32_t> MatchWiderImage(const std::vector<WiderFace>& faces, const std::vector<ResultBox>& boxes,
                                     bool integer_arithmetic) {
  return integer_arithmetic ? MatchAll(Int32Matcher(faces), boxes) : MatchAll(ExactMatcher(faces), boxes);
}

absl::StatusOr<WiderMatches> MatchWider(const WiderGroundTruth& truth, const WiderDetections& detections,
                                        WiderMatching matching, int threads) {
  ASSIGN_OR_RETURN(const ScoreRange range, FindScoreRange(detections, matching));
  const bool integer = matching == WiderMatching::kOfficial && truth.integer_boxes;
  const auto images = static_cast<int64_t>(truth.images.size());
  WiderMatches matches;
  matches.faces.resize(images);
  matches.thresholds.resize(images);
  constexpr int64_t kChunk = 16;
  ParallelFor((images + kChunk - 1) / kChunk, threads, [&](int64_t chunk) {
    for (int64_t i = chunk * kChunk; i < std::min(images, (chunk + 1) * kChunk); ++i) {
      const std::vector<ResultBox>& boxes = detections.images[i];
      matches.faces[i] = MatchWiderImage(truth.images[i].faces, boxes, integer);
      matches.thresholds[i].reserve(boxes.size());
      for (const ResultBox& box : boxes) {
        matches.thresholds[i].push_back(AllThresholds().First(Normalise(box.score, range, matching)));
      }
    }
  });
  return matches;
}

std::vector<Verdict> JudgeWiderImage(const std::vector<WiderFace>& faces, const std::vector<int32_t>& matches,
                                     int subset) {
  std::vector<bool> found(faces.size(), false);
  std::vector<Verdict> verdicts(matches.size(), Verdict::kFalseAlarm);
  for (size_t i = 0; i < matches.size(); ++i) {
    if (matches[i] < 0) continue;
    const size_t face = matches[i];
    if (!(faces[face].subsets >> subset & 1)) {
      verdicts[i] = Verdict::kIgnored;
      continue;
    }
    verdicts[i] = found[face] ? Verdict::kDuplicate : Verdict::kTruePositive;
    found[face] = true;
  }
  return verdicts;
}

Ranking RankWider(const WiderGroundTruth& truth, const WiderMatches& matches, int subset) {
  std::vector<std::vector<Outcome>> by_threshold(kWiderThresholds + 1);
  Ranking ranking;
  for (size_t i = 0; i < truth.images.size(); ++i) {
    const std::vector<WiderFace>& faces = truth.images[i].faces;
    ranking.faces.push_back(std::count_if(faces.begin(), faces.end(),
                                          [subset](const WiderFace& face) { return face.subsets >> subset & 1; }));
    if (faces.empty()) continue;  // the toolkit passes over images without faces, false alarms and all
    const std::vector<Verdict> verdicts = JudgeWiderImage(faces, matches.faces[i], subset);
    for (size_t k = 0; k < verdicts.size(); ++k) {
      if (verdicts[k] == Verdict::kIgnored) continue;
      const int t = matches.thresholds[i][k];
      std::vector<Outcome>& bin = by_threshold[t];
      if (bin.empty() || bin.back().image != static_cast<int32_t>(i)) {
        bin.push_back({AllThresholds().Value(t), static_cast<int32_t>(i), 0, 0});
      }
      const bool right = verdicts[k] == Verdict::kTruePositive;
      (right ? bin.back().true_positives : bin.back().false_positives) += 1;
    }
  }
  for (const std::vector<Outcome>& bin : by_threshold) {
    ranking.outcomes.insert(ranking.outcomes.end(), bin.begin(), bin.end());
  }
  return ranking;
}

WiderSubsetScore ScoreWiderSubset(const WiderGroundTruth& truth, const WiderMatches& matches, int subset) {
  Ranking ranking = RankWider(truth, matches, subset);
  WiderSubsetScore score;
  score.faces = ranking.total_faces();
  score.ap = AveragePrecision(ranking, Ties::kTogether);
  // All thresholds are points of the curve, those too at which nothing changes.
  for (int t = 1; t <= kWiderThresholds; ++t) ranking.outcomes.push_back({AllThresholds().Value(t), 0, 0, 0});
  ranking.Sort();
  score.curve = MakeCurve(ranking, Ties::kTogether);
  return score;
}

std::string WiderDifferences(const WiderGroundTruth& truth, const WiderDetections& detections,
                             const WiderMatches& official, const WiderMatches& best_iou) {
  std::string csv = "image,what,index,x,y,w,h,score,subset,official,best_iou\n";
  for (size_t i = 0; i < truth.images.size(); ++i) {
    if (official.faces[i] == best_iou.faces[i]) continue;
    const WiderImage& image = truth.images[i];
    const std::string prefix = absl::StrCat(image.event, "/", image.name);
    for (size_t s = 0; s < truth.subsets.size(); ++s) {
      const std::vector<Verdict> a = JudgeWiderImage(image.faces, official.faces[i], static_cast<int>(s));
      const std::vector<Verdict> b = JudgeWiderImage(image.faces, best_iou.faces[i], static_cast<int>(s));
      for (size_t k = 0; k < a.size(); ++k) {
        if (a[k] == b[k]) continue;
        const ResultBox& box = detections.images[i][k];
        absl::StrAppendFormat(&csv, "%s,detection,%d,%g,%g,%g,%g,%.9g,%s,%s,%s\n", prefix, k + 1, box.x, box.y, box.w,
                              box.h, box.score, truth.subsets[s], VerdictName(a[k]), VerdictName(b[k]));
      }
    }
    AppendFaceDifferences(image, prefix, truth.subsets, official.faces[i], best_iou.faces[i], &csv);
  }
  return csv;
}

std::vector<JudgedDetection> JudgeWider(const WiderGroundTruth& truth, const WiderDetections& detections,
                                        const WiderMatches& matches, int subset) {
  std::vector<JudgedDetection> judged;
  for (size_t i = 0; i < truth.images.size(); ++i) {
    const std::vector<WiderFace>& faces = truth.images[i].faces;
    if (faces.empty()) continue;
    const ExactMatcher matcher(faces);
    const std::vector<Verdict> verdicts = JudgeWiderImage(faces, matches.faces[i], subset);
    for (size_t k = 0; k < verdicts.size(); ++k) {
      JudgedDetection detection;
      detection.score = AllThresholds().Value(matches.thresholds[i][k]);
      detection.image = static_cast<int32_t>(i);
      detection.verdict = verdicts[k];
      double iou;
      detection.face = matcher.Best(detections.images[i][k], &iou);
      detection.iou = static_cast<float>(iou);
      if (matches.faces[i][k] >= 0) detection.face = matches.faces[i][k];
      judged.push_back(detection);
    }
  }
  return judged;
}

}  // namespace hardface::eval
