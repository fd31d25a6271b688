// The runner of a CUDA device against the CPU's, from the 8-bit image to the output planes.
#include "model/execution/cuda_detector_runner.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <opencv2/core.hpp>
#include <vector>

#include "model/detectors/anchors.h"
#include "model/execution/detector_runner.h"
#include "model/execution/runner_test_util.h"
#include "model/ops/cuda_test_util.h"
#include "model/weights/model_file.h"
#include "model/weights/parameters.h"

namespace hardface::model {
namespace {

void ExpectNear(const std::vector<AnchorPlane>& actual, const std::vector<AnchorPlane>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t p = 0; p < expected.size(); ++p) {
    ASSERT_EQ(actual[p].height, expected[p].height);
    ASSERT_EQ(actual[p].width, expected[p].width);
    for (int i = 0; i < expected[p].height * expected[p].width; ++i) {
      ASSERT_NEAR(actual[p].face[i], expected[p].face[i], 1e-3) << p << ", " << i;
      ASSERT_NEAR(actual[p].background[i], expected[p].background[i], 1e-3) << p << ", " << i;
      for (size_t k = 0; k < 4; ++k) ASSERT_NEAR(actual[p].deltas[k][i], expected[p].deltas[k][i], 1e-3) << p;
    }
  }
}

TEST(CudaDetectorRunnerTest, PlanesAreThoseOfTheCpu) {
  SKIP_WITHOUT_GPU();
  const Model model = RandomModel();
  DetectorRunnerOptions options;
  options.precision = Precision::kFp32;
  const auto cpu = MakeDetectorRunner(model, options);
  options.device = {Device::Kind::kCuda, 0};
  const auto gpu = MakeDetectorRunner(model, options);
  ASSERT_TRUE(cpu.ok() && gpu.ok()) << gpu.status();
  // Sizes that come again, and one that moves the memory.
  for (const int rows : {45, 45, 90, 45}) {
    const cv::Mat image = RandomImage(rows, 70);
    for (const bool mirror : {false, true}) {
      const auto expected = (*cpu)->Run(image, 1.3, mirror);
      const auto actual = (*gpu)->Run(image, 1.3, mirror);
      ASSERT_TRUE(expected.ok() && actual.ok()) << actual.status();
      ExpectNear(*actual, *expected);
    }
  }
}

}  // namespace
}  // namespace hardface::model
