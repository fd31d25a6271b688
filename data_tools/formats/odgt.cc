#include "data_tools/formats/odgt.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/json_text.h"
#include "base/status_macros.h"
#include "base/text_file.h"
#include "base/text_lines.h"
#include "data_tools/images/image_kind.h"

namespace hardface::data {
namespace {

using Json = nlohmann::json;

// The flag "ignore" of a part of a person; false where it is missing or no 1.
bool SaysIgnore(const Json& part) { return JsonMember(part, "ignore") == 1; }

bool ReadBox(const Json& box, AnnotatedFace* face) {
  bool good = box.is_array() && box.size() == 4;
  for (size_t i = 0; good && i < 4; ++i) good = box[i].is_number() && std::isfinite(box[i].get<double>());
  if (!good) return false;
  face->x = box[0];
  face->y = box[1];
  face->w = box[2];
  face->h = box[3];
  return true;
}

void AddHead(const Json& person, const std::string& place, size_t index, AnnotatedImage* image) {
  const Json& tag = JsonMember(person, "tag");
  // Areas that are no single person, such as crowds and pictures of people, have a full box only.
  const bool is_area = tag == "mask";
  const char* const key = is_area ? "fbox" : "hbox";
  AnnotatedFace face;
  face.place = absl::StrCat(place, ": gtboxes[", index, "]");
  face.class_name = "head";
  face.ignore = is_area || SaysIgnore(JsonMember(person, "head_attr")) || SaysIgnore(JsonMember(person, "extra"));
  if (tag != "person" && !is_area) {
    image->errors.push_back(
        absl::StrCat(face.place, ": \"tag\" is ", ShowJson(tag), "; expected \"person\" or \"mask\""));
  } else if (!ReadBox(JsonMember(person, key), &face)) {
    image->errors.push_back(absl::StrCat(face.place, ": \"", key, "\" is ", ShowJson(JsonMember(person, key)),
                                         "; expected [x, y, width, height]"));
  } else {
    image->faces.push_back(std::move(face));
  }
}

}  // namespace

absl::StatusOr<std::vector<AnnotatedImage>> ParseOdgt(absl::string_view text, const std::string& place) {
  std::vector<AnnotatedImage> images;
  TextLines lines(text);
  while (lines.NextFilled()) {
    const std::string here = absl::StrCat(place, ":", lines.number());
    const absl::string_view line = lines.line();
    ASSIGN_OR_RETURN(const Json json, ParseJson<Json>(line, here));
    const Json& id = JsonMember(json, "ID");
    if (!id.is_string() || id == "" || !JsonMember(json, "gtboxes").is_array()) {
      return absl::InvalidArgumentError(
          absl::StrCat(here, ": expected {\"ID\":\"..\",\"gtboxes\":[..]}, got ", line.substr(0, 80)));
    }
    AnnotatedImage image;
    image.place = here;
    for (const char* folder : {"", "Images/"}) {
      for (const std::string& extension : ImageExtensions()) {
        image.candidates.push_back(absl::StrCat(folder, id.get_ref<const std::string&>(), extension));
      }
    }
    for (size_t i = 0; i < json["gtboxes"].size(); ++i) AddHead(json["gtboxes"][i], here, i, &image);
    images.push_back(std::move(image));
  }
  return images;
}

absl::StatusOr<std::unique_ptr<AnnotationSource>> OpenOdgt(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(path));
  ASSIGN_OR_RETURN(std::vector<AnnotatedImage> images, ParseOdgt(text, path));
  return std::make_unique<VectorSource>(std::vector<std::string>{path}, std::move(images));
}

}  // namespace hardface::data
