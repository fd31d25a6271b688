#include "train/ranks/communicator.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"

namespace hardface::train {

void WorldOfOne::StartGather(const float* values, int64_t count, float* all) { std::copy_n(values, count, all); }

absl::Status RequireSameOnAllRanks(const std::string& what, const std::string& text, Communicator* communicator) {
  ASSIGN_OR_RETURN(const std::vector<std::string> texts, communicator->GatherTexts(text));
  for (size_t rank = 1; rank < texts.size(); ++rank) {
    if (texts[rank] == texts[0]) continue;
    const std::vector<std::string> ours = absl::StrSplit(texts[0], '\n'), theirs = absl::StrSplit(texts[rank], '\n');
    size_t line = 0;
    while (line < ours.size() && line < theirs.size() && ours[line] == theirs[line]) ++line;
    return absl::InvalidArgumentError(absl::StrCat(
        "the ranks differ in their ", what, ": rank 0 has \"", line < ours.size() ? ours[line] : "", "\", rank ", rank,
        " has \"", line < theirs.size() ? theirs[line] : "", "\"; all ranks must be given the same"));
  }
  return absl::OkStatus();
}

}  // namespace hardface::train
