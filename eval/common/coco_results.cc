#include "eval/common/coco_results.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/json_text.h"
#include "base/status_macros.h"
#include "base/text_file.h"
#include "eval/common/name_index.h"

namespace hardface::eval {
namespace {

using Json = nlohmann::json;

// As with AFW's and PASCAL's results, which cannot say either that nothing was found in an image.
constexpr int64_t kImagesPerMissingOne = 50;

bool IsFinite(const Json& json) { return json.is_number() && std::isfinite(json.get<double>()); }

bool IsBox(const Json& json) {
  if (!json.is_array() || json.size() != 4) return false;
  for (const Json& number : json) {
    if (!IsFinite(number)) return false;
  }
  return json[2] >= 0 && json[3] >= 0;
}

// id -> file name, of an annotation file's images.
absl::StatusOr<absl::flat_hash_map<std::string, std::string>> ReadIds(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(path));
  ASSIGN_OR_RETURN(const Json json, ParseJson(text, path));
  absl::flat_hash_map<std::string, std::string> ids;
  if (!json.is_object() || !JsonMember(json, "images").is_array()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--coco_annotations=", path, ": has no list \"images\"; give the annotations in COCO's form"));
  }
  int64_t number = 0;
  for (const Json& image : json["images"]) {
    if (!image.is_object() || JsonMember(image, "id").is_null() || !JsonMember(image, "file_name").is_string()) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": images[", number, "] is ", ShowJson(image), "; expected \"id\" and \"file_name\""));
    }
    if (!ids.emplace(JsonIdText(image["id"]), image["file_name"].get<std::string>()).second) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": images[", number, "] has the id ", ShowJson(image["id"]), " of an earlier image"));
    }
    ++number;
  }
  return ids;
}

class Reader {
 public:
  Reader(std::string path, const CocoResultOptions& options, const std::vector<std::string>& images)
      : path_(std::move(path)), options_(options), images_(images) {
    for (const std::string& image : images) index_.Add(image);
    results_.images.resize(images.size());
  }

  absl::StatusOr<CocoResults> Read() {
    if (!options_.annotations.empty()) {
      ASSIGN_OR_RETURN(ids_, ReadIds(options_.annotations));
    }
    ASSIGN_OR_RETURN(const std::string text, ReadTextFile(path_));
    RETURN_IF_ERROR(ParseJsonList(
        text, path_, "detections in COCO's results form, [{\"image_id\":42,\"bbox\":[x,y,w,h],\"score\":0.9},..]",
        [this](const Json& element, int64_t number) { return Add(element, number); }));
    RETURN_IF_ERROR(CheckImages());
    return std::move(results_);
  }

 private:
  absl::Status Bad(int64_t number, absl::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat(path_, kCocoUnit, number, " ", what));
  }

  absl::Status Add(const Json& element, int64_t number) {
    ++results_.elements;
    if (!element.is_object() || !IsBox(JsonMember(element, "bbox")) || !IsFinite(JsonMember(element, "score"))) {
      return Bad(number, absl::StrCat("is ", ShowJson(element),
                                      "; expected \"image_id\", \"bbox\":[x,y,width,height] and \"score\", all finite, "
                                      "with no negative extent"));
    }
    ASSIGN_OR_RETURN(const bool counts, TakeCategory(JsonMember(element, "category_id"), number));
    if (!counts) return absl::OkStatus();
    ASSIGN_OR_RETURN(const int64_t image, ImageOf(JsonMember(element, "image_id"), number));
    if (image < 0) return absl::OkStatus();
    const Json& box = element["bbox"];
    results_.images[static_cast<size_t>(image)].push_back({box[0], box[1], box[2], box[3], element["score"], number});
    return absl::OkStatus();
  }

  absl::StatusOr<bool> TakeCategory(const Json& category, int64_t number) {
    const std::string id = JsonIdText(category);
    if (options_.category >= 0) return id == absl::StrCat(options_.category);
    if (number == 1) category_ = id;
    if (id == category_) return true;
    return Bad(number, absl::StrCat("is of category_id ", id.substr(0, 80), ", the first of ", category_.substr(0, 80),
                                    "; choose the faces' category by --coco_category"));
  }

  // -1: an image that was not asked for. The elements of an image mostly stand together.
  absl::StatusOr<int64_t> ImageOf(const Json& id, int64_t number) {
    const std::string text = JsonIdText(id);
    const auto known = found_.find(text);
    if (known != found_.end()) return known->second;
    ASSIGN_OR_RETURN(const int64_t image, Look(id, text, number));
    if (image == NameIndex::kSeveral) {
      return Bad(number, absl::StrCat("has the image_id ", text.substr(0, 80),
                                      ", which could be several images of the dataset; ", "give --coco_annotations"));
    }
    if (image < 0) {
      results_.layout.Add("detections of images that the dataset lacks",
                          absl::StrCat(path_, kCocoUnit, number, " (image_id ", text.substr(0, 80), ")"),
                          "they are left out");
    }
    found_.emplace(text, image);
    return image;
  }

  absl::StatusOr<int64_t> Look(const Json& id, const std::string& text, int64_t number) const {
    if (!options_.annotations.empty()) {
      const auto file = ids_.find(text);
      if (file != ids_.end()) return index_.Find(file->second);
      return Bad(number, absl::StrCat("has the image_id ", text.substr(0, 80), ", which is not among the images of ",
                                      options_.annotations));
    }
    if (id.is_string()) return index_.Find(id.get<std::string>());
    int64_t value = 0;
    if (id.is_number() && absl::SimpleAtoi(text, &value)) return index_.FindNumber(value);
    return Bad(number, absl::StrCat("has the image_id ", text.substr(0, 80), "; expected a number or a text"));
  }

  absl::Status CheckImages() {
    std::vector<size_t> missing;
    for (size_t i = 0; i < images_.size(); ++i) {
      if (results_.images[i].empty()) missing.push_back(i);
    }
    results_.without_a_line = static_cast<int64_t>(missing.size());
    if (missing.size() == images_.size()) {
      return absl::InvalidArgumentError(absl::StrCat(
          path_, ": ",
          results_.elements == 0 ? "holds no detection" : "none of its detections is of an image to be scored",
          images_.empty() ? "" : absl::StrCat("; these are called like ", images_[0]),
          ". Where image_id is a number of an annotation file, name that file by --coco_annotations"));
    }
    if (static_cast<int64_t>(missing.size()) * kImagesPerMissingOne <= static_cast<int64_t>(images_.size())) {
      return absl::OkStatus();
    }
    for (const size_t i : missing) {
      results_.layout.Add("images without a detection", absl::StrCat(path_, " (", images_[i], ")"),
                          "more than 1 in 50: are these results of other images? Their faces count as missed");
    }
    return absl::OkStatus();
  }

  const std::string path_;
  const CocoResultOptions options_;
  const std::vector<std::string>& images_;
  NameIndex index_;
  absl::flat_hash_map<std::string, std::string> ids_;  // of the annotations: file names
  absl::flat_hash_map<std::string, int64_t> found_;    // image_id -> image
  std::string category_;
  CocoResults results_;
};

}  // namespace

absl::StatusOr<CocoResults> ReadCocoResults(const std::string& path, const CocoResultOptions& options,
                                            const std::vector<std::string>& images) {
  return Reader(path, options, images).Read();
}

}  // namespace hardface::eval
