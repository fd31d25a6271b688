// Which parts of one array are complete and wait to be sent, gathered into large ones.
#ifndef HARDFACE_TRAIN_RANKS_RANGE_BUCKETS_H_
#define HARDFACE_TRAIN_RANKS_RANGE_BUCKETS_H_

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace hardface::train {

// Not thread-safe.
class RangeBuckets {
 public:
  // SEND(begin, end) is called with ranges that have been added, when those that wait hold LEAST numbers together, and
  // by Flush(). Ranges that lie at most GAP apart are sent as one: between them lies only filling.
  RangeBuckets(int64_t least, int64_t gap, std::function<void(int64_t begin, int64_t end)> send)
      : least_(least), gap_(gap), send_(std::move(send)) {}

  // [BEGIN, END) is complete. Ranges do not overlap.
  void Add(int64_t begin, int64_t end);
  void Flush();

 private:
  const int64_t least_, gap_;
  const std::function<void(int64_t, int64_t)> send_;
  std::vector<std::pair<int64_t, int64_t>> waiting_;
  int64_t waiting_count_ = 0;
};

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_RANKS_RANGE_BUCKETS_H_
