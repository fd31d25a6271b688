#include "model/cuda/plan_cache.h"

#include <cstdlib>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/atomic_output.h"
#include "base/check.h"
#include "base/read_file.h"
#include "base/status_macros.h"

namespace hardface::model {
namespace {

constexpr absl::string_view kHeader = "hardface.cudnn_plans 1\n";

absl::StatusOr<std::map<std::string, std::string>> Read(const std::string& path) {
  std::map<std::string, std::string> choices;
  ASSIGN_OR_RETURN(const bool exists, PathExists(path));
  if (!exists) return choices;
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  absl::string_view rest = text;
  const bool known = absl::ConsumePrefix(&rest, kHeader);
  int line = 1;
  for (const absl::string_view entry : absl::StrSplit(rest, '\n', absl::SkipEmpty())) {
    ++line;
    const std::vector<std::string> parts = absl::StrSplit(entry, '\t');
    if (!known || parts.size() != 2) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ":", known ? line : 1, ": not a cache of cuDNN plans of this version; delete the file"));
    }
    choices[parts[0]] = parts[1];
  }
  return choices;
}

}  // namespace

absl::StatusOr<std::shared_ptr<PlanCache>> PlanCache::Open(const std::string& path) {
  std::map<std::string, std::string> choices;
  if (!path.empty()) {
    ASSIGN_OR_RETURN(choices, Read(path));
  }
  return std::shared_ptr<PlanCache>(new PlanCache(path, std::move(choices)));
}

absl::StatusOr<std::shared_ptr<PlanCache>> PlanCache::Shared(const std::string& path) {
  static auto* const mutex = new std::mutex;
  static auto* const caches = new std::map<std::string, std::shared_ptr<PlanCache>>;
  const std::lock_guard<std::mutex> lock(*mutex);
  std::shared_ptr<PlanCache>& cache = (*caches)[path];
  if (cache == nullptr) {
    ASSIGN_OR_RETURN(cache, Open(path));
  }
  return cache;
}

std::optional<std::string> PlanCache::Find(const std::string& key) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = choices_.find(key);
  if (found == choices_.end()) return std::nullopt;
  return found->second;
}

absl::StatusOr<std::string> PlanCache::Insert(const std::string& key, const std::string& choice,
                                              const std::optional<std::string>& known) {
  HARDFACE_CHECK(key.find_first_of("\t\n") == std::string::npos && choice.find_first_of("\t\n") == std::string::npos);
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = choices_.find(key);
  if (found != choices_.end() && found->second != known) return found->second;
  choices_[key] = choice;
  if (path_.empty()) return choice;
  ASSIGN_OR_RETURN(const auto others, Read(path_));
  choices_.insert(others.begin(), others.end());  // ours stay where both have a key
  std::string text(kHeader);
  for (const auto& [name, value] : choices_) absl::StrAppend(&text, name, "\t", value, "\n");
  RETURN_IF_ERROR(WriteFileAtomically(path_, text, Replace::kAlways));
  return choice;
}

std::string PlanCache::DefaultPath() {
  const char* const cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && *cache != '\0') return absl::StrCat(cache, "/hardface/cudnn_plans.txt");
  const char* const home = std::getenv("HOME");
  return home == nullptr || *home == '\0' ? "" : absl::StrCat(home, "/.cache/hardface/cudnn_plans.txt");
}

}  // namespace hardface::model
