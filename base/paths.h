// Questions about paths that users give. std::filesystem's plain forms throw for names that are too long and for
// folders that may not be entered; here the answer then is no, and opening the file gives the error.
#ifndef HARDFACE_BASE_PATHS_H_
#define HARDFACE_BASE_PATHS_H_

#include <filesystem>
#include <string>
#include <system_error>

namespace hardface {

inline bool IsFolder(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored);
}

inline bool IsThere(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

// PATH itself, or the file NAME of the folder PATH.
inline std::string FileOrInFolder(const std::string& path, const std::string& name) {
  return IsFolder(path) ? path + "/" + name : path;
}

}  // namespace hardface

#endif  // HARDFACE_BASE_PATHS_H_
