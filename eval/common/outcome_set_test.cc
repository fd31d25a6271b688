#include "eval/common/outcome_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_replace.h"
#include "base/atomic_output.h"

namespace hardface::eval {
namespace {

using ::testing::HasSubstr;

// Two images with 2 and 1 faces; right, wrong and right, the last two of one score: the protocol puts image 1 first.
Outcomes Example() {
  Outcomes outcomes;
  outcomes.images = {"a \"1\".jpg", "b\xff.jpg"};
  outcomes.sets.push_back({"ap", Ties::kApart, 0, {{{7.5, 0, 1, 0}, {0.1, 1, 0, 1}, {0.1, 0, 1, 0}}, {2, 1}}});
  outcomes.sets.push_back({"discrete_at_1", Ties::kTogether, 1, {{{0.1, 1, 0.75, 0.5}}, {2, 1}}});
  return outcomes;
}

absl::StatusOr<Outcomes> Read(const std::string& text) {
  const std::string path = ::testing::TempDir() + "/outcome_set_test.jsonl";
  EXPECT_TRUE(WriteFileAtomically(path, text).ok());
  return ReadOutcomes(path);
}

TEST(Outcomes, RoundTripWithTheOrderOfEqualScores) {
  const auto read = Read("\xef\xbb\xbf" + OutcomesToJsonl(Example()));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->images[0], "a \"1\".jpg");
  EXPECT_EQ(read->images[1], "b\xef\xbf\xbd.jpg");  // what is not UTF-8 becomes U+FFFD
  ASSERT_EQ(read->sets.size(), 2u);
  const Ranking& ranking = read->sets[0].ranking;
  ASSERT_EQ(ranking.outcomes.size(), 3u);
  EXPECT_EQ(ranking.outcomes[0].score, 7.5);
  EXPECT_EQ(ranking.outcomes[1].image, 1);
  EXPECT_EQ(ranking.outcomes[2].image, 0);
  EXPECT_EQ(ranking.outcomes[2].score, 0.1);  // all digits
  EXPECT_EQ(ranking.faces, (std::vector<int64_t>{2, 1}));
  EXPECT_EQ(read->sets[1].ties, Ties::kTogether);
  EXPECT_EQ(read->sets[1].false_positives, 1);
  EXPECT_EQ(read->sets[1].ranking.outcomes[0].true_positives, 0.75);
}

TEST(Outcomes, EvaluateGivesApOrTheRateAtFalsePositives) {
  const Outcomes outcomes = Example();
  // Right, wrong, right of three faces: 1/3 at precision 1 and 1/3 at 2/3.
  EXPECT_DOUBLE_EQ(Evaluate(outcomes.sets[0]), 1.0 / 3 + 1.0 / 3 * 2 / 3);
  EXPECT_DOUBLE_EQ(Evaluate(outcomes.sets[1]), 0.25);
  EXPECT_DOUBLE_EQ(Evaluate(outcomes.sets[0], {1, 0}), 1.0);  // without the second image
}

TEST(Outcomes, BrokenFilesAreErrorsThatNameTheLineAndTheWayOut) {
  const std::string good = OutcomesToJsonl(Example());
  const auto message = [&](const std::string& from, const std::string& to) {
    EXPECT_NE(good.find(from), std::string::npos) << from;
    return std::string(Read(absl::StrReplaceAll(good, {{from, to}})).status().message());
  };
  EXPECT_THAT(message("hardface.outcomes", "something"),
              HasSubstr("outcome_set_test.jsonl:1: is not an outcomes.jsonl"));
  EXPECT_THAT(message("\"version\":2", "\"version\":1"), HasSubstr("is of version 1, this tool reads version 2"));
  EXPECT_THAT(message("\"name\":\"ap\"", "\"nam\":\"ap\""), HasSubstr("lacks name"));
  EXPECT_THAT(message("\"faces\":2", "\"faces\":-2"), HasSubstr("outcome_set_test.jsonl:2: a set lacks \"faces\""));
  EXPECT_THAT(message("[7.5,1,0,0]", "[7.5,1,0]"), HasSubstr("jsonl:2: a step is not"));
  EXPECT_THAT(message("[7.5,1,0,0]", "[7.5,1,0,5]"), HasSubstr("has rank 5 twice or lacks others"));
  EXPECT_THAT(message("[7.5,1,0,0]", "[-7.5,1,0,0]"), HasSubstr("ranks and scores disagree"));
  EXPECT_THAT(message("[7.5,1,0,0]", std::string(100, '[') + std::string(100, ']')), HasSubstr("nested more than 64"));
  EXPECT_THAT(std::string(Read(good.substr(0, good.size() - 20)).status().message()),
              HasSubstr("jsonl:3: not valid JSON"));
  EXPECT_THAT(std::string(Read("").status().message()), HasSubstr("is empty; run the scorer with --outcomes"));
  EXPECT_THAT(std::string(ReadOutcomes("/no/such/folder").status().message()),
              HasSubstr("Run the scorer with --outcomes"));
}

}  // namespace
}  // namespace hardface::eval
