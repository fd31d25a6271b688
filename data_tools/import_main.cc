#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "base/tool_main.h"
#include "data_tools/formats/coco.h"
#include "data_tools/formats/csv.h"
#include "data_tools/formats/fddb.h"
#include "data_tools/formats/import_dataset.h"
#include "data_tools/formats/mat_annotations.h"
#include "data_tools/formats/voc.h"
#include "data_tools/formats/wider.h"
#include "data_tools/formats/yolo.h"

ABSL_FLAG(
    std::string, format, "",
    "the annotations' format: wider, wider_mat, voc, yolo, coco, fddb, face_eval (AFW and PASCAL faces .mat) or csv");
ABSL_FLAG(
    std::string, input, "",
    "the annotations: a file (wider, csv), a folder of *.xml (voc), a folder of labels or of a whole data set, or "
    "its data.yaml (yolo)");
ABSL_FLAG(
    std::string, images, "",
    "the folder that the images' paths start from; empty: where the annotations are, or JPEGImages beside a VOC data "
    "set's Annotations");
ABSL_FLAG(std::string, output, "", "the dataset to write (a folder)");
ABSL_FLAG(std::string, classes, "",
          "RE2 pattern that a face's class must match wholly, such as 'face|head'; empty: every object is a face");
ABSL_FLAG(std::string, on_error, "fail",
          "what to do with an image that is missing, unreadable or wrongly annotated: fail, skip (leave it out) or "
          "report (leave it out and say so); import_report.jsonl lists them");
ABSL_FLAG(std::string, bad_boxes, "skip",
          "boxes of zero or negative size: skip (leave out) or mark (keep with ignore set)");
ABSL_FLAG(
    std::string, exif, "keep",
    "Which picture the boxes were drawn on, where a photograph's EXIF data say that it is to be turned: keep, the "
    "pixels as stored; turn, the picture as viewers and most annotation tools show it. Boxes are then turned back, "
    "for a dataset's boxes speak of the pixels as stored. import_report.jsonl lists such photographs.");
ABSL_FLAG(bool, allow_missing_images, false, "import annotations whose images are not here");
ABSL_FLAG(std::string, voc_boxes, "edges",
          "what xmin..xmax mean: edges (width = xmax - xmin) or pixels (first and last pixel, counted from 1)");
ABSL_FLAG(std::string, names, "",
          "yolo: class names, a data.yaml or one name a line; empty: data.yaml beside the labels");
ABSL_FLAG(std::string, csv_image, "image", "csv: column of the image's path");
ABSL_FLAG(std::vector<std::string>, csv_box, {}, "csv: columns of x,y,width,height");
ABSL_FLAG(std::vector<std::string>, csv_corners, {}, "csv: columns of x1,y1,x2,y2 instead of --csv_box");
ABSL_FLAG(std::vector<std::string>, csv_ellipse, {},
          "csv: columns of major radius,minor radius,angle,centre x,centre y instead of --csv_box");
ABSL_FLAG(std::vector<std::string>, csv_original_size, {},
          "csv: columns of the width,height that the boxes speak of, where the images were resized since");
ABSL_FLAG(std::string, csv_class, "", "csv: column of the class");
ABSL_FLAG(std::string, csv_ignore, "", "csv: column that is 1 where the face is to be ignored");
ABSL_FLAG(std::vector<std::string>, csv_attributes, {}, "csv: columns kept as the faces' attributes");
ABSL_FLAG(std::vector<std::string>, csv_image_attributes, {}, "csv: columns kept as the images' attributes");
ABSL_FLAG(int, threads, 0, "threads that read image headers; 0: all processors");

