#include "model/cuda/cuda_memory.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "model/cuda/cuda_context.h"
#include "model/cuda/cuda_device.h"

namespace hardface::model {
namespace {

TEST(CudaMemoryTest, CopiesThereAndBack) {
  if (CudaDeviceCount() == 0) GTEST_SKIP() << WhyNoCuda();
  std::vector<int> values(100003), result(values.size());
  std::iota(values.begin(), values.end(), 7);
  const auto bytes = static_cast<int64_t>(values.size() * sizeof(int));
  const auto stream = CudaStream::Create();
  const auto memory = DeviceMemory::Allocate(bytes, "a test"), other = DeviceMemory::Allocate(bytes, "a test");
  ASSERT_TRUE(stream.ok() && memory.ok() && other.ok()) << stream.status() << memory.status() << other.status();
  ASSERT_TRUE(CopyToDevice(values.data(), memory->data(), bytes, stream->handle()).ok());
  ASSERT_TRUE(CopyOnDevice(memory->data(), other->data(), bytes, stream->handle()).ok());
  ASSERT_TRUE(FillWithZeros(memory->data(), bytes, stream->handle()).ok());
  ASSERT_TRUE(CopyToHost(other->data(), result.data(), bytes, stream->handle()).ok());
  ASSERT_TRUE(stream->Synchronize().ok());
  EXPECT_EQ(result, values);
}

TEST(CudaMemoryTest, TooLargeARequestNamesSizePurposeAndRemedy) {
  if (CudaDeviceCount() == 0) GTEST_SKIP() << WhyNoCuda();
  const auto memory = DeviceMemory::Allocate(int64_t{1} << 50, "the moon");
  ASSERT_EQ(memory.status().code(), absl::StatusCode::kResourceExhausted) << memory.status();
  for (const char* text : {"the moon", "1073741824 MiB", "are free", "--pyramid"}) {
    EXPECT_NE(memory.status().message().find(text), std::string::npos) << text << " in " << memory.status();
  }
  EXPECT_TRUE(DeviceMemory::Allocate(1 << 20, "a test").ok()) << "the error must not stick";
}

TEST(CudaMemoryTest, WithoutADeviceEveryFactorySaysWhy) {
  if (CudaDeviceCount() > 0) GTEST_SKIP() << "there is a CUDA device";
  EXPECT_FALSE(WhyNoCuda().empty());
  for (const absl::Status& status : {DeviceMemory::Allocate(16, "a test").status(), PinnedMemory::Allocate(16).status(),
                                     CudaStream::Create().status(), CudaEvent::Create(true).status(),
                                     DescribeCudaDevice(0).status(), CudaContext::Create({}).status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_FALSE(status.message().empty());
  }
}

}  // namespace
}  // namespace hardface::model
