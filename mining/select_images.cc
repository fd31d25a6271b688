#include "mining/select_images.h"

#include <optional>
#include <utility>

#include "base/atomic_output.h"
#include "base/provenance.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "data_tools/dataset/dataset.h"

namespace hardface::mining {

absl::StatusOr<SelectionCounts> SelectImages(const std::string& dataset, const std::string& scores,
                                             const std::string& output, uint64_t seed,
                                             const HardImageOptions& options) {
  ASSIGN_OR_RETURN(auto score_reader, DifficultyReader::Open(scores));
  DifficultyLookup lookup(std::move(score_reader));
  ASSIGN_OR_RETURN(const auto reader, data::DatasetReader::Open(dataset));
  RETURN_IF_ERROR(CheckSpares(output, scores));
  ASSIGN_OR_RETURN(const auto writer,
                   data::DatasetWriter::Create(output, data::RebasedHeader(*reader, output), {dataset}));
  Provenance provenance;
  RETURN_IF_ERROR(provenance.AddInput(reader->manifest_path()));
  RETURN_IF_ERROR(provenance.AddInput(scores));
  SelectionCounts counts;
  data::DatasetEntry entry;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, reader->Next(&entry));
    if (!more) break;
    ASSIGN_OR_RETURN(const std::optional<Difficulty> found, lookup.Take(entry.image, entry.flip));
    const Difficulty* difficulty = found.has_value() ? &*found : nullptr;
    Random random({seed, HashText(entry.image), entry.flip ? 1u : 0u});
    ++counts.entries;
    counts.easy += IsEasy(difficulty, options);
    counts.unscored += difficulty == nullptr;
    if (!KeepInEpoch(difficulty, options, &random)) continue;
    ++counts.kept;
    RETURN_IF_ERROR(writer->Write(entry));
  }
  RETURN_IF_ERROR(writer->Commit(provenance));
  return counts;
}

}  // namespace hardface::mining