namespace hardface::data {
namespace {

absl::Status BadChoice(absl::string_view flag, absl::string_view value, absl::string_view choices) {
  return UsageError(absl::StrCat("--", flag, "=", value, ": give one of ", choices));
}

absl::StatusOr<OnError> OnErrorFlag() {
  const std::string value = absl::GetFlag(FLAGS_on_error);
  if (value == "fail") return OnError::kFail;
  if (value == "skip") return OnError::kSkip;
  if (value == "report") return OnError::kReport;
  return BadChoice("on_error", value, "fail, skip, report");
}

absl::StatusOr<BadBoxes> BadBoxesFlag() {
  const std::string value = absl::GetFlag(FLAGS_bad_boxes);
  if (value == "skip") return BadBoxes::kSkip;
  if (value == "mark") return BadBoxes::kMark;
  return BadChoice("bad_boxes", value, "skip, mark");
}

absl::StatusOr<ExifBoxes> ExifFlag() {
  const std::string value = absl::GetFlag(FLAGS_exif);
  if (value == "keep") return ExifBoxes::kKeep;
  if (value == "turn") return ExifBoxes::kTurn;
  return BadChoice("exif", value, "keep, turn");
}

absl::StatusOr<VocBoxes> VocBoxesFlag() {
  const std::string value = absl::GetFlag(FLAGS_voc_boxes);
  if (value == "edges") return VocBoxes::kEdges;
  if (value == "pixels") return VocBoxes::kPixels;
  return BadChoice("voc_boxes", value, "edges, pixels");
}

CsvColumns CsvFlags() {
  CsvColumns columns;
  columns.image = absl::GetFlag(FLAGS_csv_image);
  columns.box = absl::GetFlag(FLAGS_csv_box);
  columns.corners = absl::GetFlag(FLAGS_csv_corners);
  columns.ellipse = absl::GetFlag(FLAGS_csv_ellipse);
  columns.original_size = absl::GetFlag(FLAGS_csv_original_size);
  columns.class_name = absl::GetFlag(FLAGS_csv_class);
  columns.ignore = absl::GetFlag(FLAGS_csv_ignore);
  columns.attributes = absl::GetFlag(FLAGS_csv_attributes);
  columns.image_attributes = absl::GetFlag(FLAGS_csv_image_attributes);
  return columns;
}

absl::StatusOr<std::unique_ptr<AnnotationSource>> OpenSource(const std::string& format, const std::string& input,
                                                             const std::string& images) {
  if (format == "wider") return OpenWider(input);
  if (format == "voc") {
    ASSIGN_OR_RETURN(const VocBoxes boxes, VocBoxesFlag());
    return OpenVoc(input, boxes);
  }
  if (format == "yolo") return OpenYolo({input, images, absl::GetFlag(FLAGS_names)});
  if (format == "wider_mat") return OpenWiderMat(input);
  if (format == "face_eval") return OpenFaceEvalMat(input);
  if (format == "coco") return OpenCoco(input);
  if (format == "fddb") return OpenFddb(input);
  if (format == "csv") return OpenCsv(input, CsvFlags());
  return BadChoice("format", format, "wider, wider_mat, voc, yolo, coco, fddb, face_eval, csv");
}

std::string DefaultImages(const std::string& format, const std::string& input) {
  if (format == "voc") return VocImages(input);
  namespace fs = std::filesystem;
  std::error_code ignored;
  const std::string folder = fs::is_directory(input, ignored) ? input : fs::path(input).parent_path().string();
  return folder.empty() ? "." : folder;
}

void Print(const ImportSummary& summary) {
  std::vector<std::string> findings;
  for (const auto& [kind, count] : summary.findings) findings.push_back(absl::StrCat(" ", kind, "=", count));
  std::printf("images=%lld images_left_out=%lld boxes=%lld faces=%lld ignored=%lld%s\n",
              static_cast<long long>(summary.images), static_cast<long long>(summary.images_left_out),
              static_cast<long long>(summary.boxes), static_cast<long long>(summary.faces),
              static_cast<long long>(summary.ignored), absl::StrJoin(findings, "").c_str());
}

absl::Status Run(const std::vector<std::string>& /*arguments*/) {
  const std::string format = absl::GetFlag(FLAGS_format);
  const std::string input = absl::GetFlag(FLAGS_input);
  ImportOptions options;
  options.annotations = input;
  options.output = absl::GetFlag(FLAGS_output);
  RETURN_IF_ERROR(RequireFlag("format", format));
  RETURN_IF_ERROR(RequireFlag("input", input));
  RETURN_IF_ERROR(RequireFlag("output", options.output));
  options.images = absl::GetFlag(FLAGS_images);
  if (options.images.empty()) options.images = DefaultImages(format, input);
  options.classes = absl::GetFlag(FLAGS_classes);
  ASSIGN_OR_RETURN(options.on_error, OnErrorFlag());
  ASSIGN_OR_RETURN(options.bad_boxes, BadBoxesFlag());
  ASSIGN_OR_RETURN(options.exif, ExifFlag());
  options.allow_missing_images = absl::GetFlag(FLAGS_allow_missing_images);
  options.threads = absl::GetFlag(FLAGS_threads);
  ASSIGN_OR_RETURN(const std::unique_ptr<AnnotationSource> source, OpenSource(format, input, options.images));
  ASSIGN_OR_RETURN(const ImportSummary summary, ImportDataset(source.get(), options));
  Print(summary);
  return absl::OkStatus();
}

}  // namespace
}  // namespace hardface::data

int main(int argc, char** argv) {
  return hardface::ToolMain(argc, argv,
                            {"data_tools/import",
                             "Turns annotations of any known format into a dataset: manifest.jsonl, and "
                             "import_report.jsonl with whatever was "
                             "left out or looks odd. The images stay where they are. Prints one line of counts.",
                             "",
                             {{"input", hardface::kReadsFolder},
                              {"images", hardface::kReadsImages},
                              {"names", hardface::kReadsFile},
                              {"output", hardface::kWrites}}},
                            &hardface::data::Run);
}
