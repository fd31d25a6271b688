// Asks cuDNN for engines and plans for an H100 that is only described (testdata/h100.json), so that a machine without a
// GPU finds graphs that cuDNN does not take. Nothing is computed here, and no kernel is loaded; without a driver cuDNN
// leaves out the engines that it compiles when they are made.
#include "model/cuda/cudnn_conv.h"

#include <gtest/gtest.h>

#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/read_file.h"
#include "model/cuda/conv_planner.h"
#include "model/detectors/detector.h"

namespace hardface::model {
namespace {

using Heuristic = ConvLibrary::Heuristic;

constexpr Precision kPrecisions[] = {Precision::kFp32, Precision::kTf32, Precision::kBf16, Precision::kFp16};
constexpr ConvPass kPasses[] = {ConvPass::kForward, ConvPass::kForwardBias, ConvPass::kForwardBiasRelu,
                                ConvPass::kBackwardData, ConvPass::kBackwardWeights};

// The convolutions of a detector on an image, one for each distinct problem; pass and precision are to be set.
std::vector<ConvProblem> ProblemsOf(const DetectorSpec& detector, int n, int height, int width) {
  std::vector<ConvProblem> problems;
  std::set<std::string> seen;
  const auto shapes = InferShapes(detector.network, {n, 3, height, width});
  EXPECT_TRUE(shapes.ok()) << shapes.status();
  if (!shapes.ok()) return problems;
  for (const LayerSpec& layer : detector.network.layers) {
    if (layer.kind != LayerKind::kConv2d) continue;
    const Shape& in = shapes->at(layer.inputs[0]);
    ConvProblem problem;
    problem.n = n;
    problem.h = in.h;
    problem.w = in.w;
    problem.in_channels = StoredChannels(in.c);
    problem.out_channels = StoredChannels(layer.out_channels);
    problem.kernel = layer.kernel;
    problem.dilation = layer.dilation;
    if (seen.insert(problem.ToString()).second) problems.push_back(problem);
  }
  return problems;
}

class CudnnConvTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto json = ReadFile("model/cuda/testdata/h100.json");
    ASSERT_TRUE(json.ok()) << json.status();
    auto device = DescribeDevice(*json);
    ASSERT_TRUE(device.ok()) << device.status();
    device_ = *device;
    library_ = MakeCudnnLibrary(device_);
  }

  // The first choice that makes a plan; fails the test without one.
  void ExpectPlan(const ConvProblem& problem) {
    for (const Heuristic heuristic : {Heuristic::kBest, Heuristic::kFallback}) {
      const auto choices = library_->Propose(problem, heuristic);
      ASSERT_TRUE(choices.ok()) << problem.ToString() << ": " << choices.status();
      for (const ConvChoice& choice : *choices) {
        if (library_->Build(problem, choice).ok()) return;
      }
    }
    ADD_FAILURE() << problem.ToString() << ": no plan";
  }

  CudnnTarget device_;
  std::unique_ptr<ConvLibrary> library_;
};

