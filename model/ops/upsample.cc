#include "model/ops/upsample.h"

#include "base/check.h"

namespace hardface::model {
namespace {

constexpr float kNear = 0.75f;
constexpr float kFar = 0.25f;

void CheckShapes(const TensorView& small, const TensorView& large) {
  HARDFACE_CHECK(small.block == large.block && small.shape.n == large.shape.n && small.shape.c == large.shape.c);
  HARDFACE_CHECK(large.shape.h == 2 * small.shape.h && large.shape.w == 2 * small.shape.w);
}

}  // namespace

void Upsample2x(const TensorView& in, const TensorView& out) {
  CheckShapes(in, out);
  const int block = in.block, blocks = in.blocks(), height = in.shape.h, width = in.shape.w;
#pragma omp parallel for collapse(3)
  for (int n = 0; n < in.shape.n; ++n) {
    for (int b = 0; b < blocks; ++b) {
      for (int y = 0; y < 2 * height; ++y) {
        const int near_y = y / 2;
        const int far_y = y % 2 == 0 ? near_y - 1 : near_y + 1;
        const float* near_row = in.row(n, b, near_y);
        const bool inside = far_y >= 0 && far_y < height;
        const float* far_row = inside ? in.row(n, b, far_y) : near_row;
        const float far_weight = inside ? kFar : 0.0f;
        const auto column = [&](int i) { return kNear * near_row[i] + far_weight * far_row[i]; };
        float* target = out.row(n, b, y);
        for (int x = 0; x < width; ++x) {
          for (int c = 0; c < block; ++c) {
            const int i = x * block + c;
            const float middle = column(i);
            const float left = x > 0 ? column(i - block) : 0.0f;
            const float right = x + 1 < width ? column(i + block) : 0.0f;
            target[2 * x * block + c] = kNear * middle + kFar * left;
            target[(2 * x + 1) * block + c] = kNear * middle + kFar * right;
          }
        }
      }
    }
  }
}

void Upsample2xBackward(const TensorView& grad_out, const TensorView& grad_in) {
  CheckShapes(grad_in, grad_out);
  const int block = grad_in.block, blocks = grad_in.blocks(), height = grad_in.shape.h, width = grad_in.shape.w;
  constexpr float kWeights[4] = {kFar, kNear, kNear, kFar};  // of outputs 2i - 1 .. 2i + 2 on input i
#pragma omp parallel for collapse(3)
  for (int n = 0; n < grad_in.shape.n; ++n) {
    for (int b = 0; b < blocks; ++b) {
      for (int y = 0; y < height; ++y) {
        float* target = grad_in.row(n, b, y);
        for (int i = 0; i < width * block; ++i) target[i] = 0;
        for (int dy = 0; dy < 4; ++dy) {
          const int out_y = 2 * y - 1 + dy;
          if (out_y < 0 || out_y >= 2 * height) continue;
          const float* source = grad_out.row(n, b, out_y);
          for (int x = 0; x < width; ++x) {
            for (int dx = 0; dx < 4; ++dx) {
              const int out_x = 2 * x - 1 + dx;
              if (out_x < 0 || out_x >= 2 * width) continue;
              const float weight = kWeights[dy] * kWeights[dx];
              for (int c = 0; c < block; ++c) target[x * block + c] += weight * source[out_x * block + c];
            }
          }
        }
      }
    }
  }
}

}  // namespace hardface::model
