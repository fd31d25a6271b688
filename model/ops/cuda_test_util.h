// Helpers for the tests of device code: tensors on both sides, and comparison with the CPU's within a precision's
// tolerance.
#ifndef HARDFACE_MODEL_OPS_CUDA_TEST_UTIL_H_
#define HARDFACE_MODEL_OPS_CUDA_TEST_UTIL_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "model/cuda/cuda_context.h"
#include "model/cuda/cuda_memory.h"
#include "model/cuda/precision.h"
#include "model/ops/device_ops.h"
#include "model/ops/gradient_check.h"
#include "model/ops/tensor.h"

namespace hardface::model {

// Skips the test, saying so, where there is no GPU.
#define SKIP_WITHOUT_GPU() \
  if (::hardface::model::CudaDeviceCount() == 0) GTEST_SKIP() << ::hardface::model::WhyNoCuda()

#define ASSERT_OK(expression)                      \
  do {                                             \
    const absl::Status test_status = (expression); \
    ASSERT_TRUE(test_status.ok()) << test_status;  \
  } while (false)

// The first GPU; the plans that tests choose are not kept.
inline std::shared_ptr<CudaContext> TestContext() {
  CudaContextOptions options;
  options.plan_cache = "";
  const auto context = CudaContext::Create(options);
  EXPECT_TRUE(context.ok()) << context.status();
  return context.ok() ? *context : nullptr;
}

// A device tensor with memory of its own.
class TestTensor {
 public:
  TestTensor(const Shape& shape, Precision precision, const CudaStream& stream) : stream_(stream) {
    tensor_.shape = shape;
    tensor_.type = ElementTypeOf(precision);
    memory_ = *DeviceMemory::Allocate(tensor_.bytes(), "a test");
    plain_ = *DeviceMemory::Allocate(PlainBytes(), "a test");
    tensor_.data = memory_.data();
    // What is never written must show: NaN in every format.
    EXPECT_TRUE(CopyToDevice(std::vector<char>(static_cast<size_t>(tensor_.bytes()), '\xff').data(), tensor_.data,
                             tensor_.bytes(), stream.handle())
                    .ok());
    EXPECT_TRUE(stream.Synchronize().ok());
  }
  TestTensor(const Tensor& values, Precision precision, const CudaStream& stream)
      : TestTensor(values.shape(), precision, stream) {
    EXPECT_TRUE(CopyToDevice(values.data(), plain_.data(), PlainBytes(), stream.handle()).ok());
    const absl::Status status = FromPlanar(plain_.as<float>(), 1.0f, tensor_, stream.handle());
    EXPECT_TRUE(status.ok()) << status;
  }

  const DeviceTensor& get() const { return tensor_; }

  Tensor ToHost() const {
    Tensor values(tensor_.shape);
    absl::Status status = ToPlanar(tensor_, plain_.as<float>(), stream_.handle());
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_TRUE(CopyToHost(plain_.data(), values.data(), PlainBytes(), stream_.handle()).ok());
    status = stream_.Synchronize();
    EXPECT_TRUE(status.ok()) << status;
    return values;
  }

 private:
  int64_t PlainBytes() const { return tensor_.shape.size() * static_cast<int64_t>(sizeof(float)); }

  const CudaStream& stream_;
  DeviceTensor tensor_;
  DeviceMemory memory_, plain_;
};

// VALUES as PRECISION's element type holds them, so that a comparison sees the op's own error only.
inline Tensor Rounded(const Tensor& values, Precision precision, const CudaStream& stream) {
  return TestTensor(values, precision, stream).ToHost();
}

inline void ExpectClose(const TensorView& actual, const TensorView& expected, Precision precision,
                        const std::string& what) {
  EXPECT_LE(RelativeError(actual, expected), ToleranceOf(precision)) << what << " in " << PrecisionName(precision);
}

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_OPS_CUDA_TEST_UTIL_H_
