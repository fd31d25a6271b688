// Text files as people hand them over. A UTF-8 byte-order mark at the start is passed over; UTF-16 and UTF-32, which
// some programs of Windows write, are an error that says so instead of a complaint about the first line.
#ifndef HARDFACE_BASE_TEXT_FILE_H_
#define HARDFACE_BASE_TEXT_FILE_H_

#include <cstdint>
#include <fstream>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace hardface {

// An error where BYTES start as UTF-16 or UTF-32 text does. PLACE stands before it.
absl::Status CheckIsUtf8Text(absl::string_view bytes, absl::string_view place);

// The whole of a text file without its byte-order mark. The error names the file.
absl::StatusOr<std::string> ReadTextFile(const std::string& path);
// The same of a path that a user names himself and that is read once: it may be a pipe.
absl::StatusOr<std::string> ReadTextFileOrPipe(const std::string& path);

// Reads a text file line by line, however long it is. Example:
//   ASSIGN_OR_RETURN(const auto lines, LineReader::Open(path, "mining:score writes such a file"));
//   while (true) {
//     ASSIGN_OR_RETURN(const bool more, lines->Next());
//     if (!more) break;
//     Use(lines->line(), lines->place());
//   }
class LineReader {
 public:
  // HINT ends the error of a file that cannot be read: what writes such a file.
  static absl::StatusOr<std::unique_ptr<LineReader>> Open(const std::string& path, absl::string_view hint);

  // The next line that is not empty, without "\\n" or "\\r\\n"; false behind the last one.
  absl::StatusOr<bool> Next();

  const std::string& line() const { return line_; }
  int64_t number() const { return number_; }  // of line(), from 1
  std::string place() const;                  // "FILE:LINE"
  // Whether line() ends in a line break. The last line of a file that is still being written does not.
  bool is_complete() const { return complete_; }
  const std::string& path() const { return path_; }

 private:
  explicit LineReader(std::string path) : path_(std::move(path)) {}
  absl::Status CleanFirstLine();

  const std::string path_;
  std::ifstream stream_;
  std::string line_;
  int64_t number_ = 0;
  bool complete_ = true;
};

}  // namespace hardface

#endif  // HARDFACE_BASE_TEXT_FILE_H_