TEST_F(CudnnConvTest, EveryConvolutionOfTheDetectorsHasAPlan) {
  for (const int divisor : {1, 16}) {
    DetectorOptions options;
    options.width_divisor = divisor;
    const auto detector = BuildDetector(options);
    ASSERT_TRUE(detector.ok());
    for (ConvProblem problem : ProblemsOf(*detector, 2, 96, 160)) {
      for (const Precision precision : kPrecisions) {
        for (const ConvPass pass : kPasses) {
          problem.precision = precision;
          problem.pass = pass;
          ExpectPlan(problem);
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

// An engine and its knobs, read from the heuristics' list and written to a file, make plans for other sizes.
TEST_F(CudnnConvTest, AChoiceMakesPlansForOtherSizesWithoutAQuery) {
  ConvProblem problem;
  problem.precision = Precision::kBf16;
  problem.n = 1;
  problem.in_channels = problem.out_channels = 512;
  for (const ConvPass pass : {ConvPass::kForwardBiasRelu, ConvPass::kBackwardData, ConvPass::kBackwardWeights}) {
    problem.pass = pass;
    problem.h = problem.w = 80;
    const auto choices = library_->Propose(problem, Heuristic::kBest);
    ASSERT_TRUE(choices.ok()) << choices.status();
    ASSERT_FALSE(choices->empty()) << problem.ToString();
    EXPECT_FALSE((*choices)[0].knobs.empty()) << problem.ToString();
    const auto kept = ConvChoice::Parse((*choices)[0].ToString());
    ASSERT_TRUE(kept.ok()) << kept.status();
    for (const auto& [h, w] : {std::pair{80, 80}, {96, 136}, {34, 50}, {128, 92}}) {
      problem.h = h;
      problem.w = w;
      const auto plan = library_->Build(problem, *kept);
      EXPECT_TRUE(plan.ok()) << problem.ToString() << " by " << kept->ToString() << ": " << plan.status();
    }
  }
}

class ZeroTimer : public ConvTimer {
 public:
  absl::StatusOr<float> Time(const ConvPlan&) override { return 1.0f; }
};

// A pyramid's levels of photographs of many sizes: what planning them all costs. The number of queries is what it is
// about (some 12 ms each on a CPU); what is left is a plan for each distinct problem.
TEST_F(CudnnConvTest, PicturesOfManySizesCostFewQueries) {
  const auto timers = [](const ConvProblem&) -> absl::StatusOr<std::unique_ptr<ConvTimer>> {
    return std::make_unique<ZeroTimer>();
  };
  ConvPlanner planner(MakeCudnnLibrary(device_), timers, PlanCache::Open(""), "");
  const auto detector = BuildDetector({});
  ASSERT_TRUE(detector.ok());
  std::vector<std::shared_ptr<const ConvPlan>> held;
  std::set<std::string> distinct, classes;
  for (const int side : {300, 600, 1000}) {
    for (const double ratio : {0.65, 0.67, 0.75, 1.0, 1.33, 1.41, 1.5, 1.78}) {
      const int height = (side + 15) / 16 * 16, width = (static_cast<int>(side * ratio) + 15) / 16 * 16;
      for (ConvProblem problem : ProblemsOf(*detector, 2, height, width)) {
        problem.precision = Precision::kBf16;
        problem.pass = ConvPass::kForwardBiasRelu;
        distinct.insert(problem.ToString());
        classes.insert(problem.SizeClass());
        const auto plan = planner.Get(problem, kMaxConvWorkspace);
        ASSERT_TRUE(plan.ok()) << problem.ToString() << ": " << plan.status();
        ASSERT_NE(*plan, nullptr) << problem.ToString();
        held.push_back(*plan);
      }
    }
  }
  ASSERT_GT(distinct.size(), 2 * classes.size());
  EXPECT_LE(planner.counts().queries, static_cast<int64_t>(distinct.size())) << "at most one for each problem";
  // One for each size class, and a few more where a class's engine does not take one of its problems.
  EXPECT_LE(planner.counts().queries, static_cast<int64_t>(classes.size() + classes.size() / 10));
  std::cout << distinct.size() << " problems in " << classes.size() << " size classes: " << planner.counts().queries
            << " queries, " << planner.counts().built << " plans built, of which " << planner.counts().timed
            << " to be timed\n";
}

TEST_F(CudnnConvTest, DeterminismNarrowsTheChoice) {
  ConvProblem problem;
  problem.pass = ConvPass::kBackwardWeights;
  problem.precision = Precision::kBf16;
  problem.n = 1;
  problem.h = problem.w = 80;
  problem.in_channels = problem.out_channels = 512;
  const auto deterministic = library_->Propose(problem, Heuristic::kBest);
  problem.deterministic = false;
  const auto any = library_->Propose(problem, Heuristic::kBest);
  ASSERT_TRUE(deterministic.ok() && any.ok());
  EXPECT_LE(deterministic->size(), any->size());
  EXPECT_GT(deterministic->size(), 0u);
}

TEST(DescribeDeviceTest, AnIncompleteDescriptionIsAnError) {
  EXPECT_FALSE(DescribeDevice(std::string("{\"deviceVer\":900}")).ok());
}

}  // namespace
}  // namespace hardface::model
