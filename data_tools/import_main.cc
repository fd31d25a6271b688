#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/flag_values.h"
#include "base/status_macros.h"
#include "base/tool_main.h"
#include "data_tools/formats/import_dataset.h"
#include "data_tools/formats/import_formats.h"

ABSL_FLAG(std::string, format, "",
          absl::StrCat("Format of the annotations: ", hardface::data::ImportFormatNames(), ". Required."));
ABSL_FLAG(std::string, input, "",
          absl::StrCat("Annotations to import; what this is depends on --format. Required except with --format=none. ",
                       hardface::data::ImportInputHelp(), "."));
ABSL_FLAG(std::string, images, "",
          "Folder that the images' paths start from. Empty takes the folder of the annotations, the JPEGImages beside "
          "a VOC data set's Annotations, or the folder that a YOLO data.yaml names.");
ABSL_FLAG(std::string, output, "", "Folder of the dataset to write. Required.");
ABSL_FLAG(
    std::string, classes, "",
    "RE2 pattern that a face's whole class name must match, such as 'face|head'. Empty takes every object for a face.");
ABSL_FLAG(std::string, on_error, "fail",
          "What happens when an image is missing, unreadable or wrongly annotated: fail stops with an error, skip "
          "leaves the image out, report leaves it out and says so. These images are listed in import_report.jsonl.");
ABSL_FLAG(std::string, bad_boxes, "skip",
          "What happens to boxes of zero or negative size: skip leaves them out, mark keeps them with ignore set.");
ABSL_FLAG(std::string, exif, "keep",
          "Which picture the boxes were drawn on, where a photograph's EXIF data say that it is to be turned: keep "
          "(the pixels as stored) or turn (the picture as viewers and most annotation tools show it). With turn the "
          "boxes are turned back, because a dataset's boxes refer to the pixels as stored. Such photographs are listed "
          "in import_report.jsonl.");
ABSL_FLAG(bool, allow_missing_images, false, "Imports annotations even where their images are not there.");
ABSL_FLAG(std::string, voc_boxes, "edges",
          "Applies with --format=voc. What xmin and xmax mean: edges (the width is xmax - xmin) or pixels (the first "
          "and the last pixel, counted from 1).");
ABSL_FLAG(std::string, box_unit, "format",
          "Unit of the boxes' numbers: format (the format's own, which is fractions of the image's size for yolo and "
          "pixels for all others), pixels or fractions.");
ABSL_FLAG(std::string, yolo_rows, "auto",
          "Applies with --format=yolo. What rows of more than five numbers are: auto (decided by the numbers, with an "
          "error where they leave a doubt), box (the box counts and what follows it is left out), polygon, or "
          "landmarks (a box followed by points).");
ABSL_FLAG(std::vector<std::string>, yolo_splits, {},
          "Applies with --format=yolo. Splits of the data.yaml to import, separated by commas, such as train,val. "
          "Empty imports all that it names.");
ABSL_FLAG(double, agree_iou, 0.4,
          "Applies with --format=detections. Smallest IoU, from 0 to 1, at which two detections agree.");
ABSL_FLAG(std::vector<std::string>, agree_scores, (std::vector<std::string>{"0.4", "0.3"}),
          "Applies with --format=detections. Smallest scores of detections that agree, one number for each file.");
ABSL_FLAG(std::vector<std::string>, doubt_scores, (std::vector<std::string>{"0.5", "0.3"}),
          "Applies with --format=detections. Smallest scores of detections that become ignored areas because the other "
          "file lacks them, one number for each file.");
ABSL_FLAG(std::string, annotations, "",
          "Applies with --format=detections. Dataset of the same pictures with boxes that people drew, which the "
          "detections are to confirm. Empty takes none.");
ABSL_FLAG(std::string, head_points, "",
          "Applies with --format=detections. Table with the columns image,x,y of points on heads. Points where no face "
          "is become ignored areas. Empty takes none.");
ABSL_FLAG(std::string, names, "",
          "Applies with --format=yolo. File of class names: a data.yaml, or a text file with one name a line. Empty "
          "takes the data.yaml beside the labels.");
ABSL_FLAG(std::string, csv_image, "image", "Applies with --format=csv. Column of the image's path.");
ABSL_FLAG(std::vector<std::string>, csv_box, {},
          "Applies with --format=csv. Columns of x,y,width,height. Give these, --csv_corners or --csv_ellipse.");
