#include "model/ops/cache_size.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>

namespace hardface::model {
namespace {
std::atomic<int64_t> bytes_of_test = 0;
}  // namespace

int64_t SecondLevelCacheBytes() {
  if (const int64_t bytes = bytes_of_test.load(std::memory_order_relaxed); bytes > 0) return bytes;
  static const int64_t bytes = [] {
    int64_t said = 0;
#if defined(_SC_LEVEL2_CACHE_SIZE)
    said = sysconf(_SC_LEVEL2_CACHE_SIZE);
#endif
    return said > 0 ? std::max<int64_t>(said, int64_t{128} << 10) : int64_t{1} << 20;
  }();
  return bytes;
}

void SetSecondLevelCacheBytesForTest(int64_t bytes) { bytes_of_test = bytes; }

}  // namespace hardface::model
