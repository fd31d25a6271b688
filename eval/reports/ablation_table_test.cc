#include "eval/reports/ablation_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "eval/common/test_outcomes.h"

namespace hardface::eval {
namespace {

using ::testing::HasSubstr;

std::string MessageOf(const absl::Status& status) { return std::string(status.message()); }

const std::string kHeader = std::string(kAblationHeader) + "\n";

TEST(AblationResults, AreReadLineByLine) {
  const auto results = ParseAblationResults(kHeader +
                                                "training,fddb,plain,1,,/scores of, all/1\n\n"
                                                "training,fddb,him,2,plain,s2\n",
                                            "r.csv");
  ASSERT_TRUE(results.ok()) << results.status();
  ASSERT_EQ(results->size(), 2u);
  EXPECT_EQ((*results)[0].scores, "/scores of, all/1");
  EXPECT_EQ((*results)[0].baseline, "");
  EXPECT_EQ((*results)[1].variant, "him");
  EXPECT_EQ((*results)[1].seed, 2);
  EXPECT_EQ((*results)[1].baseline, "plain");
  EXPECT_EQ((*results)[1].place, "r.csv:4");
}

TEST(AblationResults, WrongLinesAreErrorsWithTheirPlace) {
  const auto message = [](const std::string& text) { return MessageOf(ParseAblationResults(text, "r.csv").status()); };
  EXPECT_THAT(message("table,variant\n"), HasSubstr("r.csv: its first line must be table,test_set"));
  EXPECT_THAT(message(kHeader), HasSubstr("r.csv: holds no result"));
  EXPECT_THAT(message(kHeader + "training,fddb,him,one,,s\n"), HasSubstr("r.csv:2: expected"));
  EXPECT_THAT(message(kHeader + "training,fddb,him,1,\n"), HasSubstr("r.csv:2: expected"));
  EXPECT_THAT(message(kHeader + "t,fddb,him,1,,s\nt,fddb,him,1,,s\n"),
              HasSubstr("r.csv:3: variant him with seed 1 stands twice"));
  EXPECT_THAT(message(kHeader + "t,fddb,him,1,plain,s\nt,web,plain,1,,s\n"),
              HasSubstr("r.csv:2: baseline plain has no line in table t, test set fddb"));
  EXPECT_THAT(message(kHeader + "t,fddb,him,1,him,s\nt,fddb,him,2,,s\n"),
              HasSubstr("r.csv:3: variant him is compared"));
}

TEST(AblationRows, MeansOverSeedsAndTheirPairedDifference) {
  const auto results = ParseAblationResults(kHeader +
                                                "t,web,plain,1,,a\nt,web,plain,2,,b\n"
                                                "t,web,him,1,plain,c\nt,web,him,2,plain,d\n",
                                            "r.csv");
  ASSERT_TRUE(results.ok()) << results.status();
  const auto rows = MakeAblationRows(
      *results, {FirstFound(200, 140), FirstFound(200, 160), FirstFound(200, 150), FirstFound(200, 170)}, {1000, 1, 2});
  ASSERT_TRUE(rows.ok()) << rows.status();
  ASSERT_EQ(rows->size(), 2u);
  const AblationRow &plain = (*rows)[0], &him = (*rows)[1];
  ASSERT_EQ(plain.values.size(), 2u);
  EXPECT_NEAR(plain.values[0], 0.7, 1e-12);
  EXPECT_NEAR(plain.values[1], 0.8, 1e-12);
  EXPECT_NEAR(plain.mean, 0.75, 1e-12);
  EXPECT_TRUE(std::isnan(plain.difference));
  EXPECT_EQ(plain.images, 200);
  EXPECT_EQ(plain.faces, 200);
  EXPECT_EQ(him.seeds, (std::vector<int64_t>{1, 2}));
  EXPECT_NEAR(him.difference, 0.05, 1e-12);
  // On a replicate the difference is half of the share of images 140..149 plus half of that of 160..169: a binomial of
  // 20 in 200 images, halved: 0.05 with a standard error of sqrt(0.1 * 0.9 / 200) / 2 = 0.0106.
  EXPECT_NEAR(him.difference_interval.low, 0.05 - 1.96 * 0.0106, 0.005);
  EXPECT_NEAR(him.difference_interval.high, 0.05 + 1.96 * 0.0106, 0.005);
  EXPECT_LT(him.p_value, 0.01);
  // The intervals of the means themselves are far wider, and overlap: pairing is what shows the difference.
  EXPECT_LT(him.interval.low, plain.interval.high);
}

TEST(AblationRows, ImagesAreMatchedByNameAndMustBeTheSame) {
  const auto results = ParseAblationResults(kHeader + "t,web,plain,1,,a\nt,web,him,1,plain,b\n", "r.csv");
  ASSERT_TRUE(results.ok()) << results.status();
  Outcomes other = FirstFound(3, 3);
  std::swap(other.images[0], other.images[2]);
  const auto rows = MakeAblationRows(*results, {FirstFound(3, 3), other}, {50, 1, 1});
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_EQ((*rows)[1].difference, 0);
  EXPECT_THAT(MessageOf(MakeAblationRows(*results, {FirstFound(3, 3), FirstFound(4, 3)}, {50, 1, 1}).status()),
              HasSubstr("r.csv:3: a and b: the results are not of the same images"));
  other.sets[0].name = "easy";
  EXPECT_THAT(MessageOf(MakeAblationRows(*results, {FirstFound(3, 3), other}, {50, 1, 1}).status()),
              HasSubstr("only the first has the metric ap"));
}

TEST(AblationRows, TablesTestSetsAndVariantsStayInTheirOrder) {
  const auto results = ParseAblationResults(
      kHeader + "b,web,v,1,,s\na,web,w,1,,s\nb,fddb,v,1,,s\nb,web,u,1,v,s\nb,fddb,u,1,v,s\n", "r.csv");
  ASSERT_TRUE(results.ok()) << results.status();
  const auto rows = MakeAblationRows(*results, std::vector<Outcomes>(5, FirstFound(4, 2)), {20, 1, 1});
  ASSERT_TRUE(rows.ok()) << rows.status();
  std::string order;
  for (const AblationRow& row : *rows) order += row.table + " " + row.test_set + " " + row.variant + ", ";
  EXPECT_EQ(order, "b web v, b web u, b fddb v, b fddb u, a web w, ");
}

TEST(AblationTables, MarkdownAndCsv) {
  AblationRow plain;
  plain.table = "t";
  plain.test_set = "web";
  plain.metric = "ap";
  plain.variant = "plain";
  plain.seeds = {1, 2};
  plain.values = {0.5, 0.75};
  plain.mean = 0.625;
  plain.interval = {0.5, 0.7};
  plain.difference = plain.p_value = plain.difference_interval.low = plain.difference_interval.high = std::nan("");
  plain.images = 20;
  plain.faces = 30;
  AblationRow him = plain;
  him.variant = "him";
  him.baseline = "plain";
  him.difference = -0.125;
  him.difference_interval = {-0.25, 0.0625};
  him.p_value = 0.5;
  const std::string markdown = AblationMarkdown({plain, him}, {1000, 1, 1});
  EXPECT_THAT(markdown, HasSubstr("### t\n"));
  EXPECT_THAT(markdown,
              HasSubstr("| web (20, 30) | ap | plain | 0.5000, 0.7500 | 0.6250 [0.5000, 0.7000] | - | - | - |\n"));
  EXPECT_THAT(markdown, HasSubstr("| plain | -0.1250 [-0.2500, +0.0625] | 0.500 |\n"));
  EXPECT_THAT(markdown, ::testing::Not(HasSubstr("Did its training fail?")));
  him.values = {0.004, 0.75};
  EXPECT_THAT(AblationMarkdown({plain, him}, {1000, 1, 1}),
              HasSubstr("\n**web, ap, him: seed 1 has 0.0040, less than half of another seed's 0.7500. Did its"));
  him.values = plain.values;
  const std::string csv = AblationCsv({plain, him});
  EXPECT_THAT(csv, HasSubstr("\nt,web,20,30,ap,plain,1;2,0.5;0.75,0.625,0.5,0.7,,,,,\n"));
  EXPECT_THAT(csv, HasSubstr("\nt,web,20,30,ap,him,1;2,0.5;0.75,0.625,0.5,0.7,plain,-0.125,-0.25,0.0625,0.5\n"));
}

}  // namespace
}  // namespace hardface::eval
