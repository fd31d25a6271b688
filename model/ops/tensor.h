// Tensors: shapes, memory layout, and owning and non-owning float arrays.
#ifndef HARDFACE_MODEL_OPS_TENSOR_H_
#define HARDFACE_MODEL_OPS_TENSOR_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace hardface::model {

// (N, C, H, W).
struct Shape {
  int n = 0, c = 0, h = 0, w = 0;

  int64_t size() const { return int64_t{n} * c * h * w; }
  bool operator==(const Shape& other) const { return n == other.n && c == other.c && h == other.h && w == other.w; }
  bool operator!=(const Shape& other) const { return !(*this == other); }
  std::string ToString() const;  // "1x64x320x320"
};

// Floats in the layout (N, ceil(C / block), H, W, block): channels come in blocks that lie together, so that a vector
// register holds the same pixel of `block` channels. Block 1 is plain NCHW. Channels that only fill up the last block
// hold zeros; every op keeps that true. Non-owning; copying copies the pointer.
struct TensorView {
  float* data = nullptr;
  Shape shape;
  int block = 1;

  int blocks() const { return (shape.c + block - 1) / block; }
  // Floats in memory, filling included.
  int64_t stored() const { return int64_t{shape.n} * blocks() * shape.h * shape.w * block; }
  // The row of `block`-vectors at (n, channel block b, y).
  float* row(int n, int b, int y) const { return data + ((int64_t{n} * blocks() + b) * shape.h + y) * shape.w * block; }
  float& at(int n, int c, int y, int x) const { return row(n, c / block, y)[x * block + c % block]; }
};

// 64-byte aligned floats.
class AlignedBuffer {
 public:
  explicit AlignedBuffer(int64_t count = 0);
  float* data() const { return data_.get(); }
  int64_t size() const { return size_; }

 private:
  struct Free {
    void operator()(float* pointer) const;
  };
  std::unique_ptr<float, Free> data_;
  int64_t size_ = 0;
};

// A tensor with memory of its own, zero at first.
class Tensor {
 public:
  Tensor() = default;
  explicit Tensor(const Shape& shape, int block = 1);
  TensorView view() const { return view_; }
  const Shape& shape() const { return view_.shape; }
  float* data() const { return view_.data; }

 private:
  AlignedBuffer buffer_;
  TensorView view_;
};

// Copies values between layouts of one shape.
void ConvertLayout(const TensorView& from, const TensorView& to);

// The channel block of the convolutions: the active instruction set's vector width (instruction_set.h).
int PreferredBlock();

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_OPS_TENSOR_H_
