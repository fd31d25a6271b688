#include "train/run/training_entries.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace hardface::train {
namespace {

std::string Show(absl::string_view image, bool flip) { return absl::StrCat(image, flip ? " (flipped)" : ""); }

// Image, flip, and how many entries of the same two stood before: manifests should not hold an entry twice, but
// trainings on such ones go on as well.
using EntryKey = std::tuple<absl::string_view, bool, int64_t>;

class KeyMaker {
 public:
  EntryKey Make(absl::string_view image, bool flip) { return {image, flip, seen_[{image, flip}]++}; }

 private:
  absl::flat_hash_map<std::pair<absl::string_view, bool>, int64_t> seen_;
};

bool Counts(const data::Face& face) { return !face.ignore && face.box.w > 0 && face.box.h > 0; }

}  // namespace

absl::Status RequireFaces(const data::Dataset& dataset, int64_t count) {
  int64_t faces = 0;
  const auto all = static_cast<int64_t>(dataset.entries.size());
  const int64_t looked_at = count > 0 ? std::min(count, all) : all;
  for (int64_t i = 0; i < looked_at; ++i) {
    const std::vector<data::Face>& of_entry = dataset.entries[static_cast<size_t>(i)].faces;
    if (std::any_of(of_entry.begin(), of_entry.end(), &Counts)) return absl::OkStatus();
    faces += static_cast<int64_t>(of_entry.size());
  }
  return absl::InvalidArgumentError(
      absl::StrCat(dataset.manifest_path, ": none of its ", count > 0 ? "first " : "", looked_at, " entries has a face",
                   faces == 0 ? "" : absl::StrCat(" that counts: all ", faces, " are ignored or have no area"),
                   ". There is nothing to learn or to measure. Were the labels found when the dataset was imported "
                   "(data_tools:stats counts the faces)?"));
}

absl::StatusOr<std::vector<int64_t>> MapEntries(const std::vector<EntryName>& before,
                                                const std::vector<data::DatasetEntry>& now,
                                                const std::string& checkpoint, const std::string& dataset) {
  absl::flat_hash_map<EntryKey, size_t> index;
  KeyMaker key_before, key_now;
  for (size_t i = 0; i < before.size(); ++i) index.emplace(key_before.Make(before[i].image, before[i].flip), i);
  std::vector<int64_t> places(before.size(), -1);
  int64_t fresh = 0, first_fresh = -1;
  for (size_t i = 0; i < now.size(); ++i) {
    const auto found = index.find(key_now.Make(now[i].image, now[i].flip));
    if (found != index.end()) {
      places[found->second] = static_cast<int64_t>(i);
    } else if (fresh++ == 0) {
      first_fresh = static_cast<int64_t>(i);
    }
  }
  const auto lost = std::count(places.begin(), places.end(), -1);
  if (fresh == 0 && lost == 0) return places;
  std::string what = absl::StrCat(checkpoint, ": was trained on other entries than ", dataset, " has.");
  if (fresh > 0) {
    const data::DatasetEntry& entry = now[static_cast<size_t>(first_fresh)];
    absl::StrAppend(&what, " New entries: ", fresh, ", the first is entry ", first_fresh + 1, ", ",
                    Show(entry.image, entry.flip), ".");
  }
  if (lost > 0) {
    const EntryName& entry = before[static_cast<size_t>(std::find(places.begin(), places.end(), -1) - places.begin())];
    absl::StrAppend(&what, " Missing entries: ", lost, ", the first is ", Show(entry.image, entry.flip), ".");
  }
  return absl::InvalidArgumentError(
      absl::StrCat(what,
                   " Resume on the dataset of this training, or start another one from its weights "
                   "(--init=OUTPUT/model.safetensors and a new --output)"));
}

bool IsSameOrder(const std::vector<int64_t>& places) {
  for (size_t i = 0; i < places.size(); ++i) {
    if (places[i] != static_cast<int64_t>(i)) return false;
  }
  return true;
}

void MoveEntries(const std::vector<int64_t>& places, RankState* state) {
  std::vector<mining::LedgerEntry> moved(state->ledger.size());
  for (size_t i = 0; i < moved.size(); ++i) moved[static_cast<size_t>(places[i])] = state->ledger[i];
  state->ledger = std::move(moved);
  for (int64_t& entry : state->position.order) entry = places[static_cast<size_t>(entry)];
}

}  // namespace hardface::train
