// Tests of knobs. The file's name ends in _flags.cc because that is what marks flags as a tool's own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/reflection.h"
#include "base/knobs.h"
#include "base/tool_main.h"

namespace hardface {

enum class Kind { kSgd, kAdam };
std::vector<std::pair<std::string, Kind>> FlagChoices(Kind) { return {{"sgd", Kind::kSgd}, {"adam", Kind::kAdam}}; }

struct Part {
  float threshold = 0.85f;
  Kind kind = Kind::kAdam;
};

struct TestOptions {
  Part part;
  double rate = 0.5;
  int64_t iterations = 100, warmup = 0, every = 5;
  bool mining = true;
  std::vector<int> steps = {10, 20};
  std::string note;
  int64_t bytes = 3 << 20;
};

}  // namespace hardface

#define KNOB(name, member, meaning) HARDFACE_KNOB(hardface::TestOptions, name, member, meaning)

KNOB(iterations, iterations, "Number of steps.").Heading("Steps").Range(1, 1000000);
KNOB(warmup, warmup, "Steps of warm-up.").RangeTo(0, "iterations", "steps");
KNOB(every, every, "Pause between logs.").Range(1, 1e9, "steps");
KNOB(rate, rate, "The rate.").Range(1e-12, 10);
KNOB(kind, part.kind, "The kind: sgd or adam.").Heading("Solver");
KNOB(steps, steps, "Steps at which | the rate falls.").With("kind", "sgd");
KNOB(mining, mining, "Turns mining on.");
KNOB(threshold, part.threshold, "From where images are easy.").Range(0, 1).WithSwitch("mining", "mining is off");
KNOB(note, note, "Words.").Unless("kind", "adam", "without Adam", "Adam has no words");
HARDFACE_KNOB_SET(hardface::TestOptions, int, megabytes, 3, "Size in MiB.",
                  [](int megabytes, hardface::TestOptions* options) {
                    options->bytes = int64_t{megabytes} << 20;
                    return absl::OkStatus();
                  });

