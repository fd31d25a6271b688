// YOLO label files and data.yaml (formats/yolo.h reads them).
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "data_tools/formats/annotation_sink.h"
#include "data_tools/formats/yolo_labels.h"

namespace hardface::data {
namespace {

namespace fs = std::filesystem;

// As a YAML scalar in double quotes.
std::string Quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', /*ensure_ascii=*/false, nlohmann::json::error_handler_t::replace);
}

class YoloSink : public AnnotationSink {
 public:
  YoloSink(std::string folder, std::string image_root)
      : folder_(std::move(folder)), image_root_(std::move(image_root)) {}

  absl::Status Write(const DatasetEntry& entry) override {
    if (entry.width <= 0 || entry.height <= 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(entry.image,
                       ": its size is not known, and YOLO's boxes are fractions of it; data_tools:doctor --repair "
                       "fills sizes in"));
    }
    const std::string label = YoloLabelPath(PathFor(entry.image));
    if (!labels_.insert(label).second) {
      return absl::InvalidArgumentError(
          absl::StrCat(entry.image, ": two images would share the file ", label, "; rename one of them"));
    }
    if (entry.attributes.is_object() && !entry.attributes.empty()) losses_.Add("image attributes", entry.image);
    std::string text;
    for (const Face& face : entry.faces) AppendFace(face, entry, &text);
    return WriteNewFile(absl::StrCat(folder_, "/", label), text);
  }

  absl::Status Finish() override {
    if (!IsUtf8(image_root_)) {
      return absl::InvalidArgumentError(absl::StrCat(
          image_root_, ": the path of the images' folder is not UTF-8, which YAML cannot hold; rename the folder"));
    }
    std::string yaml = absl::StrCat("path: ", Quoted(image_root_), "\ntrain: .\nval: .\nnc: ", names_.size(),
                                    "\nnames:", names_.empty() ? " []" : "", "\n");
    for (const std::string& name : names_) absl::StrAppend(&yaml, "- ", Quoted(name), "\n");
    return WriteNewFile(folder_ + "/data.yaml", yaml);
  }

 private:
  void AppendFace(const Face& face, const DatasetEntry& entry, std::string* text) {
    if (face.ignore) {
      losses_.Add("ignored faces (left out)", entry.image);
      return;
    }
    const std::string name = ClassOf(face);
    if (name.find_first_of("\"\\\n\r") != std::string::npos)
      losses_.Add("class with quotes or line breaks", entry.image);
    const size_t named = name == "face" ? 0 : 1;
    if (face.attributes.is_object() && face.attributes.size() > named) losses_.Add("attributes", entry.image);
    const auto [found, added] = index_by_name_.emplace(name, names_.size());
    if (added) names_.push_back(name);
    const double w = face.box.w / static_cast<double>(entry.width), h = face.box.h / static_cast<double>(entry.height);
    const double x = face.box.x / static_cast<double>(entry.width), y = face.box.y / static_cast<double>(entry.height);
    absl::StrAppend(text, found->second, " ", ShortestNumber(x + w / 2), " ", ShortestNumber(y + h / 2), " ",
                    ShortestNumber(w), " ", ShortestNumber(h), "\n");
  }

  const std::string folder_, image_root_;
  std::set<std::string> labels_;
  std::map<std::string, size_t> index_by_name_;
  std::vector<std::string> names_;
};

}  // namespace

std::unique_ptr<AnnotationSink> MakeYoloSink(const std::string& folder, const std::string& image_root) {
  return std::make_unique<YoloSink>(folder, image_root);
}

}  // namespace hardface::data
