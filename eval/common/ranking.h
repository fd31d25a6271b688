// Ranked outcomes: what a scorer made of the detections, in falling score, and the curves and average precisions that
// follow from them. Every scorer of this folder ends in this form, so that AP, bootstrap and comparison are written
// once.
#ifndef HARDFACE_EVAL_COMMON_RANKING_H_
#define HARDFACE_EVAL_COMMON_RANKING_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/types/span.h"

namespace hardface::eval {

// One step down the ranking. A plain detection adds 1 to one of the two; a scorer may also sum up equal scores of an
// image into one outcome.
struct Outcome {
  double score = 0;
  int32_t image = 0;          // index into Ranking::faces
  double true_positives = 0;  // faces found (the continuous FDDB score adds fractions)
  double false_positives = 0;
};

// The outcomes of all images together.
struct Ranking {
  std::vector<Outcome> outcomes;  // falling score; equal scores in the order that the protocol says
  std::vector<int64_t> faces;     // of each image, the faces that count (found or not)

  int64_t total_faces() const;
  // Orders the outcomes by falling score, stably.
  void Sort();
};

// The state after all detections down to `score`.
struct CurvePoint {
  double score = 0;
  double true_positives = 0;
  double false_positives = 0;
  double recall = 0;     // true_positives / faces; NaN when there are no faces
  double precision = 0;  // true_positives / (true_positives + false_positives); NaN when both are 0
};

// The point with these counts; FACES: all that count.
CurvePoint PointOf(double score, double true_positives, double false_positives, double faces);

enum class Ties {
  kApart,     // every outcome is a point (VOC: equal scores stay in their order)
  kTogether,  // outcomes of equal score are one point: the points that a score threshold can really reach
};

// The curve, best score first. WEIGHTS, where given, says how often each image counts (bootstrap); empty: once.
std::vector<CurvePoint> MakeCurve(const Ranking& ranking, Ties ties, absl::Span<const int> weights = {});

// The corners of the curve with ties apart: the first point, those before and after every rise of recall, and the last.
// They are all that AllPointAp and CurvePoints::kCorners look at, and at most twice as many as faces and one, however
// many detections there are. Example:
//   CurveCorners corners(total_faces);
//   for (each detection, in falling score) corners.Add(score, is_true_positive);
//   const double ap = AllPointAp(std::move(corners).Points());
class CurveCorners {
 public:
  explicit CurveCorners(int64_t faces) : faces_(static_cast<double>(faces)) {}

  void Add(double score, bool right);
  // Ends the curve.
  std::vector<CurvePoint> Points() &&;

 private:
  const double faces_;
  double true_positives_ = 0, false_positives_ = 0;
  bool last_is_kept_ = true;
  double last_score_ = 0;
  std::vector<CurvePoint> points_;
};

// The curve with ties together, point by point: MakeCurve(.., Ties::kTogether) for more detections than memory holds
// points. VISIT(point) is called when the next score comes, and by Finish().
template <typename Visit>
class TiesTogether {
 public:
  TiesTogether(int64_t faces, Visit visit) : faces_(static_cast<double>(faces)), visit_(std::move(visit)) {}

  void Add(double score, bool right) {
    if (any_ && score != score_) Emit();
    any_ = true;
    score_ = score;
    ++(right ? true_positives_ : false_positives_);
  }
  void Finish() {
    if (any_) Emit();
  }

 private:
  void Emit() { visit_(PointOf(score_, true_positives_, false_positives_, faces_)); }

  const double faces_;
  Visit visit_;
  bool any_ = false;
  double score_ = 0, true_positives_ = 0, false_positives_ = 0;
};

// VOC all-point average precision: the area under the curve whose precision at a recall is the best precision at this
// or a higher recall. Points are in rising recall. NaN precision (no detections yet) counts as none, as in MATLAB's
// max(). NaN when recall is NaN: without faces there is nothing to measure.
double AllPointAp(absl::Span<const CurvePoint> curve);

// AllPointAp of MakeCurve; 0 without outcomes, NaN without faces.
double AveragePrecision(const Ranking& ranking, Ties ties, absl::Span<const int> weights = {});

// The highest recall of a score threshold with at most MAX_FALSE_POSITIVES; 0 when none has so few, NaN without faces.
double RecallAtFalsePositives(absl::Span<const CurvePoint> curve_of_ties_together, double max_false_positives);

// A score threshold that keeps the points up to number LAST and none behind it: detections count that have a score
// above the threshold, on whatever scale scores are (logits are negative). It lies halfway between two scores, or where
// no float lies between them, at the lower one. Behind the last point: half of the lowest score, or, where that is not
// above 0, a number below it.
double ThresholdBehind(absl::Span<const CurvePoint> curve_of_ties_together, size_t last);

// The least score threshold that leaves at most MAX_FALSE_POSITIVES, as ThresholdBehind has it. Where all detections
// may stay: 0, or a number below the lowest score where that is not above 0. 0 without detections.
double ThresholdAtFalsePositives(absl::Span<const CurvePoint> curve_of_ties_together, double max_false_positives);

// The rate at the first point of the curve, from the lowest score upwards, that has fewer than FALSE_POSITIVES: how the
// figure "at 1000 false positives" is read off the official tool's files. 0 when no point has so few.
double RateAtFalsePositives(absl::Span<const CurvePoint> curve, double false_positives);

// The header line of pr.csv: "curve,score,recall,precision,true_positives,false_positives".
std::string CurveCsvHeader();

enum class CurvePoints {
  kAll,
  kCorners,  // the points before and after every rise of recall, and the last: the whole shape, in at most twice as
             // many lines as there are faces
};
// The curve's points as lines of pr.csv; NAME tells the curves of a file apart.
std::string CurveToCsv(const std::string& name, absl::Span<const CurvePoint> curve, CurvePoints points);

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_COMMON_RANKING_H_
