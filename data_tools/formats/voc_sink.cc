// Pascal VOC XML files (formats/voc.h reads them, with VocBoxes::kEdges).
#include <filesystem>
#include <pugixml.hpp>
#include <set>
#include <sstream>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "data_tools/formats/annotation_sink.h"

namespace hardface::data {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

// Text that XML and a reader that trims give back unchanged.
bool IsPlain(const std::string& text) {
  for (unsigned char c : text) {
    if (c < 32 || c == 127) return false;
  }
  return text == absl::StripAsciiWhitespace(text);
}

// Text stands as it is unless it could be taken for JSON; everything else is JSON.
std::string AttributeText(const Json& value) {
  if (value.is_string()) {
    const std::string text = value.get<std::string>();
    const bool ambiguous = Json::accept(text) || !IsPlain(text) || text.empty();
    if (!ambiguous) return text;
  }
  return value.dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
}

void Add(pugi::xml_node parent, const char* name, const std::string& text) {
  parent.append_child(name).text().set(text.c_str());
}

class VocSink : public AnnotationSink {
 public:
  explicit VocSink(std::string folder) : folder_(std::move(folder)) {}

  absl::Status Write(const DatasetEntry& entry) override {
    const fs::path image(entry.image);
    const std::string file = fs::path(PathFor(entry.image)).replace_extension(".xml").string();
    RETURN_IF_ERROR(CheckNames(entry.image, file));
    pugi::xml_document document;
    pugi::xml_node root = document.append_child("annotation");
    Add(root, "folder", image.parent_path().string());
    Add(root, "filename", image.filename().string());
    pugi::xml_node size = root.append_child("size");
    Add(size, "width", absl::StrCat(entry.width));
    Add(size, "height", absl::StrCat(entry.height));
    Add(size, "depth", "3");
    AddAttributes(root, entry.attributes, entry.image, /*leave_out=*/"");
    for (const Face& face : entry.faces) AddFace(root, face, entry.image);
    std::ostringstream text;
    document.save(text, " ", pugi::format_default, pugi::encoding_utf8);
    return WriteNewFile(absl::StrCat(folder_, "/", file), text.str());
  }

  absl::Status Finish() override { return absl::OkStatus(); }

 private:
  absl::Status CheckNames(const std::string& image, const std::string& file) {
    if (!IsPlain(image)) {
      return absl::InvalidArgumentError(absl::StrCat(
          image, ": XML cannot hold control characters or spaces at the ends of a path; rename the image"));
    }
    if (files_.insert(file).second) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(image, ": two images would share the file ", file, "; rename one of them"));
  }

  void AddFace(pugi::xml_node root, const Face& face, const std::string& image) {
    pugi::xml_node object = root.append_child("object");
    const std::string name = ClassOf(face);
    Add(object, "name", name);
    if (!IsPlain(name)) losses_.Add("class with control characters or spaces at its ends", image);
    Add(object, "difficult", face.ignore ? "1" : "0");
    pugi::xml_node box = object.append_child("bndbox");
    const double x = face.box.x, y = face.box.y;
    Add(box, "xmin", ShortestNumber(x));
    Add(box, "ymin", ShortestNumber(y));
    Add(box, "xmax", ShortestNumber(x + face.box.w));
    Add(box, "ymax", ShortestNumber(y + face.box.h));
    AddAttributes(object, face.attributes, image, /*leave_out=*/name == "face" ? "" : "class");
  }

  void AddAttributes(pugi::xml_node parent, const Json& attributes, const std::string& image,
                     const std::string& leave_out) {
    if (!attributes.is_object() || attributes.empty()) return;
    pugi::xml_node list = parent.append_child("attributes");
    for (const auto& [name, value] : attributes.items()) {
      if (name == leave_out) continue;
      if (!IsPlain(name) || name.empty()) {
        losses_.Add("attribute with control characters or spaces at the ends of its name", image);
        continue;
      }
      pugi::xml_node attribute = list.append_child("attribute");
      Add(attribute, "name", name);
      Add(attribute, "value", AttributeText(value));
    }
  }

  const std::string folder_;
  std::set<std::string> files_;
};

}  // namespace

std::unique_ptr<AnnotationSink> MakeVocSink(const std::string& folder) { return std::make_unique<VocSink>(folder); }

}  // namespace hardface::data
