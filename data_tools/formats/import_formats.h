// The formats that import reads, in one list: its flags' help, its errors and the table of docs/DATA_TOOLS.md all come
// from it or are held against it.
#ifndef HARDFACE_DATA_TOOLS_FORMATS_IMPORT_FORMATS_H_
#define HARDFACE_DATA_TOOLS_FORMATS_IMPORT_FORMATS_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "data_tools/formats/annotation_source.h"
#include "data_tools/formats/csv.h"
#include "data_tools/formats/detections_source.h"
#include "data_tools/formats/voc.h"
#include "data_tools/formats/yolo_rows.h"

namespace hardface::data {

// What the user says; each format takes what it knows.
struct SourceSettings {
  std::string input;
  std::string images;   // a folder; "": not said
  bool pixels = false;  // boxes are in pixels where the format would have fractions
  VocBoxes voc_boxes = VocBoxes::kEdges;
  std::string names;
  YoloRows yolo_rows = YoloRows::kAuto;
  std::vector<std::string> yolo_splits;
  CsvColumns csv;
  AgreementRules agreement;
  std::string annotations, head_points;
};

struct OpenedSource {
  std::unique_ptr<AnnotationSource> source;
  std::string images;  // the folder that the images' paths start from
};

struct ImportFormat {
  std::string name;
  std::string input;               // what --input is; "": the format takes none
  bool needs_images = false;       // --images must be given
  std::vector<std::string> flags;  // of import, that only this format knows
  std::function<absl::StatusOr<OpenedSource>(const SourceSettings&)> open;
};

const std::vector<ImportFormat>& ImportFormats();

// An error that lists the names where there is none of this name.
absl::StatusOr<const ImportFormat*> FindImportFormat(absl::string_view name);

// For help: "wider, wider_mat, ...", and "wider: the file .... wider_mat: ..." of what --input is.
std::string ImportFormatNames();
std::string ImportInputHelp();

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_FORMATS_IMPORT_FORMATS_H_
