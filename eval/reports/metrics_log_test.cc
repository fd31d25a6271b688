#include "eval/reports/metrics_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/atomic_output.h"

namespace hardface::eval {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

absl::StatusOr<MetricsLog> Read(const std::string& text) {
  const std::string path = ::testing::TempDir() + "/metrics_log_test.jsonl";
  EXPECT_TRUE(WriteFileAtomically(path, text).ok());
  return ReadMetricsLog(path);
}

TEST(MetricsLogTest, EveryKeyWithNumbersIsACurveInTheOrderOfAppearance) {
  const auto log = Read(
      "{\"iteration\":10,\"loss\":2.5,\"note\":\"words\"}\n"
      "{\"iteration\":10,\"validation_ap\":0.5}\n"
      "{\"iteration\":20,\"loss\":1.5}\n");
  ASSERT_TRUE(log.ok()) << log.status();
  ASSERT_THAT(log->curves, SizeIs(2));
  EXPECT_EQ(log->curves[0].title, "loss");
  EXPECT_THAT(log->curves[0].points, ElementsAre(Pair(10, 2.5), Pair(20, 1.5)));
  EXPECT_THAT(log->Find("validation_ap")->points, ElementsAre(Pair(10, 0.5)));
  EXPECT_EQ(log->Find("note"), nullptr) << "words are no curve";
  EXPECT_EQ(log->last_iteration, 20);
  EXPECT_EQ(log->restarts, 0);
  EXPECT_THAT(log->warnings, IsEmpty());
}

TEST(MetricsLogTest, AfterAnInterruptionTheLastTimeCounts) {
  const auto log = Read(
      "{\"iteration\":10,\"loss\":4}\n{\"iteration\":20,\"loss\":3}\n{\"iteration\":30,\"loss\":2}\n"
      "{\"iteration\":20,\"loss\":3.5}\n{\"iteration\":30,\"loss\":2.5}\n");
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_THAT(log->curves[0].points, ElementsAre(Pair(10, 4), Pair(20, 3.5), Pair(30, 2.5)));
  EXPECT_EQ(log->restarts, 1);
}

TEST(MetricsLogTest, AFigureThatIsNotFiniteIsAGap) {
  const auto log = Read("{\"iteration\":10,\"loss\":null}\n{\"iteration\":20,\"loss\":1}\n");
  ASSERT_TRUE(log.ok()) << log.status();
  ASSERT_THAT(log->curves[0].points, SizeIs(2));
  EXPECT_TRUE(std::isnan(log->curves[0].points[0].second));
}

TEST(MetricsLogTest, BrokenLinesAreWarningsAndTheLastHalfOneIsTold) {
  const auto log = Read("nonsense\n{\"loss\":3}\n{\"iteration\":-1}\n{\"iteration\":10,\"loss\":1}\n{\"iterat");
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_THAT(log->curves, SizeIs(1));
  EXPECT_THAT(log->warnings, ElementsAre(HasSubstr(":1: left out: expected an object with an \"iteration\""),
                                         HasSubstr(":2: left out"), HasSubstr(":3: left out"),
                                         HasSubstr(":5: half a line at the end")));
}

TEST(MetricsLogTest, ManyBrokenLinesAreANumber) {
  std::string text;
  for (int i = 0; i < 12; ++i) absl::StrAppend(&text, "broken ", i, "\n");
  const auto log = Read(text);
  ASSERT_TRUE(log.ok()) << log.status();
  ASSERT_THAT(log->warnings, SizeIs(6));
  EXPECT_THAT(log->warnings[5], HasSubstr("7 more lines like these"));
}

TEST(MetricsLogTest, AMissingFileIsAnErrorThatNamesIt) {
  EXPECT_THAT(std::string(ReadMetricsLog("/no/such/metrics.jsonl").status().message()),
              HasSubstr("/no/such/metrics.jsonl"));
}

}  // namespace
}  // namespace hardface::eval
