// Another scale for a detector's scores, by its own weights.
#ifndef HARDFACE_MODEL_WEIGHTS_SCORE_SCALE_H_
#define HARDFACE_MODEL_WEIGHTS_SCORE_SCALE_H_

#include "model/detectors/detector.h"
#include "model/weights/parameters.h"

namespace hardface::model {

// Every score s becomes sigmoid((logit(s) - SHIFT) / TEMPERATURE), TEMPERATURE above 0: the layers that compute the
// scores are scaled by 1 / TEMPERATURE, and SHIFT goes into their biases. Their order stays, and whoever runs the model
// (an ONNX runtime, too) gets the new scores. eval:dataset measures both numbers.
void RescaleScores(const DetectorSpec& detector, double temperature, double shift, ParameterSet* parameters);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_WEIGHTS_SCORE_SCALE_H_
