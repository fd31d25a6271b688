// Asks cuDNN for engines and plans for an H100 that is only described (testdata/h100.json), so that a machine without a
// GPU finds graphs that cuDNN does not take. Nothing is computed here.
#include "model/cuda/cudnn_conv.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "base/read_file.h"
#include "model/detectors/detector.h"

namespace hardface::model {
namespace {

class CudnnConvTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto json = ReadFile("model/cuda/testdata/h100.json");
    ASSERT_TRUE(json.ok()) << json.status();
    auto device = DescribeDevice(*json);
    ASSERT_TRUE(device.ok()) << device.status();
    device_ = *device;
  }

  // The first engine that makes a plan; fails the test without one.
  void ExpectPlan(const ConvProblem& problem) {
    const auto engines = FindConvEngines(problem, device_);
    ASSERT_TRUE(engines.ok()) << problem.ToString() << ": " << engines.status();
    std::set<std::string> names;
    for (const ConvEngine& engine : *engines) {
      EXPECT_TRUE(names.insert(engine.name).second) << problem.ToString() << ": two engines named " << engine.name;
    }
    for (const ConvEngine& engine : *engines) {
      if (ConvPlan::Create(engine, device_).ok()) return;
    }
    ADD_FAILURE() << problem.ToString() << ": no plan from " << engines->size() << " engines";
  }

  CudnnTarget device_;
};

constexpr Precision kPrecisions[] = {Precision::kFp32, Precision::kTf32, Precision::kBf16, Precision::kFp16};
constexpr ConvPass kPasses[] = {ConvPass::kForward, ConvPass::kForwardBias, ConvPass::kForwardBiasRelu,
                                ConvPass::kBackwardData, ConvPass::kBackwardWeights};

TEST_F(CudnnConvTest, EveryConvolutionOfTheDetectorsHasAPlan) {
  for (const int divisor : {1, 16}) {
    DetectorOptions options;
    options.width_divisor = divisor;
    const auto detector = BuildDetector(options);
    ASSERT_TRUE(detector.ok());
    const auto shapes = InferShapes(detector->network, {1, 3, 96, 160});
    ASSERT_TRUE(shapes.ok());
    std::set<std::string> seen;
    for (const LayerSpec& layer : detector->network.layers) {
      if (layer.kind != LayerKind::kConv2d) continue;
      const Shape& in = shapes->at(layer.inputs[0]);
      ConvProblem problem;
      problem.n = 2;
      problem.h = in.h;
      problem.w = in.w;
      problem.in_channels = StoredChannels(in.c);
      problem.out_channels = StoredChannels(layer.out_channels);
      problem.kernel = layer.kernel;
      problem.dilation = layer.dilation;
      for (const Precision precision : kPrecisions) {
        for (const ConvPass pass : kPasses) {
          problem.precision = precision;
          problem.pass = pass;
          if (seen.insert(problem.ToString()).second) ExpectPlan(problem);
        }
      }
    }
  }
}

TEST_F(CudnnConvTest, OddSizesAndLargeDilationsHaveAPlan) {
  for (const auto& [h, w, dilation] : {std::tuple{1, 1, 1}, {7, 13, 2}, {5, 3, 4}, {33, 17, 8}}) {
    ConvProblem problem;
    problem.n = 1;
    problem.h = h;
    problem.w = w;
    problem.in_channels = 24;
    problem.out_channels = 40;
    problem.dilation = dilation;
    for (const Precision precision : kPrecisions) {
      for (const ConvPass pass : kPasses) {
        problem.precision = precision;
        problem.pass = pass;
        ExpectPlan(problem);
      }
    }
  }
}

TEST_F(CudnnConvTest, DeterminismNarrowsTheChoice) {
  ConvProblem problem;
  problem.pass = ConvPass::kBackwardWeights;
  problem.precision = Precision::kBf16;
  problem.n = 1;
  problem.h = problem.w = 80;
  problem.in_channels = problem.out_channels = 512;
  const auto deterministic = FindConvEngines(problem, device_);
  problem.deterministic = false;
  const auto any = FindConvEngines(problem, device_);
  ASSERT_TRUE(deterministic.ok() && any.ok());
  EXPECT_LE(deterministic->size(), any->size());
  EXPECT_GT(deterministic->size(), 0u);
}

TEST(DescribeDeviceTest, AnIncompleteDescriptionIsAnError) {
  EXPECT_FALSE(DescribeDevice(std::string("{\"deviceVer\":900}")).ok());
}

}  // namespace
}  // namespace hardface::model
