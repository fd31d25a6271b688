#include "eval/reports/gate.h"

#include <gtest/gtest.h>

namespace hardface::eval {
namespace {

TEST(Gate, ReadsBoundsAndComments) {
  const auto expectations = ParseExpectations("# bounds\nap >= 0.5  # last week's\n\n  loss\t< 2e-1\n", "expect.txt");
  ASSERT_TRUE(expectations.ok()) << expectations.status();
  ASSERT_EQ(expectations->size(), 2u);
  EXPECT_EQ((*expectations)[0].metric, "ap");
  EXPECT_EQ((*expectations)[0].relation, Relation::kAtLeast);
  EXPECT_EQ((*expectations)[1].relation, Relation::kBelow);
  EXPECT_EQ((*expectations)[1].bound, 0.2);
}

TEST(Gate, NamesTheBadLine) {
  for (const char* line : {"ap > = 0.5", "ap >= high", "ap >= nan", "ap == 0.5", "ap", "ap >= 0.5 0.6"}) {
    const auto result = ParseExpectations(std::string("ok > 0\n") + line, "expect.txt");
    ASSERT_FALSE(result.ok()) << line;
    EXPECT_NE(result.status().message().find("expect.txt:2"), std::string::npos) << result.status();
  }
}

TEST(Gate, AFileThatExpectsNothingIsAnError) { EXPECT_FALSE(ParseExpectations("# nothing\n", "expect.txt").ok()); }

TEST(Gate, EachRelationPassesAndFailsAtItsBound) {
  const Metrics metrics = {{"ap", 0.5}, {"none", nullptr}, {"name", "x"}, {"count", 3}};
  const auto passes = [&](const std::string& line) {
    const auto expectations = ParseExpectations(line, "e");
    EXPECT_TRUE(expectations.ok()) << expectations.status();
    return CheckExpectations(metrics, *expectations)[0].passed;
  };
  EXPECT_TRUE(passes("ap >= 0.5"));
  EXPECT_FALSE(passes("ap >= 0.500001"));
  EXPECT_TRUE(passes("ap <= 0.5"));
  EXPECT_FALSE(passes("ap <= 0.499999"));
  EXPECT_FALSE(passes("ap > 0.5"));
  EXPECT_TRUE(passes("ap > 0.4"));
  EXPECT_FALSE(passes("ap < 0.5"));
  EXPECT_TRUE(passes("count < 4"));
  EXPECT_FALSE(passes("missing < 4"));
  EXPECT_FALSE(passes("none < 4"));
  EXPECT_FALSE(passes("name < 4"));
}

TEST(Gate, TableShowsEveryRow) {
  const auto expectations = ParseExpectations("ap >= 0.60\nhard > 0\n", "e");
  ASSERT_TRUE(expectations.ok());
  EXPECT_EQ(GateTable(CheckExpectations({{"ap", 0.5}}, *expectations)),
            "metric     value      bound  \n"
            "ap      0.500000  >=  0.60   FAILED\n"
            "hard     missing   >  0      FAILED\n");
}

}  // namespace
}  // namespace hardface::eval
