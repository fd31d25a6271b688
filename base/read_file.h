// Whole files, and whether one is there, with errors that name the path.
#ifndef HARDFACE_BASE_READ_FILE_H_
#define HARDFACE_BASE_READ_FILE_H_

#include <string>

#include "absl/status/statusor.h"

namespace hardface {

// The whole content of a file; the error names it. A pipe, a socket or a device (special_file.h) is an error: it would
// be waited for, maybe for ever.
absl::StatusOr<std::string> ReadFile(const std::string& path);

// The same of a path that a user names himself and that is read once: it may be a pipe, such as bash's <(COMMAND).
absl::StatusOr<std::string> ReadFileOrPipe(const std::string& path);

// Whether PATH is there; an error that names it where that cannot be told: no right to look, a name too long.
absl::StatusOr<bool> PathExists(const std::string& path);

}  // namespace hardface

#endif  // HARDFACE_BASE_READ_FILE_H_
