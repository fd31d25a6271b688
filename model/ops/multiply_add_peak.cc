#include "model/ops/multiply_add_peak.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "model/ops/instruction_set.h"
#include "model/ops/kernels/conv_kernels.h"

namespace hardface::model {

double MeasureMultiplyAddPeak() {
  constexpr int64_t kRounds = 500'000;
  constexpr int kRuns = 20;
  const ConvKernels& kernels = KernelsFor(ActiveInstructionSet());
  const double flops = 2.0 * kRounds * kernels.multiply_add_vectors * kernels.width * omp_get_max_threads();
  std::atomic<float> kept = 0;  // so that the work has a result
  double best = 0;
  for (int run = 0; run < kRuns; ++run) {
    const auto start = std::chrono::steady_clock::now();
#pragma omp parallel
    kept = kernels.multiply_adds(kRounds);
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    best = std::max(best, flops / time.count());
  }
  return best;
}

}  // namespace hardface::model
