// Whole trainings on a GPU beside the CPU's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "base/read_file.h"
#include "model/cuda/cuda_device.h"
#include "train/run/checkpoint.h"
#include "train/run/small_training.h"
#include "train/run/trainer.h"

namespace hardface::train {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr model::Device kGpu{model::Device::Kind::kCuda, 0};

// Every step logged. Every anchor counts: which ones are the hardest hangs on rounding, and after one other choice two
// trainings lie per cent apart within ten steps.
TrainerOptions ComparedTraining(const std::string& dataset, const std::string& output) {
  TrainerOptions options = SmallTraining(dataset, output, 50);
  options.step.targets.sampled_anchors = 4096;
  options.step.targets.hard_negative_share = 1;
  options.hard_negatives_at_start = 1;
  options.step.solver.kind = SolverOptions::Kind::kSgd;
  options.step.solver.schedule.base = 0.002;
  options.step.solver.average = 0.9;
  options.log_every = 1;
  return options;
}

// The losses of the GPU's training lie within SHARE of the CPU's over the first STEPS steps; then the difference grows
// from step to step, and over all fifty it is a few per cent in the mean.
void ExpectFollowsTheCpu(model::Precision precision, size_t steps, double share, const std::string& teacher = "") {
  const std::string name = model::PrecisionName(precision) + (teacher.empty() ? "" : "_taught");
  const std::string dataset = MakeSquares("follow_" + name, 6);
  TrainerOptions cpu = ComparedTraining(dataset, "cpu");
  cpu.teacher = teacher;
  TrainerOptions gpu = ComparedTraining(dataset, "gpu");
  gpu.teacher = teacher;
  gpu.device = kGpu;
  gpu.precision = precision;
  ASSERT_TRUE(TrainAlone(cpu).ok());
  const absl::Status status = TrainAlone(gpu);
  ASSERT_TRUE(status.ok()) << status;
  const auto expected = ReadMetrics(cpu.output), actual = ReadMetrics(gpu.output);
  ASSERT_EQ(actual.size(), 50u);
  ASSERT_EQ(expected.size(), 50u);
  double sum = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double loss = expected[i]["loss"].get<double>();
    const double difference = std::fabs(actual[i]["loss"].get<double>() - loss) / loss;
    if (i < steps) {
      EXPECT_LT(difference, share) << name << ", step " << i;
    }
    sum += difference;
  }
  EXPECT_LT(sum / 50, 0.05) << name;
}

TEST(CudaTrainerTest, FiftyStepsFollowTheCpu) {
  if (model::CudaDeviceCount() == 0) GTEST_SKIP() << model::WhyNoCuda();
  // Biases begin at 0, where rounding decides which ReLUs let gradients pass: after a few steps the trainings part. On
  // an emulated device they lie within 3e-5 for six steps, then within 2e-3.
  ExpectFollowsTheCpu(model::Precision::kFp32, 6, 1e-4);
  ExpectFollowsTheCpu(model::Precision::kTf32, 8, 0.01);
  ExpectFollowsTheCpu(model::Precision::kBf16, 12, 0.04);
}

TEST(CudaTrainerTest, AStudentFollowsTheCpus) {
  if (model::CudaDeviceCount() == 0) GTEST_SKIP() << model::WhyNoCuda();
  // Wider than its student, and with pixels scaled otherwise.
  TrainerOptions teaching = ComparedTraining(MakeSquares("teaching", 6), "teacher");
  teaching.detector.width_divisor /= 2;
  teaching.info.input_divisor *= 2;
  ASSERT_TRUE(TrainAlone(teaching).ok());
  ExpectFollowsTheCpu(model::Precision::kFp32, 6, 1e-4, teaching.output + "/model.safetensors");
}

TEST(CudaTrainerTest, ATeacherOfOtherAnchorsIsNamed) {
  if (model::CudaDeviceCount() == 0) GTEST_SKIP() << model::WhyNoCuda();
  TrainerOptions options = TrainingWithOtherAnchors(MakeSquares("other_anchors", 4));
  options.device = kGpu;
  EXPECT_THAT(std::string(TrainAlone(options).message()), HasSubstr("this teacher's anchors are"));
}

