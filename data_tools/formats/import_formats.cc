#include "data_tools/formats/import_formats.h"

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/paths.h"
#include "base/status_macros.h"
#include "data_tools/formats/coco.h"
#include "data_tools/formats/fddb.h"
#include "data_tools/formats/mat_annotations.h"
#include "data_tools/formats/negatives.h"
#include "data_tools/formats/odgt.h"
#include "data_tools/formats/retinaface.h"
#include "data_tools/formats/wider.h"
#include "data_tools/formats/yolo.h"

namespace hardface::data {
namespace {

using Opened = absl::StatusOr<OpenedSource>;
using Source = absl::StatusOr<std::unique_ptr<AnnotationSource>>;

// The images are where the user says, else where the annotations are.
std::string ImagesOf(const SourceSettings& settings) {
  if (!settings.images.empty()) return settings.images;
  const std::string folder =
      IsFolder(settings.input) ? settings.input : std::filesystem::path(settings.input).parent_path().string();
  return folder.empty() ? "." : folder;
}

Opened With(Source source, std::string images) {
  if (!source.ok()) return source.status();
  return OpenedSource{*std::move(source), std::move(images)};
}

// A format of one file or folder and no settings.
std::function<Opened(const SourceSettings&)> Plain(Source (*open)(const std::string& input)) {
  return [open](const SourceSettings& settings) { return With(open(settings.input), ImagesOf(settings)); };
}

Opened OpenVocFormat(const SourceSettings& settings) {
  return With(OpenVoc(settings.input, settings.voc_boxes),
              settings.images.empty() ? VocImages(settings.input) : settings.images);
}

Opened OpenYoloFormat(const SourceSettings& settings) {
  YoloOptions options;
  options.labels = settings.input;
  options.images = settings.images;
  options.names = settings.names;
  options.rows = settings.yolo_rows;
  options.splits = settings.yolo_splits;
  options.fractions = !settings.pixels;
  ASSIGN_OR_RETURN(YoloDataSet data_set, OpenYolo(options));
  return OpenedSource{std::move(data_set.source), std::move(data_set.images)};
}

Opened OpenCsvFormat(const SourceSettings& settings) {
  return With(OpenCsv(settings.input, settings.csv), ImagesOf(settings));
}

Opened OpenNegativesFormat(const SourceSettings& settings) {
  return With(OpenNegatives(settings.images), settings.images);
}

Opened OpenDetectionsFormat(const SourceSettings& settings) {
  DetectionsOptions options;
  options.images = settings.images;
  options.files = absl::StrSplit(settings.input, ',');
  options.rules = settings.agreement;
  options.annotations = settings.annotations;
  options.head_points = settings.head_points;
  return With(OpenDetections(options), settings.images);
}

std::vector<ImportFormat> MakeFormats() {
  return {
      {"voc", "folder of Pascal VOC XML files, or one; a whole VOCdevkit", false, {"voc_boxes"}, &OpenVocFormat},
      {"wider", "wider_face_*_bbx_gt.txt", false, {}, Plain(&OpenWider)},
      {"wider_mat", "wider_face_train.mat, wider_face_val.mat", false, {}, Plain(&OpenWiderMat)},
      {"retinaface", "RetinaFace's label.txt", false, {}, Plain(&OpenRetinaFace)},
      {"yolo",
       "folder of label files, a whole data set (train/images, train/labels, ...), or its data.yaml",
       false,
       {"names", "yolo_rows", "yolo_splits"},
       &OpenYoloFormat},
      {"coco", "the JSON file", false, {}, Plain(&OpenCoco)},
      {"odgt", "CrowdHuman's annotation_*.odgt", false, {}, Plain(&OpenOdgt)},
      {"fddb", "folder of *-ellipseList.txt, or one", false, {}, Plain(&OpenFddb)},
      {"face_eval", "AFW's and PASCAL faces' annotations (.mat)", false, {}, Plain(&OpenFaceEvalMat)},
      {"csv",
       "any table with a line of column names",
       false,
       {"csv_image", "csv_box", "csv_corners", "csv_ellipse", "csv_original_size", "csv_class", "csv_ignore",
        "csv_attributes", "csv_image_attributes"},
       &OpenCsvFormat},
      {"detections",
       "one detections.jsonl, or two with a comma between",
       true,
       {"agree_iou", "agree_scores", "doubt_scores", "annotations", "head_points"},
       &OpenDetectionsFormat},
      {"none", "", true, {}, &OpenNegativesFormat},
  };
}

}  // namespace

const std::vector<ImportFormat>& ImportFormats() {
  static const auto* const kFormats = new std::vector<ImportFormat>(MakeFormats());
  return *kFormats;
}

absl::StatusOr<const ImportFormat*> FindImportFormat(absl::string_view name) {
  for (const ImportFormat& format : ImportFormats()) {
    if (format.name == name) return &format;
  }
  return absl::NotFoundError(absl::StrCat("\"", name, "\" is no format; give one of ", ImportFormatNames()));
}

std::string ImportFormatNames() {
  return absl::StrJoin(ImportFormats(), ", ",
                       [](std::string* out, const ImportFormat& format) { absl::StrAppend(out, format.name); });
}

std::string ImportInputHelp() {
  return absl::StrJoin(ImportFormats(), ". ", [](std::string* out, const ImportFormat& format) {
    absl::StrAppend(out, format.name, ": ", format.input.empty() ? "this flag is not given" : format.input);
  });
}

}  // namespace hardface::data
