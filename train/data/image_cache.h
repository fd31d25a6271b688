// Decoded images of a dataset, kept in memory as far as a budget goes.
#ifndef HARDFACE_TRAIN_DATA_IMAGE_CACHE_H_
#define HARDFACE_TRAIN_DATA_IMAGE_CACHE_H_

#include <cstdint>
#include <mutex>
#include <opencv2/core/mat.hpp>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"

namespace hardface::train {

// Thread-safe. The first images asked for stay; images beyond the budget are decoded at each visit. Since every epoch
// visits every image about equally often, no other policy would hit more.
class ImageCache {
 public:
  // PATHS: one file an entry; entries that share a file (flips) share its pixels. BUDGET_BYTES: of decoded pixels.
  ImageCache(std::vector<std::string> paths, int64_t budget_bytes);

  // The entry's image, 8-bit BGR. Its pixels may be shared: do not write to them.
  absl::StatusOr<cv::Mat> Get(int64_t entry);

 private:
  const std::vector<std::string> paths_;
  const int64_t budget_bytes_;
  std::mutex mutex_;
  int64_t used_bytes_ = 0;
  std::unordered_map<std::string, cv::Mat> images_;
};

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_DATA_IMAGE_CACHE_H_
