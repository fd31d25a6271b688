#include "model/ops/tensor.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "model/ops/instruction_set.h"

namespace hardface::model {

std::string Shape::ToString() const { return absl::StrCat(n, "x", c, "x", h, "x", w); }

AlignedBuffer::AlignedBuffer(int64_t count) : size_(count) {
  if (count == 0) return;
  // Large buffers are asked for in large pages. With small ones, a block of transformed tiles has more pages than the
  // processor can keep addresses of: the full-width trunk took an eighth longer. Where the kernel has none, nothing is
  // lost.
  constexpr size_t kLargePage = size_t{2} << 20;
  const size_t wanted = static_cast<size_t>(count) * sizeof(float);
  const size_t alignment = wanted >= kLargePage ? kLargePage : 64;
  const size_t bytes = (wanted + 63) / 64 * 64;
  void* pointer = nullptr;
  if (posix_memalign(&pointer, alignment, bytes) != 0) throw std::bad_alloc();
  data_.reset(static_cast<float*>(pointer));
#if defined(MADV_HUGEPAGE)
  // Whole pages only: the last one would take memory that nobody needs.
  if (bytes >= kLargePage) madvise(pointer, bytes / kLargePage * kLargePage, MADV_HUGEPAGE);
#endif
}

void AlignedBuffer::Free::operator()(float* pointer) const { std::free(pointer); }

Tensor::Tensor(const Shape& shape, int block) {
  view_ = {nullptr, shape, block};
  buffer_ = AlignedBuffer(view_.stored());
  view_.data = buffer_.data();
  if (view_.stored() > 0) std::memset(view_.data, 0, static_cast<size_t>(view_.stored()) * sizeof(float));
}

void ConvertLayout(const TensorView& from, const TensorView& to) {
  HARDFACE_CHECK(from.shape == to.shape);
  if (from.block == to.block) {
    std::memcpy(to.data, from.data, static_cast<size_t>(from.stored()) * sizeof(float));
    return;
  }
  const Shape& s = from.shape;
  for (int n = 0; n < s.n; ++n) {
    for (int c = 0; c < to.blocks() * to.block; ++c) {
      for (int y = 0; y < s.h; ++y) {
        float* target = to.row(n, c / to.block, y) + c % to.block;
        if (c >= s.c) {
          for (int x = 0; x < s.w; ++x) target[int64_t{x} * to.block] = 0;
          continue;
        }
        const float* source = from.row(n, c / from.block, y) + c % from.block;
        for (int x = 0; x < s.w; ++x) target[int64_t{x} * to.block] = source[int64_t{x} * from.block];
      }
    }
  }
}

int PreferredBlock() { return VectorWidth(ActiveInstructionSet()); }

}  // namespace hardface::model
