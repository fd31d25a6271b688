// The step engine on the CPU: what a step's gradient is the mean of, and what an image that cannot be read counts for.
#include "train/step/step_engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <opencv2/core.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "data_tools/augmentation/training_sample.h"
#include "model/detectors/detector.h"
#include "model/execution/cpu_detector_runner.h"
#include "model/execution/device.h"
#include "model/ops/tensor.h"
#include "model/weights/model_file.h"
#include "model/weights/parameters.h"
#include "train/ranks/communicator.h"

namespace hardface::train {
namespace {

data::TrainingSample Noise(int width, int height, uint64_t seed) {
  data::TrainingSample sample;
  sample.image = cv::Mat(height, width, CV_32FC3);
  Random random(seed);
  for (int y = 0; y < height; ++y) {
    for (int i = 0; i < 3 * width; ++i) sample.image.ptr<float>(y)[i] = static_cast<float>(random.Index(256));
  }
  const float left = 8.0f * static_cast<float>(1 + seed % 3);
  sample.faces.push_back({{left, 10, left + 17, 27}, /*ignore=*/false, /*source=*/0});
  sample.sources = {0};
  sample.scales = {1};
  return sample;
}

model::Model SmallModel() {
  model::Model model;
  model.detector = *model::BuildDetector({"smallhard", 32, true});
  model.info.input_divisor = 64;
  model.parameters =
      model::InitializeParameters(model::ListParameters(model.detector.network), model::Initialization::kHe, 1);
  return model;
}

StepEngineOptions Options(int batch, int itersize) {
  StepEngineOptions options;
  options.batch = batch;
  options.itersize = itersize;
  options.solver.schedule.base = 0.001;
  options.solver.early_rate = 1;
  options.solver.momentum = 0;
  return options;
}

// The model after a step over the samples in PASSES, and the step's outcome.
std::pair<model::Model, StepOutcome> StepOver(const std::vector<std::vector<PassImage>>& passes) {
  model::Model model = SmallModel();
  WorldOfOne alone;
  const int batch = static_cast<int>(passes[0].size());
  const auto engine = MakeStepEngine(&model, Options(batch, static_cast<int>(passes.size())), &alone);
  EXPECT_TRUE(engine.ok()) << engine.status();
  EXPECT_TRUE((*engine)->BeginStep(/*hard_negatives=*/1).ok());
  for (size_t pass = 0; pass < passes.size(); ++pass) {
    EXPECT_TRUE((*engine)->Pass(static_cast<int>(pass), passes[pass]).ok());
  }
  auto outcome = (*engine)->FinishStep(/*iteration=*/0);
  EXPECT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_TRUE((*engine)->UpdateModel().ok());
  return {std::move(model), *std::move(outcome)};
}

// The greatest difference of any weight; and how far the weights of A have moved from the start.
double Apart(const model::Model& a, const model::Model& b) {
  double apart = 0;
  for (const auto& [name, array] : a.parameters) {
    const std::vector<float>& other = b.parameters.at(name).values;
    for (size_t i = 0; i < other.size(); ++i) apart = std::max(apart, std::fabs(double{array.values[i]} - other[i]));
  }
  return apart;
}

TEST(PassShapeTest, TheLargestImageRoundedUp) {
  const data::TrainingSample wide = Noise(65, 20, 1), high = Noise(10, 48, 2);
  EXPECT_EQ(PassShape({{0, &wide}, {1, &high}}, 16), (model::Shape{2, 3, 48, 80}));
  EXPECT_EQ(PassShape({{0, nullptr}, {1, &high}}, 16), (model::Shape{2, 3, 48, 16})) << "unread images have no size";
  EXPECT_EQ(PassShape({{0, nullptr}}, 32), (model::Shape{1, 3, 32, 32}));
}

TEST(ShownImagesTest, PaddingAndUnreadImagesAreZero) {
  const data::TrainingSample sample = Noise(20, 10, 3);
  const model::Tensor input({2, 3, 16, 32});
  std::fill(input.data(), input.data() + input.shape().size(), 7.0f);
  model::Model model;
  model.info.input_divisor = 64;
  model::WriteShownImages(model, ShownImages({{0, &sample}, {1, nullptr}}), input.view());
  EXPECT_NEAR(input.view().at(0, 0, 9, 19), (sample.image.at<cv::Vec3f>(9, 19)[0] - model::kBgrMean[0]) / 64, 1e-5);
  EXPECT_EQ(input.view().at(0, 2, 10, 0), 0) << "below the image";
  EXPECT_EQ(input.view().at(0, 1, 0, 20), 0) << "beside the image";
  for (int c = 0; c < 3; ++c) EXPECT_EQ(input.view().at(1, c, 5, 5), 0) << "of an image that could not be read";
}

TEST(FrozenPartsTest, OnlyTheEarlyPartAndOnlyAtRateZero) {
  SolverOptions options;
  EXPECT_TRUE(FrozenParts(options)(model::NetworkPart::kEarly)) << "the paper's";
  EXPECT_FALSE(FrozenParts(options)(model::NetworkPart::kBody));
  options.early_rate = 1;
  EXPECT_FALSE(FrozenParts(options)(model::NetworkPart::kEarly));
}

TEST(CpuStepEngineTest, GradientAccumulationIsTheMeanOverAllImages) {
  const data::TrainingSample a = Noise(64, 48, 1), b = Noise(64, 48, 2);
  const auto [one_pass, of_one] = StepOver({{{0, &a}, {1, &b}}});
  const auto [two_passes, of_two] = StepOver({{{0, &a}}, {{1, &b}}});
  EXPECT_GT(Apart(one_pass, SmallModel()), 1e-5) << "the step changes nothing: this tests nothing";
  EXPECT_LT(Apart(one_pass, two_passes), 1e-7) << "--batch=2 and --itersize=2 take the same step, up to rounding";
  EXPECT_NEAR(of_one.gradient_norm, of_two.gradient_norm, 1e-4 * of_one.gradient_norm);
  ASSERT_EQ(of_two.images.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(of_two.images[i].number, static_cast<int64_t>(i));
    EXPECT_NEAR(of_one.images[i].loss.total(), of_two.images[i].loss.total(), 1e-5);
    ASSERT_EQ(of_two.images[i].faces.size(), 1u);
    EXPECT_EQ(of_one.images[i].faces[0].positives, of_two.images[i].faces[0].positives);
  }
}

TEST(CpuStepEngineTest, AnUnreadImageHasNoOutcomeAndTakesItsShareOfTheMean) {
  const data::TrainingSample a = Noise(64, 48, 1);
  const auto [alone, of_alone] = StepOver({{{0, &a}}});
  const auto [beside, of_beside] = StepOver({{{0, &a}}, {{1, nullptr}}});
  ASSERT_EQ(of_beside.images.size(), 1u);
  EXPECT_EQ(of_beside.images[0].number, 0);
  EXPECT_NEAR(of_beside.gradient_norm, of_alone.gradient_norm / 2, 1e-4 * of_alone.gradient_norm);
}

TEST(CpuStepEngineTest, TheLossOfAnImageDoesNotDependOnItsNeighboursPadding) {
  const data::TrainingSample small = Noise(64, 48, 1), large = Noise(96, 64, 2);
  const auto [alone, of_alone] = StepOver({{{0, &small}}});
  const auto [padded, of_padded] = StepOver({{{0, &small}, {1, &large}}});
  EXPECT_EQ(of_alone.images[0].faces[0].positives, of_padded.images[0].faces[0].positives);
  EXPECT_NEAR(of_alone.images[0].faces[0].worst, of_padded.images[0].faces[0].worst, 0.02)
      << "zero stands for the mean beside the image, which the network sees a little of";
}

}  // namespace
}  // namespace hardface::train
