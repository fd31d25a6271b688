// Scratch memory that convolutions, which run one after the other, share.
#ifndef HARDFACE_MODEL_OPS_WORKSPACE_H_
#define HARDFACE_MODEL_OPS_WORKSPACE_H_

#include <cstdint>

#include "model/ops/tensor.h"

namespace hardface::model {

// Grows to the largest request and stays so. Not thread-safe.
class Workspace {
 public:
  // At least FLOATS floats, 64-byte aligned, of no particular value; valid until the next call.
  float* Get(int64_t floats) {
    if (floats > buffer_.size()) {
      buffer_ = AlignedBuffer();  // gives the old memory back first
      buffer_ = AlignedBuffer(floats);
    }
    return buffer_.data();
  }
  int64_t bytes() const { return buffer_.size() * static_cast<int64_t>(sizeof(float)); }

 private:
  AlignedBuffer buffer_;
};

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_OPS_WORKSPACE_H_
