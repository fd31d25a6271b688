// Helpers for the ops' tests: random tensors, and gradients checked by central differences.
#ifndef HARDFACE_MODEL_OPS_GRADIENT_CHECK_H_
#define HARDFACE_MODEL_OPS_GRADIENT_CHECK_H_

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>

#include "base/random.h"
#include "model/ops/tensor.h"

namespace hardface::model {

inline Tensor RandomTensor(const Shape& shape, int block, uint64_t seed) {
  Tensor tensor(shape, block);
  Random random(seed);
  for (int n = 0; n < shape.n; ++n) {
    for (int c = 0; c < shape.c; ++c) {
      for (int y = 0; y < shape.h; ++y) {
        for (int x = 0; x < shape.w; ++x) tensor.view().at(n, c, y, x) = static_cast<float>(random.Uniform(-1, 1));
      }
    }
  }
  return tensor;
}

// sum(a * b): the loss whose gradient with respect to an op's output is `b`.
inline double Dot(const TensorView& a, const TensorView& b) {
  double sum = 0;
  for (int n = 0; n < a.shape.n; ++n) {
    for (int c = 0; c < a.shape.c; ++c) {
      for (int y = 0; y < a.shape.h; ++y) {
        for (int x = 0; x < a.shape.w; ++x) sum += double{a.at(n, c, y, x)} * b.at(n, c, y, x);
      }
    }
  }
  return sum;
}

// Compares ANALYTIC (the gradient of loss() with respect to the COUNT floats at VALUES, strided like them) with central
// differences. For ops that are linear in VALUES a large STEP is exact and keeps rounding small.
inline void ExpectGradient(float* values, const float* analytic, int64_t count, const std::function<double()>& loss,
                           const std::string& what, float step = 0.25f, double tolerance = 2e-3) {
  int failures = 0;
  for (int64_t i = 0; i < count; ++i) {
    const float kept = values[i];
    values[i] = kept + step;
    const double above = loss();
    values[i] = kept - step;
    const double below = loss();
    values[i] = kept;
    const double numeric = (above - below) / (2.0 * step);
    if (std::fabs(numeric - analytic[i]) > tolerance * std::max(1.0, std::fabs(numeric)) && ++failures <= 3) {
      ADD_FAILURE() << what << "[" << i << "]: numeric " << numeric << ", analytic " << analytic[i];
    }
  }
  EXPECT_EQ(failures, 0) << what << ": gradients that differ, of " << count;
}

// ||a - b|| / ||b|| over the real channels.
inline double RelativeError(const TensorView& a, const TensorView& b) {
  double difference = 0, norm = 0;
  for (int n = 0; n < a.shape.n; ++n) {
    for (int c = 0; c < a.shape.c; ++c) {
      for (int y = 0; y < a.shape.h; ++y) {
        for (int x = 0; x < a.shape.w; ++x) {
          const double d = double{a.at(n, c, y, x)} - b.at(n, c, y, x);
          difference += d * d;
          norm += double{b.at(n, c, y, x)} * b.at(n, c, y, x);
        }
      }
    }
  }
  return std::sqrt(difference / std::max(norm, 1e-30));
}

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_OPS_GRADIENT_CHECK_H_
