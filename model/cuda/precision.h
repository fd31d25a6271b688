// The number formats that a CUDA device computes in.
#ifndef HARDFACE_MODEL_CUDA_PRECISION_H_
#define HARDFACE_MODEL_CUDA_PRECISION_H_

#include <string>

#include "absl/status/statusor.h"

namespace hardface::model {

// Sums are always fp32. Expected relative L2 errors against the CPU are in ToleranceOf.
enum class Precision {
  kFp32,  // fp32 throughout, no tensor cores
  kTf32,  // fp32 in memory, products of 10-bit mantissas on tensor cores
  kBf16,  // 8 bits of exponent, 7 of mantissa
  kFp16,  // 5 bits of exponent, 10 of mantissa: training needs loss scaling
};

// How one number lies in device memory.
enum class ElementType { kFloat, kBfloat16, kHalf };

// "fp32", "tf32", "bf16", "fp16". InvalidArgument names them.
absl::StatusOr<Precision> ParsePrecision(const std::string& name);
std::string PrecisionName(Precision precision);

ElementType ElementTypeOf(Precision precision);
int ElementBytes(ElementType type);

// The relative L2 error that one op may have against the CPU's reference.
double ToleranceOf(Precision precision);

// Channels of a device tensor are stored in multiples of this, the rest filled with zeros: tensor cores then read 16
// bytes at a time whatever the element type.
inline constexpr int kChannelMultiple = 8;
inline int StoredChannels(int channels) {
  return (channels + kChannelMultiple - 1) / kChannelMultiple * kChannelMultiple;
}

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_CUDA_PRECISION_H_
