#include "data_tools/formats/voc.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/folder_walk.h"
#include "base/json_text.h"
#include "base/read_file.h"
#include "base/status_macros.h"
#include "base/text_lines.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/formats/text_encoding.h"
#include "data_tools/images/image_kind.h"

namespace hardface::data {
namespace {

namespace fs = std::filesystem;

// The folders of the VOC challenges' data sets, side by side.
constexpr char kAnnotations[] = "Annotations", kImages[] = "JPEGImages";

// What the declaration says of the encoding no longer holds once the text has been converted.
pugi::xml_encoding EncodingOf(absl::string_view xml) {
  return absl::StrContains(xml, '\0') ? pugi::encoding_auto : pugi::encoding_utf8;
}

std::string Text(const pugi::xml_node& node) { return std::string(absl::StripAsciiWhitespace(node.text().get())); }

// FILE:LINE of a node, for messages.
std::string PlaceOf(absl::string_view xml, const std::string& file, const pugi::xml_node& node) {
  const auto end = xml.begin() + std::min<size_t>(xml.size(), std::max<ptrdiff_t>(0, node.offset_debug()));
  return absl::StrCat(file, ":", 1 + std::count(xml.begin(), end, '\n'));
}

// xmin, ymin, xmax, ymax; false with *error set when one is missing or no number.
bool ReadCorners(const pugi::xml_node& box, const std::string& place, std::array<double, 4>* corners,
                 std::string* error) {
  static constexpr const char* kNames[] = {"xmin", "ymin", "xmax", "ymax"};
  for (int i = 0; i < 4; ++i) {
    const pugi::xml_node node = box.child(kNames[i]);
    const std::string text = Text(node);
    if (ParseNumber(text, &(*corners)[i])) continue;
    *error = node ? absl::StrCat(place, ": <", kNames[i], "> is \"", text, "\"; expected a number")
                  : absl::StrCat(place, ": an <object> without <bndbox><", kNames[i], ">");
    return false;
  }
  return true;
}

int ReadSize(const pugi::xml_node& size, const char* name) {
  double value = 0;
  return ParseNumber(Text(size.child(name)), &value) && value > 0 && value < 1e6 ? static_cast<int>(value) : 0;
}

void ReadFlags(const pugi::xml_node& object, AnnotatedFace* face) {
  for (const char* name : {"pose", "truncated", "occluded"}) {
    const std::string text = Text(object.child(name));
    if (text.empty() || text == "0" || text == "Unspecified") continue;
    double number = 0;
    if (ParseNumber(text, &number)) {
      face->attributes[name] = NumberToJson(number);
    } else {
      face->attributes[name] = text;
    }
  }
}

// A value of any type from CVAT's text form: what parses as JSON is that, anything else is text.
nlohmann::json ValueFromText(const std::string& text) {
  absl::StatusOr<nlohmann::json> value = ParseJson(text, /*place=*/"");
  return value.ok() ? *std::move(value) : nlohmann::json(text);
}

// CVAT's <attributes><attribute><name>..</name><value>..</value></attribute>..</attributes>.
void ReadAttributes(const pugi::xml_node& parent, nlohmann::json* attributes) {
  for (const pugi::xml_node& attribute : parent.child("attributes").children("attribute")) {
    const std::string name = attribute.child("name").text().get();
    if (!name.empty()) (*attributes)[name] = ValueFromText(attribute.child("value").text().get());
  }
}

// The image is what <filename> says, beside the XML's place in the tree or at its top; where the tree is a VOC
// challenge's data set, its images lie beside the annotations' folder. Else it is guessed to be named as the XML is.
void SetCandidates(const std::string& filename, const std::string& file, AnnotatedImage* image) {
  const fs::path folder = fs::path(file).parent_path();
  const bool is_challenge = folder.filename() == kAnnotations;
  const fs::path images = folder.parent_path() / kImages;
  std::vector<std::string>& candidates = image->candidates;
  candidates.clear();
  if (!filename.empty()) {
    candidates.push_back((folder / filename).string());
    if (!folder.empty()) candidates.push_back(filename);
    if (is_challenge) candidates.push_back((images / filename).string());
  }
  image->first_guess = candidates.size();
  for (const std::string& extension : ImageExtensions()) {
    candidates.push_back(fs::path(file).replace_extension(extension).string());
  }
  for (const std::string& extension : ImageExtensions()) {
    if (is_challenge) candidates.push_back((images / fs::path(file).stem()).string() + extension);
  }
}

// The first child of NODE that has a brother of the same name, of those that say what there is one of; "" where there
// is none. A reader would take the first and lose what the others say.
std::string RepeatedChild(const pugi::xml_node& node, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (node.child(name).next_sibling(name)) return name;
  }
  return "";
}

// <difficult>: a truth value. Empty and "Unspecified" are VOC's ways to say nothing.
bool ReadDifficult(const pugi::xml_node& object, AnnotatedFace* face, std::string* error) {
  const std::string text = Text(object.child("difficult"));
  if (text.empty() || text == "Unspecified" || ParseBoolean(text, &face->ignore)) return true;
  *error = absl::StrCat(face->place, ": <difficult> is \"", text.substr(0, 80), "\"; expected ", kBooleanWords);
  return false;
}

// The encoding in <?xml version="1.0" encoding="GBK"?>; "" where none is declared. The declaration is ASCII in every
// encoding but UTF-16 and UTF-32, which pugixml tells by their first bytes.
std::string DeclaredEncoding(absl::string_view xml) {
  static const auto* const kDeclaration = new RE2(R"re(^\s*<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._:-]+)["'])re");
  std::string encoding;
  RE2::PartialMatch(std::string(xml.substr(0, 300)), *kDeclaration, &encoding);
  return absl::AsciiStrToLower(encoding);
}

// XML as pugixml reads it by itself: UTF-8, or UTF-16 and UTF-32 with a mark.
absl::StatusOr<std::string> ToUtf8(absl::string_view xml, const std::string& file) {
  // A byte-order mark says UTF-8, whatever the declaration says.
  const std::string encoding = WithoutByteOrderMark(xml).size() == xml.size() ? DeclaredEncoding(xml) : "";
  xml = WithoutByteOrderMark(xml);
  // Programs that write UTF-8 are known to declare UTF-16; text in which the declaration can be read is none.
  const bool is_utf8 = encoding.empty() || absl::StartsWith(encoding, "utf-") || encoding == "utf8";
  if (is_utf8 && (IsUtf8(std::string(xml)) || absl::StrContains(xml, '\0'))) return std::string(xml);
  if (is_utf8) {
    return absl::InvalidArgumentError(absl::StrCat(
        file,
        ": is not UTF-8, and declares no other encoding; name it in the first line, such as <?xml version=\"1.0\" "
        "encoding=\"GBK\"?>, or convert the file (iconv -t UTF-8)"));
  }
  return ConvertToUtf8(xml, encoding, file);
}

class VocSource : public AnnotationSource {
 public:
  VocSource(std::string folder, std::vector<std::string> files, VocBoxes boxes)
      : folder_(std::move(folder)), files_(std::move(files)), boxes_(boxes) {}

  absl::StatusOr<bool> Next(AnnotatedImage* image) override {
    if (next_ == files_.size()) return false;
    const std::string& file = files_[next_++];
    ASSIGN_OR_RETURN(const std::string xml, ReadFile((fs::path(folder_) / file).string()));
    *image = VocFromXml(xml, file, boxes_);
    return true;
  }

  int64_t size() const override { return static_cast<int64_t>(files_.size()); }
  std::vector<std::string> inputs() const override {
    std::vector<std::string> paths;
    for (const std::string& file : files_) paths.push_back((fs::path(folder_) / file).string());
    return paths;
  }

 private:
  const std::string folder_;
  const std::vector<std::string> files_;
  const VocBoxes boxes_;
  size_t next_ = 0;
};

}  // namespace

AnnotatedImage VocFromXml(absl::string_view xml, const std::string& file, VocBoxes boxes) {
  AnnotatedImage image;
  image.place = file;
  SetCandidates("", file, &image);
  const absl::StatusOr<std::string> utf8 = ToUtf8(xml, file);
  if (!utf8.ok()) {
    image.errors.emplace_back(utf8.status().message());
    return image;
  }
  xml = *utf8;
  pugi::xml_document document;
  const pugi::xml_parse_result parsed =
      document.load_buffer(xml.data(), xml.size(), pugi::parse_default, EncodingOf(xml));
  const pugi::xml_node root = document.child("annotation");
  if (!parsed || !root) {
    image.errors.push_back(absl::StrCat(file, ": ", parsed ? "no <annotation> in it" : parsed.description(),
                                        "; expected a Pascal VOC XML file"));
    return image;
  }
  if (document.first_child() != root || root.next_sibling()) {
    image.errors.push_back(absl::StrCat(file,
                                        ": more than one document in it, as where files were put one behind the "
                                        "other; expected one <annotation>"));
    return image;
  }
  SetCandidates(Text(root.child("filename")), file, &image);
  if (const std::string twice = RepeatedChild(root, {"filename", "size"}); !twice.empty()) {
    image.errors.push_back(absl::StrCat(file, ": <", twice, "> stands twice in one <annotation>"));
    return image;
  }
  if (const std::string twice = RepeatedChild(root.child("size"), {"width", "height"}); !twice.empty()) {
    image.errors.push_back(absl::StrCat(file, ": <", twice, "> stands twice in <size>"));
    return image;
  }
  image.declared_width = ReadSize(root.child("size"), "width");
  image.declared_height = ReadSize(root.child("size"), "height");
  ReadAttributes(root, &image.attributes);
  for (const pugi::xml_node& object : root.children("object")) {
    AnnotatedFace face;
    face.place = PlaceOf(xml, file, object);
    std::array<double, 4> corners;
    std::string error;
    if (const std::string twice = RepeatedChild(object, {"bndbox", "name", "difficult"}); !twice.empty()) {
      image.errors.push_back(
          absl::StrCat(face.place, ": <", twice, "> stands twice in one <object>; give each face its own"));
      continue;
    }
    const pugi::xml_node box = object.child("bndbox");
    if (const std::string twice = RepeatedChild(box, {"xmin", "ymin", "xmax", "ymax"}); !twice.empty()) {
      image.errors.push_back(absl::StrCat(face.place, ": <", twice, "> stands twice in one <bndbox>"));
      continue;
    }
    if (!ReadCorners(box, face.place, &corners, &error)) {
      image.errors.push_back(error);
      continue;
    }
    const double pixel = boxes == VocBoxes::kPixels ? 1 : 0;
    face.x = corners[0] - pixel;
    face.y = corners[1] - pixel;
    face.w = corners[2] - corners[0] + pixel;
    face.h = corners[3] - corners[1] + pixel;
    face.class_name = Text(object.child("name"));
    if (!ReadDifficult(object, &face, &error)) {
      image.errors.push_back(error);
      continue;
    }
    ReadFlags(object, &face);
    ReadAttributes(object, &face.attributes);
    image.faces.push_back(std::move(face));
  }
  return image;
}

std::string VocImages(const std::string& path) {
  std::error_code ignored;
  // The empty part makes parent_path() the folder itself.
  const fs::path folder = (fs::is_directory(path, ignored) ? fs::path(path) / "" : fs::path(path)).parent_path();
  const fs::path images = folder.parent_path() / kImages;
  if (folder.filename() == kAnnotations && fs::is_directory(images, ignored)) return images.string();
  return folder.empty() ? "." : folder.string();
}

absl::StatusOr<std::unique_ptr<AnnotationSource>> OpenVoc(const std::string& path, VocBoxes boxes) {
  std::error_code ignored;
  if (fs::is_regular_file(path, ignored)) {
    const fs::path file(path);
    return std::make_unique<VocSource>(file.parent_path().string(), std::vector<std::string>{file.filename().string()},
                                       boxes);
  }
  ASSIGN_OR_RETURN(std::vector<std::string> files, FilesUnder(path, {".xml"}));
  if (files.empty()) {
    return absl::NotFoundError(absl::StrCat(path, ": holds no *.xml; give the folder of the VOC annotations"));
  }
  return std::make_unique<VocSource>(path, std::move(files), boxes);
}

}  // namespace hardface::data
