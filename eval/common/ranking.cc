#include "eval/common/ranking.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "absl/strings/str_format.h"

namespace hardface::eval {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// A number clearly below SCORE, also as a 32-bit float and after a few printed digits.
double Below(double score) { return score - std::max(1.0, 1e-3 * std::fabs(score)); }

double WeightedFaces(const Ranking& ranking, absl::Span<const int> weights) {
  if (weights.empty()) return static_cast<double>(ranking.total_faces());
  double faces = 0;
  for (size_t i = 0; i < ranking.faces.size(); ++i) faces += static_cast<double>(weights[i] * ranking.faces[i]);
  return faces;
}

}  // namespace

CurvePoint PointOf(double score, double true_positives, double false_positives, double faces) {
  const double found = true_positives + false_positives;
  return {score, true_positives, false_positives, faces > 0 ? true_positives / faces : kNan,
          found > 0 ? true_positives / found : kNan};
}

void CurveCorners::Add(double score, bool right) {
  const bool keep = right || points_.empty();
  // Recall rises here, so that the point before is a corner as well.
  if (keep && !last_is_kept_) points_.push_back(PointOf(last_score_, true_positives_, false_positives_, faces_));
  ++(right ? true_positives_ : false_positives_);
  if (keep) points_.push_back(PointOf(score, true_positives_, false_positives_, faces_));
  last_is_kept_ = keep;
  last_score_ = score;
}

std::vector<CurvePoint> CurveCorners::Points() && {
  if (!last_is_kept_) points_.push_back(PointOf(last_score_, true_positives_, false_positives_, faces_));
  return std::move(points_);
}

int64_t Ranking::total_faces() const { return std::accumulate(faces.begin(), faces.end(), int64_t{0}); }

void Ranking::Sort() {
  std::stable_sort(outcomes.begin(), outcomes.end(),
                   [](const Outcome& a, const Outcome& b) { return a.score > b.score; });
}

std::vector<CurvePoint> MakeCurve(const Ranking& ranking, Ties ties, absl::Span<const int> weights) {
  const double faces = WeightedFaces(ranking, weights);
  const std::vector<Outcome>& outcomes = ranking.outcomes;
  std::vector<CurvePoint> curve;
  if (ties == Ties::kApart) curve.reserve(outcomes.size());
  double true_positives = 0, false_positives = 0;
  for (size_t i = 0; i < outcomes.size(); ++i) {
    const int weight = weights.empty() ? 1 : weights[outcomes[i].image];
    true_positives += static_cast<double>(weight) * outcomes[i].true_positives;
    false_positives += static_cast<double>(weight) * outcomes[i].false_positives;
    const bool tie_goes_on = i + 1 < outcomes.size() && outcomes[i + 1].score == outcomes[i].score;
    if (ties == Ties::kTogether && tie_goes_on) continue;
    curve.push_back(PointOf(outcomes[i].score, true_positives, false_positives, faces));
  }
  return curve;
}

double AllPointAp(absl::Span<const CurvePoint> curve) {
  double area = 0, best_precision = 0;
  for (size_t i = curve.size(); i-- > 0;) {
    best_precision = std::fmax(best_precision, curve[i].precision);  // fmax ignores NaN
    const double previous_recall = i == 0 ? 0 : curve[i - 1].recall;
    area += (curve[i].recall - previous_recall) * best_precision;
  }
  return area;
}

double AveragePrecision(const Ranking& ranking, Ties ties, absl::Span<const int> weights) {
  if (WeightedFaces(ranking, weights) == 0) return kNan;
  return AllPointAp(MakeCurve(ranking, ties, weights));
}

double ThresholdBehind(absl::Span<const CurvePoint> curve_of_ties_together, size_t last) {
  const double kept = curve_of_ties_together[last].score;
  if (last + 1 == curve_of_ties_together.size()) return kept > 0 ? kept / 2 : Below(kept);
  const double left_out = curve_of_ties_together[last + 1].score, middle = (kept + left_out) / 2;
  // Detectors compare 32-bit floats, and the middle of two neighbours may round to the upper one.
  return static_cast<float>(middle) < kept ? middle : left_out;
}

double ThresholdAtFalsePositives(absl::Span<const CurvePoint> curve_of_ties_together, double max_false_positives) {
  const auto within = [&](const CurvePoint& point) { return point.false_positives <= max_false_positives; };
  const auto first_beyond = std::find_if_not(curve_of_ties_together.begin(), curve_of_ties_together.end(), within);
  if (first_beyond == curve_of_ties_together.begin()) {
    return curve_of_ties_together.empty() ? 0 : first_beyond->score;
  }
  const double lowest = curve_of_ties_together.back().score;
  if (first_beyond == curve_of_ties_together.end()) return lowest > 0 ? 0 : Below(lowest);
  return ThresholdBehind(curve_of_ties_together,
                         static_cast<size_t>(first_beyond - curve_of_ties_together.begin()) - 1);
}

double RecallAtFalsePositives(absl::Span<const CurvePoint> curve_of_ties_together, double max_false_positives) {
  double recall = 0;
  for (const CurvePoint& point : curve_of_ties_together) {
    if (point.false_positives > max_false_positives) break;
    recall = point.recall;
  }
  return recall;
}

double RateAtFalsePositives(absl::Span<const CurvePoint> curve, double false_positives) {
  for (size_t i = curve.size(); i-- > 0;) {
    if (curve[i].false_positives < false_positives) return curve[i].recall;
  }
  return 0;
}

std::string CurveCsvHeader() { return "curve,score,recall,precision,true_positives,false_positives\n"; }

std::string CurveToCsv(const std::string& name, absl::Span<const CurvePoint> curve, CurvePoints points) {
  std::string csv;
  for (size_t i = 0; i < curve.size(); ++i) {
    const bool rises_here = i == 0 || curve[i].true_positives > curve[i - 1].true_positives;
    const bool rises_next = i + 1 == curve.size() || curve[i + 1].true_positives > curve[i].true_positives;
    if (points == CurvePoints::kCorners && !rises_here && !rises_next) continue;
    absl::StrAppendFormat(&csv, "%s,%.9g,%.17g,%.17g,%.9g,%.9g\n", name, curve[i].score, curve[i].recall,
                          curve[i].precision, curve[i].true_positives, curve[i].false_positives);
  }
  return csv;
}

}  // namespace hardface::eval
