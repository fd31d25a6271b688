#include "eval/common/layout_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace hardface::eval {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(LayoutReportTest, NothingFoundIsNoError) {
  const LayoutReport report;
  EXPECT_TRUE(report.empty());
  EXPECT_EQ(report.count("missing files"), 0);
  EXPECT_TRUE(report.Resolve(/*strict=*/true).ok());
  ::testing::internal::CaptureStderr();
  EXPECT_TRUE(report.Resolve(/*strict=*/false).ok());
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST(LayoutReportTest, TextGivesEachKindOnceWithItsNumberAndTheFirstPlaces) {
  LayoutReport report;
  for (int i = 1; i <= 7; ++i) report.Add("missing files", absl::StrCat("e/", i, ".txt"), "they count as empty");
  report.Add("doubled rows", "e/1.txt:3", "was a file written twice?");
  report.Add("missing files", "e/8.txt", "another advice, which nobody reads");
  EXPECT_EQ(report.count("missing files"), 8);
  EXPECT_EQ(report.count("doubled rows"), 1);
  EXPECT_EQ(report.Text(),
            "8 missing files (they count as empty): e/1.txt, e/2.txt, e/3.txt, e/4.txt, e/5.txt, ...\n"
            "1 doubled rows (was a file written twice?): e/1.txt:3");
}

TEST(LayoutReportTest, FivePlacesStandThereWithoutAnEllipsis) {
  LayoutReport report;
  for (int i = 1; i <= 5; ++i) report.Add("missing files", absl::StrCat(i), "advice");
  EXPECT_THAT(report.Text(), Not(HasSubstr("...")));
}

TEST(LayoutReportTest, CsvHoldsAllPlacesAndQuotesThem) {
  LayoutReport report;
  for (int i = 1; i <= 7; ++i) report.Add("missing files", absl::StrCat("a ", i, ".txt"), "advice");
  report.Add("unknown files", "say \"x\", y", "advice");
  EXPECT_THAT(report.Csv(),
              AllOf(HasSubstr("kind,place\nmissing files,\"a 1.txt\"\n"), HasSubstr("missing files,\"a 7.txt\"\n"),
                    HasSubstr("unknown files,\"say \"\"x\"\", y\"\n")));
}

TEST(LayoutReportTest, StrictMakesAnErrorOfWhatIsElseAWarning) {
  LayoutReport report;
  report.Add("missing files", "e/1.txt", "they count as empty");
  ::testing::internal::CaptureStderr();
  EXPECT_TRUE(report.Resolve(/*strict=*/false).ok());
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("Warning: the layout check found\n1 missing files"));
  const absl::Status strict = report.Resolve(/*strict=*/true);
  EXPECT_FALSE(strict.ok());
  EXPECT_THAT(std::string(strict.message()), AllOf(HasSubstr("--strict"), HasSubstr("e/1.txt")));
}

}  // namespace
}  // namespace hardface::eval
