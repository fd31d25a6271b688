#include "base/text_file.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/broken_link.h"
#include "base/read_file.h"
#include "base/special_file.h"
#include "base/status_macros.h"
#include "base/text_lines.h"

namespace hardface {

absl::Status CheckIsUtf8Text(absl::string_view bytes, absl::string_view place) {
  // UTF-32's little-endian mark begins with that of UTF-16.
  const bool utf16 = absl::StartsWith(bytes, "\xff\xfe") || absl::StartsWith(bytes, "\xfe\xff");
  const bool utf32 = absl::StartsWith(bytes, absl::string_view("\0\0\xfe\xff", 4));
  if (!utf16 && !utf32) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      place,
      ": is text in UTF-16 or UTF-32, as its byte-order mark shows. Save it as UTF-8 (iconv -f UTF-16 -t UTF-8)"));
}

namespace {

absl::StatusOr<std::string> CleanText(absl::StatusOr<std::string> text, const std::string& path) {
  RETURN_IF_ERROR(text.status());
  RETURN_IF_ERROR(CheckIsUtf8Text(*text, path));
  text->erase(0, text->size() - WithoutByteOrderMark(*text).size());
  return text;
}

}  // namespace

absl::StatusOr<std::string> ReadTextFile(const std::string& path) { return CleanText(ReadFile(path), path); }

absl::StatusOr<std::string> ReadTextFileOrPipe(const std::string& path) {
  return CleanText(ReadFileOrPipe(path), path);
}

absl::StatusOr<std::unique_ptr<LineReader>> LineReader::Open(const std::string& path, absl::string_view hint) {
  std::unique_ptr<LineReader> reader(new LineReader(path));
  RETURN_IF_ERROR(CheckIsFile(path, hint));
  reader->stream_.open(path, std::ios::binary);
  if (!reader->stream_) return absl::NotFoundError(absl::StrCat(path, ": cannot read", BrokenLink(path), "; ", hint));
  return reader;
}

absl::Status LineReader::CleanFirstLine() {
  RETURN_IF_ERROR(CheckIsUtf8Text(line_, path_));
  line_.erase(0, line_.size() - WithoutByteOrderMark(line_).size());
  return absl::OkStatus();
}

absl::StatusOr<bool> LineReader::Next() {
  do {
    if (!std::getline(stream_, line_)) {
      if (stream_.bad()) return absl::InternalError(absl::StrCat(place(), ": read failed"));
      return false;
    }
    complete_ = !stream_.eof();
    if (++number_ == 1) RETURN_IF_ERROR(CleanFirstLine());
    if (!line_.empty() && line_.back() == '\r') line_.pop_back();
  } while (line_.empty());
  return true;
}

std::string LineReader::place() const { return absl::StrCat(path_, ":", number_); }

}  // namespace hardface
