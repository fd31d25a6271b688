// Writes a dataset in another program's annotation format.
#ifndef HARDFACE_DATA_TOOLS_FORMATS_EXPORT_DATASET_H_
#define HARDFACE_DATA_TOOLS_FORMATS_EXPORT_DATASET_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace hardface::data {

enum class ExportFormat { kWider, kVoc, kYolo, kCoco };

struct ExportOptions {
  std::string input;   // a dataset
  std::string output;  // a folder
  ExportFormat format = ExportFormat::kCoco;
  bool allow_loss = false;  // false: it is an error when the format has no words for something
};

struct ExportSummary {
  int64_t images = 0;
  int64_t faces = 0;
  std::string losses;   // "", or what was left out and how often
  std::string renamed;  // "", or how many files are not called as their images are, and an example
};

// Annotations only: images stay where they are, their paths are written as in the manifest. Mirrored entries are an
// error, for no file holds their pixels.
absl::StatusOr<ExportSummary> ExportDataset(const ExportOptions& options);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_FORMATS_EXPORT_DATASET_H_