ABSL_FLAG(std::vector<std::string>, csv_corners, {},
          "Applies with --format=csv. Columns of x1,y1,x2,y2, in place of --csv_box.");
ABSL_FLAG(
    std::vector<std::string>, csv_ellipse, {},
    "Applies with --format=csv. Columns of major radius,minor radius,angle,centre x,centre y, in place of --csv_box.");
ABSL_FLAG(std::vector<std::string>, csv_original_size, {},
          "Applies with --format=csv. Columns of the width,height that the boxes refer to, where the images were "
          "resized since. Empty means that the boxes refer to the images as they are.");
ABSL_FLAG(std::string, csv_class, "",
          "Applies with --format=csv. Column of the class. Empty means that there is none.");
ABSL_FLAG(std::string, csv_ignore, "",
          "Applies with --format=csv. Column that says whether a face is to be ignored (true or false, yes or no, 1 or "
          "0, in any case). Empty means that there is none.");
ABSL_FLAG(std::vector<std::string>, csv_attributes, {},
          "Applies with --format=csv. Columns to keep as the faces' attributes, separated by commas.");
ABSL_FLAG(std::vector<std::string>, csv_image_attributes, {},
          "Applies with --format=csv. Columns to keep as the images' attributes, separated by commas.");
ABSL_FLAG(int, threads, 0, "Number of threads that read image headers. 0 uses all processors.");

