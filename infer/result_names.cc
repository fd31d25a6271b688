#include "infer/result_names.h"

#include <climits>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <unordered_map>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/paths.h"
#include "base/status_macros.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/images/image_kind.h"

namespace hardface::infer {
namespace {

namespace fs = std::filesystem;

// A name with control characters and bytes that are no text made visible.
std::string Quote(absl::string_view name) {
  const std::string text(name);
  return absl::StrCat("\"", data::IsUtf8(text) ? absl::Utf8SafeCEscape(text) : absl::CHexEscape(text), "\"");
}

absl::Status Refuse(const std::string& format, const std::string& image, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("--format=", format, ": ", Quote(image), " ", why));
}

bool HasSpace(absl::string_view name) {
  for (const char c : name) {
    if (absl::ascii_isspace(static_cast<unsigned char>(c))) return true;
  }
  return false;
}

absl::Status CheckJsonl(const std::string& image) {
  if (data::IsUtf8(image)) return absl::OkStatus();
  return Refuse("jsonl", image,
                "is not UTF-8, and JSON can hold no other text: rename the file (convmv does whole folders)");
}

// Lines that readers strip of surrounding blanks.
absl::Status CheckLine(const std::string& format, const std::string& image, absl::string_view name) {
  if (name.find_first_of("\n\r") == absl::string_view::npos && name == absl::StripAsciiWhitespace(name)) {
    return absl::OkStatus();
  }
  return Refuse(format, image, "has a line end, or a space at one end, which this form cannot hold: rename the file");
}

absl::Status CheckWider(const std::string& image) {
  const std::string name = WiderName(image);
  RETURN_IF_ERROR(CheckLine("wider", image, fs::path(name).filename().string()));
  for (const fs::path& part : fs::path(name + ".txt")) {
    if (part.string().size() > NAME_MAX) {
      return Refuse("wider", image, "gives a result file whose name is longer than a file's may be: rename the image");
    }
  }
  if (!name.empty()) return absl::OkStatus();
  return Refuse("wider", image, "leaves nothing of which a result file could be named: name the image by its file");
}

absl::Status CheckFddb(const std::string& image) { return CheckLine("fddb", image, FddbName(image)); }

absl::Status CheckFaceEval(const std::string& image) {
  if (!HasSpace(FaceEvalName(image))) return absl::OkStatus();
  return Refuse("face_eval", image, "has a space in its name, and this form separates by spaces: rename the file");
}

struct Form {
  const char* format;
  std::function<std::string(const std::string&)> name;
  std::function<absl::Status(const std::string&)> check;
};

const std::vector<Form>& Forms() {
  static const auto* const kForms = new std::vector<Form>{
      {"jsonl", [](const std::string& image) { return image; }, &CheckJsonl},
      {"wider", &WiderName, &CheckWider},
      {"fddb", &FddbName, &CheckFddb},
      {"face_eval", &FaceEvalName, &CheckFaceEval},
  };
  return *kForms;
}

absl::Status CheckForm(const Form& form, const std::vector<ImageToDetect>& images) {
  const bool jsonl = std::string(form.format) == "jsonl";
  std::unordered_map<std::string, const ImageToDetect*> names;
  for (const ImageToDetect& image : images) {
    if (image.flip && !jsonl) continue;
    RETURN_IF_ERROR(form.check(image.name));
    const std::string name = form.name(image.name);
    const auto [other, is_new] = names.emplace(image.flip ? name + "\n" : name, &image);
    if (is_new) continue;
    return Refuse(form.format, image.name,
                  absl::StrCat("and ", Quote(other->second->name), " would both be called ", Quote(name),
                               jsonl ? ": remove one of the two entries (data_tools:doctor --repair does)"
                                     : " in the results: rename one, detect them in two runs, or use --format=jsonl"));
  }
  return absl::OkStatus();
}

// At most BYTES of TEXT, without cutting through a character.
std::string Cut(const std::string& text, size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80) --bytes;
  return text.substr(0, bytes);
}

}  // namespace

std::string WiderName(const std::string& image) { return data::WithoutPictureExtension(PathInside(image, /*up=*/"")); }

std::string FddbName(const std::string& image) { return data::WithoutPictureExtension(image); }

std::string FaceEvalName(const std::string& image) {
  return data::WithoutPictureExtension(fs::path(image).filename().string());
}

std::string DrawnName(int64_t index, const ImageToDetect& image) {
  const std::string number = absl::StrCat(absl::Dec(index, absl::kZeroPad5), "_");
  const std::string end = image.flip ? "_flip.png" : ".png";
  const std::string stem = fs::path(image.name).stem().string();
  return number + Cut(stem, NAME_MAX - number.size() - end.size()) + end;
}

absl::Status CheckResultNames(const std::vector<ImageToDetect>& images, const std::vector<std::string>& formats) {
  for (const Form& form : Forms()) {
    for (const std::string& format : formats) {
      if (format == form.format) RETURN_IF_ERROR(CheckForm(form, images));
    }
  }
  return absl::OkStatus();
}

}  // namespace hardface::infer
