#include "data_tools/dataset/flip_dataset.h"

#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "base/parallel.h"
#include "base/paths.h"
#include "base/progress.h"
#include "base/provenance.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/dataset/relocate.h"
#include "data_tools/images/mirror_image.h"

namespace hardface::data {
namespace {

namespace fs = std::filesystem;

// Entries worked on at once.
constexpr size_t kBatch = 256;

// Names the mirrored files under the output, each once.
class FlippedNames {
 public:
  // The image's path, which must not lead out of the folder; where another file has or may get that name, a number
  // stands before the extension ("a~2.jpg"). Depends on the images that came before only.
  std::string Next(const std::string& image) {
    const fs::path plain = fs::path("flipped") / PathInside(image);
    fs::path name = plain;
    for (int number = 2; !Claim(name.string()); ++number) {
      name.replace_filename(absl::StrCat(plain.stem().string(), "~", number, plain.extension().string()));
    }
    if (name != fs::path("flipped") / fs::path(image).lexically_normal() && renamed_++ == 0) {
      first_renamed_ = absl::StrCat(image, " became ", name.string());
    }
    return name.string();
  }

  // What to tell the user of files that are not called as their images are; empty where there are none.
  std::string Renamed() const {
    return renamed_ == 0 ? "" : absl::StrCat(renamed_, " mirrored files have other names, the first: ", first_renamed_);
  }

 private:
  // A file may become NAME or, as a PNG, NAME.png (mirror_image.h): both must be free. Hashes keep the set small; two
  // names of one hash only cost a number that was not needed.
  bool Claim(const std::string& name) {
    const uint64_t as_is = HashText(name), as_png = HashText(name + ".png");
    if (taken_.contains(as_is) || taken_.contains(as_png)) return false;
    taken_.insert(as_is);
    taken_.insert(as_png);
    return true;
  }

  absl::flat_hash_set<uint64_t> taken_;
  int64_t renamed_ = 0;
  std::string first_renamed_;
};

class Flipper {
 public:
  Flipper(const FlipOptions& options, const DatasetReader& reader, DatasetWriter* writer)
      : options_(options), reader_(reader), writer_(*writer), relocator_(reader, options.output) {}

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

  std::string Renamed() const { return names_.Renamed(); }

 private:
  absl::Status WriteOriginal(DatasetEntry entry) {
    if (options_.materialize) entry.image = relocator_.Image(entry);
    return writer_.Write(entry);
  }

  absl::Status Materialize(const std::vector<DatasetEntry>& entries, std::vector<DatasetEntry>* mirrored) {
    std::vector<absl::Status> results(entries.size());
    std::vector<std::string> names(entries.size());
    for (size_t i = 0; i < entries.size(); ++i) names[i] = names_.Next(entries[i].image);
    ParallelFor(static_cast<int64_t>(entries.size()), options_.threads,
                [&](int64_t i) { results[i] = MaterializeOne(entries[i], names[i], &(*mirrored)[i]); });
    for (const absl::Status& result : results) RETURN_IF_ERROR(result);
    return absl::OkStatus();
  }

  absl::Status MaterializeOne(const DatasetEntry& entry, const std::string& name, DatasetEntry* mirrored) {
    const std::string folder = writer_.temporary_path();
    ASSIGN_OR_RETURN(const std::string written,
                     MirrorImageFile(reader_.ImagePath(entry), absl::StrCat(folder, "/", name)));
    mirrored->image = written.substr(folder.size() + 1);
    mirrored->flip = false;  // the file itself is mirrored
    return absl::OkStatus();
  }

  const FlipOptions& options_;
  const DatasetReader& reader_;
  DatasetWriter& writer_;
  const Relocator relocator_;
  FlippedNames names_;
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
  ASSIGN_OR_RETURN(const auto writer, DatasetWriter::Create(options.output, header, {options.input}));
  Flipper flipper(options, *reader, writer.get());
  Progress progress("flip", reader->CountEntries(), "images");
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
  return FlipSummary{writer->entries(), writer->faces(), flipper.Renamed()};
}

}  // namespace hardface::data
