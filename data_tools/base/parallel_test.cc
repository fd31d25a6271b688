#include "data_tools/base/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

namespace hardface {
namespace {

TEST(ParallelForTest, RunsEveryTaskOnce) {
  for (int threads : {1, 2, 5}) {
    std::vector<std::atomic<int>> runs(1000);
    ParallelFor(1000, threads, [&](int64_t i) { ++runs[i]; });
    for (const auto& count : runs) EXPECT_EQ(count, 1);
  }
}

TEST(ParallelForTest, NothingToDoIsFine) {
  ParallelFor(0, 4, [](int64_t) { FAIL(); });
}

TEST(ResolveThreadsTest, ZeroMeansAtLeastOne) {
  EXPECT_GE(ResolveThreads(0), 1);
  EXPECT_EQ(ResolveThreads(3), 3);
}

}  // namespace
}  // namespace hardface
