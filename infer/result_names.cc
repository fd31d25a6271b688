#include "infer/result_names.h"

#include <climits>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/check.h"
#include "base/folder_walk.h"
#include "base/paths.h"
#include "base/status_macros.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/formats/yolo_labels.h"
#include "data_tools/images/image_kind.h"
#include "infer/video_frames.h"

namespace hardface::infer {
namespace {

namespace fs = std::filesystem;

// A name with control characters and bytes that are no text made visible.
std::string Quote(absl::string_view name) {
  const std::string text(name);
  return absl::StrCat("\"", data::IsUtf8(text) ? absl::Utf8SafeCEscape(text) : absl::CHexEscape(text), "\"");
}

// How messages name a form.
std::string FlagOf(const std::string& format) {
  return format == kCopies ? "--blur and --pixelate" : absl::StrCat("--format=", format);
}

absl::Status Refuse(const std::string& format, const std::string& image, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(FlagOf(format), ": ", Quote(image), " ", why));
}

bool HasSpace(absl::string_view name) {
  for (const char c : name) {
    if (absl::ascii_isspace(static_cast<unsigned char>(c))) return true;
  }
  return false;
}

absl::Status CheckUtf8(const std::string& format, const std::string& image) {
  if (data::IsUtf8(image)) return absl::OkStatus();
  return Refuse(format, image,
                "is not UTF-8, and this form can hold no other text: rename the file (convmv does whole folders)");
}

// Lines that readers strip of surrounding blanks.
absl::Status CheckLine(const std::string& format, const std::string& image, absl::string_view name) {
  if (name.find_first_of("\n\r") == absl::string_view::npos && name == absl::StripAsciiWhitespace(name)) {
    return absl::OkStatus();
  }
  return Refuse(format, image, "has a line end, or a space at one end, which this form cannot hold: rename the file");
}

// A path in a tree of results.
absl::Status CheckTreePath(const std::string& format, const std::string& image, const std::string& path) {
  RETURN_IF_ERROR(CheckLine(format, image, data::WithoutPictureExtension(fs::path(path).filename().string())));
  for (const fs::path& part : fs::path(path)) {
    if (part.string().size() > NAME_MAX) {
      return Refuse(format, image, "gives a result file whose name is longer than a file's may be: rename the image");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckWider(const std::string& image) {
  const std::string name = WiderName(image);
  RETURN_IF_ERROR(CheckLine("wider", image, fs::path(name).filename().string()));
  RETURN_IF_ERROR(CheckTreePath("wider", image, name + ".txt"));
  if (!name.empty()) return absl::OkStatus();
  return Refuse("wider", image, "leaves nothing of which a result file could be named: name the image by its file");
}

absl::Status CheckFddb(const std::string& image) { return CheckLine("fddb", image, FddbName(image)); }

absl::Status CheckFaceEval(const std::string& image) {
  if (!HasSpace(FaceEvalName(image))) return absl::OkStatus();
  return Refuse("face_eval", image, "has a space in its name, and this form separates by spaces: rename the file");
}

struct Form {
  std::function<std::string(const std::string&)> name;
  std::function<absl::Status(const std::string&)> check;
};

std::string SameName(const std::string& image) { return image; }

const Form& FormOf(const std::string& format) {
  const auto utf8 = [](const char* name) {
    return [name](const std::string& image) { return CheckUtf8(name, image); };
  };
  static const auto* const kForms = new std::map<std::string, Form>{
      {"jsonl", {&SameName, utf8("jsonl")}},
      {"csv", {&SameName, utf8("csv")}},
      {"coco", {&SameName, utf8("coco")}},
      {"tracks", {&SameName, utf8("tracks")}},
      {"wider", {&WiderName, &CheckWider}},
      {"fddb", {&FddbName, &CheckFddb}},
      {"face_eval", {&FaceEvalName, &CheckFaceEval}},
      {"yolo", {&YoloName, [](const std::string& image) { return CheckTreePath("yolo", image, YoloName(image)); }}},
      {kCopies, {&CopyName, [](const std::string& image) { return CheckTreePath(kCopies, image, CopyName(image)); }}},
  };
  const auto found = kForms->find(format);
  HARDFACE_CHECK(found != kForms->end());
  return found->second;
}

// Whether copies of the video NAME are files of its own kind.
bool CopiedAsItIs(absl::string_view name) { return HasEnding(name, {".mp4", ".m4v", ".mov", ".mkv"}); }

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

std::string YoloName(const std::string& image) { return PathInside(data::YoloLabelPath(image), /*up=*/""); }

std::string CopyName(const std::string& image) {
  const std::string inside = PathInside(image, /*up=*/"");
  if (IsVideo(image)) return inside + (CopiedAsItIs(image) ? "" : ".mkv");
  return HasEnding(inside, {".jpg", ".jpeg", ".png"}) ? inside : inside + ".png";
}

std::string FrameName(const std::string& video, int64_t number) {
  return absl::StrCat(video, "/", absl::Dec(number, absl::kZeroPad8));
}

std::string VideoOfFrame(const std::string& name, int64_t* number) {
  const size_t slash = name.rfind('/');
  if (slash == std::string::npos || !IsVideo(name.substr(0, slash))) return "";
  const std::string digits = name.substr(slash + 1);
  const bool frame = digits.size() >= 8 && digits.find_first_not_of("0123456789") == std::string::npos &&
                     absl::SimpleAtoi(digits, number);
  return frame ? name.substr(0, slash) : "";
}

namespace {

std::string NumberedName(int64_t index, const ImageToDetect& image, const std::string& end) {
  const std::string number = absl::StrCat(absl::Dec(index, absl::kZeroPad5), "_");
  const std::string whole_end = image.flip ? "_flip" + end : end;
  const std::string stem = fs::path(image.name).stem().string();
  return number + Cut(stem, NAME_MAX - number.size() - whole_end.size()) + whole_end;
}

}  // namespace

std::string DrawnName(int64_t index, const ImageToDetect& image) { return NumberedName(index, image, ".png"); }

std::string DrawnVideoName(int64_t index, const ImageToDetect& video) {
  return NumberedName(index, video, CopiedAsItIs(video.name) ? fs::path(video.name).extension().string() : ".mkv");
}

std::string CropName(int64_t index, const ImageToDetect& image, int64_t face) {
  return NumberedName(index, image, absl::StrCat("_face", face, ".png"));
}

ResultNames::ResultNames(const std::vector<std::string>& formats) {
  for (const std::string& format : formats) forms_.push_back({format, {}});
}

absl::Status ResultNames::Add(const ImageToDetect& image) {
  for (Names& names : forms_) {
    const bool jsonl = names.format == "jsonl";
    if (image.flip && !jsonl) continue;
    const Form& form = FormOf(names.format);
    RETURN_IF_ERROR(form.check(image.name));
    const std::string name = form.name(image.name);
    const auto [other, is_new] = names.image_by_name.emplace(image.flip ? name + "\n" : name, image.name);
    if (is_new) continue;
    const bool twice = other->second == image.name;
    return Refuse(names.format, image.name,
                  absl::StrCat("and ", Quote(other->second), " would both be called ", Quote(name),
                               twice ? ": remove one of the two entries (data_tools:doctor --repair does)"
                                     : " in the results: rename one, detect them in two runs, or use --format=jsonl"));
  }
  return absl::OkStatus();
}

absl::Status CheckResultNames(const std::vector<ImageToDetect>& images, const std::vector<std::string>& formats) {
  ResultNames names(formats);
  for (const ImageToDetect& image : images) RETURN_IF_ERROR(names.Add(image));
  return absl::OkStatus();
}

}  // namespace hardface::infer
