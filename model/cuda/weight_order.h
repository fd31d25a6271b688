// The order in which weights lie on a CUDA device: a convolution's (out, kernel, kernel, in), as cuDNN reads them but
// in fp32 and without filling. Files and the CPU have (out, in, kernel, kernel). With neighbours in the one order being
// neighbours in the other, kernels between the two read and write whole lines of memory.
#ifndef HARDFACE_MODEL_CUDA_WEIGHT_ORDER_H_
#define HARDFACE_MODEL_CUDA_WEIGHT_ORDER_H_

#include <cstdint>

namespace hardface::model {

// FROM (out, in, taps) to TO (out, taps, in).
inline void ToDeviceOrder(const float* from, int64_t out, int64_t in, int64_t taps, float* to) {
  for (int64_t o = 0; o < out; ++o) {
    for (int64_t c = 0; c < in; ++c) {
      for (int64_t tap = 0; tap < taps; ++tap) to[(o * taps + tap) * in + c] = *from++;
    }
  }
}

// The way back.
inline void FromDeviceOrder(const float* from, int64_t out, int64_t in, int64_t taps, float* to) {
  ToDeviceOrder(from, out, taps, in, to);
}

// Each of a network's parameters begins at a multiple of so many floats.
inline constexpr int kParameterBlock = 64;

// Where one of a network's parameters lies, and where it lies packed.
struct PackedParameter {
  int64_t begin = 0, size = 0;         // of all parameters' floats
  void* to = nullptr;                  // elements
  int in_channels = 1, in_stride = 1;  // of a convolution's weights; else 1
};

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_CUDA_WEIGHT_ORDER_H_
