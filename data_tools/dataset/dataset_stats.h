// Counts and distributions of a dataset.
#ifndef HARDFACE_DATA_TOOLS_DATASET_DATASET_STATS_H_
#define HARDFACE_DATA_TOOLS_DATASET_DATASET_STATS_H_

#include <array>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "data_tools/dataset/dataset.h"

namespace hardface::data {

// Add() the entries one by one; memory does not grow with them.
class DatasetStats {
 public:
  // The last bin is open: heights from 512 pixels, 128 faces and more.
  static constexpr int kHeightBins = 9;  // from 0, 4, 8, 16, ... 256, 512 pixels: [0, 4), [4, 8), ...
  static constexpr int kCountBins = 9;   // 0, 1, 2-3, 4-7, ... 64-127, 128 and more faces

  void Add(const DatasetEntry& entry);

  int64_t images() const { return images_; }
  int64_t faces() const { return faces_; }

  // Flat but for the lists: {"images":..,"faces":..,"ignored":..,"face_height":[{"from":8,"count":..},..],..}.
  nlohmann::ordered_json ToJson() const;
  // One screen, with bars.
  std::string ToText() const;

 private:
  int64_t images_ = 0, mirrored_ = 0, empty_ = 0, unknown_size_ = 0;
  int64_t faces_ = 0, ignored_ = 0;
  float least_height_ = 0, greatest_height_ = 0;
  std::array<int64_t, kHeightBins> heights_{};
  std::array<int64_t, kCountBins> faces_per_image_{};
  std::map<std::string, int64_t> classes_;
};

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_DATASET_DATASET_STATS_H_
