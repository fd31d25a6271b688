// What executors cost on emulated devices (emulation.h), in numbers that are the same on a GPU: queries of cuDNN's
// heuristics, plans, allocations, launches. And what they do when a graph cannot be recorded or memory runs out.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "model/cuda/emulation/emulation.h"
#include "model/detectors/detector.h"
#include "model/execution/cuda_executor.h"
#include "model/ops/cuda_test_util.h"

namespace hardface::model {
namespace {

DetectorSpec SmallDetector() {
  DetectorOptions options;
  options.width_divisor = 16;
  return *BuildDetector(options);
}

// Inputs as a pyramid makes them of photographs: many widths and heights.
std::vector<Shape> ManyShapes(uint64_t seed) {
  std::vector<Shape> shapes;
  for (const int height : {32, 48}) {
    for (const int width : {32, 48, 64, 80}) shapes.push_back({2, 3, height, width});
  }
  Random random(seed);
  for (size_t i = shapes.size(); i > 1; --i) std::swap(shapes[i - 1], shapes[random.Index(static_cast<int64_t>(i))]);
  return shapes;
}

class EmulatedExecutorTest : public ::testing::Test {
 protected:
  EmulatedExecutorTest() {
    options_.resources = std::make_shared<CudaExecutorResources>(TestContext());
    options_.precision = Precision::kFp32;
    const std::vector<ParameterSpec> specs = ListParameters(detector_.network);
    parameters_ = *DeviceParameters::Create(specs, stream().handle());
    EXPECT_TRUE(parameters_.Upload(InitializeParameters(specs, Initialization::kHe, 1), stream()).ok());
  }
  void TearDown() override {
    FailEmulatedAllocation(0);
    FailEmulatedCaptures(0);
  }
  const CudaStream& stream() const { return options_.resources->context->stream(); }

  // A forward pass of an input that the shape determines; one of the outputs.
  absl::StatusOr<std::vector<float>> Run(const Shape& shape, CudaExecutorCache* cache) {
    ASSIGN_OR_RETURN(CudaExecutor* const executor, cache->Get(shape, parameters_, 0));
    const Tensor image = RandomTensor(shape, 1, static_cast<uint64_t>(shape.w));
    const int64_t bytes = shape.size() * static_cast<int64_t>(sizeof(float));
    if (planar_.bytes() < bytes) RETURN_IF_ERROR(stream().Synchronize());
    RETURN_IF_ERROR(planar_.Grow(bytes, "a test"));
    RETURN_IF_ERROR(CopyToDevice(image.data(), planar_.data(), bytes, stream().handle()));
    RETURN_IF_ERROR(FromPlanar(planar_.as<float>(), 1, executor->input(), stream().handle()));
    RETURN_IF_ERROR(executor->Forward());
    const TensorView output = executor->output("cls_score_1");
    std::vector<float> values(static_cast<size_t>(output.shape.size()));
    RETURN_IF_ERROR(
        CopyToHost(output.data, values.data(), static_cast<int64_t>(values.size() * sizeof(float)), stream().handle()));
    return values;
  }

