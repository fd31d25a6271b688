#include "data_tools/flip_dataset.h"

#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "data_tools/base/parallel.h"
#include "data_tools/base/progress.h"
#include "data_tools/base/provenance.h"
#include "data_tools/base/status_macros.h"
#include "data_tools/dataset.h"
#include "data_tools/mirror_image.h"
#include "data_tools/relocate.h"

namespace hardface {
namespace {

namespace fs = std::filesystem;

// Entries worked on at once.
constexpr size_t kBatch = 256;

// Where a mirrored file goes under the output: the image's path, which must not lead out of the folder.
std::string FlippedName(const std::string& image) {
  fs::path name("flipped");
  for (const fs::path& part : fs::path(image).lexically_normal().relative_path()) {
    name /= part == ".." ? fs::path("up") : part;
  }
  return name.string();
}

class Flipper {
 public:
  Flipper(const FlipOptions& options, const DatasetReader& reader, DatasetWriter* writer)
      : options_(options), reader_(reader), writer_(*writer) {}

  absl::Status WriteBoth(const std::vector<DatasetEntry>& entries) {
    std::vector<DatasetEntry> mirrored = entries;
    for (DatasetEntry& entry : mirrored) RETURN_IF_ERROR(MirrorEntry(&entry));
    if (options_.materialize) RETURN_IF_ERROR(Materialize(entries, &mirrored));
    for (size_t i = 0; i < entries.size(); ++i) {
      RETURN_IF_ERROR(WriteOriginal(entries[i]));
      RETURN_IF_ERROR(writer_.Write(mirrored[i]));
    }
    return absl::OkStatus();
  }

 private:
  absl::Status WriteOriginal(DatasetEntry entry) {
    if (options_.materialize) entry.image = RelocatedImage(reader_, entry, options_.output);
    return writer_.Write(entry);
  }

  absl::Status Materialize(const std::vector<DatasetEntry>& entries, std::vector<DatasetEntry>* mirrored) {
    std::vector<absl::Status> results(entries.size());
    ParallelFor(static_cast<int64_t>(entries.size()), options_.threads,
                [&](int64_t i) { results[i] = MaterializeOne(entries[i], &(*mirrored)[i]); });
    for (const absl::Status& result : results) RETURN_IF_ERROR(result);
    return absl::OkStatus();
  }

  absl::Status MaterializeOne(const DatasetEntry& entry, DatasetEntry* mirrored) {
    const std::string folder = writer_.temporary_path();
    ASSIGN_OR_RETURN(const std::string written,
                     MirrorImageFile(reader_.ImagePath(entry), absl::StrCat(folder, "/", FlippedName(entry.image))));
    mirrored->image = written.substr(folder.size() + 1);
    mirrored->flip = false;  // the file itself is mirrored
    return absl::OkStatus();
  }

  const FlipOptions& options_;
  const DatasetReader& reader_;
  DatasetWriter& writer_;
};

// Fills BATCH; empty at the end.
absl::Status ReadBatch(DatasetReader* reader, std::vector<DatasetEntry>* batch) {
  batch->clear();
  while (batch->size() < kBatch) {
    DatasetEntry entry;
    ASSIGN_OR_RETURN(const bool more, reader->Next(&entry));
    if (!more) break;
    if (entry.flip) {
      return absl::InvalidArgumentError(
          absl::StrCat(reader->manifest_path(), ": ", entry.image,
                       " is a mirrored entry already; give the dataset that was not flipped before"));
    }
    batch->push_back(std::move(entry));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<FlipSummary> FlipDataset(const FlipOptions& options) {
  ASSIGN_OR_RETURN(const auto reader, DatasetReader::Open(options.input));
  const DatasetHeader header = options.materialize ? DatasetHeader{"."} : RebasedHeader(*reader, options.output);
  ASSIGN_OR_RETURN(const auto writer, DatasetWriter::Create(options.output, header));
  Flipper flipper(options, *reader, writer.get());
  Progress progress("flip", /*total=*/0, "images");
  std::vector<DatasetEntry> batch;
  while (true) {
    RETURN_IF_ERROR(ReadBatch(reader.get(), &batch));
    if (batch.empty()) break;
    RETURN_IF_ERROR(flipper.WriteBoth(batch));
    progress.Advance(static_cast<int64_t>(batch.size()));
  }
  progress.Finish();
  Provenance provenance;
  RETURN_IF_ERROR(provenance.AddInput(reader->manifest_path()));
  RETURN_IF_ERROR(writer->Commit(provenance));
  return FlipSummary{writer->entries(), writer->faces()};
}

}  // namespace hardface
