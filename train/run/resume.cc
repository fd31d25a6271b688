#include "train/run/resume.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "train/run/training_entries.h"

namespace hardface::train {

absl::StatusOr<std::optional<FoundCheckpoint>> FindCheckpoint(const std::string& output, bool resume,
                                                              Communicator* communicator, const TellFunction& tell) {
  const bool leads = communicator->rank() == 0;
  std::optional<FoundCheckpoint> found;
  if (leads && resume) {
    std::vector<std::string> warnings;
    absl::StatusOr<std::optional<FoundCheckpoint>> newest = LoadNewestCheckpoint(output, &warnings);
    for (const std::string& warning : warnings) tell(warning);
    if (!newest.ok()) return newest.status();
    found = *std::move(newest);
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> folders,
                   communicator->GatherTexts(found.has_value() ? found->folder : ""));
  const std::string& folder = folders[0];
  if (folder.empty()) {
    if (resume) {
      tell(absl::StrCat("--resume is given, but ", output, " holds no checkpoint: training starts at iteration 0"));
    }
    return std::nullopt;
  }
  if (!leads) {
    ASSIGN_OR_RETURN(TrainingState state, LoadCheckpoint(folder));
    found = FoundCheckpoint{folder, std::move(state)};
  }
  return found;
}

absl::Status MapToDataset(const std::string& folder, const NamedDataset& now, const TellFunction& tell,
                          TrainingState* state) {
  const std::vector<data::DatasetEntry>& entries = now.dataset.entries;
  const bool names_entries = !state->entries.empty();
  for (const RankState& of_rank : state->rank_states) {
    const size_t known = names_entries ? state->entries.size() : entries.size();
    if (of_rank.ledger.size() == known) continue;
    return absl::InvalidArgumentError(absl::StrCat(folder, ": was trained on ", of_rank.ledger.size(), " entries, ",
                                                   names_entries ? folder + "/entries.jsonl" : now.name, " has ",
                                                   known));
  }
  if (!names_entries) {
    tell(absl::StrCat(folder, " is of an older hardface and does not name its entries: they are taken for those of ",
                      now.name, " in the same order"));
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const std::vector<int64_t> places, MapEntries(state->entries, entries, folder, now.name));
  if (!IsSameOrder(places)) {
    for (RankState& of_rank : state->rank_states) MoveEntries(places, &of_rank);
    tell(absl::StrCat(
        now.name,
        " has its entries in another order than at the checkpoint: their difficulties and the running epoch "
        "were mapped by image and flip; later epochs are shuffled anew"));
  } else if (state->manifest_sha256 != now.manifest_hash) {
    tell(absl::StrCat(now.dataset.manifest_path,
                      " has changed since the checkpoint, though not in its images: training goes on with the faces, "
                      "sizes and attributes as they are now"));
  }
  return absl::OkStatus();
}

RankState StateOfRank(const TrainingState& state, bool ranks_differ, const Communicator& communicator,
                      const TellFunction& tell) {
  if (state.ranks != communicator.size()) {
    tell(absl::StrCat("the checkpoint was written by ", state.ranks, " ranks, now there are ", communicator.size(),
                      ": training goes on, but not to the same bits unless ranks times passes stay the same"));
  }
  const auto rank = static_cast<size_t>(communicator.rank());
  const bool known = rank < state.rank_states.size();
  RankState mine = state.rank_states[ranks_differ && known ? rank : 0];
  if (ranks_differ && !known) mine.position = {mine.position.epochs_planned, {}, 0, mine.position.samples};
  return mine;
}

}  // namespace hardface::train
