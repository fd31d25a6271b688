#include "train/ranks/rank_device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hardface::train {
namespace {

using ::testing::HasSubstr;

TEST(RankDeviceTest, EachRankOfAMachineHasItsOwnGpu) {
  for (const char* const text : {"cuda", "auto"}) {
    const auto device = DeviceOfRank(text, 2, 4, 8);
    ASSERT_TRUE(device.ok()) << device.status();
    EXPECT_EQ(device->ToString(), "cuda:2");
  }
  EXPECT_EQ(DeviceOfRank("cpu", 1, 2, 8)->ToString(), "cpu");
  EXPECT_EQ(DeviceOfRank("auto", 1, 2, 0)->ToString(), "cpu");
}

TEST(RankDeviceTest, WhereEachRankSeesOneGpuThatIsIts) {
  for (int rank = 0; rank < 4; ++rank) EXPECT_EQ(DeviceOfRank("cuda", rank, 4, 1)->ToString(), "cuda:0");
  EXPECT_TRUE(RequireOwnGpus({"GPU-a", "GPU-b", "GPU-c"}).ok());
  const absl::Status shared = RequireOwnGpus({"GPU-a", "GPU-b", "GPU-c", "GPU-b"});
  EXPECT_EQ(shared.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(shared.message()), HasSubstr("ranks 1 and 3 compute on one GPU (GPU-b)"));
}

TEST(RankDeviceTest, TooFewGpusAndOneForAllAreErrors) {
  EXPECT_THAT(std::string(DeviceOfRank("cuda", 0, 4, 2).status().message()), HasSubstr("4 ranks"));
  EXPECT_THAT(std::string(DeviceOfRank("cuda:1", 0, 2, 2).status().message()), HasSubstr("--device=cuda gives each"));
  EXPECT_FALSE(DeviceOfRank("gpu", 0, 2, 2).ok());
}

}  // namespace
}  // namespace hardface::train
