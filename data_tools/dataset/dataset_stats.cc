#include "data_tools/dataset/dataset_stats.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace hardface::data {
namespace {

// Classes beyond these are counted together: a class column filled with names must not fill the memory.
constexpr size_t kMaxClasses = 1000;

// The bin of VALUE when bin i > 0 starts at FIRST * 2^(i - 1).
int OctaveBin(double value, double first, int bins) {
  int bin = 0;
  for (double start = first; bin < bins - 1 && value >= start; start *= 2) ++bin;
  return bin;
}

int64_t StartOf(int bin, int64_t first) { return bin == 0 ? 0 : first << (bin - 1); }

constexpr int64_t kFirstHeight = 4, kFirstCount = 1;

struct Row {
  std::string label;
  int64_t count;
};

void AppendBars(const std::string& title, const std::vector<Row>& rows, std::string* text) {
  constexpr int kBar = 40;
  int64_t most = 1;
  for (const Row& row : rows) most = std::max(most, row.count);
  absl::StrAppend(text, title, "\n");
  for (const Row& row : rows) {
    absl::StrAppendFormat(text, "  %14s %9d  %s\n", row.label, row.count,
                          std::string(static_cast<size_t>(row.count * kBar / most), '#'));
  }
}

std::string RangeLabel(int bin, int bins, int64_t first) {
  const int64_t start = StartOf(bin, first), end = StartOf(bin + 1, first);
  if (bin == bins - 1) return absl::StrCat(start, " and more");
  return end - start == 1 ? absl::StrCat(start) : absl::StrCat(start, "-", end - 1);
}

}  // namespace

void DatasetStats::Add(const DatasetEntry& entry) {
  ++images_;
  mirrored_ += entry.flip;
  empty_ += entry.faces.empty();
  unknown_size_ += entry.width == 0 || entry.height == 0;
  ++faces_per_image_[OctaveBin(static_cast<double>(entry.faces.size()), kFirstCount, kCountBins)];
  for (const Face& face : entry.faces) {
    least_height_ = faces_ == 0 ? face.box.h : std::min(least_height_, face.box.h);
    greatest_height_ = faces_ == 0 ? face.box.h : std::max(greatest_height_, face.box.h);
    ++faces_;
    ignored_ += face.ignore;
    ++heights_[OctaveBin(face.box.h, kFirstHeight, kHeightBins)];
    std::string name = "face";
    if (const auto found = face.attributes.find("class"); found != face.attributes.end() && found->is_string()) {
      name = found->get<std::string>();
    }
    if (classes_.size() >= kMaxClasses && classes_.count(name) == 0) name = "(other classes)";
    ++classes_[name];
  }
}

nlohmann::ordered_json DatasetStats::ToJson() const {
  nlohmann::ordered_json json = {{"images", images_},
                                 {"mirrored", mirrored_},
                                 {"without_faces", empty_},
                                 {"unknown_size", unknown_size_},
                                 {"faces", faces_},
                                 {"ignored", ignored_},
                                 {"least_height", least_height_},
                                 {"greatest_height", greatest_height_}};
  for (int i = 0; i < kHeightBins; ++i) {
    json["face_height"].push_back({{"from", StartOf(i, kFirstHeight)}, {"count", heights_[i]}});
  }
  for (int i = 0; i < kCountBins; ++i) {
    json["faces_per_image"].push_back({{"from", StartOf(i, kFirstCount)}, {"count", faces_per_image_[i]}});
  }
  json["classes"] = classes_;
  return json;
}

std::string DatasetStats::ToText() const {
  std::string text = absl::StrFormat(
      "%d images (%d mirrored, %d without faces, %d of unknown size)\n%d faces (%d to be ignored), %.4g to %.4g pixels "
      "high\n",
      images_, mirrored_, empty_, unknown_size_, faces_, ignored_, least_height_, greatest_height_);
  std::vector<Row> rows;
  for (int i = 0; i < kHeightBins; ++i) rows.push_back({RangeLabel(i, kHeightBins, kFirstHeight), heights_[i]});
  AppendBars("height of faces in pixels", rows, &text);
  rows.clear();
  for (int i = 0; i < kCountBins; ++i) rows.push_back({RangeLabel(i, kCountBins, kFirstCount), faces_per_image_[i]});
  AppendBars("faces of an image", rows, &text);
  rows.clear();
  for (const auto& [name, count] : classes_) rows.push_back({name, count});
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.count > b.count; });
  if (rows.size() > 12) rows.resize(12);
  if (classes_.size() > 1) AppendBars("classes (the most frequent)", rows, &text);
  return text;
}

}  // namespace hardface::data
