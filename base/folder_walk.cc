#include "base/folder_walk.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/broken_link.h"
#include "base/file_id.h"
#include "base/status_macros.h"

namespace hardface {
namespace {

namespace fs = std::filesystem;

bool IsPassedOver(const std::string& name) { return name[0] == '.' || name == "@eaDir"; }

class Walk {
 public:
  Walk(std::string folder, const std::vector<std::string>& endings, std::vector<std::string>* not_files)
      : root_(std::move(folder)), endings_(endings), not_files_(not_files) {}

  // Real folders first: what lies in the tree under its own name is found under that name, whatever links lead to it.
  absl::StatusOr<std::vector<std::string>> Run() {
    RETURN_IF_ERROR(Enter(""));
    while (!links_.empty()) {
      // The first in order, whatever the file system's order was.
      const std::string link = *links_.begin();
      links_.erase(links_.begin());
      RETURN_IF_ERROR(Enter(link));
    }
    std::sort(files_.begin(), files_.end());
    if (not_files_ != nullptr) std::sort(not_files_->begin(), not_files_->end());
    return std::move(files_);
  }

 private:
  std::string PathOf(const std::string& relative) const {
    return relative.empty() ? root_ : (fs::path(root_) / relative).string();
  }

  absl::Status Error(const std::string& path, const std::string& reason) const {
    return absl::NotFoundError(absl::StrCat(path, ": cannot list this folder: ", reason, BrokenLink(path)));
  }

  // Lists FOLDER and the real folders below it, without recursion: trees may be deeper than the stack.
  absl::Status Enter(const std::string& folder) {
    std::deque<std::string> waiting = {folder};
    for (; !waiting.empty(); waiting.pop_front()) {
      const std::string path = PathOf(waiting.front());
      const FileId id = FileIdOf(path);
      if (!id.known()) return Error(path, std::strerror(errno));
      if (!entered_.insert(id).second) continue;
      RETURN_IF_ERROR(List(waiting.front(), &waiting));
    }
    return absl::OkStatus();
  }

  absl::Status List(const std::string& folder, std::deque<std::string>* folders) {
    std::error_code error;
    fs::directory_iterator entry(PathOf(folder), error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
      const std::string name = entry->path().filename().string();
      if (!IsPassedOver(name)) Sort(*entry, folder.empty() ? name : absl::StrCat(folder, "/", name), folders);
    }
    return error ? Error(PathOf(folder), error.message()) : absl::OkStatus();
  }

  void Sort(const fs::directory_entry& entry, const std::string& relative, std::deque<std::string>* folders) {
    std::error_code ignored;
    const fs::file_status status = entry.status(ignored);
    const bool is_folder = status.type() == fs::file_type::directory;
    const bool leads_nowhere = status.type() == fs::file_type::not_found;
    const bool is_file = status.type() == fs::file_type::regular || leads_nowhere;
    if (is_folder) entry.is_symlink(ignored) ? (void)links_.insert(relative) : folders->push_back(relative);
    if (!HasEnding(relative, endings_)) return;
    if (!is_folder) files_.push_back(relative);
    if (!is_file && not_files_ != nullptr) not_files_->push_back(relative);
  }

  const std::string root_;
  const std::vector<std::string>& endings_;
  std::vector<std::string>* const not_files_;
  std::set<FileId> entered_;
  std::set<std::string> links_;
  std::vector<std::string> files_;
};

}  // namespace

absl::StatusOr<std::vector<std::string>> FilesUnder(const std::string& folder, const std::vector<std::string>& endings,
                                                    std::vector<std::string>* not_files) {
  return Walk(folder, endings, not_files).Run();
}

bool HasEnding(absl::string_view name, const std::vector<std::string>& endings) {
  return std::any_of(endings.begin(), endings.end(),
                     [name](const std::string& ending) { return absl::EndsWithIgnoreCase(name, ending); });
}

}  // namespace hardface
