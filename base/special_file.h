// Paths that are neither files nor folders.
#ifndef HARDFACE_BASE_SPECIAL_FILE_H_
#define HARDFACE_BASE_SPECIAL_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace hardface {

// "pipe", "socket" or "device"; "" for files, folders, /dev/null, and where nothing is. What such a thing gave once it
// does not give again, so that it has no hash, and its form cannot be looked at first.
std::string SpecialFileKind(const std::string& path);

// Whether PATH is a device whose bytes have no end (/dev/zero, /dev/urandom) or a whole disk.
bool IsEndless(const std::string& path);

// InvalidArgument where PATH is a pipe, a socket or a device, naming it and its kind.
absl::Status CheckIsNotSpecial(const std::string& path);

// InvalidArgument where PATH is a folder or IsEndless(), naming it and ending with HINT. Nothing is said of a path
// where nothing is.
absl::Status CheckIsFile(const std::string& path, absl::string_view hint = "");

}  // namespace hardface

#endif  // HARDFACE_BASE_SPECIAL_FILE_H_
