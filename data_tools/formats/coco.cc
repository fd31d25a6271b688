#include "data_tools/formats/coco.h"

#include <cmath>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "base/json_text.h"
#include "base/status_macros.h"
#include "base/text_file.h"

namespace hardface::data {
namespace {

using Json = nlohmann::json;

// Of a flag: false where it is missing. Exporters write 0, false, 0.0 and "False".
bool ReadFlag(const Json& json, bool* value) {
  if (json.is_null()) return true;
  return ParseBoolean(json.is_string() ? json.get_ref<const std::string&>() : ShowJson(json), value);
}

// "" for what is no id.
std::string IdOf(const Json& json) { return json.is_number() || json.is_string() ? JsonIdText(json) : ""; }

int PixelsOf(const Json& json) {
  const double value = json.is_number() ? json.get<double>() : 0;
  return value > 0 && value < 1e6 ? static_cast<int>(value) : 0;
}

class CocoParser {
 public:
  explicit CocoParser(std::string place) : place_(std::move(place)) {}

  absl::StatusOr<CocoContent> Read(absl::string_view text) {
    ASSIGN_OR_RETURN(const Json root, ParseJson<Json>(text, place_));
    if (root.is_array()) {
      return Bad("is a list, as COCO's results are; expected annotations, {\"images\":..,\"annotations\":..}");
    }
    if (!root.is_object()) return Bad("is not a JSON object; expected COCO's {\"images\":..,\"annotations\":..}");
    for (const char* key : {"images", "annotations"}) {
      if (!JsonMember(root, key).is_array()) return Bad(absl::StrCat("has no list \"", key, "\""));
    }
    for (const Json& category : JsonMember(root, "categories")) AddCategory(category);
    for (size_t i = 0; i < root["images"].size(); ++i) RETURN_IF_ERROR(AddImage(root["images"][i], i));
    for (size_t i = 0; i < root["annotations"].size(); ++i) RETURN_IF_ERROR(AddFace(root["annotations"][i], i));
    return CocoContent{std::move(images_), std::move(findings_)};
  }

 private:
  absl::Status Bad(absl::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat(place_, ": ", what));
  }

  void AddCategory(const Json& category) {
    if (!category.is_object() || !JsonMember(category, "name").is_string()) return;
    const std::string name = category["name"].get<std::string>();
    const auto [known, fresh] = categories_.emplace(IdOf(JsonMember(category, "id")), name);
    if (!fresh && known->second != name) {
      findings_.push_back({"bad_annotation", place_, "",
                           absl::StrCat("\"categories\" gives the id ", ShowJson(JsonMember(category, "id")), " to \"",
                                        known->second, "\" and to \"", name, "\"; faces of it are taken as the former"),
                           /*is_error=*/true});
    }
  }

  absl::Status AddImage(const Json& json, size_t index) {
    AnnotatedImage image;
    image.place = absl::StrCat(place_, ": images[", index, "]");
    if (!json.is_object() || !JsonMember(json, "file_name").is_string() ||
        json["file_name"].get_ref<const std::string&>().empty()) {
      return Bad(
          absl::StrCat("images[", index, "] is ", ShowJson(json), "; expected an object with \"id\", \"file_name\""));
    }
    const std::string id = IdOf(JsonMember(json, "id"));
    if (id.empty()) {
      return Bad(absl::StrCat("images[", index, "] has the id ", ShowJson(JsonMember(json, "id")),
                              "; expected a number or text"));
    }
    if (!index_by_id_.emplace(id, images_.size()).second) {
      return Bad(
          absl::StrCat("images[", index, "] has the id ", ShowJson(JsonMember(json, "id")), " of an earlier image"));
    }
    image.candidates = {json["file_name"].get<std::string>()};
    image.declared_width = PixelsOf(JsonMember(json, "width"));
    image.declared_height = PixelsOf(JsonMember(json, "height"));
    if (JsonMember(json, "attributes").is_object()) image.attributes = json["attributes"];
    images_.push_back(std::move(image));
    return absl::OkStatus();
  }

  absl::Status AddFace(const Json& json, size_t index) {
    const std::string what = absl::StrCat("annotations[", index, "]");
    const auto found = json.is_object() ? index_by_id_.find(IdOf(JsonMember(json, "image_id"))) : index_by_id_.end();
    if (found == index_by_id_.end()) {
      findings_.push_back(
          {"bad_annotation", place_, "",
           absl::StrCat(what, " is ", ShowJson(json), "; its image_id is unknown: no image has that id"),
           /*is_error=*/true});
      return absl::OkStatus();
    }
    AnnotatedImage& image = images_[found->second];
    const Json& box = JsonMember(json, "bbox");
    bool good = box.is_array() && box.size() == 4;
    for (size_t i = 0; good && i < 4; ++i) good = box[i].is_number() && std::isfinite(box[i].get<double>());
    if (!good) {
      image.errors.push_back(
          absl::StrCat(place_, ": ", what, ": \"bbox\" is ", ShowJson(box), "; expected [x, y, width, height]"));
      return absl::OkStatus();
    }
    AnnotatedFace face;
    face.place = absl::StrCat(place_, ": ", what);
    face.x = box[0];
    face.y = box[1];
    face.w = box[2];
    face.h = box[3];
    for (const char* key : {"iscrowd", "ignore"}) {
      bool flag = false;
      if (!ReadFlag(JsonMember(json, key), &flag)) {
        image.errors.push_back(absl::StrCat(face.place, ": \"", key, "\" is ", ShowJson(JsonMember(json, key)),
                                            "; expected ", kBooleanWords));
      }
      face.ignore |= flag;
    }
    if (!SetClass(JsonMember(json, "category_id"), &face)) {
      image.errors.push_back(absl::StrCat(face.place, ": \"category_id\" is ",
                                          ShowJson(JsonMember(json, "category_id")),
                                          "; \"categories\" lists no such id, so what it is cannot be told"));
      return absl::OkStatus();
    }
    if (JsonMember(json, "attributes").is_object()) face.attributes = json["attributes"];
    image.faces.push_back(std::move(face));
    return absl::OkStatus();
  }

  // False where the file lists categories and ID is none of them. Files of one class may leave the id out.
  bool SetClass(const Json& id, AnnotatedFace* face) const {
    if (categories_.empty()) return true;
    if (id.is_null() && categories_.size() == 1) {
      face->class_name = categories_.begin()->second;
      return true;
    }
    const auto category = categories_.find(IdOf(id));
    if (category == categories_.end()) return false;
    face->class_name = category->second;
    return true;
  }

  const std::string place_;
  // Ids are numbers by the book and text in some files; IdOf serves for both.
  absl::flat_hash_map<std::string, std::string> categories_;
  absl::flat_hash_map<std::string, size_t> index_by_id_;
  std::vector<AnnotatedImage> images_;
  std::vector<SourceFinding> findings_;
};

}  // namespace

absl::StatusOr<CocoContent> ParseCoco(absl::string_view text, const std::string& place) {
  return CocoParser(place).Read(text);
}

absl::StatusOr<std::unique_ptr<AnnotationSource>> OpenCoco(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(path));
  ASSIGN_OR_RETURN(CocoContent content, ParseCoco(text, path));
  return std::make_unique<VectorSource>(std::vector<std::string>{path}, std::move(content.images),
                                        std::move(content.findings));
}

}  // namespace hardface::data
