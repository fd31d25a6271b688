#include "train/data/epoch_plan.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "train/data/random_stream.h"

namespace hardface::train {
namespace {

// Reorders so that runs of GROUP entries share an orientation; each orientation's own order stays. What fills no group
// comes last.
std::vector<int64_t> GroupByAspect(const std::vector<data::DatasetEntry>& entries, const std::vector<int64_t>& order,
                                   int group) {
  std::vector<int64_t> grouped, waiting[2];
  grouped.reserve(order.size());
  for (const int64_t index : order) {
    const data::DatasetEntry& entry = entries[static_cast<size_t>(index)];
    std::vector<int64_t>& same = waiting[entry.width >= entry.height ? 0 : 1];
    same.push_back(index);
    if (static_cast<int>(same.size()) < group) continue;
    grouped.insert(grouped.end(), same.begin(), same.end());
    same.clear();
  }
  for (const auto& rest : waiting) grouped.insert(grouped.end(), rest.begin(), rest.end());
  return grouped;
}

}  // namespace

std::vector<int64_t> PlanEpoch(const std::vector<data::DatasetEntry>& entries,
                               const std::vector<mining::LedgerEntry>& ledger, int64_t epoch,
                               const EpochOptions& options) {
  Random mining({options.seed, kMiningStream, static_cast<uint64_t>(epoch)});
  std::vector<int64_t> order;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (options.hard_image_mining && !mining::KeepInEpoch(ledger[i], options.mining, &mining)) continue;
    order.push_back(static_cast<int64_t>(i));
  }
  Random shuffling({options.seed, kShuffleStream, static_cast<uint64_t>(epoch)});
  shuffling.Shuffle(order);
  return options.aspect_group > 1 ? GroupByAspect(entries, order, options.aspect_group) : order;
}

absl::Status CheckSomeAreKept(const std::vector<mining::LedgerEntry>& ledger, const EpochOptions& options) {
  if (!options.hard_image_mining) return absl::OkStatus();
  int64_t easy = 0;
  for (const mining::LedgerEntry& entry : ledger) {
    if (!mining::IsNeverKept(entry, options.mining)) return absl::OkStatus();
    easy += mining::IsEasy(entry, options.mining);
  }
  const auto all = static_cast<int64_t>(ledger.size());
  std::string why;
  if (easy > 0) {
    absl::StrAppend(&why, easy, " are easy, of which --him_drop=", options.mining.drop, " leaves out all. ");
  }
  if (easy < all) {
    absl::StrAppend(&why, all - easy,
                    " have been visited and never showed a face that an anchor fits (a positive anchor), and "
                    "--him_without_positives=leave_out never samples such images again. ");
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "hard image mining leaves out all ", all, " entries of the dataset, so that nothing is left to train on: ", why,
      "Train with --him_without_positives=keep, or with other sizes (--short_sides, --crops) if the faces come out too "
      "small or too large for the detector's anchors; data_tools:stats shows the faces' sizes"));
}

}  // namespace hardface::train
