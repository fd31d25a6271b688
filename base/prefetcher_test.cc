#include "base/prefetcher.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <new>

namespace hardface {
namespace {

TEST(PrefetcherTest, HandsOutResultsInOrderWhateverTheThreads) {
  for (const int threads : {1, 2, 5}) {
    Prefetcher<int64_t> prefetcher(200, threads, 7, [](int64_t i) {
      if (i % 3 == 0) std::this_thread::sleep_for(std::chrono::microseconds(200));  // finish out of order
      return i * i;
    });
    for (int64_t i = 0; i < 200; ++i) ASSERT_EQ(prefetcher.Next(), i * i);
  }
}

TEST(PrefetcherTest, StaysWithinItsLimit) {
  std::atomic<int64_t> made{0}, used{0}, most{0};
  Prefetcher<int> prefetcher(100, 4, 3, [&](int64_t) {
    const int64_t ahead = ++made - used;
    int64_t seen = most;
    while (ahead > seen && !most.compare_exchange_weak(seen, ahead)) {
    }
    return 0;
  });
  for (int i = 0; i < 100; ++i) {
    prefetcher.Next();
    ++used;
  }
  EXPECT_LE(most, 3 + 1);  // the one given out is counted as used a moment later
}

TEST(PrefetcherTest, CanBeLeftEarly) {
  Prefetcher<int> prefetcher(1000, 3, 10, [](int64_t) { return 1; });
  EXPECT_EQ(prefetcher.Next(), 1);
}

TEST(PrefetcherTest, AnExceptionReachesTheCallerInItsTurn) {
  Prefetcher<int64_t> prefetcher(10, 3, 5, [](int64_t i) -> int64_t {
    if (i == 4) throw std::bad_alloc();
    return i;
  });
  for (int64_t i = 0; i < 4; ++i) EXPECT_EQ(prefetcher.Next(), i);
  EXPECT_THROW(prefetcher.Next(), std::bad_alloc);
}

}  // namespace
}  // namespace hardface
