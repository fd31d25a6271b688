// How well scores tell what they claim: that of the detections with score 0.8, eight in ten are faces.
#ifndef HARDFACE_EVAL_COMMON_CALIBRATION_H_
#define HARDFACE_EVAL_COMMON_CALIBRATION_H_

#include "eval/common/ranking.h"

namespace hardface::eval {

// The calibrated score is sigmoid((logit(score) - shift) / temperature), with logit(s) = log(s / (1 - s)).
struct Calibration {
  double temperature = 1;  // above 1: scores lie too near 0 and 1
  double shift = 0;        // above 0: scores are too high
};

// The calibration of greatest likelihood (Platt, 1999, with his targets just short of 0 and 1, which keep it finite
// where scores part right from wrong without a mistake). NaN where nothing can be measured: without a true or without
// a false positive, when a score does not lie in [0, 1], and when higher scores are not better ones.
Calibration FitCalibration(const Ranking& ranking);

// The expected calibration error (Naeini et al., 2015): how far, on average over detections, mean score and precision
// lie apart in ten bins of equal width. NaN without outcomes or when a score does not lie in [0, 1].
double CalibrationError(const Ranking& ranking);

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_COMMON_CALIBRATION_H_
