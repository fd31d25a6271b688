#include "model/execution/detector_runner.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "model/detectors/anchors.h"
#include "model/detectors/detector.h"
#include "model/execution/cpu_detector_runner.h"
#include "model/execution/executor.h"
#include "model/execution/image_input.h"
#include "model/execution/runner_test_util.h"
#include "model/ops/tensor.h"
#include "model/weights/model_file.h"
#include "model/weights/parameters.h"

namespace hardface::model {
namespace {

// Every logit and delta of the planes.
std::vector<float> ValuesOf(const std::vector<AnchorPlane>& planes) {
  std::vector<float> values;
  for (const AnchorPlane& plane : planes) {
    for (const float* const part :
         {plane.background, plane.face, plane.deltas[0], plane.deltas[1], plane.deltas[2], plane.deltas[3]}) {
      values.insert(values.end(), part, part + plane.height * plane.width);
    }
  }
  return values;
}

TEST(PaddedShapeTest, EachSideIsRoundedUp) {
  const DetectorSpec detector = *BuildDetector({"smallhard", 16, true});
  EXPECT_EQ(PaddedShape(detector, 33, 48), (Shape{1, 3, 48, 48}));
}

TEST(CpuDetectorRunnerTest, ARunIsTheStepsByHandToTheBit) {
  const Model model = RandomModel();
  const cv::Mat image = RandomImage(45, 70);
  const auto runner = MakeDetectorRunner(model, {});
  ASSERT_TRUE(runner.ok()) << runner.status();
  for (const bool mirror : {false, true}) {
    const cv::Mat level = ResizeToFloat(image, 1.3);
    const auto executor = *Executor::Create(model.detector.network, {1, 3, 64, 96}, {});
    executor->SetParameters(model.parameters);
    WriteNetworkInput(level, 64, mirror, 0, executor->input());
    executor->Forward();
    const auto planes = (*runner)->Run(image, 1.3, mirror);
    ASSERT_TRUE(planes.ok()) << planes.status();
    EXPECT_EQ(ValuesOf(*planes),
              ValuesOf(PlanesOf(
                  model.detector, [&](const std::string& name) { return executor->output(name); }, 0)));
  }
}

TEST(CpuDetectorRunnerTest, ImagesOfABatchAreThoseOfTheirOwn) {
  const Model model = RandomModel();
  const cv::Mat first = ResizeToFloat(RandomImage(40, 40), 1), second = ResizeToFloat(RandomImage(64, 50), 1);
  CpuDetectorRunner runner(model, {});
  const Shape both{3, 3, 64, 64};
  ASSERT_TRUE(runner.Forward(both, {{first}, {cv::Mat()}, {second, /*mirror=*/true, {16, 0}}}).ok());
  std::vector<std::vector<float>> values;
  for (int n = 0; n < 3; ++n) values.push_back(ValuesOf(runner.planes(n)));
  ASSERT_TRUE(runner.Forward({1, 3, 64, 64}, {{first}}).ok());
  EXPECT_EQ(values[0], ValuesOf(runner.planes(0)));
  ASSERT_TRUE(runner.Forward({1, 3, 64, 64}, {{second, /*mirror=*/true, {16, 0}}}).ok());
  EXPECT_EQ(values[2], ValuesOf(runner.planes(0)));
  EXPECT_NE(values[0], values[1]);
}

TEST(CpuDetectorRunnerTest, AnotherVersionOfTheParametersIsRead) {
  Model model = RandomModel();
  const cv::Mat image = ResizeToFloat(RandomImage(32, 32), 1);
  CpuDetectorRunner runner(model, {});
  ASSERT_TRUE(runner.Forward({1, 3, 32, 32}, {{image}}, /*version=*/0).ok());
  const std::vector<float> before = ValuesOf(runner.planes(0));
  for (auto& [name, array] : model.parameters) {
    for (float& value : array.values) value *= 1.5f;
  }
  ASSERT_TRUE(runner.Forward({1, 3, 32, 32}, {{image}}, /*version=*/1).ok());
  EXPECT_NE(before, ValuesOf(runner.planes(0)));
}

}  // namespace
}  // namespace hardface::model
