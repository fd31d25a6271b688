#include "train/run/training_flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/flags/commandlineflag.h"
#include "absl/flags/reflection.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "base/read_file.h"
#include "base/tool_main.h"

namespace hardface::train {
namespace {

using ::testing::HasSubstr;

class TrainingFlagsTest : public ::testing::Test {
 protected:
  TrainingFlagsTest() {
    Set("dataset", "data");
    Set("output", "run");
    Set("early_rate", "1");
  }
  static void Set(const std::string& flag, const std::string& value) {
    absl::CommandLineFlag* const found = absl::FindCommandLineFlag(flag);
    ASSERT_NE(found, nullptr) << flag;
    std::string error;
    ASSERT_TRUE(found->ParseFrom(value, &error)) << error;
  }
  static std::string ErrorOf(const std::string& flag, const std::string& value) {
    const absl::FlagSaver saver;
    Set(flag, value);
    const absl::Status status = TrainerOptionsFromFlags().status();
    EXPECT_EQ(IsUsageError(status), !status.ok()) << status;
    return std::string(status.message());
  }

 private:
  const absl::FlagSaver saver_;
};

TEST_F(TrainingFlagsTest, DefaultsAreTheOptionsDefaults) {
  const auto options = TrainerOptionsFromFlags();
  ASSERT_TRUE(options.ok()) << options.status();
  const TrainerOptions standard;
  EXPECT_EQ(options->step.solver.schedule.iterations, standard.step.solver.schedule.iterations);
  EXPECT_EQ(options->step.bucket_bytes, standard.step.bucket_bytes);
  EXPECT_EQ(options->stream.image_cache_bytes, standard.stream.image_cache_bytes);
  EXPECT_EQ(options->stream.epoch.mining.threshold, standard.stream.epoch.mining.threshold);
  EXPECT_EQ(options->info.pyramid, standard.info.pyramid);
  EXPECT_EQ(options->info.data, "data") << "the dataset's name, where --data_note is empty";
  // The paper's numbers, whatever the structs say.
  EXPECT_EQ(options->step.solver.schedule.base, 0.004);
  EXPECT_EQ(options->stream.epoch.mining.threshold, 0.85f);
  EXPECT_EQ(options->stream.epoch.mining.drop, 0.7);
  EXPECT_EQ(options->step.targets.hard_negative_share, 1);
}

TEST_F(TrainingFlagsTest, FlagsReachThePartsTheyAreOf) {
  Set("itersize", "4");
  Set("workers", "3");
  Set("him_drop", "0.25");
  Set("crops", "face_scale");
  Set("crop_size", "64");
  Set("bucket_mb", "0.5");
  Set("validation", "val");
  Set("validate_every", "9");
  const auto options = TrainerOptionsFromFlags();
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->step.itersize, 4);
  EXPECT_EQ(options->stream.workers, 3);
  EXPECT_EQ(options->stream.epoch.mining.drop, 0.25);
  EXPECT_EQ(options->stream.augment.crops, data::CropStyle::kFaceScale);
  EXPECT_EQ(options->stream.augment.crop_size, 64);
  EXPECT_EQ(options->step.bucket_bytes, 1 << 19);
  EXPECT_EQ(options->validation, "val");
}

TEST_F(TrainingFlagsTest, ThePublishedRulesStandAboveTheOthers) {
  Set("him_published_behaviour", "true");
  auto options = TrainerOptionsFromFlags();
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->stream.epoch.mining.without_positives, mining::WithoutPositives::kEasy);
  EXPECT_TRUE(options->stream.epoch.mining.once_easy_always_easy);
  EXPECT_FALSE(options->own_ledger);
  EXPECT_THAT(ErrorOf("him_without_positives", "leave_out"), HasSubstr("already makes these images easy"));
  Set("sampling", "replicate");
  options = TrainerOptionsFromFlags();
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_TRUE(options->own_ledger);
}

TEST_F(TrainingFlagsTest, WrongSettingsAreUsageErrorsThatNameThem) {
  EXPECT_EQ(ErrorOf("him_drop", "1"), "--him_drop=1: give a number from 0 to 0.999");
  EXPECT_EQ(ErrorOf("warmup", "60001"), "--warmup=60001: give a number from 0 to 60000");
  EXPECT_EQ(ErrorOf("solver", "lion"), "--solver=lion: give one of sgd, adam");
  EXPECT_THAT(ErrorOf("dataset", ""), HasSubstr("--dataset must be given"));
  EXPECT_THAT(ErrorOf("crop_size", "640"), HasSubstr("--crop_size has no effect: it applies with --crops=face_scale"));
  EXPECT_THAT(ErrorOf("final_rate", "0.0001"), HasSubstr("it applies with --schedule=cosine only"));
  EXPECT_THAT(ErrorOf("teacher_weight", "0.1"), HasSubstr("no --teacher is given"));
  EXPECT_THAT(ErrorOf("validate_every", "5"), HasSubstr("no --validation dataset is given"));
  EXPECT_THAT(ErrorOf("validation", "val"), HasSubstr("nothing is validated"));
  EXPECT_THAT(ErrorOf("early_rate", "0"), HasSubstr("set --early_rate=1"));
  Set("him", "false");
  EXPECT_THAT(ErrorOf("him_visits", "4"), HasSubstr("hard image mining is off (--nohim)"));
}

// A rate of NaN or below zero makes nonsense of the weights and would be found when the time is spent.
TEST_F(TrainingFlagsTest, NoNumberMayBeNegativeOrNoNumber) {
  int numbers = 0;
  for (const auto& [name, flag] : absl::GetAllFlags()) {
    double standard = 0;
    const bool is_ours = absl::EndsWith(flag->Filename(), "training_flags.cc");
    if (!is_ours || !absl::SimpleAtod(flag->DefaultValue(), &standard)) continue;
    ++numbers;
    for (const char* value : {"-7", "nan", "inf"}) {
      const absl::FlagSaver saver;
      std::string error;
      if (!absl::FindCommandLineFlag(name)->ParseFrom(value, &error)) continue;  // of a whole or unsigned number
      const absl::Status status = TrainerOptionsFromFlags().status();
      EXPECT_TRUE(IsUsageError(status)) << "--" << name << "=" << value << ": " << status;
    }
  }
  EXPECT_GT(numbers, 30);
}

// docs/TRAINING_FLAGS.md: bazel-bin/train/run/print_training_flags > docs/TRAINING_FLAGS.md.
TEST_F(TrainingFlagsTest, ThePageInTheDocsIsTheTable) {
  const absl::StatusOr<std::string> page = ReadFile("docs/TRAINING_FLAGS.md");
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(std::vector<std::string>(absl::StrSplit(*page, '\n')),
            std::vector<std::string>(absl::StrSplit(TrainingFlagsPage(), '\n')))
      << "write it anew: bazel-bin/train/run/print_training_flags > docs/TRAINING_FLAGS.md";
}

}  // namespace
}  // namespace hardface::train
