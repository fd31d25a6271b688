#include "base/broken_link.h"

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace hardface {
namespace {

namespace fs = std::filesystem;

bool LeadsNowhere(const fs::path& path) {
  std::error_code error;
  if (fs::symlink_status(path, error).type() != fs::file_type::symlink) return false;
  const fs::file_status behind = fs::status(path, error);
  // Of links in a circle the type is not known; the system's own message tells them.
  return behind.type() == fs::file_type::not_found;
}

std::string FirstBrokenLink(const std::string& path) {
  std::error_code unknown;
  if (fs::exists(path, unknown)) return "";  // one look for the many paths that are there
  fs::path way;
  for (const fs::path& part : fs::path(path)) {
    way /= part;
    if (!LeadsNowhere(way)) continue;
    std::error_code error;
    const fs::path target = fs::read_symlink(way, error);
    if (error) return "";
    return absl::StrCat(" (", way.string(), " is a link to ", target.string(), ", and nothing is there)");
  }
  return "";
}

}  // namespace

std::string BrokenLink(const std::string& path) {
  const int before = errno;
  std::string text = FirstBrokenLink(path);
  errno = before;
  return text;
}

}  // namespace hardface
