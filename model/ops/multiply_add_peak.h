// What the processor's multiply-add units do at best.
#ifndef HARDFACE_MODEL_OPS_MULTIPLY_ADD_PEAK_H_
#define HARDFACE_MODEL_OPS_MULTIPLY_ADD_PEAK_H_

namespace hardface::model {

// Operations a second (2 per multiply-add, fp32) of all OpenMP threads together with the instruction set in use,
// measured on registers alone: the best of several runs of some milliseconds each. A processor that others use as well,
// or that lowers its clock, does less at other times.
double MeasureMultiplyAddPeak();

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_OPS_MULTIPLY_ADD_PEAK_H_
