// SHA-256 of files.
#ifndef HARDFACE_BASE_SHA256_H_
#define HARDFACE_BASE_SHA256_H_

#include <string>

#include "absl/status/statusor.h"

namespace hardface {

// SHA-256 of a file's bytes, in hexadecimal.
absl::StatusOr<std::string> HashFile(const std::string& path);

}  // namespace hardface

#endif  // HARDFACE_BASE_SHA256_H_
