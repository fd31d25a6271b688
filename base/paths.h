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

// NAME without the parts that lead nowhere: "./a//b.jpg" -> "a/b.jpg", so that one file has one name. ".." stays:
// behind a link it leads to another place than the text says.
inline std::string PlainName(const std::string& name) {
  if (name.compare(0, 2, "./") != 0 && name.find("/./") == std::string::npos && name.find("//") == std::string::npos) {
    return name;
  }
  std::filesystem::path plain;
  for (const std::filesystem::path& part : std::filesystem::path(name)) {
    if (part != "." && !part.empty()) plain /= part;
  }
  return plain.empty() ? name : plain.string();
}

// "photos/" -> "photos"; "/" stays.
inline std::string WithoutTrailingSlash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

// PATH itself, or the file NAME of the folder PATH.
inline std::string FileOrInFolder(const std::string& path, const std::string& name) {
  return IsFolder(path) ? path + "/" + name : path;
}

// Where a file that is named after PATH belongs below a folder that it must not leave: PATH without root and ".", and
// with UP in place of each leading "..": "../photos/a.jpg" -> "up/photos/a.jpg", "/data/a.jpg" -> "data/a.jpg". Two
// paths may get one name. Empty where nothing is left ("/").
inline std::string PathInside(const std::string& path, const std::string& up = "up") {
  std::filesystem::path inside;
  for (const std::filesystem::path& part : std::filesystem::path(path).lexically_normal().relative_path()) {
    if (part == "..") {
      if (!up.empty()) inside /= up;
    } else if (part != "." && !part.empty()) {
      inside /= part;
    }
  }
  return inside.string();
}

}  // namespace hardface

#endif  // HARDFACE_BASE_PATHS_H_
