#include "model/ops/l2_norm.h"

#include <cmath>
#include <cstdint>
#include <vector>

#include "base/check.h"

namespace hardface::model {

// A row at a time: the sums of all its pixels grow together, so that memory is read in its order.
void L2Normalize(const TensorView& in, const float* scale, const TensorView& out) {
  HARDFACE_CHECK(in.shape == out.shape && in.block == out.block);
  const int block = in.block, blocks = in.blocks(), width = in.shape.w;
  std::vector<float> scales(static_cast<size_t>(blocks) * block);  // the filling's are 0
  for (int c = 0; c < in.shape.c; ++c) scales[static_cast<size_t>(c)] = scale[c];
#pragma omp parallel
  {
    std::vector<float> factors(static_cast<size_t>(width));
#pragma omp for collapse(2) schedule(static)
    for (int n = 0; n < in.shape.n; ++n) {
      for (int y = 0; y < in.shape.h; ++y) {
        for (float& sum : factors) sum = kL2NormEpsilon;
        for (int b = 0; b < blocks; ++b) {
          const float* const source = in.row(n, b, y);
          for (int x = 0; x < width; ++x) {
            float sum = 0;
            for (int c = 0; c < block; ++c) sum += source[x * block + c] * source[x * block + c];
            factors[static_cast<size_t>(x)] += sum;
          }
        }
        for (float& factor : factors) factor = 1.0f / std::sqrt(factor);
        for (int b = 0; b < blocks; ++b) {
          const float* const source = in.row(n, b, y);
          const float* const of_block = scales.data() + static_cast<size_t>(b) * block;
          float* const target = out.row(n, b, y);
          for (int x = 0; x < width; ++x) {
            const float factor = factors[static_cast<size_t>(x)];
            for (int c = 0; c < block; ++c) target[x * block + c] = source[x * block + c] * factor * of_block[c];
          }
        }
      }
    }
  }
}

}  // namespace hardface::model
