#include "data_tools/formats/export_dataset.h"

#include <filesystem>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/atomic_output.h"
#include "base/progress.h"
#include "base/provenance.h"
#include "base/status_macros.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/formats/annotation_sink.h"

namespace hardface::data {
namespace {

std::unique_ptr<AnnotationSink> MakeSink(ExportFormat format, const std::string& folder, const DatasetReader& reader,
                                         const std::string& output) {
  switch (format) {
    case ExportFormat::kWider:
      return MakeWiderSink(folder);
    case ExportFormat::kVoc:
      return MakeVocSink(folder);
    case ExportFormat::kYolo:
      return MakeYoloSink(folder, RebasedHeader(reader, output).image_root);
    case ExportFormat::kCoco:
      return MakeCocoSink(folder);
  }
  return nullptr;
}

std::string Describe(const Losses& losses) {
  std::vector<std::string> parts;
  for (const auto& [kind, loss] : losses.by_kind()) {
    parts.push_back(absl::StrCat(kind, ": ", loss.count, " (first at ", loss.first, ")"));
  }
  return absl::StrJoin(parts, "; ");
}

// Images whose paths lead out of the images' folder have their files inside the output, under names that the user must
// be told.
absl::Status NoteRenamed(const AnnotationSink& sink, const std::string& folder, ExportSummary* summary) {
  if (sink.renamed_count() == 0) return absl::OkStatus();
  const std::string first = sink.renamed().substr(0, sink.renamed().find('\n'));
  summary->renamed =
      absl::StrCat(sink.renamed_count(), " images have paths that lead out of the images' folder; their files lie in ",
                   "the output under other names (renamed.jsonl), the first: ", first);
  return WriteNewFile(folder + "/renamed.jsonl", sink.renamed());
}

}  // namespace

absl::StatusOr<ExportSummary> ExportDataset(const ExportOptions& options) {
  ASSIGN_OR_RETURN(const auto reader, DatasetReader::Open(options.input));
  RETURN_IF_ERROR(CheckSparesDataset(options.output, options.input));
  ASSIGN_OR_RETURN(const auto folder, AtomicFolder::Create(options.output));
  const auto sink = MakeSink(options.format, folder->temporary_path(), *reader, options.output);
  Progress progress("export", reader->CountEntries(), "images");
  ExportSummary summary;
  DatasetEntry entry;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, reader->Next(&entry));
    if (!more) break;
    if (entry.flip) {
      return absl::InvalidArgumentError(
          absl::StrCat(reader->manifest_path(), ": ", entry.image,
                       " is a mirrored entry; data_tools:flip --materialize writes such images as files"));
    }
    RETURN_IF_ERROR(sink->Write(entry));
    ++summary.images;
    summary.faces += static_cast<int64_t>(entry.faces.size());
    progress.Advance(1);
  }
  RETURN_IF_ERROR(sink->Finish());
  progress.Finish();
  RETURN_IF_ERROR(NoteRenamed(*sink, folder->temporary_path(), &summary));
  summary.losses = Describe(sink->losses());
  if (!summary.losses.empty() && !options.allow_loss) {
    return absl::InvalidArgumentError(
        absl::StrCat(options.input, ": the format cannot express ", summary.losses,
                     ". --allow_loss writes the rest; --format=coco and voc hold nearly everything"));
  }
  Provenance provenance;
  RETURN_IF_ERROR(provenance.AddInput(reader->manifest_path()));
  RETURN_IF_ERROR(provenance.WriteInto(folder->temporary_path()));
  RETURN_IF_ERROR(folder->Commit());
  return summary;
}

}  // namespace hardface::data
