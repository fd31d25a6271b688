#include "model/device.h"

#include <gtest/gtest.h>

#include "model/cuda/cuda_device.h"

namespace hardface {
namespace {

TEST(ParseDeviceTest, CpuIsAlwaysThere) {
  const auto device = ParseDevice("cpu");
  ASSERT_TRUE(device.ok()) << device.status();
  EXPECT_FALSE(device->cuda());
  EXPECT_EQ(device->ToString(), "cpu");
}

TEST(ParseDeviceTest, AutoTakesTheGpuWhereThereIsOne) {
  const auto device = ParseDevice("auto");
  ASSERT_TRUE(device.ok()) << device.status();
  EXPECT_EQ(device->ToString(), CudaDeviceCount() > 0 ? "cuda:0" : "cpu");
}

TEST(ParseDeviceTest, OtherTextsAreErrorsThatNameWhatIsKnown) {
  for (const char* text : {"", "gpu", "cuda:", "cuda:x", "cuda:-1", "CPU", "cuda0"}) {
    const auto device = ParseDevice(text);
    ASSERT_EQ(device.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_NE(device.status().message().find("auto, cpu or cuda:N"), std::string::npos) << device.status();
  }
}

TEST(ParseDeviceTest, CudaWithoutItIsAnErrorThatSaysWhy) {
  if (CudaDeviceCount() > 0) GTEST_SKIP() << "there is a CUDA device";
  for (const char* text : {"cuda", "cuda:0", "cuda:7"}) {
    const auto device = ParseDevice(text);
    ASSERT_EQ(device.status().code(), absl::StatusCode::kFailedPrecondition) << text;
    EXPECT_NE(device.status().message().find(WhyNoCuda()), std::string::npos) << device.status();
  }
  EXPECT_FALSE(WhyNoCuda().empty());
}

TEST(ParseDeviceTest, AnIndexBeyondTheLastIsAnError) {
  const int count = CudaDeviceCount();
  if (count == 0) GTEST_SKIP() << WhyNoCuda();
  EXPECT_TRUE(ParseDevice("cuda:" + std::to_string(count - 1)).ok());
  EXPECT_EQ(ParseDevice("cuda:" + std::to_string(count)).status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace hardface
