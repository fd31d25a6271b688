#include "eval/common/bootstrap.h"

#include <gtest/gtest.h>

#include <numeric>

#include "base/atomic_output.h"
#include "eval/common/test_outcomes.h"

namespace hardface::eval {
namespace {

TEST(Bootstrap, DrawsAsManyImagesAsThereAre) {
  const std::vector<int> weights = ResampleImages(50, 1, 7);
  EXPECT_EQ(std::accumulate(weights.begin(), weights.end(), 0), 50);
  EXPECT_NE(weights, ResampleImages(50, 1, 8));
  EXPECT_EQ(weights, ResampleImages(50, 1, 7));
}

TEST(Bootstrap, IntervalOfAShareIsTheBinomialOne) {
  // AP is here the share of faces found: 80 of 100. Its standard error is sqrt(0.8 * 0.2 / 100) = 0.04, so the middle
  // 95 % reaches about 1.96 * 0.04 = 0.078 to both sides.
  const Interval interval = BootstrapInterval(FirstFound(100, 80).sets[0], {4000, 1, 2});
  EXPECT_NEAR(interval.low, 0.8 - 0.078, 0.015);
  EXPECT_NEAR(interval.high, 0.8 + 0.078, 0.015);
}

TEST(Bootstrap, DoesNotDependOnThreads) {
  const Interval one = BootstrapInterval(FirstFound(30, 20).sets[0], {200, 3, 1});
  const Interval two = BootstrapInterval(FirstFound(30, 20).sets[0], {200, 3, 2});
  EXPECT_EQ(one.low, two.low);
  EXPECT_EQ(one.high, two.high);
}

TEST(Bootstrap, AddsIntervalsOnlyWhenAsked) {
  Metrics metrics = Metrics::object();
  AddIntervals(FirstFound(30, 20).sets, {0, 1, 1}, &metrics);
  EXPECT_TRUE(metrics.empty());
  AddIntervals(FirstFound(30, 20).sets, {100, 1, 1}, &metrics);
  EXPECT_LT(metrics["ap_low"].get<double>(), 20.0 / 30);
  EXPECT_GT(metrics["ap_high"].get<double>(), 20.0 / 30);
}

TEST(Compare, EqualResultsDoNotDiffer) {
  const auto differences = ComparePaired(FirstFound(40, 30), FirstFound(40, 30), {200, 1, 2});
  ASSERT_TRUE(differences.ok()) << differences.status();
  EXPECT_EQ((*differences)[0].difference, 0);
  EXPECT_EQ((*differences)[0].interval.low, 0);
  EXPECT_EQ((*differences)[0].interval.high, 0);
  EXPECT_EQ((*differences)[0].p_value, 1);
}

TEST(Compare, PairingSeesASmallButSteadyDifference) {
  // 10 of 200 images better and none worse: sure, though both intervals overlap.
  const auto differences = ComparePaired(FirstFound(200, 150), FirstFound(200, 160), {1000, 1, 2});
  ASSERT_TRUE(differences.ok()) << differences.status();
  EXPECT_NEAR((*differences)[0].difference, 0.05, 1e-12);
  EXPECT_GT((*differences)[0].interval.low, 0.01);
  EXPECT_LT((*differences)[0].p_value, 0.01);
  EXPECT_LT(BootstrapInterval(FirstFound(200, 160).sets[0], {500, 1, 2}).low, 0.75 + 0.03);
}

TEST(Compare, OrderOfImagesDoesNotMatterButTheirFacesDo) {
  const Outcomes a = FirstFound(3, 2);
  Outcomes b = a;
  std::swap(b.images[0], b.images[2]);
  std::swap(b.sets[0].ranking.outcomes[0].image, b.sets[0].ranking.outcomes[1].image);
  EXPECT_TRUE(ComparePaired(a, b, {50, 1, 1}).ok());
  b.sets[0].ranking.faces[1] = 2;
  EXPECT_FALSE(ComparePaired(a, b, {50, 1, 1}).ok());
  EXPECT_FALSE(ComparePaired(a, FirstFound(4, 2), {50, 1, 1}).ok());
  b = a;
  b.sets[0].name = "other";
  EXPECT_FALSE(ComparePaired(a, b, {50, 1, 1}).ok());
}

TEST(Outcomes, SurviveTheFile) {
  Outcomes outcomes = FirstFound(3, 2);
  outcomes.sets[0].ranking.outcomes[1].true_positives = 1.0 / 3;
  outcomes.sets[0].ties = Ties::kTogether;
  outcomes.sets[0].false_positives = 1000;
  const std::string path = testing::TempDir() + "/outcomes.jsonl";
  ASSERT_TRUE(WriteFileAtomically(path, OutcomesToJsonl(outcomes)).ok());
  const auto read = ReadOutcomes(path);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->images, outcomes.images);
  EXPECT_EQ(read->sets[0].ties, Ties::kTogether);
  EXPECT_EQ(read->sets[0].false_positives, 1000);
  ASSERT_EQ(read->sets[0].ranking.outcomes.size(), 2u);
  EXPECT_EQ(read->sets[0].ranking.outcomes[1].true_positives, 1.0 / 3);
  EXPECT_EQ(Evaluate(read->sets[0]), Evaluate(outcomes.sets[0]));
}

TEST(Outcomes, EqualScoresKeepTheScorersOrderOverImages) {
  // Three equal scores, ranked image 1 (right), image 0 (wrong), image 1 (wrong): AP 1/2 of the two faces. By images it
  // would be wrong, right, wrong: 1/2 * 1/2.
  Outcomes outcomes = FirstFound(2, 0);
  outcomes.sets[0].ranking.outcomes = {{0.5, 1, 1, 0}, {0.5, 0, 0, 1}, {0.5, 1, 0, 1}};
  const std::string path = testing::TempDir() + "/tied.jsonl";
  ASSERT_TRUE(WriteFileAtomically(path, OutcomesToJsonl(outcomes)).ok());
  const auto read = ReadOutcomes(path);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(Evaluate(read->sets[0]), 0.5);
  // With image 0 drawn twice and image 1 not at all, or the other way round, the order holds too.
  EXPECT_EQ(Evaluate(read->sets[0], {0, 2}), Evaluate(outcomes.sets[0], {0, 2}));
  const auto differences = ComparePaired(*read, *read, {100, 1, 2});
  ASSERT_TRUE(differences.ok()) << differences.status();
  EXPECT_EQ((*differences)[0].a, 0.5);
  EXPECT_EQ((*differences)[0].interval.high, 0);
}

TEST(Outcomes, NamesThatAreNotUtf8AreWritten) {
  Outcomes outcomes = FirstFound(1, 1);
  outcomes.images[0] = "lat\xe9in";
  const std::string path = testing::TempDir() + "/latin.jsonl";
  ASSERT_TRUE(WriteFileAtomically(path, OutcomesToJsonl(outcomes)).ok());
  EXPECT_TRUE(ReadOutcomes(path).ok());
}

TEST(Outcomes, PathsThatCannotBeLookedAtAreErrors) { EXPECT_FALSE(ReadOutcomes(std::string(300, 'x')).ok()); }

TEST(Outcomes, DamagedFilesAreErrors) {
  const std::string good = OutcomesToJsonl(FirstFound(2, 1));
  const std::string path = testing::TempDir() + "/damaged.jsonl";
  for (const std::string& text : {std::string(), std::string("{}\n"), good.substr(0, good.size() - 20),
                                  good + "{\"image\":\"x\",\"sets\":[{\"faces\":-1,\"steps\":[]}]}\n",
                                  good + good.substr(good.find("\n{\"image") + 1),  // ranks twice
                                  good.substr(0, good.find("\n{\"image") + 1) +
                                      "{\"image\":\"x\",\"sets\":[{\"faces\":1,\"steps\":[[1,1,0,1]]}]}\n"}) {
    ASSERT_TRUE(WriteFileAtomically(path, text).ok());
    EXPECT_FALSE(ReadOutcomes(path).ok()) << text;
  }
}

}  // namespace
}  // namespace hardface::eval
