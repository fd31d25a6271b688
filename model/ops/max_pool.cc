#include "model/ops/max_pool.h"

#include <algorithm>

#include "base/check.h"

namespace hardface::model {
namespace {

void CheckShapes(const TensorView& in, const TensorView& out) {
  HARDFACE_CHECK(in.block == out.block && in.shape.n == out.shape.n && in.shape.c == out.shape.c);
  HARDFACE_CHECK(in.shape.h == 2 * out.shape.h && in.shape.w == 2 * out.shape.w);
}

}  // namespace

void MaxPool2x2(const TensorView& in, const TensorView& out) {
  CheckShapes(in, out);
  const int block = in.block, blocks = in.blocks();
#pragma omp parallel for collapse(3)
  for (int n = 0; n < out.shape.n; ++n) {
    for (int b = 0; b < blocks; ++b) {
      for (int y = 0; y < out.shape.h; ++y) {
        const float* upper = in.row(n, b, 2 * y);
        const float* lower = in.row(n, b, 2 * y + 1);
        float* target = out.row(n, b, y);
        for (int x = 0; x < out.shape.w; ++x) {
          for (int c = 0; c < block; ++c) {
            const int left = 2 * x * block + c, right = left + block;
            target[x * block + c] = std::max(std::max(upper[left], upper[right]), std::max(lower[left], lower[right]));
          }
        }
      }
    }
  }
}

void MaxPool2x2Backward(const TensorView& in, const TensorView& grad_out, const TensorView& grad_in) {
  CheckShapes(in, grad_out);
  HARDFACE_CHECK(in.shape == grad_in.shape && in.block == grad_in.block);
  const int block = in.block, blocks = in.blocks();
#pragma omp parallel for collapse(3)
  for (int n = 0; n < grad_out.shape.n; ++n) {
    for (int b = 0; b < blocks; ++b) {
      for (int y = 0; y < grad_out.shape.h; ++y) {
        const float* upper = in.row(n, b, 2 * y);
        const float* lower = in.row(n, b, 2 * y + 1);
        float* grad_upper = grad_in.row(n, b, 2 * y);
        float* grad_lower = grad_in.row(n, b, 2 * y + 1);
        const float* gradient = grad_out.row(n, b, y);
        for (int x = 0; x < grad_out.shape.w; ++x) {
          for (int c = 0; c < block; ++c) {
            const int left = 2 * x * block + c, right = left + block;
            const float g = gradient[x * block + c];
            const float largest = std::max(std::max(upper[left], upper[right]), std::max(lower[left], lower[right]));
            // What is left of the gradient goes to the next place that holds the maximum.
            float left_over = g;
            grad_upper[left] = upper[left] == largest ? left_over : 0.0f;
            left_over -= grad_upper[left];
            grad_upper[right] = upper[right] == largest ? left_over : 0.0f;
            left_over -= grad_upper[right];
            grad_lower[left] = lower[left] == largest ? left_over : 0.0f;
            grad_lower[right] = left_over - grad_lower[left];
          }
        }
      }
    }
  }
}

}  // namespace hardface::model
