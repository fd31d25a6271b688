#include "model/ops/flush_denormals.h"

#include <omp.h>

#include <cstddef>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace hardface::model {
namespace {

// The processor's register of floating-point modes, and its bits that make denormals zero.
#if defined(__x86_64__)
constexpr unsigned kFlush = 0x8000 | 0x0040;  // of MXCSR: FTZ for results, DAZ for operands
unsigned Mode() { return _mm_getcsr(); }
void SetMode(unsigned mode) { _mm_setcsr(mode); }
#elif defined(__aarch64__)
constexpr unsigned kFlush = 1u << 24;  // of FPCR: FZ, for both
unsigned Mode() { return __builtin_aarch64_get_fpcr(); }
void SetMode(unsigned mode) { __builtin_aarch64_set_fpcr(mode); }
#else
#error "Say here how this processor is told to take denormal numbers for zero."
#endif

}  // namespace

FlushDenormals::FlushDenormals() : former_(static_cast<size_t>(omp_get_max_threads()), Mode()) {
#pragma omp parallel num_threads(static_cast <int>(former_.size()))
  {
    const unsigned mode = Mode();
    former_[static_cast<size_t>(omp_get_thread_num())] = mode;
    SetMode(mode | kFlush);
  }
}

FlushDenormals::~FlushDenormals() {
#pragma omp parallel num_threads(static_cast <int>(former_.size()))
  SetMode(former_[static_cast<size_t>(omp_get_thread_num())]);
}

}  // namespace hardface::model
