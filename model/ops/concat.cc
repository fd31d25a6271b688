#include "model/ops/concat.h"

#include <cstring>

#include "base/check.h"

namespace hardface::model {
namespace {

// Copies COUNT channels of FROM, starting at FIRST_FROM, to TO, starting at FIRST_TO. Whole blocks move as they are;
// channels that start or end inside a block move one by one.
void CopyChannels(const TensorView& from, int first_from, const TensorView& to, int first_to, int count) {
  const int block = from.block, height = from.shape.h, width = from.shape.w;
  const int64_t block_floats = int64_t{height} * width * block;
  const bool aligned = first_from % block == 0 && first_to % block == 0;
  const int whole_blocks = aligned ? count / block : 0;
#pragma omp parallel for collapse(2)
  for (int n = 0; n < from.shape.n; ++n) {
    for (int b = 0; b < whole_blocks; ++b) {
      std::memcpy(to.row(n, first_to / block + b, 0), from.row(n, first_from / block + b, 0),
                  static_cast<size_t>(block_floats) * sizeof(float));
    }
  }
#pragma omp parallel for collapse(2)
  for (int n = 0; n < from.shape.n; ++n) {
    for (int c = whole_blocks * block; c < count; ++c) {
      for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) to.at(n, first_to + c, y, x) = from.at(n, first_from + c, y, x);
      }
    }
  }
}

// Channels beyond the last real one hold zeros (tensor.h).
void ClearFilling(const TensorView& tensor) {
  for (int n = 0; n < tensor.shape.n; ++n) {
    for (int c = tensor.shape.c; c < tensor.blocks() * tensor.block; ++c) {
      for (int y = 0; y < tensor.shape.h; ++y) {
        for (int x = 0; x < tensor.shape.w; ++x) tensor.at(n, c, y, x) = 0;
      }
    }
  }
}

void CheckShapes(const TensorView& a, const TensorView& b, const TensorView& out) {
  HARDFACE_CHECK(a.block == out.block && b.block == out.block);
  HARDFACE_CHECK(a.shape.n == out.shape.n && b.shape.n == out.shape.n && a.shape.c + b.shape.c == out.shape.c);
  HARDFACE_CHECK(a.shape.h == out.shape.h && b.shape.h == out.shape.h);
  HARDFACE_CHECK(a.shape.w == out.shape.w && b.shape.w == out.shape.w);
}

}  // namespace

void ConcatChannels(const TensorView& a, const TensorView& b, const TensorView& out) {
  CheckShapes(a, b, out);
  CopyChannels(a, 0, out, 0, a.shape.c);
  CopyChannels(b, 0, out, a.shape.c, b.shape.c);
  ClearFilling(out);
}

void ConcatChannelsBackward(const TensorView& grad_out, const TensorView& grad_a, const TensorView& grad_b) {
  CheckShapes(grad_a, grad_b, grad_out);
  CopyChannels(grad_out, 0, grad_a, 0, grad_a.shape.c);
  CopyChannels(grad_out, grad_a.shape.c, grad_b, 0, grad_b.shape.c);
  ClearFilling(grad_a);
  ClearFilling(grad_b);
}

}  // namespace hardface::model
