// The dataset: a folder with manifest.jsonl, a header line and then one line an image. docs/FORMATS.md is its
// specification. Reader and writer stream: a manifest of any length passes through in constant memory.
#ifndef HARDFACE_DATA_TOOLS_DATASET_DATASET_H_
#define HARDFACE_DATA_TOOLS_DATASET_DATASET_H_

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/atomic_output.h"
#include "base/provenance.h"
#include "base/text_file.h"
#include "data_tools/dataset/box.h"

namespace hardface::data {

inline constexpr int kDatasetVersion = 1;

struct Face {
  Rect box;             // pixels of the image as it lies on disk, or of its mirror image where the entry is flipped
  bool ignore = false;  // counts neither as a face to find nor as a false alarm when found
  // Whatever the source said of it ("blur": 2, "ellipse": [...]); null or an object.
  nlohmann::json attributes = {};
};

// One image. Its identity is (image, flip).
struct DatasetEntry {
  std::string image;  // path relative to the header's image_root, or absolute; read without "./" and "//"
  int width = 0;      // pixels; 0 when not known
  int height = 0;
  bool flip = false;  // the entry stands for the mirror image; `faces` are already mirrored
  std::vector<Face> faces;
  nlohmann::json attributes;  // of the image ("event": "0--Parade"); null or an object
};

struct DatasetHeader {
  // The folder that `image` is relative to: absolute, or relative to the dataset's folder.
  std::string image_root = ".";
};

// Reads a dataset's entries in order. Example:
//   ASSIGN_OR_RETURN(auto reader, DatasetReader::Open("web_faces"));
//   DatasetEntry entry;
//   while (true) { ASSIGN_OR_RETURN(bool more, reader->Next(&entry)); if (!more) break; ... }
class DatasetReader {
 public:
  // PATH is the dataset's folder (or its manifest.jsonl). NotFound when there is none; InvalidArgument when the header
  // is not one of ours or its version is newer than kDatasetVersion.
  static absl::StatusOr<std::unique_ptr<DatasetReader>> Open(const std::string& path);

  const DatasetHeader& header() const { return header_; }
  const std::string& manifest_path() const { return manifest_path_; }

  // False at the end. An error names file, line, key and value.
  absl::StatusOr<bool> Next(DatasetEntry* entry);

  // Where the entry's image lies on this machine.
  std::string ImagePath(const DatasetEntry& entry) const;
  // The folder that relative images start from, as ImagePath sees it.
  const std::string& image_folder() const { return image_folder_; }

  // How many entries the manifest has, by its lines: for showing progress. 0 where they cannot be counted.
  int64_t CountEntries() const;

 private:
  DatasetReader() = default;
  void SetImageFolder(const std::string& dataset_folder);
  // Outputs of the running tool must spare the dataset and its images.
  void ProtectFiles() const;

  std::string image_folder_;
  std::string folder_for_parents_;  // the same, so that ".." behind it means the parent folder
  std::string manifest_path_;
  std::unique_ptr<LineReader> lines_;
  DatasetHeader header_;
};

// Writes a dataset; it appears under its name on Commit() only.
class DatasetWriter {
 public:
  // FOLDER is the output; header.image_root must be right for the finished folder (RebasedHeader below helps).
  // DATASETS are those that the work reads: FOLDER must not replace any of them (CheckSparesDataset).
  static absl::StatusOr<std::unique_ptr<DatasetWriter>> Create(const std::string& folder, const DatasetHeader& header,
                                                               const std::vector<std::string>& datasets = {});

  absl::Status Write(const DatasetEntry& entry);
  // Where files that belong into the dataset's folder (images) are written until Commit().
  const std::string& temporary_path() const { return folder_->temporary_path(); }
  // Writes provenance.json and renames the folder.
  absl::Status Commit(const Provenance& provenance);
  // Several that belong together (AtomicFolder::CommitTogether).
  static absl::Status CommitTogether(const std::vector<DatasetWriter*>& writers, const Provenance& provenance);

  int64_t entries() const { return entries_; }
  int64_t faces() const { return faces_; }

 private:
  DatasetWriter() = default;

  std::unique_ptr<AtomicFolder> folder_;
  std::unique_ptr<AtomicFile> manifest_;
  int64_t entries_ = 0;
  int64_t faces_ = 0;
};

// A whole dataset in memory, for tools that visit it in random order.
struct Dataset {
  std::string manifest_path;
  std::vector<DatasetEntry> entries;
  std::vector<std::string> image_paths;  // of entries, as DatasetReader::ImagePath gives them
};
absl::StatusOr<Dataset> ReadDataset(const std::string& path);

// Whether JSON can hold TEXT as it is. Paths on disk may be any bytes.
bool IsUtf8(const std::string& text);

// One manifest line without the line break, and back. PLACE stands before errors ("manifest.jsonl:7").
std::string EntryToJson(const DatasetEntry& entry);
absl::StatusOr<DatasetEntry> EntryFromJson(absl::string_view line, const std::string& place);

// An error where OUTPUT is or holds something that DATASET consists of, by whatever names: its folder, its image_root,
// or one of its images; or lies in one of these folders. To be asked before any work is done. Reads the manifest where
// OUTPUT exists. (In a tool, opening a dataset is enough: base/output_guard.h.)
absl::Status CheckSparesDataset(const std::string& output, const std::string& dataset);

// How PATH is called in a dataset in NEW_FOLDER: relative to that folder, right also where symbolic links lie on the
// way to either.
std::string RelativeToDataset(const std::string& path, const std::string& new_folder);

// The header for a dataset written to NEW_FOLDER whose images stay where READER finds them: a relative image_root is
// rebased, so that both folders can be moved together; an absolute one stays.
DatasetHeader RebasedHeader(const DatasetReader& reader, const std::string& new_folder);

// The same image mirrored: toggles `flip` and mirrors the boxes. Needs the width.
absl::Status MirrorEntry(DatasetEntry* entry);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_DATASET_DATASET_H_
