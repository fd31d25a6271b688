// The step engine of a CUDA device that is the CPU: images that are staged while the step before them is computed, and
// steps that are recorded as graphs.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <opencv2/core.hpp>
#include <vector>

#include "base/random.h"
#include "data_tools/augmentation/training_sample.h"
#include "mining/face_score.h"
#include "model/cuda/emulation/emulation.h"
#include "model/cuda/precision.h"
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

model::Model RandomModel(uint64_t seed) {
  model::Model model;
  model.detector = *model::BuildDetector({"smallhard", 32, true});
  model.info.input_divisor = 64;
  model.parameters =
      model::InitializeParameters(model::ListParameters(model.detector.network), model::Initialization::kHe, seed);
  return model;
}

// STAGED: the number by which Stage() is told of the next image, from its true one.
Trained Train(const std::function<std::vector<int64_t>(int64_t)>& staged) {
  model::Model model = RandomModel(1);
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

// A training of passes of two images, of sizes that the larger one of each pass makes equal.
struct Steps {
  int steps = 9;
  model::Precision precision = model::Precision::kFp32;
  bool teacher = false;
  int pad_to = 0;
  // Of the I-th image of the training; 64 x 64 with a face where nothing else is said.
  std::function<data::TrainingSample(int64_t i)> sample = [](int64_t i) {
    return Noise(64, 64, static_cast<uint64_t>(i));
  };
  int64_t unread = -1;  // the number of an image that could not be read
};

struct Seen {
  model::ParameterSet parameters;
  std::vector<ImageOutcome> images;
  std::vector<model::EmulatedCounts> of_steps;
  int left_out = 0;
};

Seen TakeSteps(const Steps& steps) {
  model::Model model = RandomModel(1);
  const model::Model teacher = RandomModel(2);
  StepEngineOptions options;
  options.batch = 2;
  options.solver.schedule.base = 0.001;
  options.solver.early_rate = 1;
  options.device = {model::Device::Kind::kCuda, 0};
  options.precision = steps.precision;
  options.pad_to = steps.pad_to;
  if (steps.teacher) options.teacher = &teacher;
  WorldOfOne alone;
  const auto engine = MakeStepEngine(&model, options, &alone);
  EXPECT_TRUE(engine.ok()) << engine.status();
  Seen seen;
  int64_t number = 0;
  for (int step = 0; step < steps.steps; ++step) {
    model::ResetEmulatedCounts();
    // Some negatives are drawn at random after some steps.
    EXPECT_TRUE(
        (*engine)->BeginStep(/*hard_negatives=*/step < 5 ? 1.0f : 0.5f - 0.01f * static_cast<float>(step)).ok());
    for (int pass = 0; pass < options.itersize; ++pass) {
      const data::TrainingSample samples[] = {steps.sample(number), steps.sample(number + 1)};
      std::vector<PassImage> images;
      for (const data::TrainingSample& sample : samples) {
        images.push_back({number, number == steps.unread ? nullptr : &sample});
        ++number;
      }
      const absl::Status status = (*engine)->Pass(pass, images);
      EXPECT_TRUE(status.ok()) << status;
    }
    const auto outcome = (*engine)->FinishStep(step);
    EXPECT_TRUE(outcome.ok()) << outcome.status();
    seen.images.insert(seen.images.end(), outcome->images.begin(), outcome->images.end());
    seen.left_out += outcome->left_out;
    seen.of_steps.push_back(model::GetEmulatedCounts());
  }
  EXPECT_TRUE((*engine)->UpdateModel().ok());
  seen.parameters = model.parameters;
  return seen;
}

// Runs STEPS as it is, and so that nothing can be recorded: they must give the same bits.
std::array<Seen, 2> RunRecordedAndByCalls(const Steps& steps) {
  std::array<Seen, 2> seen = {TakeSteps(steps), {}};
  model::FailEmulatedCaptures(1000000);
  seen[1] = TakeSteps(steps);
  model::FailEmulatedCaptures(0);
  for (const auto& [name, array] : seen[1].parameters) {
    EXPECT_EQ(seen[0].parameters.at(name).values, array.values) << name;
  }
  EXPECT_EQ(seen[0].images.size(), seen[1].images.size());
  for (size_t i = 0; i < seen[1].images.size(); ++i) {
    const ImageOutcome &actual = seen[0].images[i], &expected = seen[1].images[i];
    EXPECT_EQ(actual.number, expected.number) << i;
    EXPECT_EQ(std::memcmp(&actual.loss, &expected.loss, sizeof expected.loss), 0) << i;  // which may be infinite
    EXPECT_EQ(actual.faces.size(), expected.faces.size()) << i;
    EXPECT_EQ(
        std::memcmp(actual.faces.data(), expected.faces.data(), expected.faces.size() * sizeof(mining::FaceScore)), 0)
        << i;
  }
  return seen;
}

TEST(RecordedStepTest, AShapeThatComesOftenIsAGraphWithTheSameResult) {
  const auto [recorded, by_calls] = RunRecordedAndByCalls(Steps());
  const model::EmulatedCounts &last = recorded.of_steps.back(), &of_calls = by_calls.of_steps.back();
  std::printf("a step of 2 x 2 images: %d launches and %d graphs; call by call %d launches\n",
              static_cast<int>(last.launches), static_cast<int>(last.graph_launches),
              static_cast<int>(of_calls.launches));
  EXPECT_EQ(last.graphs, 0) << "what was recorded is recorded again";
  EXPECT_EQ(last.graph_launches, 2) << "two passes";
  EXPECT_LE(last.launches, 9) << "the inputs, the packing of the weights and the solver are left";
  EXPECT_EQ(of_calls.graph_launches, 0);
  EXPECT_GT(of_calls.launches, 20 * last.launches);
  EXPECT_EQ(last.allocations, 0);
  EXPECT_EQ(last.pinned_allocations, 0);
}

// Everything that differs from image to image: size, number of faces (more than there was room for, too), images that
// cannot be read, the share of hard negatives.
TEST(RecordedStepTest, ImagesOfOneShapeMayDiffer) {
  Steps steps;
  steps.steps = 12;
  steps.unread = 17;
  steps.sample = [](int64_t i) {
    data::TrainingSample sample = Noise(i % 2 == 0 ? 64 : 50, i % 2 == 0 ? 49 : 64, static_cast<uint64_t>(i));
    if (i % 5 == 1) sample.faces.clear();
    for (int extra = 0; extra < (i == 31 ? 200 : i % 3); ++extra) {
      const auto at = static_cast<float>(extra % 30);
      sample.faces.push_back({{at, at + 2, at + 20, at + 20}, /*ignore=*/extra % 7 == 6, /*source=*/0});
      sample.sources.push_back(0);
      sample.scales.push_back(1);
    }
    return sample;
  };
  const auto [recorded, by_calls] = RunRecordedAndByCalls(steps);
  EXPECT_EQ(recorded.images.size(), 47u);
  EXPECT_EQ(recorded.of_steps.back().graph_launches, 2);
  double apart = 0;
  for (const ImageOutcome& image : recorded.images) {
    apart = std::max(apart, std::fabs(image.loss.total() - recorded.images[0].loss.total()));
  }
  EXPECT_GT(apart, 0) << "every image is the first one";
}

TEST(RecordedStepTest, ATeacherStandsBesideTheGraph) {
  Steps steps;
  steps.teacher = true;
  const auto [recorded, by_calls] = RunRecordedAndByCalls(steps);
  EXPECT_EQ(recorded.of_steps.back().graph_launches, 4) << "the teacher's passes, too";
  EXPECT_NE(recorded.images[0].loss.classification, TakeSteps(Steps()).images[0].loss.classification);
}

TEST(RecordedStepTest, AnotherLossScaleIsRecordedAnew) {
  Steps steps;
  steps.precision = model::Precision::kFp16;
  steps.steps = 12;
  // An image that overflows, so that the factor falls after steps that were recorded.
  steps.sample = [](int64_t i) {
    data::TrainingSample sample = Noise(64, 64, static_cast<uint64_t>(i));
    if (i == 25) sample.image *= 1e9;
    return sample;
  };
  const auto [recorded, by_calls] = RunRecordedAndByCalls(steps);
  EXPECT_GT(recorded.left_out, 0) << "no step overflows";
  EXPECT_EQ(recorded.of_steps.back().graph_launches, 2);
}

TEST(RecordedStepTest, PaddedFurtherImagesOfSeveralSizesShareAGraph) {
  Steps steps;
  steps.sample = [](int64_t i) {
    return Noise(64 + 16 * static_cast<int>(i % 3), 64 + 16 * static_cast<int>(i / 3 % 3), static_cast<uint64_t>(i));
  };
  const auto graphs_of_last = [](const Seen& seen) { return seen.of_steps.back().graph_launches; };
  EXPECT_LT(graphs_of_last(TakeSteps(steps)), 2) << "their shapes come too rarely";
  steps.pad_to = 128;
  const auto [recorded, by_calls] = RunRecordedAndByCalls(steps);
  EXPECT_EQ(graphs_of_last(recorded), 2);
}

}  // namespace
}  // namespace hardface::train
