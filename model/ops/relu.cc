#include "model/ops/relu.h"

#include <algorithm>

#include "base/check.h"

namespace hardface::model {

void Relu(const TensorView& in, const TensorView& out) {
  HARDFACE_CHECK(in.shape == out.shape && in.block == out.block);
  const int64_t count = in.stored();
#pragma omp parallel for
  for (int64_t i = 0; i < count; ++i) out.data[i] = std::max(in.data[i], 0.0f);
}

void ReluBackward(const TensorView& output, const TensorView& gradient) {
  HARDFACE_CHECK(output.shape == gradient.shape && output.block == gradient.block);
  const int64_t count = output.stored();
#pragma omp parallel for
  for (int64_t i = 0; i < count; ++i) gradient.data[i] = output.data[i] > 0 ? gradient.data[i] : 0.0f;
}

}  // namespace hardface::model
