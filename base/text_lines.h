// Fast reading of the text forms in which detections are passed around: lines of numbers between blanks.
#ifndef HARDFACE_BASE_TEXT_LINES_H_
#define HARDFACE_BASE_TEXT_LINES_H_

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace hardface {

// TEXT without the byte-order mark that some editors, spreadsheets and shells of Windows put before UTF-8.
inline absl::string_view WithoutByteOrderMark(absl::string_view text) {
  return absl::StripPrefix(text, "\xef\xbb\xbf");
}

// Walks over a text's lines; "\n" and "\r\n" end them, and a byte-order mark before the first is passed over. Example:
//   while (lines.Next()) Use(lines.line(), lines.number());
class TextLines {
 public:
  explicit TextLines(absl::string_view text) : rest_(WithoutByteOrderMark(text)) {}

  // False behind the last line.
  bool Next() {
    if (rest_.empty()) return false;
    const void* end = std::memchr(rest_.data(), '\n', rest_.size());
    const size_t length = end == nullptr ? rest_.size() : static_cast<const char*>(end) - rest_.data();
    line_ = rest_.substr(0, length);
    rest_.remove_prefix(end == nullptr ? length : length + 1);
    if (!line_.empty() && line_.back() == '\r') line_.remove_suffix(1);
    ++number_;
    return true;
  }
  // As Next(), passing over lines of blanks.
  bool NextFilled() {
    while (Next()) {
      if (!absl::StripAsciiWhitespace(line_).empty()) return true;
    }
    return false;
  }

  absl::string_view line() const { return line_; }
  int64_t number() const { return number_; }  // of line(), from 1

 private:
  absl::string_view rest_;
  absl::string_view line_;
  int64_t number_ = 0;
};

// Takes a word off the front of LINE; empty at its end.
inline absl::string_view TakeWord(absl::string_view* line) {
  size_t begin = 0;
  while (begin < line->size() && absl::ascii_isspace((*line)[begin])) ++begin;
  size_t end = begin;
  while (end < line->size() && !absl::ascii_isspace((*line)[end])) ++end;
  const absl::string_view word = line->substr(begin, end - begin);
  line->remove_prefix(end);
  return word;
}

// The whole of WORD as a finite number, rounded correctly; false for "12a", "", " 1", "nan".
inline bool ParseNumber(absl::string_view word, double* number) {
  // std::from_chars knows no plus sign.
  if (word.size() > 1 && word[0] == '+' && word[1] != '-') word.remove_prefix(1);
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), *number);
  return error == std::errc() && end == word.data() + word.size() && std::isfinite(*number);
}

// The first COUNT words of LINE as finite numbers; more may follow.
inline bool TakeNumbers(absl::string_view* line, int count, double* numbers) {
  for (int i = 0; i < count; ++i) {
    if (!ParseNumber(TakeWord(line), &numbers[i])) return false;
  }
  return true;
}

}  // namespace hardface

#endif  // HARDFACE_BASE_TEXT_LINES_H_
