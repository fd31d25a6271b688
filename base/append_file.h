// Files that grow while a long run goes on (logs, ledgers) and can be cut back to where a checkpoint left them.
#ifndef HARDFACE_BASE_APPEND_FILE_H_
#define HARDFACE_BASE_APPEND_FILE_H_

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace hardface {

class AppendFile {
 public:
  // Opens PATH (made where it is not there) and cuts it to its first KEEP_BYTES bytes; a shorter file is kept as it is.
  // Errors name the path.
  static absl::StatusOr<std::unique_ptr<AppendFile>> Open(const std::string& path, int64_t keep_bytes);
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  // Readers see whole texts after the next Flush() or Sync().
  absl::Status Append(absl::string_view text);
  absl::Status Flush();
  // Flushes and fsyncs: what was appended outlives a crash of the machine.
  absl::Status Sync();
  // Bytes of the file, those not flushed yet included.
  int64_t size() const { return size_; }

 private:
  AppendFile(std::string path, std::FILE* file, int64_t size);
  absl::Status Error(absl::string_view what) const;

  const std::string path_;
  std::FILE* file_;
  int64_t size_;
};

}  // namespace hardface

#endif  // HARDFACE_BASE_APPEND_FILE_H_