namespace hardface::data {
namespace {

absl::Status ReadChoices(ImportOptions* options, SourceSettings* settings) {
  RETURN_IF_ERROR(Choose("on_error", absl::GetFlag(FLAGS_on_error),
                         {{"fail", OnError::kFail}, {"skip", OnError::kSkip}, {"report", OnError::kReport}},
                         &options->on_error));
  RETURN_IF_ERROR(Choose("bad_boxes", absl::GetFlag(FLAGS_bad_boxes),
                         {{"skip", BadBoxes::kSkip}, {"mark", BadBoxes::kMark}}, &options->bad_boxes));
  RETURN_IF_ERROR(Choose("exif", absl::GetFlag(FLAGS_exif), {{"keep", ExifBoxes::kKeep}, {"turn", ExifBoxes::kTurn}},
                         &options->exif));
  RETURN_IF_ERROR(
      Choose("box_unit", absl::GetFlag(FLAGS_box_unit),
             {{"format", BoxUnit::kOfFormat}, {"pixels", BoxUnit::kPixels}, {"fractions", BoxUnit::kFractions}},
             &options->box_unit));
  settings->pixels = options->box_unit == BoxUnit::kPixels;
  RETURN_IF_ERROR(Choose("voc_boxes", absl::GetFlag(FLAGS_voc_boxes),
                         {{"edges", VocBoxes::kEdges}, {"pixels", VocBoxes::kPixels}}, &settings->voc_boxes));
  return Choose("yolo_rows", absl::GetFlag(FLAGS_yolo_rows),
                {{"auto", YoloRows::kAuto},
                 {"box", YoloRows::kBox},
                 {"polygon", YoloRows::kPolygon},
                 {"landmarks", YoloRows::kLandmarks}},
                &settings->yolo_rows);
}

absl::Status ParseScores(absl::string_view flag, const std::vector<std::string>& texts, std::vector<double>* scores) {
  scores->clear();
  for (const std::string& text : texts) {
    if (absl::SimpleAtod(text, &scores->emplace_back()) && scores->back() == scores->back()) continue;
    return UsageError(absl::StrCat("--", flag, ": \"", text, "\" is not a number"));
  }
  return absl::OkStatus();
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

absl::Status ReadSettings(SourceSettings* settings) {
  settings->input = absl::GetFlag(FLAGS_input);
  settings->images = absl::GetFlag(FLAGS_images);
  settings->names = absl::GetFlag(FLAGS_names);
  settings->yolo_splits = absl::GetFlag(FLAGS_yolo_splits);
  settings->csv = CsvFlags();
  settings->annotations = absl::GetFlag(FLAGS_annotations);
  settings->head_points = absl::GetFlag(FLAGS_head_points);
  settings->agreement.agree_iou = absl::GetFlag(FLAGS_agree_iou);
  RETURN_IF_ERROR(RequireRange("agree_iou", settings->agreement.agree_iou, 0, 1));
  RETURN_IF_ERROR(ParseScores("agree_scores", absl::GetFlag(FLAGS_agree_scores), &settings->agreement.agree_scores));
  return ParseScores("doubt_scores", absl::GetFlag(FLAGS_doubt_scores), &settings->agreement.doubt_scores);
}

// Flags that another format knows would be passed over without a word.
absl::Status CheckFlags(const ImportFormat& chosen) {
  for (const ImportFormat& format : ImportFormats()) {
    for (const std::string& flag : format.flags) {
      if (format.name == chosen.name || !FlagDiffers(flag)) continue;
      return UsageError(absl::StrCat("--", flag, " applies with --format=", format.name,
                                     " only; leave it out with --format=", chosen.name));
    }
  }
  if (chosen.input.empty() && FlagDiffers("input")) {
    return UsageError(absl::StrCat("--format=", chosen.name, " takes no --input: every picture under --images counts"));
  }
  if (!chosen.input.empty()) RETURN_IF_ERROR(RequireFlag("input", absl::GetFlag(FLAGS_input)));
  return chosen.needs_images ? RequireFlag("images", absl::GetFlag(FLAGS_images)) : absl::OkStatus();
}

// People read stderr, programs the one line of stdout.
void Print(const ImportSummary& summary, const ImportFormat& format) {
  std::fprintf(stderr, "%s", SummaryText(summary).c_str());
  if (summary.faces == summary.ignored && format.name != "none") {
    std::fprintf(stderr,
                 "Warning: the dataset has not one face to learn from or to find. If these are pictures without faces, "
                 "--format=none says so; if not, see --classes, --images and the lines above.\n");
  }
  std::vector<std::string> findings;
  for (const auto& [kind, count] : summary.findings) {
    if (kind != "unlabelled" && kind != "unused_file") findings.push_back(absl::StrCat(" ", kind, "=", count));
  }
  std::printf(
      "images=%lld images_left_out=%lld boxes=%lld faces=%lld ignored=%lld boxes_left_out=%lld unlabelled=%lld "
      "unused_files=%lld%s\n",
      static_cast<long long>(summary.images), static_cast<long long>(summary.images_left_out),
      static_cast<long long>(summary.boxes), static_cast<long long>(summary.faces),
      static_cast<long long>(summary.ignored), static_cast<long long>(summary.boxes_left_out),
      static_cast<long long>(summary.CountOf("unlabelled")), static_cast<long long>(summary.CountOf("unused_file")),
      absl::StrJoin(findings, "").c_str());
}

absl::Status Run(const std::vector<std::string>& /*arguments*/) {
  RETURN_IF_ERROR(RequireFlag("format", absl::GetFlag(FLAGS_format)));
  const absl::StatusOr<const ImportFormat*> format = FindImportFormat(absl::GetFlag(FLAGS_format));
  if (!format.ok()) return UsageError(absl::StrCat("--format: ", format.status().message()));
  RETURN_IF_ERROR(CheckFlags(**format));
  ImportOptions options;
  options.annotations = (*format)->name == "detections" ? "" : absl::GetFlag(FLAGS_input);
  options.output = absl::GetFlag(FLAGS_output);
  RETURN_IF_ERROR(RequireFlag("output", options.output));
  options.classes = absl::GetFlag(FLAGS_classes);
  options.allow_missing_images = absl::GetFlag(FLAGS_allow_missing_images);
  options.threads = absl::GetFlag(FLAGS_threads);
  SourceSettings settings;
  RETURN_IF_ERROR(ReadChoices(&options, &settings));
  RETURN_IF_ERROR(ReadSettings(&settings));
  ASSIGN_OR_RETURN(const OpenedSource opened, (*format)->open(settings));
  options.images = opened.images;
  ASSIGN_OR_RETURN(const ImportSummary summary, ImportDataset(opened.source.get(), options));
  Print(summary, **format);
  return absl::OkStatus();
}

}  // namespace
}  // namespace hardface::data

int main(int argc, char** argv) {
  return hardface::ToolMain(
      argc, argv,
      {"data_tools/import",
       "Turns annotations of any known format into a dataset. Writes manifest.jsonl, and import_report.jsonl with "
       "everything that was left out or looks odd. The images stay where they are. Prints one line of counts.",
       "",
       {{"input", hardface::kReadsFolder},
        {"images", hardface::kReadsImages},
        {"names", hardface::kReadsFile},
        {"annotations", hardface::kReadsDataset},
        {"head_points", hardface::kReadsFile},
        {"output", hardface::kWrites}}},
      &hardface::data::Run);
}
