#include "model/cuda/plan_cache.h"

#include <cstdlib>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "data_tools/base/atomic_output.h"
#include "data_tools/base/check.h"
#include "data_tools/base/status_macros.h"

namespace hardface {
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

absl::StatusOr<PlanCache> PlanCache::Open(const std::string& path) {
  PlanCache cache;
  cache.path_ = path;
  if (path.empty()) return cache;
  ASSIGN_OR_RETURN(cache.choices_, Read(path));
  return cache;
}

std::optional<std::string> PlanCache::Find(const std::string& key) const {
  const auto found = choices_.find(key);
  if (found == choices_.end()) return std::nullopt;
  return found->second;
}

absl::Status PlanCache::Insert(const std::string& key, const std::string& choice) {
  HARDFACE_CHECK(key.find_first_of("\t\n") == std::string::npos && choice.find_first_of("\t\n") == std::string::npos);
  choices_[key] = choice;
  if (path_.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const auto others, Read(path_));
  choices_.insert(others.begin(), others.end());  // ours stay where both have a key
  std::string text(kHeader);
  for (const auto& [known, value] : choices_) absl::StrAppend(&text, known, "\t", value, "\n");
  return WriteFileAtomically(path_, text);
}

std::string PlanCache::DefaultPath() {
  const char* const cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && *cache != '\0') return absl::StrCat(cache, "/hardface/cudnn_plans.txt");
  const char* const home = std::getenv("HOME");
  return home == nullptr || *home == '\0' ? "" : absl::StrCat(home, "/.cache/hardface/cudnn_plans.txt");
}

}  // namespace hardface
