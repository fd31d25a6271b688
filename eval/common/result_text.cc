#include "eval/common/result_text.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/text_file.h"
#include "base/text_lines.h"
#include "eval/common/name_index.h"

namespace hardface::eval {
namespace {

constexpr double kMaxBoxesPerImage = 1'000'000;

std::string Quote(absl::string_view line) { return absl::StrCat("\"", line.substr(0, 60), "\""); }

absl::Status Bad(const std::string& place, int64_t line, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(place, ":", line, ": ", what));
}

// Takes the two lines before the boxes.
absl::StatusOr<size_t> ParseHead(const std::string& place, TextLines* lines, std::string* image) {
  if (!lines->Next()) return Bad(place, 1, "is empty; expected the image's name, a count and x y w h score lines");
  *image = std::string(absl::StripAsciiWhitespace(lines->line()));
  if (!lines->Next()) return Bad(place, 2, "ends behind its first line; expected the number of boxes there");
  absl::string_view line = lines->line();
  double count;
  // Nothing may stand behind the number: YOLO's rows, which begin with a class, would pass for "0 boxes".
  if (!ParseNumber(TakeWord(&line), &count) || !TakeWord(&line).empty() || count < 0 ||
      count != static_cast<double>(static_cast<int64_t>(count))) {
    return Bad(place, 2,
               absl::StrCat("expected the number of boxes, got ", Quote(lines->line()),
                            "; line 1 is the image's name, line 2 that number, and each further line x y w h score"));
  }
  if (count > kMaxBoxesPerImage) {
    return Bad(place, 2,
               absl::StrCat(count, " boxes in one image; at most ", kMaxBoxesPerImage,
                            " are taken: raise the detector's score threshold"));
  }
  return static_cast<size_t>(count);
}

// "0--Parade/one.jpg" -> "one"
absl::string_view FileName(absl::string_view path) {
  return WithoutImageExtension(path.substr(path.rfind('/') + 1));  // npos + 1 is 0
}

// Keeps the first line for which a finding holds.
void NoteFirst(bool found, int64_t line, int64_t* first) {
  if (found && *first == 0) *first = line;
}

}  // namespace

absl::StatusOr<ParsedResultFile> ParseResultText(absl::string_view text, const std::string& place) {
  RETURN_IF_ERROR(CheckIsUtf8Text(text, place));
  TextLines lines(text);
  ParsedResultFile file;
  ASSIGN_OR_RETURN(const size_t count, ParseHead(place, &lines, &file.image));
  file.boxes.reserve(std::min(count, text.size() / 10 + 1));  // a box takes ten characters at least
  double n[5];
  while (file.boxes.size() < count) {
    if (!lines.NextFilled()) {
      return Bad(place, lines.number() + 1,
                 absl::StrCat("the file ends after ", file.boxes.size(), " boxes; line 2 announces ", count));
    }
    absl::string_view line = lines.line();
    if (!TakeNumbers(&line, 5, n)) {
      return Bad(place, lines.number(), absl::StrCat("expected x y w h score, finite, got ", Quote(lines.line())));
    }
    NoteFirst(!(n[2] > 0 && n[3] > 0), lines.number(), &file.bad_extent_line);
    NoteFirst(n[2] < 0 || n[3] < 0, lines.number(), &file.negative_extent_line);
    file.boxes.push_back({n[0], n[1], n[2], n[3], n[4], lines.number()});
  }
  if (lines.NextFilled()) file.extra_line = lines.number();
  return file;
}

void NoteFindings(const ParsedResultFile& file, const std::string& place, absl::string_view image,
                  LayoutReport* layout) {
  if (FileName(file.image) != FileName(image)) {
    layout->Add("files whose first line names another image", absl::StrCat(place, ":1 (", Quote(file.image), ")"),
                "taken as the results of the image that the file is named after; were two files swapped?");
  }
  if (file.extra_line > 0) {
    layout->Add("files with more lines than they announce", absl::StrCat(place, ":", file.extra_line),
                "only as many boxes as line 2 says are taken, as the official tool does");
  }
  if (file.bad_extent_line > 0) {
    layout->Add("files with boxes of no extent", absl::StrCat(place, ":", file.bad_extent_line),
                "width or height is not above 0");
  }
}

}  // namespace hardface::eval
