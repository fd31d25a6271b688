#include "train/ranks/range_buckets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hardface::train {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(RangeBucketsTest, NeighboursTravelTogetherOnceTheyAreManyEnough) {
  std::vector<std::pair<int64_t, int64_t>> sent;
  RangeBuckets buckets(100, 10, [&](int64_t begin, int64_t end) { sent.emplace_back(begin, end); });
  buckets.Add(210, 250);  // backward comes from the end
  buckets.Add(160, 200);
  EXPECT_THAT(sent, IsEmpty());
  buckets.Add(400, 425);
  EXPECT_THAT(sent, ElementsAre(Pair(160, 250), Pair(400, 425)));
  sent.clear();
  buckets.Add(0, 20);
  buckets.Add(31, 40);  // 11 apart: not filling
  EXPECT_THAT(sent, IsEmpty());
  buckets.Flush();
  EXPECT_THAT(sent, ElementsAre(Pair(0, 20), Pair(31, 40)));
  sent.clear();
  buckets.Flush();
  EXPECT_THAT(sent, IsEmpty());
}

}  // namespace
}  // namespace hardface::train
