#include "data_tools/formats/coco.h"

#include <cmath>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "base/atomic_output.h"
#include "base/status_macros.h"

namespace hardface::data {
namespace {

using Json = nlohmann::json;

std::string Show(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 80); }

// Null where the key is missing, so that callers check the type only.
const Json& Get(const Json& json, const char* key) {
  static const auto* const kNull = new Json();
  const auto found = json.find(key);
  return found == json.end() ? *kNull : *found;
}

bool IsTrue(const Json& json) { return json == 1 || json == true; }

int PixelsOf(const Json& json) {
  const double value = json.is_number() ? json.get<double>() : 0;
  return value > 0 && value < 1e6 ? static_cast<int>(value) : 0;
}

class CocoParser {
 public:
  explicit CocoParser(std::string place) : place_(std::move(place)) {}

  absl::StatusOr<std::vector<AnnotatedImage>> Parse(absl::string_view text) {
    const Json root = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
    if (!root.is_object()) return Bad("is not a JSON object; expected COCO's {\"images\":..,\"annotations\":..}");
    for (const char* key : {"images", "annotations"}) {
      if (!Get(root, key).is_array()) return Bad(absl::StrCat("has no list \"", key, "\""));
    }
    for (const Json& category : Get(root, "categories")) AddCategory(category);
    for (size_t i = 0; i < root["images"].size(); ++i) RETURN_IF_ERROR(AddImage(root["images"][i], i));
    for (size_t i = 0; i < root["annotations"].size(); ++i) RETURN_IF_ERROR(AddFace(root["annotations"][i], i));
    return std::move(images_);
  }

 private:
  absl::Status Bad(absl::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat(place_, ": ", what));
  }

  void AddCategory(const Json& category) {
    if (!category.is_object() || !Get(category, "name").is_string()) return;
    categories_[Show(Get(category, "id"))] = category["name"].get<std::string>();
  }

  absl::Status AddImage(const Json& json, size_t index) {
    AnnotatedImage image;
    image.place = absl::StrCat(place_, ": images[", index, "]");
    if (!json.is_object() || !Get(json, "file_name").is_string() ||
        json["file_name"].get_ref<const std::string&>().empty()) {
      return Bad(
          absl::StrCat("images[", index, "] is ", Show(json), "; expected an object with \"id\", \"file_name\""));
    }
    if (!index_by_id_.emplace(Show(Get(json, "id")), images_.size()).second) {
      return Bad(absl::StrCat("images[", index, "] has the id ", Show(Get(json, "id")), " of an earlier image"));
    }
    image.candidates = {json["file_name"].get<std::string>()};
    image.declared_width = PixelsOf(Get(json, "width"));
    image.declared_height = PixelsOf(Get(json, "height"));
    if (Get(json, "attributes").is_object()) image.attributes = json["attributes"];
    images_.push_back(std::move(image));
    return absl::OkStatus();
  }

  absl::Status AddFace(const Json& json, size_t index) {
    const std::string what = absl::StrCat("annotations[", index, "]");
    const auto found = json.is_object() ? index_by_id_.find(Show(Get(json, "image_id"))) : index_by_id_.end();
    if (found == index_by_id_.end()) return Bad(absl::StrCat(what, " is ", Show(json), "; its image_id is unknown"));
    AnnotatedImage& image = images_[found->second];
    const Json& box = Get(json, "bbox");
    bool good = box.is_array() && box.size() == 4;
    for (size_t i = 0; good && i < 4; ++i) good = box[i].is_number() && std::isfinite(box[i].get<double>());
    if (!good) {
      image.errors.push_back(
          absl::StrCat(place_, ": ", what, ": \"bbox\" is ", Show(box), "; expected [x, y, width, height]"));
      return absl::OkStatus();
    }
    AnnotatedFace face;
    face.place = absl::StrCat(place_, ": ", what);
    face.x = box[0];
    face.y = box[1];
    face.w = box[2];
    face.h = box[3];
    face.ignore = IsTrue(Get(json, "iscrowd")) || IsTrue(Get(json, "ignore"));
    const auto category = categories_.find(Show(Get(json, "category_id")));
    if (category != categories_.end()) face.class_name = category->second;
    if (Get(json, "attributes").is_object()) face.attributes = json["attributes"];
    image.faces.push_back(std::move(face));
    return absl::OkStatus();
  }

  const std::string place_;
  // Ids are numbers by the book and text in some files; their JSON text serves for both.
  absl::flat_hash_map<std::string, std::string> categories_;
  absl::flat_hash_map<std::string, size_t> index_by_id_;
  std::vector<AnnotatedImage> images_;
};

}  // namespace

absl::StatusOr<std::vector<AnnotatedImage>> ParseCoco(absl::string_view text, const std::string& place) {
  return CocoParser(place).Parse(text);
}

absl::StatusOr<std::unique_ptr<AnnotationSource>> OpenCoco(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  ASSIGN_OR_RETURN(std::vector<AnnotatedImage> images, ParseCoco(text, path));
  return std::make_unique<VectorSource>(std::vector<std::string>{path}, std::move(images));
}

}  // namespace hardface::data
