#include "base/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <new>
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

TEST(ResolveThreadsTest, NobodyHasThatManyProcessors) {
  EXPECT_EQ(ResolveThreads(1000), 1000);
  EXPECT_EQ(ResolveThreads(100000000), 1024);
}

TEST(ParallelForTest, AnExceptionReachesTheCaller) {
  for (int threads : {1, 3}) {
    EXPECT_THROW(ParallelFor(100, threads,
                             [](int64_t i) {
                               if (i == 50) throw std::bad_alloc();
                             }),
                 std::bad_alloc);
  }
}

}  // namespace
}  // namespace hardface
