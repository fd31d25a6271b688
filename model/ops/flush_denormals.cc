#include "model/ops/flush_denormals.h"

#include <omp.h>
#include <xmmintrin.h>

#include <cstddef>

namespace hardface::model {
namespace {

constexpr unsigned kFlushResults = 0x8000, kOperandsAreZero = 0x0040;  // of MXCSR: FTZ and DAZ

}  // namespace

FlushDenormals::FlushDenormals() : former_(static_cast<size_t>(omp_get_max_threads()), _mm_getcsr()) {
#pragma omp parallel num_threads(static_cast <int>(former_.size()))
  {
    const unsigned mode = _mm_getcsr();
    former_[static_cast<size_t>(omp_get_thread_num())] = mode;
    _mm_setcsr(mode | kFlushResults | kOperandsAreZero);
  }
}

FlushDenormals::~FlushDenormals() {
#pragma omp parallel num_threads(static_cast <int>(former_.size()))
  _mm_setcsr(former_[static_cast<size_t>(omp_get_thread_num())]);
}

}  // namespace hardface::model
