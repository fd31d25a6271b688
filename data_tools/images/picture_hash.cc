#include "data_tools/images/picture_hash.h"

#include <algorithm>
#include <numeric>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

namespace hardface::data {
namespace {

constexpr int kGrid = 8;

int DifferentBits(const std::array<uint64_t, 2>& a, const std::array<uint64_t, 2>& b) {
  return __builtin_popcountll(a[0] ^ b[0]) + __builtin_popcountll(a[1] ^ b[1]);
}

std::array<uint64_t, 2> HashGrid(const cv::Mat& grid) {  // (9, 9), 8 bits
  std::array<uint64_t, 2> hash = {};
  for (int y = 0; y < kGrid; ++y) {
    for (int x = 0; x < kGrid; ++x) {
      const uint8_t here = grid.at<uint8_t>(y, x);
      hash[0] = hash[0] << 1 | static_cast<uint64_t>(here < grid.at<uint8_t>(y, x + 1));
      hash[1] = hash[1] << 1 | static_cast<uint64_t>(here < grid.at<uint8_t>(y + 1, x));
    }
  }
  return hash;
}

// Disjoint sets of 0 .. count - 1; a set's representative is its least member.
class Groups {
 public:
  explicit Groups(size_t count) : parent_(count) { std::iota(parent_.begin(), parent_.end(), size_t{0}); }
  size_t Find(size_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  void Join(size_t i, size_t j) {
    i = Find(i);
    j = Find(j);
    parent_[std::max(i, j)] = std::min(i, j);
  }

 private:
  std::vector<size_t> parent_;
};

}  // namespace

PictureHash HashPicture(const cv::Mat& image) {
  cv::Mat grey, grid, mirrored;
  cv::cvtColor(image, grey, cv::COLOR_BGR2GRAY);
  cv::resize(grey, grid, cv::Size(kGrid + 1, kGrid + 1), 0, 0, cv::INTER_AREA);
  cv::flip(grid, mirrored, /*flipCode=*/1);
  return {HashGrid(grid), HashGrid(mirrored)};
}

int HashDistance(const PictureHash& a, const PictureHash& b) {
  return std::min(DifferentBits(a.as_is, b.as_is), DifferentBits(a.as_is, b.mirrored));
}

std::vector<int64_t> GroupAlike(const std::vector<PictureHash>& hashes, int max_bits) {
  Groups groups(hashes.size());
  for (size_t i = 0; i < hashes.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (HashDistance(hashes[i], hashes[j]) <= max_bits) groups.Join(i, j);
    }
  }
  std::vector<int64_t> numbers(hashes.size());
  int64_t count = 0;
  for (size_t i = 0; i < hashes.size(); ++i) {
    const size_t first = groups.Find(i);
    numbers[i] = first == i ? count++ : numbers[first];
  }
  return numbers;
}

}  // namespace hardface::data
