// Sizes of the processor's caches, by which blocks of work are chosen.
#ifndef HARDFACE_MODEL_OPS_CACHE_SIZE_H_
#define HARDFACE_MODEL_OPS_CACHE_SIZE_H_

#include <cstdint>

namespace hardface::model {

// Bytes of a core's second-level cache; 1 MiB where the system does not say, and never less than 128 KiB.
int64_t SecondLevelCacheBytes();

// For tests: what the other function returns from now on; 0: the system's again.
void SetSecondLevelCacheBytesForTest(int64_t bytes);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_OPS_CACHE_SIZE_H_
