// The step engine of a CUDA device that is the CPU: images that are staged while the step before them is computed.
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <opencv2/core.hpp>
#include <vector>

#include "base/random.h"
#include "data_tools/augmentation/training_sample.h"
#include "model/cuda/emulation/emulation.h"
#include "model/detectors/detector.h"
#include "model/execution/device.h"
#include "model/weights/model_file.h"
#include "model/weights/parameters.h"
#include "train/ranks/communicator.h"
#include "train/step/step_engine.h"

namespace hardface::train {
namespace {

constexpr int kSteps = 3;

data::TrainingSample Noise(int width, int height, uint64_t seed) {
  data::TrainingSample sample;
  sample.image = cv::Mat(height, width, CV_32FC3);
  Random random(seed);
  for (int y = 0; y < height; ++y) {
    for (int i = 0; i < 3 * width; ++i) sample.image.ptr<float>(y)[i] = static_cast<float>(random.Index(256));
  }
  sample.faces.push_back({{16, 10, 33, 27}, /*ignore=*/false, /*source=*/0});
  sample.sources = {0};
  sample.scales = {1};
  return sample;
}

struct Trained {
  model::ParameterSet parameters;
  std::vector<int64_t> bytes_of_pass;       // that Pass() copied to the device
  std::vector<bool> waited_before_staging;  // within FinishStep()
};

// STAGED: the number by which Stage() is told of the next image, from its true one.
Trained Train(const std::function<std::vector<int64_t>(int64_t)>& staged) {
  model::Model model;
  model.detector = *model::BuildDetector({"smallhard", 32, true});
  model.info.input_divisor = 64;
  model.parameters =
      model::InitializeParameters(model::ListParameters(model.detector.network), model::Initialization::kHe, 1);
  StepEngineOptions options;
  options.itersize = 1;
  options.solver.schedule.base = 0.001;
  options.solver.early_rate = 1;
  options.device = {model::Device::Kind::kCuda, 0};
  options.precision = model::Precision::kFp32;
  WorldOfOne alone;
  Trained trained;
  const auto engine = MakeStepEngine(&model, options, &alone);
  EXPECT_TRUE(engine.ok()) << engine.status();
  std::vector<data::TrainingSample> samples;
  for (int i = 0; i <= kSteps; ++i) samples.push_back(Noise(64, 48 + 16 * (i % 2), static_cast<uint64_t>(i)));
  for (int i = 0; i < kSteps; ++i) {
    EXPECT_TRUE((*engine)->BeginStep(/*hard_negatives=*/1).ok());
    model::ResetEmulatedCounts();
    const auto at = static_cast<size_t>(i);
    EXPECT_TRUE((*engine)->Pass(0, {{i, &samples[at]}}).ok());
    trained.bytes_of_pass.push_back(model::GetEmulatedCounts().bytes_to_device);
    model::ResetEmulatedCounts();
    const auto outcome = (*engine)->FinishStep(i, [&] {
      trained.waited_before_staging.push_back(model::GetEmulatedCounts().bytes_to_host > 0);
      absl::Status status;
      for (const int64_t number : staged(i + 1)) {
        data::TrainingSample copy = samples[at + 1];  // what was staged may have moved since
        if (number != i + 1) copy = Noise(64, 64, 99);
        status.Update((*engine)->Stage({{number, &copy}}));
      }
      return status;
    });
    EXPECT_TRUE(outcome.ok()) << outcome.status();
  }
  EXPECT_TRUE((*engine)->UpdateModel().ok());
  trained.parameters = model.parameters;
  return trained;
}

void ExpectTheSame(const Trained& actual, const Trained& expected) {
  for (const auto& [name, array] : expected.parameters) {
    EXPECT_EQ(actual.parameters.at(name).values, array.values) << name;
  }
}

TEST(EmulatedStepEngineTest, StagedImagesAreCopiedBeforeTheLossesAreWaitedFor) {
  const Trained plain = Train([](int64_t) { return std::vector<int64_t>(); });
  const Trained staged = Train([](int64_t next) { return std::vector<int64_t>{next}; });
  ExpectTheSame(staged, plain);
  const int64_t image = int64_t{64} * 48 * 3 * 4;
  for (int i = 0; i < kSteps; ++i) {
    const auto at = static_cast<size_t>(i);
    EXPECT_GE(plain.bytes_of_pass[at], image) << i;
    EXPECT_FALSE(staged.waited_before_staging[at]) << i;
    if (i == 0) continue;
    EXPECT_LT(staged.bytes_of_pass[at], image / 4) << i << ": the image was copied again";
  }
}

TEST(EmulatedStepEngineTest, OtherImagesThanThoseThatComeAreNotTaken) {
  const Trained plain = Train([](int64_t) { return std::vector<int64_t>(); });
  const Trained other = Train([](int64_t next) { return std::vector<int64_t>{next + 100}; });
  ExpectTheSame(other, plain);
  for (size_t i = 0; i < other.bytes_of_pass.size(); ++i) EXPECT_EQ(other.bytes_of_pass[i], plain.bytes_of_pass[i]);
}

}  // namespace
}  // namespace hardface::train
