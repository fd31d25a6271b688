// WIDER FACE's text form (formats/wider.h reads it).
#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "data_tools/formats/annotation_sink.h"
#include "data_tools/images/image_walk.h"

namespace hardface::data {
namespace {

constexpr const char* kAttributes[] = {"blur", "expression", "illumination", "invalid", "occlusion", "pose"};

// Attribute's whole number; 0 where it has none.
int64_t Grade(const Face& face, const char* name) {
  if (!face.attributes.is_object()) return 0;
  const auto found = face.attributes.find(name);
  return found != face.attributes.end() && found->is_number_integer() ? found->get<int64_t>() : 0;
}

bool IsWiderAttribute(const std::string& name) {
  return std::find(std::begin(kAttributes), std::end(kAttributes), name) != std::end(kAttributes);
}

class WiderSink : public AnnotationSink {
 public:
  explicit WiderSink(std::string folder) : path_(folder + "/bbx_gt.txt") {}

  absl::Status Write(const DatasetEntry& entry) override {
    RETURN_IF_ERROR(CheckName(entry.image));
    NoteLosses(entry);
    absl::StrAppend(&text_, entry.image, "\n", entry.faces.size(), "\n");
    if (entry.faces.empty()) text_ += "0 0 0 0 0 0 0 0 0 0 \n";
    for (const Face& face : entry.faces) AppendFace(face);
    return absl::OkStatus();
  }

  absl::Status Finish() override { return WriteNewFile(path_, text_); }

 private:
  static absl::Status CheckName(const std::string& image) {
    const bool plain = image.find_first_of("\r\n") == std::string::npos && image.front() != ' ' && image.back() != ' ';
    if (plain && HasImageExtension(image)) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(image,
                     ": WIDER's text form has no room for this path: it must end as image files do (.jpg, .png) and "
                     "hold no line break and no space at its ends; rename the image"));
  }

  void NoteLosses(const DatasetEntry& entry) {
    if (entry.attributes.is_object()) {
      const std::string folder = entry.image.substr(0, std::min(entry.image.find('/'), entry.image.size()));
      for (const auto& [name, value] : entry.attributes.items()) {
        if (name != "event" || value != folder) losses_.Add("image attribute " + name, entry.image);
      }
    }
    for (const Face& face : entry.faces) {
      if (!face.attributes.is_object()) continue;
      for (const auto& [name, value] : face.attributes.items()) {
        if (!IsWiderAttribute(name) || !value.is_number_integer()) losses_.Add("attribute " + name, entry.image);
      }
      // The file has one column for both, and it says `ignore`.
      if (face.attributes.contains("invalid") && Grade(face, "invalid") != (face.ignore ? 1 : 0)) {
        losses_.Add(
            face.ignore ? "attribute invalid other than 1 of an ignored face" : "attribute invalid without ignore",
            entry.image);
      }
    }
  }

  void AppendFace(const Face& face) {
    for (float value : {face.box.x, face.box.y, face.box.w, face.box.h}) {
      absl::StrAppend(&text_, ShortestNumber(value), " ");
    }
    for (const char* name : kAttributes) {
      const bool invalid = std::string(name) == "invalid";
      absl::StrAppend(&text_, invalid ? face.ignore : Grade(face, name), " ");
    }
    text_ += "\n";
  }

  const std::string path_;
  std::string text_;
};

}  // namespace

std::unique_ptr<AnnotationSink> MakeWiderSink(const std::string& folder) { return std::make_unique<WiderSink>(folder); }

}  // namespace hardface::data
