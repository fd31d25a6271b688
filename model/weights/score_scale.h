// Another scale for a detector's scores: of what it finds, or by its own weights.
#ifndef HARDFACE_MODEL_WEIGHTS_SCORE_SCALE_H_
#define HARDFACE_MODEL_WEIGHTS_SCORE_SCALE_H_

#include <string>

#include "absl/status/statusor.h"
#include "model/detectors/detector.h"
#include "model/weights/parameters.h"

namespace hardface::model {

// A calibration (Platt, 1999): a network's score s, from 0 to 1, is told as sigmoid((logit(s) - SHIFT) / TEMPERATURE),
// so that of the detections told with 0.8 eight in ten are faces. The order of scores stays, and so do 0 and 1.
// eval:dataset measures both numbers.
struct ScoreScale {
  double temperature = 1;  // above 0
  double shift = 0;

  float Told(float score) const;      // what is told of a network's score
  float OfNetwork(float told) const;  // the network's score that is told so
};

// Of TEMPERATURE,SHIFT such as "1.12,1.8": from 0.01 to 100 and from -100 to 100. The error says only what is expected.
absl::StatusOr<ScoreScale> ParseScoreScale(const std::string& text);

// Tells scores by FIRST and what that tells by SECOND.
ScoreScale Composed(const ScoreScale& first, const ScoreScale& second);

// Makes the network itself compute what SCALE tells, so that whoever runs it (an ONNX runtime) gets these scores: the
// layers that compute scores are divided by the temperature, and the shift goes into their biases.
void RescaleScores(const DetectorSpec& detector, const ScoreScale& scale, ParameterSet* parameters);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_WEIGHTS_SCORE_SCALE_H_