TEST(CudaTrainerTest, Fp16LowersItsLossScaleUntilStepsAreFiniteAndLearns) {
  if (model::CudaDeviceCount() == 0) GTEST_SKIP() << model::WhyNoCuda();
  TrainerOptions options = SmallTraining(MakeSquares("fp16", 4), "out", 150);
  options.device = kGpu;
  options.precision = model::Precision::kFp16;
  const absl::Status status = TrainAlone(options);
  ASSERT_TRUE(status.ok()) << status;
  const auto metrics = ReadMetrics(options.output);
  EXPECT_LT(metrics.back()["loss"].get<double>(), 0.5 * metrics.front()["loss"].get<double>());
  EXPECT_EQ(metrics.back()["steps_left_out"].get<int>(), 0);
  EXPECT_LT(metrics.back()["gradient_norm"].get<double>(), 100) << "is it of the scaled loss?";
  EXPECT_TRUE(WeightsOf(options.output).count("solver.loss_scale"));
}

TEST(CudaTrainerTest, ResumedTrainingIsTheUninterruptedOneToTheBit) {
  if (model::CudaDeviceCount() == 0) GTEST_SKIP() << model::WhyNoCuda();
  const std::string dataset = MakeSquares("resume", 7);
  TrainerOptions whole = SmallTraining(dataset, "whole", 30), parts = SmallTraining(dataset, "parts", 30);
  for (TrainerOptions* const options : {&whole, &parts}) {
    options->device = kGpu;
    options->step.solver.average = 0.9;
    options->keep = 10;
  }
  ASSERT_TRUE(TrainAlone(whole).ok());
  ASSERT_TRUE(TrainAlone(parts).ok());
  fs::remove_all(ListCheckpoints(parts.output).back());
  parts.resume = true;
  ASSERT_TRUE(TrainAlone(parts).ok());
  const model::ParameterSet expected = WeightsOf(whole.output), actual = WeightsOf(parts.output);
  for (const auto& [name, array] : expected) EXPECT_EQ(actual.at(name).values, array.values) << name;
  EXPECT_EQ(*ReadFile(parts.output + "/ledger.jsonl"), *ReadFile(whole.output + "/ledger.jsonl"));
}

TEST(CudaTrainerTest, GoesOnFromTheCpusCheckpoint) {
  if (model::CudaDeviceCount() == 0) GTEST_SKIP() << model::WhyNoCuda();
  TrainerOptions options = ComparedTraining(MakeSquares("handover", 6), "out");
  options.step.solver.schedule.iterations = 10;
  ASSERT_TRUE(TrainAlone(options).ok());
  options.step.solver.schedule.iterations = 20;
  options.device = kGpu;
  options.precision = model::Precision::kFp32;
  options.resume = true;
  const absl::Status status = TrainAlone(options);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_THAT(ListCheckpoints(options.output).back(), HasSubstr("iteration-00000020"));
}

TEST(CudaTrainerTest, OrderedReductionIsAnErrorThatSaysWhatToTake) {
  if (model::CudaDeviceCount() == 0) GTEST_SKIP() << model::WhyNoCuda();
  TrainerOptions options = SmallTraining(MakeSquares("ordered", 4), "out", 10);
  options.device = kGpu;
  options.step.reduction = Reduction::kOrdered;
  EXPECT_THAT(std::string(TrainAlone(options).message()), HasSubstr("take fast"));
}

TEST(CudaTrainerTest, WithoutCudaTheErrorSaysWhy) {
  if (model::CudaDeviceCount() > 0) GTEST_SKIP() << "there is a CUDA device";
  TrainerOptions options = SmallTraining(MakeSquares("no_cuda", 4), "out", 10);
  options.device = kGpu;
  EXPECT_EQ(TrainAlone(options).code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace hardface::train
