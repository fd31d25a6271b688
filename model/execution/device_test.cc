#include "model/execution/device.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "model/cuda/cuda_device.h"

namespace hardface::model {
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

std::string NamesOf(const absl::StatusOr<std::vector<Device>>& devices) {
  if (!devices.ok()) return std::string(devices.status().message());
  std::string names;
  for (const Device& device : *devices) names += device.ToString() + " ";
  return names;
}

TEST(ParseDevicesTest, NamesSeveralOrAllOfTheGpus) {
  EXPECT_EQ(NamesOf(ParseDevices({"cuda:2", "cuda:0"}, 4)), "cuda:2 cuda:0 ");
  EXPECT_EQ(NamesOf(ParseDevices({"cuda:3"}, 4)), "cuda:3 ");
  EXPECT_EQ(NamesOf(ParseDevices({"all"}, 3)), "cuda:0 cuda:1 cuda:2 ");
}

TEST(ParseDevicesTest, ContradictionsAreErrorsWhateverTheMachineHas) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"cuda:0", "cpu"}, "\"cpu\""},
      {{"cpu"}, "--device=cpu"},
      {{"cpu", "cpu"}, "\"cpu\""},
      {{"cuda:1", "cuda:1"}, "cuda:1 is"},
      {{"cuda", "cuda:0"}, "cuda:0 is"},
      {{"all", "cuda:0"}, "\"all\""},
      {{"auto"}, "\"auto\""},
      {{"cuda:-1"}, "\"cuda:-1\""},
      {{}, "no device"},
  };
  for (const auto& [texts, message] : cases) {
    for (const int count : {0, 4}) {
      const auto devices = ParseDevices(texts, count);
      EXPECT_EQ(devices.status().code(), absl::StatusCode::kInvalidArgument) << devices.status();
      EXPECT_NE(devices.status().message().find(message), std::string::npos) << devices.status();
    }
  }
}

TEST(ParseDevicesTest, WhatThereIsNotIsAnErrorThatSaysWhatThereIs) {
  EXPECT_EQ(ParseDevices({"cuda:0", "cuda:2"}, 2).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(NamesOf(ParseDevices({"cuda:0", "cuda:2"}, 2)), "there is no cuda:2; the last is cuda:1");
  for (const char* text : {"all", "cuda:0"}) {
    EXPECT_EQ(ParseDevices({text}, 0).status().code(), absl::StatusCode::kFailedPrecondition) << text;
  }
}

}  // namespace
}  // namespace hardface::model
