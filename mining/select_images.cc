#include "mining/select_images.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "base/atomic_output.h"
#include "base/provenance.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "data_tools/dataset/dataset.h"

namespace hardface::mining {

absl::StatusOr<SelectionCounts> SelectImages(const std::string& dataset, const std::string& scores,
                                             const std::string& output, uint64_t seed,
                                             const HardImageOptions& options) {
  ASSIGN_OR_RETURN(const DifficultyTable table, ReadDifficulty(scores));
  ASSIGN_OR_RETURN(const auto reader, data::DatasetReader::Open(dataset));
  RETURN_IF_ERROR(CheckSpares(output, scores));
  ASSIGN_OR_RETURN(const auto writer,
                   data::DatasetWriter::Create(output, data::RebasedHeader(*reader, output), {dataset}));
  Provenance provenance;
  RETURN_IF_ERROR(provenance.AddInput(reader->manifest_path()));
  RETURN_IF_ERROR(provenance.AddInput(scores));
  SelectionCounts counts;
  std::string first;
  data::DatasetEntry entry;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, reader->Next(&entry));
    if (!more) break;
    const auto found = table.find({entry.image, entry.flip});
    const Difficulty* const difficulty = found == table.end() ? nullptr : &found->second;
    if (counts.entries == 0) first = entry.image;
    Random random({seed, HashText(entry.image), entry.flip ? 1u : 0u});
    ++counts.entries;
    counts.easy += IsEasy(difficulty, options);
    counts.unscored += difficulty == nullptr;
    if (!KeepInEpoch(difficulty, options, &random)) continue;
    ++counts.kept;
    RETURN_IF_ERROR(writer->Write(entry));
  }
  counts.unknown = static_cast<int64_t>(table.size()) - (counts.entries - counts.unscored);
  if (counts.unscored == counts.entries && counts.entries > 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        scores, ": has no score of any of the ", counts.entries, " entries of ", dataset, ", whose first is ", first,
        "; give the scores of this dataset (mining:score --dataset=", dataset, ")"));
  }
  if (counts.kept == 0 && counts.entries > 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(scores, ": by these scores none of the ", counts.entries, " entries of ", dataset,
                     " is kept: ", counts.easy, " are easy (--threshold, --drop), ", counts.entries - counts.easy,
                     " have no positive anchor (--without_positives). Nothing would be left to train on"));
  }
  RETURN_IF_ERROR(writer->Commit(provenance));
  return counts;
}

}  // namespace hardface::mining
