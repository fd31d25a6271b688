#include "train/data/image_cache.h"

#include <utility>

#include "base/status_macros.h"
#include "data_tools/images/image_io.h"

namespace hardface::train {

ImageCache::ImageCache(std::vector<std::string> paths, int64_t budget_bytes)
    : paths_(std::move(paths)), budget_bytes_(budget_bytes) {}

absl::StatusOr<cv::Mat> ImageCache::Get(int64_t entry) {
  const std::string& path = paths_[static_cast<size_t>(entry)];
  {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto found = images_.find(path);
    if (found != images_.end()) return found->second;
  }
  ASSIGN_OR_RETURN(cv::Mat image, data::ReadImage(path));
  const auto bytes = static_cast<int64_t>(image.total() * image.elemSize());
  std::lock_guard<std::mutex> lock(mutex_);
  if (used_bytes_ + bytes <= budget_bytes_ && images_.emplace(path, image).second) used_bytes_ += bytes;
  return image;
}

}  // namespace hardface::train
