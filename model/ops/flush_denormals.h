// Arithmetic without denormal floats, for as long as a network runs.
#ifndef HARDFACE_MODEL_OPS_FLUSH_DENORMALS_H_
#define HARDFACE_MODEL_OPS_FLUSH_DENORMALS_H_

#include <vector>

namespace hardface::model {

// While it lives, numbers below 2^-126 are zero, as operands and as results, on the calling thread and on the OpenMP
// threads that work for it. Weight decay takes the weights of channels that died in training down to such numbers, and
// processors multiply them many times slower than others: hardface-s ran at little more than half its speed. What
// flushing changes is far below the rounding of any number that matters. Afterwards each thread has its former mode.
class FlushDenormals {
 public:
  FlushDenormals();
  ~FlushDenormals();
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  std::vector<unsigned> former_;  // each thread's register of floating-point modes
};

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_OPS_FLUSH_DENORMALS_H_
