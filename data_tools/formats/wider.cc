#include "data_tools/formats/wider.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "base/text_file.h"
#include "base/text_lines.h"

namespace hardface::data {
namespace {

constexpr const char* kAttributes[] = {"blur", "expression", "illumination", "invalid", "occlusion", "pose"};

std::vector<std::string> Fields(const std::string& line) {
  return absl::StrSplit(line, absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
}

bool IsZeros(const std::string& line) {
  const std::vector<std::string> fields = Fields(line);
  return fields.size() >= 4 && std::all_of(fields.begin(), fields.end(), [](const std::string& f) { return f == "0"; });
}

// Names the image of the next record; paths hold letters, rows of numbers do not.
bool IsImageName(const std::string& line) { return HasImageExtension(line); }

// Numbers only, and more of them than a count: a face, where the next image's name should stand.
bool IsFaceRow(const std::string& line) {
  const std::vector<std::string> fields = Fields(line);
  double number = 0;
  return fields.size() > 1 &&
         std::all_of(fields.begin(), fields.end(), [&number](const std::string& f) { return ParseNumber(f, &number); });
}

// False with *error set on a row that is no face.
bool ParseFace(const std::string& line, const std::string& place, AnnotatedFace* face, std::string* error) {
  const std::vector<std::string> fields = Fields(line);
  if (fields.size() != 4 && fields.size() != 10) {
    *error = absl::StrCat(place, ": ", fields.size(),
                          " numbers; expected \"x y w h\" and perhaps \"blur expression illumination invalid "
                          "occlusion pose\", got \"",
                          line.substr(0, 80), "\"");
    return false;
  }
  double values[10];
  for (size_t i = 0; i < fields.size(); ++i) {
    if (ParseNumber(fields[i], &values[i])) continue;
    *error = absl::StrCat(place, ": \"", fields[i].substr(0, 80), "\" is not a number");
    return false;
  }
  face->place = place;
  face->x = values[0];
  face->y = values[1];
  face->w = values[2];
  face->h = values[3];
  if (fields.size() == 4) return true;
  for (int i = 0; i < 6; ++i) face->attributes[kAttributes[i]] = NumberToJson(values[4 + i]);
  // Another value is a sign of other columns than these.
  if (!ParseBoolean(fields[7], &face->ignore)) {
    *error = absl::StrCat(place, ": the eighth number, the flag \"invalid\", is ", fields[7].substr(0, 80),
                          "; expected 0 or 1");
    return false;
  }
  return true;
}

class WiderSource : public AnnotationSource {
 public:
  explicit WiderSource(std::string path) : path_(std::move(path)), stream_(path_) {}

  bool good() const { return stream_.good(); }
  std::vector<std::string> inputs() const override { return {path_}; }

  absl::StatusOr<bool> Next(AnnotatedImage* image) override {
    std::string name;
    do {
      const bool first = line_number_ == 0;
      if (!ReadLine(&name)) {
        if (stream_.bad()) return absl::InternalError(absl::StrCat(Place(), ": read failed"));
        return false;
      }
      if (first) RETURN_IF_ERROR(CheckIsUtf8Text(name, path_));
    } while (name.empty());
    *image = AnnotatedImage();
    image->place = Place();
    image->candidates = {name};
    const size_t slash = name.find('/');
    if (slash != std::string::npos) image->attributes["event"] = name.substr(0, slash);
    ReadCountAndFaces(image);
    return true;
  }

 private:
  std::string Place() const { return absl::StrCat(path_, ":", line_number_); }

  bool ReadLine(std::string* line) {
    if (has_pending_) {
      *line = std::exchange(pending_, "");
      has_pending_ = false;
    } else if (!std::getline(stream_, *line)) {
      return false;
    }
    ++line_number_;
    *line = std::string(absl::StripAsciiWhitespace(line_number_ == 1 ? WithoutByteOrderMark(*line) : *line));
    return true;
  }

  void PutBack(std::string line) {
    pending_ = std::move(line);
    has_pending_ = true;
    --line_number_;
  }

  void ReadCountAndFaces(AnnotatedImage* image) {
    std::string line;
    int64_t count = 0;
    const bool ended = !ReadLine(&line);
    if (ended || !absl::SimpleAtoi(line, &count) || count < 0) {
      image->errors.push_back(absl::StrCat(
          Place(), ": ", ended ? "the file ends" : absl::StrCat("\"", line.substr(0, 80), "\" stands", " here"),
          " where the number of faces of ", image->candidates[0], " should be"));
      if (!ended && IsImageName(line)) PutBack(line);
      SkipToNextImage();
      return;
    }
    if (count == 0) ReadZeros(image);
    for (int64_t i = 0; i < count; ++i) {
      if (!ReadRow(i, count, image)) return;
    }
    SkipSurplus(count, image);
  }

  // Rows beyond the count: a face would be lost, or the count is another image's.
  void SkipSurplus(int64_t count, AnnotatedImage* image) {
    std::string line;
    bool surplus = false;
    while (ReadLine(&line)) {
      if (!line.empty() && !IsFaceRow(line)) return PutBack(line);
      if (line.empty() || surplus) continue;
      surplus = true;
      image->errors.push_back(
          absl::StrCat(Place(), ": more rows than the ", count, " announced for ", image->candidates[0]));
    }
  }

  // The odd line behind a count of 0; files that leave it out are read too.
  void ReadZeros(AnnotatedImage* image) {
    std::string line;
    if (!ReadLine(&line)) return;
    if (IsZeros(line)) {
      image->placeholder_boxes = 1;
    } else {
      PutBack(line);
    }
  }

  // False when the image ends early.
  bool ReadRow(int64_t row, int64_t count, AnnotatedImage* image) {
    std::string line;
    const bool ended = !ReadLine(&line);
    if (ended || IsImageName(line)) {
      image->errors.push_back(
          absl::StrCat(Place(), ": ", image->candidates[0], " has ", row, " rows of its ", count, " faces"));
      if (!ended) PutBack(line);
      return false;
    }
    if (count == 1 && IsZeros(line)) {
      image->placeholder_boxes = 1;
      return true;
    }
    AnnotatedFace face;
    std::string error;
    if (ParseFace(line, Place(), &face, &error)) {
      image->faces.push_back(std::move(face));
    } else {
      image->errors.push_back(std::move(error));
    }
    return true;
  }

  void SkipToNextImage() {
    std::string line;
    while (ReadLine(&line)) {
      if (!IsImageName(line)) continue;
      PutBack(line);
      return;
    }
  }

  const std::string path_;
  std::ifstream stream_;
  int64_t line_number_ = 0;
  std::string pending_;
  bool has_pending_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<AnnotationSource>> OpenWider(const std::string& path) {
  auto source = std::make_unique<WiderSource>(path);
  std::error_code ignored;
  if (!source->good() || std::filesystem::is_directory(path, ignored)) {
    return absl::NotFoundError(
        absl::StrCat(path, ": cannot read; give the annotation file, such as wider_face_val_bbx_gt.txt"));
  }
  return source;
}

}  // namespace hardface::data
