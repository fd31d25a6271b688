#include "data_tools/formats/fddb.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/folder_walk.h"
#include "base/status_macros.h"
#include "base/text_file.h"
#include "base/text_lines.h"
#include "data_tools/images/image_kind.h"

namespace hardface::data {
namespace {

namespace fs = std::filesystem;

constexpr char kListEnding[] = "-ellipseList.txt";

// The non-empty lines of a list with their numbers.
class Lines {
 public:
  Lines(absl::string_view text, std::string place) : lines_(absl::StrSplit(text, '\n')), place_(std::move(place)) {
    Skip();
  }
  bool done() const { return next_ == lines_.size(); }
  std::string Peek() const { return std::string(absl::StripAsciiWhitespace(lines_[next_])); }
  std::string Place() const { return absl::StrCat(place_, ":", next_ + 1); }
  void Advance() {
    ++next_;
    Skip();
  }

 private:
  void Skip() {
    while (!done() && absl::StripAsciiWhitespace(lines_[next_]).empty()) ++next_;
  }

  const std::vector<absl::string_view> lines_;
  const std::string place_;
  size_t next_ = 0;
};

// "2002/08/11/big/img_591": a path, unlike counts and rows of numbers.
bool IsImageName(const std::string& line) { return absl::StrContains(line, '/'); }

// Numbers only, and more of them than a count: a face, where the next image's name should stand.
bool IsFaceRow(const std::string& line) {
  const std::vector<std::string> fields = absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
  double number = 0;
  return fields.size() > 1 &&
         std::all_of(fields.begin(), fields.end(), [&number](const std::string& f) { return ParseNumber(f, &number); });
}

bool ParseFace(const std::string& line, const std::string& place, AnnotatedFace* face, std::string* error) {
  const std::vector<std::string> fields = absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
  double v[6] = {};
  if (fields.size() != 5 && fields.size() != 6) {
    *error = absl::StrCat(place, ": ", fields.size(), " numbers; expected \"major minor angle cx cy 1\"");
    return false;
  }
  for (size_t i = 0; i < fields.size(); ++i) {
    if (ParseNumber(fields[i], &v[i])) continue;
    *error = absl::StrCat(place, ": \"", fields[i].substr(0, 80), "\" is not a number");
    return false;
  }
  const Ellipse ellipse{v[0], v[1], v[2], v[3], v[4]};
  if (const std::string fault = EllipseFault(ellipse); !fault.empty()) {
    *error = absl::StrCat(place, ": ", fault);
    return false;
  }
  face->place = place;
  SetEllipse(ellipse, face);
  return true;
}

// Rows beyond the count: a face would be lost, or the count is another image's.
void SkipSurplus(int64_t count, const std::string& name, Lines* lines, AnnotatedImage* image) {
  if (lines->done() || !IsFaceRow(lines->Peek())) return;
  image->errors.push_back(absl::StrCat(lines->Place(), ": more rows than the ", count, " announced for ", name));
  while (!lines->done() && IsFaceRow(lines->Peek())) lines->Advance();
}

AnnotatedImage ParseImage(Lines* lines) {
  AnnotatedImage image;
  image.place = lines->Place();
  const std::string name = lines->Peek();
  for (const std::string& extension : ImageExtensions()) image.candidates.push_back(name + extension);
  lines->Advance();
  int64_t count = 0;
  if (lines->done() || !absl::SimpleAtoi(lines->Peek(), &count) || count < 0) {
    image.errors.push_back(absl::StrCat(lines->Place(), ": the number of faces of ", name, " should be here"));
    while (!lines->done() && !IsImageName(lines->Peek())) lines->Advance();
    return image;
  }
  lines->Advance();
  for (int64_t i = 0; i < count; ++i, lines->Advance()) {
    if (lines->done() || IsImageName(lines->Peek())) {
      image.errors.push_back(absl::StrCat(lines->Place(), ": ", name, " has ", i, " rows of its ", count, " faces"));
      return image;
    }
    AnnotatedFace face;
    std::string error;
    if (ParseFace(lines->Peek(), lines->Place(), &face, &error)) {
      image.faces.push_back(std::move(face));
    } else {
      image.errors.push_back(std::move(error));
    }
  }
  SkipSurplus(count, name, lines, &image);
  return image;
}

absl::StatusOr<std::vector<std::string>> ListsIn(const std::string& path) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) return std::vector<std::string>{path};
  ASSIGN_OR_RETURN(std::vector<std::string> files, FilesUnder(path, {absl::AsciiStrToLower(kListEnding)}));
  if (files.empty()) {
    return absl::NotFoundError(
        absl::StrCat(path, ": holds no *", kListEnding, "; give the folder FDDB-folds or one list"));
  }
  for (std::string& file : files) file = (fs::path(path) / file).string();
  return files;
}

}  // namespace

std::vector<AnnotatedImage> ParseFddbList(absl::string_view text, const std::string& place) {
  Lines lines(WithoutByteOrderMark(text), place);
  std::vector<AnnotatedImage> images;
  while (!lines.done()) images.push_back(ParseImage(&lines));
  return images;
}

absl::StatusOr<std::unique_ptr<AnnotationSource>> OpenFddb(const std::string& path) {
  ASSIGN_OR_RETURN(std::vector<std::string> files, ListsIn(path));
  std::vector<AnnotatedImage> images;
  for (const std::string& file : files) {
    ASSIGN_OR_RETURN(const std::string text, ReadTextFile(file));
    const std::string name = fs::path(file).filename().string();
    for (AnnotatedImage& image : ParseFddbList(text, file)) {
      if (absl::EndsWith(name, kListEnding)) {
        image.attributes["fold"] = name.substr(0, name.size() - sizeof(kListEnding) + 1);
      }
      images.push_back(std::move(image));
    }
  }
  return std::make_unique<VectorSource>(std::move(files), std::move(images));
}

}  // namespace hardface::data