namespace hardface {
namespace {

using ::testing::HasSubstr;

class KnobsTest : public ::testing::Test {
 protected:
  const KnobTable<TestOptions>& table_ = KnobsOf<TestOptions>();
  absl::FlagSaver saver_;
};

TEST_F(KnobsTest, DefaultsAreTheOptions) {
  EXPECT_EQ(absl::GetFlag(FLAGS_threshold), 0.85f);
  EXPECT_EQ(absl::GetFlag(FLAGS_kind), "adam");
  EXPECT_EQ(absl::GetFlag(FLAGS_steps), (std::vector<std::string>{"10", "20"}));
  EXPECT_THAT(FlagTable(), HasSubstr("threshold   0.85\n")) << "not the float's digits";
}

TEST_F(KnobsTest, SetTakesEveryFlagIntoItsMember) {
  absl::SetFlag(&FLAGS_iterations, 7);
  absl::SetFlag(&FLAGS_kind, "sgd");
  absl::SetFlag(&FLAGS_steps, {"3", "5"});
  absl::SetFlag(&FLAGS_threshold, 0.25f);
  absl::SetFlag(&FLAGS_megabytes, 2);
  TestOptions options;
  ASSERT_TRUE(table_.Set(&options).ok());
  EXPECT_EQ(options.iterations, 7);
  EXPECT_EQ(options.part.kind, Kind::kSgd);
  EXPECT_EQ(options.steps, (std::vector<int>{3, 5}));
  EXPECT_EQ(options.part.threshold, 0.25f);
  EXPECT_EQ(options.bytes, 2 << 20);
}

TEST_F(KnobsTest, WordsAndListsThatMeanNothingAreUsageErrors) {
  TestOptions options;
  absl::SetFlag(&FLAGS_kind, "lamb");
  EXPECT_EQ(table_.Set(&options).message(), "--kind=lamb: give one of sgd, adam");
  absl::SetFlag(&FLAGS_kind, "sgd");
  absl::SetFlag(&FLAGS_steps, {"3", "-5"});
  EXPECT_TRUE(IsUsageError(table_.Set(&options)));
}

TEST_F(KnobsTest, RangesIncludeTheirEndsAndMayEndAtAnotherFlag) {
  EXPECT_TRUE(table_.CheckRanges().ok());
  absl::SetFlag(&FLAGS_threshold, 1);
  absl::SetFlag(&FLAGS_warmup, 100);
  EXPECT_TRUE(table_.CheckRanges().ok());
  absl::SetFlag(&FLAGS_warmup, 101);
  EXPECT_EQ(table_.CheckRanges().message(), "--warmup=101: give a number from 0 to 100");
  absl::SetFlag(&FLAGS_warmup, 0);
  absl::SetFlag(&FLAGS_threshold, 1.5f);
  EXPECT_TRUE(IsUsageError(table_.CheckRanges()));
  absl::SetFlag(&FLAGS_threshold, 0.5f);
  absl::SetFlag(&FLAGS_rate, 0);
  EXPECT_TRUE(IsUsageError(table_.CheckRanges()));
}

TEST_F(KnobsTest, AChangedSettingWithoutEffectIsAUsageError) {
  EXPECT_TRUE(table_.CheckEffects().ok()) << "defaults need no condition";
  absl::SetFlag(&FLAGS_steps, {"7"});
  EXPECT_THAT(std::string(table_.CheckEffects().message()),
              HasSubstr("--steps has no effect: it applies with --kind=sgd only; leave one"));
  absl::SetFlag(&FLAGS_kind, "sgd");
  EXPECT_TRUE(table_.CheckEffects().ok());
  absl::SetFlag(&FLAGS_mining, false);
  absl::SetFlag(&FLAGS_threshold, 0.5f);
  EXPECT_THAT(std::string(table_.CheckEffects().message()), HasSubstr("--threshold has no effect: mining is off"));
  absl::SetFlag(&FLAGS_mining, true);
  absl::SetFlag(&FLAGS_note, "x");
  EXPECT_TRUE(table_.CheckEffects().ok());
  absl::SetFlag(&FLAGS_kind, "adam");
  absl::SetFlag(&FLAGS_steps, {"10", "20"});
  EXPECT_THAT(std::string(table_.CheckEffects().message()), HasSubstr("--note has no effect: Adam has no words"));
}

TEST_F(KnobsTest, HelpSaysMeaningRangeAndCondition) {
  EXPECT_EQ(table_.Help("threshold"), "From where images are easy. Must be from 0 to 1. Applies with --mining.");
  EXPECT_EQ(table_.Help("warmup"), "Steps of warm-up. Must be from 0 to --iterations steps.");
  EXPECT_EQ(table_.Help("iterations"), "Number of steps. Must be from 1 to 1000000.");
  EXPECT_EQ(table_.Help("every"), "Pause between logs. Must be at least 1 steps.");
  EXPECT_EQ(table_.Help("rate"), "The rate. Must be above 0, up to 10.");
  EXPECT_EQ(absl::FindCommandLineFlag("threshold")->Help(), table_.Help("threshold"));
}

TEST_F(KnobsTest, MarkdownHasATableForEachHeading) {
  const std::string text = table_.ToMarkdown();
  EXPECT_THAT(text, HasSubstr("\n## Steps\n\n| flag | default | range | applies | meaning |\n|---|---|---|---|---|\n"
                              "| `--iterations` | `100` | from 1 to 1000000 |  | Number of steps. |\n"
                              "| `--warmup` | `0` | from 0 to --iterations steps |  | Steps of warm-up. |\n"));
  EXPECT_THAT(text, HasSubstr("\n## Solver\n"));
  EXPECT_THAT(text, HasSubstr("| `--steps` | `10,20` |  | with --kind=sgd | Steps at which \\| the rate falls. |\n"));
}

}  // namespace
}  // namespace hardface
