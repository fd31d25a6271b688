#include "model/ops/elementwise.h"

#include <algorithm>
#include <cstdint>

#include "base/check.h"

namespace hardface::model {
namespace {

void CheckAlike(const TensorView& a, const TensorView& b, const TensorView& out) {
  HARDFACE_CHECK(a.shape == out.shape && b.shape == out.shape);
  HARDFACE_CHECK(a.block == out.block && b.block == out.block);
}

}  // namespace

void AddMaps(const TensorView& a, const TensorView& b, bool relu, const TensorView& out) {
  CheckAlike(a, b, out);
  const int64_t count = out.stored();
  if (relu) {
#pragma omp parallel for
    for (int64_t i = 0; i < count; ++i) out.data[i] = std::max(a.data[i] + b.data[i], 0.0f);
  } else {
#pragma omp parallel for
    for (int64_t i = 0; i < count; ++i) out.data[i] = a.data[i] + b.data[i];
  }
}

void MultiplyMaps(const TensorView& a, const TensorView& b, const TensorView& out) {
  CheckAlike(a, b, out);
  const int64_t count = out.stored();
#pragma omp parallel for
  for (int64_t i = 0; i < count; ++i) out.data[i] = a.data[i] * b.data[i];
}

}  // namespace hardface::model
