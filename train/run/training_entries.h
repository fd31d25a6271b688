// What a training asks of its dataset: faces to learn from, and, where it goes on from a checkpoint, the entries that
// the checkpoint knows.
#ifndef HARDFACE_TRAIN_RUN_TRAINING_ENTRIES_H_
#define HARDFACE_TRAIN_RUN_TRAINING_ENTRIES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "data_tools/dataset/dataset.h"
#include "train/run/checkpoint.h"

namespace hardface::train {

// An error where none of the dataset's first COUNT entries (0: all) has a face that counts, one of some area that is
// not ignored. Without any there is no positive anchor, and AP is not defined.
absl::Status RequireFaces(const data::Dataset& dataset, int64_t count);

// Of each entry that a checkpoint knows (BEFORE, in its order), the index that the entry has NOW; they are told by
// image and flip. Other entries, more or fewer, are an error that names the first difference. CHECKPOINT and DATASET
// stand in errors.
absl::StatusOr<std::vector<int64_t>> MapEntries(const std::vector<EntryName>& before,
                                                const std::vector<data::DatasetEntry>& now,
                                                const std::string& checkpoint, const std::string& dataset);

// Whether PLACES, as MapEntries gives them, leave every entry where it was.
bool IsSameOrder(const std::vector<int64_t>& places);

// Moves the ledger and the epoch that is being visited to the entries' new PLACES.
void MoveEntries(const std::vector<int64_t>& places, RankState* state);

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_RUN_TRAINING_ENTRIES_H_
