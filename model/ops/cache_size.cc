#include "model/ops/cache_size.h"

#include <unistd.h>

#include <algorithm>

namespace hardface::model {

int64_t SecondLevelCacheBytes() {
  static const int64_t bytes = [] {
    int64_t said = 0;
#if defined(_SC_LEVEL2_CACHE_SIZE)
    said = sysconf(_SC_LEVEL2_CACHE_SIZE);
#endif
    return said > 0 ? std::max<int64_t>(said, int64_t{128} << 10) : int64_t{1} << 20;
  }();
  return bytes;
}

}  // namespace hardface::model
