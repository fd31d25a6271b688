#include "train/ranks/range_buckets.h"

#include <algorithm>

namespace hardface::train {

void RangeBuckets::Add(int64_t begin, int64_t end) {
  waiting_.emplace_back(begin, end);
  waiting_count_ += end - begin;
  if (waiting_count_ >= least_) Flush();
}

void RangeBuckets::Flush() {
  std::sort(waiting_.begin(), waiting_.end());
  for (size_t i = 0; i < waiting_.size();) {
    auto [begin, end] = waiting_[i++];
    while (i < waiting_.size() && waiting_[i].first - end <= gap_) end = waiting_[i++].second;
    send_(begin, end);
  }
  waiting_.clear();
  waiting_count_ = 0;
}

}  // namespace hardface::train
