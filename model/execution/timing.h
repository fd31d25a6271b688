// What the programs that time networks share.
#ifndef HARDFACE_MODEL_EXECUTION_TIMING_H_
#define HARDFACE_MODEL_EXECUTION_TIMING_H_

#include <vector>

#include "model/ops/tensor.h"

namespace hardface::model {

// Of VALUES, of which there must be one at least; of an even number, the mean of the middle two.
double Median(std::vector<double> values);

// Fills INPUT with numbers of the size of a network's input, the same at every call. Time does not depend on them.
void FillInputForTiming(const TensorView& input);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_EXECUTION_TIMING_H_