  const DetectorSpec detector_ = SmallDetector();
  CudaExecutorOptions options_;
  DeviceParameters parameters_;
  DeviceMemory planar_;
};

TEST_F(EmulatedExecutorTest, ManySizesCostFewQueriesAndNoAllocationsOnceSeen) {
  CudaExecutorCache cache(detector_.network, options_);
  ResetEmulatedCounts();
  const std::vector<Shape> shapes = ManyShapes(1);
  for (const Shape& shape : shapes) ASSERT_TRUE(Run(shape, &cache).ok());
  const EmulatedCounts first = GetEmulatedCounts();
  int convolutions = 0;
  for (const LayerSpec& layer : detector_.network.layers) convolutions += layer.kind == LayerKind::kConv2d;
  // The largest has 3.75 times the smallest one's pixels: at most five size classes for each convolution.
  EXPECT_LE(first.queries, 5 * convolutions);
  EXPECT_LE(first.plans - 2 * first.queries, static_cast<int64_t>(shapes.size()) * convolutions);
  // As often and in any order as one likes. A graph is recorded once the shape comes again in memory that stays.
  int64_t graphs = 0;
  for (int round = 2; round <= 3; ++round) {
    ResetEmulatedCounts();
    for (const Shape& shape : ManyShapes(static_cast<uint64_t>(round))) ASSERT_TRUE(Run(shape, &cache).ok());
    const EmulatedCounts counts = GetEmulatedCounts();
    EXPECT_EQ(counts.queries, 0) << round;
    EXPECT_EQ(counts.plans, 0) << round;
    EXPECT_EQ(counts.allocations, 0) << round;
    graphs += counts.graphs;
    if (round == 3) {
      EXPECT_EQ(counts.graph_launches, static_cast<int64_t>(shapes.size()));
    }
  }
  EXPECT_EQ(graphs, static_cast<int64_t>(shapes.size())) << "one for each shape";
}

// Equal layers (conv4_2 and conv4_3 and the like) share a plan.
TEST_F(EmulatedExecutorTest, EqualConvolutionsAreChosenAndBuiltOnce) {
  std::set<std::string> problems;
  const Shape shape{1, 3, 64, 96};
  const auto shapes = InferShapes(detector_.network, shape);
  int convolutions = 0;
  for (const LayerSpec& layer : detector_.network.layers) {
    if (layer.kind != LayerKind::kConv2d) continue;
    ++convolutions;
    const Shape& in = shapes->at(layer.inputs[0]);
    problems.insert(in.ToString() + " " + std::to_string(layer.out_channels) + " " + std::to_string(layer.kernel) +
                    " " + std::to_string(layer.dilation) + (layer.relu ? " relu" : ""));
  }
  ASSERT_LT(problems.size(), static_cast<size_t>(convolutions));
  ResetEmulatedCounts();
  const auto executor = CudaExecutor::Create(detector_.network, shape, options_);
  ASSERT_TRUE(executor.ok()) << executor.status();
  EXPECT_LE(GetEmulatedCounts().queries, static_cast<int64_t>(problems.size()));
}

TEST_F(EmulatedExecutorTest, WhatCannotBeRecordedIsQueuedCallByCall) {
  const Shape shape{1, 3, 32, 48};
  CudaExecutorCache cache(detector_.network, options_);
  const auto expected = Run(shape, &cache);
  ASSERT_TRUE(expected.ok()) << expected.status();
  FailEmulatedCaptures(1);
  ::testing::internal::CaptureStderr();
  for (int run = 0; run < 3; ++run) {
    const auto values = Run(shape, &cache);
    ASSERT_TRUE(values.ok()) << values.status();
    EXPECT_EQ(*values, *expected) << run;
  }
  const std::string told = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(told.find("cannot be recorded"), std::string::npos) << told;
  EXPECT_EQ(told.find("cannot be recorded"), told.rfind("cannot be recorded")) << told;
  EXPECT_FALSE((*cache.Get(shape, parameters_, 0))->recorded());
}

TEST_F(EmulatedExecutorTest, AfterAnyFailedAllocationTheNextAttemptSucceeds) {
  const Shape shape{1, 3, 32, 48};
  std::vector<float> expected;
  {
    CudaExecutorCache cache(detector_.network, options_);
    expected = *Run(shape, &cache);
  }
  int failures = 0;
  for (int64_t n = 1; n < 60; n += 4) {
    options_.resources = std::make_shared<CudaExecutorResources>(options_.resources->context);
    CudaExecutorCache cache(detector_.network, options_);
    FailEmulatedAllocation(n);
    const auto attempt = Run(shape, &cache);
    if (!attempt.ok()) {
      EXPECT_EQ(attempt.status().code(), absl::StatusCode::kResourceExhausted) << n << ": " << attempt.status();
      ++failures;
    }
    FailEmulatedAllocation(0);
    const auto next = Run(shape, &cache);
    ASSERT_TRUE(next.ok()) << n << ": " << next.status();
    EXPECT_EQ(*next, expected) << n;
  }
  EXPECT_GT(failures, 5);
}

TEST_F(EmulatedExecutorTest, TheOrderOfOtherStreamsChangesNothing) {
  const Shape shape{1, 3, 32, 48};
  std::vector<float> first;
  for (uint64_t seed = 0; seed < 4; ++seed) {
    SetEmulatedOrder(seed);
    CudaExecutorCache cache(detector_.network, options_);
    for (int run = 0; run < 3; ++run) {
      const auto values = Run(shape, &cache);
      ASSERT_TRUE(values.ok()) << values.status();
      if (first.empty()) first = *values;
      EXPECT_EQ(*values, first) << seed << ", run " << run;
    }
  }
}

}  // namespace
}  // namespace hardface::model
