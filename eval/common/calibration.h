// How well scores tell what they claim: that of the detections with score 0.8, eight in ten are faces.
#ifndef HARDFACE_EVAL_COMMON_CALIBRATION_H_
#define HARDFACE_EVAL_COMMON_CALIBRATION_H_

#include "absl/functional/function_ref.h"

namespace hardface::eval {

// The calibrated score is sigmoid((logit(score) - shift) / temperature), with logit(s) = log(s / (1 - s)).
struct Calibration {
  double temperature = 1;  // above 1: scores lie too near 0 and 1
  double shift = 0;        // above 0: scores are too high
};

// Goes through detections: calls its argument with the score, the true and the false positives of each. It is called
// several times and must give the same each time, so that nobody needs to hold millions of them.
using ForEachOutcome = absl::FunctionRef<void(absl::FunctionRef<void(double score, double right, double wrong)>)>;

// The calibration of greatest likelihood (Platt, 1999, with his targets just short of 0 and 1, which keep it finite
// where scores part right from wrong without a mistake). NaN where nothing can be measured: without a true or without
// a false positive, when a score does not lie in [0, 1], and when higher scores are not better ones.
Calibration FitCalibration(ForEachOutcome outcomes);

// The expected calibration error (Naeini et al., 2015): how far, on average over detections, mean score and precision
// lie apart in ten bins of equal width. NaN without outcomes or when a score does not lie in [0, 1].
double CalibrationError(ForEachOutcome outcomes);

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_COMMON_CALIBRATION_H_
