#include "model/ops/relu_cuda.h"

#include <gtest/gtest.h>

#include <vector>

#include "data_tools/base/random.h"
#include "model/ops/relu.h"
#include "model/tensor.h"

namespace hardface {
namespace {

TEST(ReluCudaTest, AgreesWithTheCpu) {
  if (CudaDeviceCount() == 0) GTEST_SKIP() << WhyNoCuda();
  for (const int count : {1, 255, 256, 100003}) {
    std::vector<float> values(static_cast<size_t>(count)), result(values.size());
    Random random(1);
    for (float& value : values) value = static_cast<float>(random.Uniform(-1, 1));
    auto in = CudaBuffer::Allocate(count), out = CudaBuffer::Allocate(count);
    ASSERT_TRUE(in.ok() && out.ok()) << in.status() << out.status();
    ASSERT_TRUE((*in)->CopyFromHost(values.data()).ok());
    ASSERT_TRUE(ReluCuda(**in, out->get()).ok());
    ASSERT_TRUE((*out)->CopyToHost(result.data()).ok());
    const TensorView view{values.data(), {1, 1, 1, count}};
    Relu(view, view);
    EXPECT_EQ(result, values);
  }
}

TEST(CudaBufferTest, WithoutADeviceTheErrorSaysWhy) {
  if (CudaDeviceCount() > 0) GTEST_SKIP() << "there is a CUDA device";
  const auto buffer = CudaBuffer::Allocate(16);
  EXPECT_EQ(buffer.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(buffer.status().message(), WhyNoCuda());
  EXPECT_FALSE(WhyNoCuda().empty());
}

}  // namespace
}  // namespace hardface
