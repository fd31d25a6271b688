#include "model/ops/max_out.h"

#include <algorithm>

#include "base/check.h"

namespace hardface::model {

void MaxOut(const TensorView& in, int background, int face, const TensorView& out) {
  HARDFACE_CHECK(background >= 1 && face >= 1 && in.shape.c >= background + face && out.shape.c == 2);
  HARDFACE_CHECK(in.block == out.block && in.shape.n == out.shape.n);
  HARDFACE_CHECK(in.shape.h == out.shape.h && in.shape.w == out.shape.w);
  const int stored = out.blocks() * out.block;
#pragma omp parallel for collapse(2)
  for (int n = 0; n < in.shape.n; ++n) {
    for (int y = 0; y < in.shape.h; ++y) {
      for (int x = 0; x < in.shape.w; ++x) {
        const auto largest = [&](int first, int count) {
          float value = in.at(n, first, y, x);
          for (int c = first + 1; c < first + count; ++c) value = std::max(value, in.at(n, c, y, x));
          return value;
        };
        out.at(n, 0, y, x) = largest(0, background);
        out.at(n, 1, y, x) = largest(background, face);
        for (int c = 2; c < stored; ++c) out.at(n, c, y, x) = 0;
      }
    }
  }
}

}  // namespace hardface::model
