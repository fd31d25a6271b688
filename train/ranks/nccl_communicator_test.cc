#include "train/ranks/nccl_communicator.h"

#include <gtest/gtest.h>

#include <vector>

#include "model/cuda/cuda_device.h"
#include "model/cuda/cuda_memory.h"
#include "train/ranks/nccl_id.h"

namespace hardface::train {
namespace {

TEST(NcclIdTest, ComesBackFromItsText) {
  char id[128], back[128] = {};
  for (int i = 0; i < 128; ++i) id[i] = static_cast<char>(i * 7 - 100);
  const std::string text = EncodeId(id, sizeof id);
  ASSERT_TRUE(DecodeId(text, sizeof back, back).ok());
  EXPECT_EQ(std::string(id, sizeof id), std::string(back, sizeof back));
  for (const std::string& other : {std::string(), text.substr(1), text + "00", std::string(256, 'x')}) {
    EXPECT_EQ(DecodeId(other, sizeof back, back).code(), absl::StatusCode::kInternal) << other;
  }
}

TEST(NcclCommunicatorTest, AWorldOfOneKeepsItsSums) {
  if (model::CudaDeviceCount() == 0) GTEST_SKIP() << model::WhyNoCuda();
  const auto context = model::CudaContext::Create({});
  ASSERT_TRUE(context.ok()) << context.status();
  WorldOfOne host;
  const auto nccl = JoinNccl(*context, &host);
  ASSERT_TRUE(nccl.ok()) << nccl.status();
  EXPECT_EQ((*nccl)->rank(), 0);
  EXPECT_EQ((*nccl)->size(), 1);
  const model::CudaStream& stream = (*context)->stream();
  std::vector<float> values(100003), sums(values.size()), gathered(values.size());
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) * 0.5f;
  const auto bytes = static_cast<int64_t>(values.size() * sizeof(float));
  const auto memory = model::DeviceMemory::Allocate(bytes, "a test"),
             all = model::DeviceMemory::Allocate(bytes, "a test");
  ASSERT_TRUE(memory.ok() && all.ok());
  ASSERT_TRUE(model::CopyToDevice(values.data(), memory->data(), bytes, stream.handle()).ok());
  (*nccl)->StartSum(memory->as<float>(), static_cast<int64_t>(values.size()));
  (*nccl)->StartGather(memory->as<float>(), static_cast<int64_t>(values.size()), all->as<float>());
  const absl::Status waited = (*nccl)->Wait();
  ASSERT_TRUE(waited.ok()) << waited;
  ASSERT_TRUE(model::CopyToHost(memory->data(), sums.data(), bytes, stream.handle()).ok());
  ASSERT_TRUE(model::CopyToHost(all->data(), gathered.data(), bytes, stream.handle()).ok());
  ASSERT_TRUE(stream.Synchronize().ok());
  EXPECT_EQ(sums, values);
  EXPECT_EQ(gathered, values);
}

TEST(NcclCommunicatorTest, WithoutCudaTheErrorSaysWhy) {
  if (model::CudaDeviceCount() > 0) GTEST_SKIP() << "there is a CUDA device";
  EXPECT_EQ(model::CudaContext::Create({}).status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace hardface::train
