#include "train/ranks/visit_exchange.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "train/ranks/thread_ranks.h"

namespace hardface::train {
namespace {

mining::Visit VisitOf(int64_t sample, int64_t entry, std::optional<float> wpas = 0.5f) {
  return {sample, entry, 0.25 * static_cast<double>(entry + 1), {wpas, wpas.has_value() ? 3 : 0, sample / 2}};
}

TEST(GatherVisitsTest, GivesEveryRankWhatOneRankAloneWouldHaveSeen) {
  RunRanks(3, [](Communicator* communicator) {
    const int64_t rank = communicator->rank();
    // Samples are dealt out in turn; the last rank has seen nothing, and the second one a mosaic of two entries.
    std::vector<mining::Visit> mine;
    if (rank == 0) mine = {VisitOf(0, 7), VisitOf(3, 1, std::nullopt)};
    if (rank == 1) mine = {VisitOf(1, 4, 0.0f), VisitOf(1, 2), VisitOf(4, 5)};
    const auto all = GatherVisits(mine, communicator);
    ASSERT_TRUE(all.ok()) << all.status();
    const std::vector<mining::Visit> expected = {VisitOf(0, 7), VisitOf(1, 4, 0.0f), VisitOf(1, 2),
                                                 VisitOf(3, 1, std::nullopt), VisitOf(4, 5)};
    ASSERT_EQ(all->size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      EXPECT_EQ((*all)[i].sample, expected[i].sample) << i;
      EXPECT_EQ((*all)[i].entry, expected[i].entry) << "visits of a mosaic keep their order: " << i;
      EXPECT_EQ((*all)[i].scale, expected[i].scale) << i;
      EXPECT_EQ((*all)[i].difficulty.wpas, expected[i].difficulty.wpas) << "0 is a score, nothing is none: " << i;
      EXPECT_EQ((*all)[i].difficulty.positives, expected[i].difficulty.positives) << i;
      EXPECT_EQ((*all)[i].difficulty.iteration, expected[i].difficulty.iteration) << i;
    }
  });
}

TEST(GatherVisitsTest, NobodyHasSeenAnything) {
  RunRanks(2, [](Communicator* communicator) {
    const auto all = GatherVisits({}, communicator);
    ASSERT_TRUE(all.ok()) << all.status();
    EXPECT_TRUE(all->empty());
  });
}

TEST(GatherVisitsTest, ARankAloneKeepsItsOrder) {
  WorldOfOne alone;
  const auto all = GatherVisits({VisitOf(9, 1), VisitOf(2, 0)}, &alone);
  ASSERT_TRUE(all.ok()) << all.status();
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ((*all)[0].sample, 9);
}

}  // namespace
}  // namespace hardface::train
