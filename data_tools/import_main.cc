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

ABSL_FLAG(std::string, format, "", absl::StrCat("the annotations' format: ", hardface::data::ImportFormatNames()));
ABSL_FLAG(std::string, input, "", absl::StrCat("the annotations. ", hardface::data::ImportInputHelp()));
ABSL_FLAG(
    std::string, images, "",
    "the folder that the images' paths start from; empty: where the annotations are, JPEGImages beside a VOC data "
    "set's Annotations, or where a YOLO data.yaml says");
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
ABSL_FLAG(std::string, box_unit, "format",
          "what the boxes' numbers are: format (pixels; of yolo fractions of the image's size), pixels or fractions");
ABSL_FLAG(
    std::string, yolo_rows, "auto",
    "yolo: what rows of more than five numbers are: auto (told by the numbers; an error where they leave a doubt), "
    "box (the box counts, what stands behind it is left out), polygon, or landmarks (a box and then points)");
ABSL_FLAG(std::vector<std::string>, yolo_splits, {},
          "yolo: which of data.yaml's splits to import, such as train,val; empty: all that it names");
ABSL_FLAG(double, agree_iou, 0.4, "detections: least overlap of two detections that agree");
ABSL_FLAG(std::vector<std::string>, agree_scores, (std::vector<std::string>{"0.4", "0.3"}),
          "detections: least scores of detections that agree, one number for each file");
ABSL_FLAG(std::vector<std::string>, doubt_scores, (std::vector<std::string>{"0.5", "0.3"}),
          "detections: least scores of detections that become ignored areas because the other file lacks them");
ABSL_FLAG(std::string, annotations, "",
          "detections: a dataset with people's boxes of the same pictures, to be confirmed by the detections");
ABSL_FLAG(
    std::string, head_points, "",
    "detections: a table with the columns image,x,y of points on heads; where no face is, they become ignored areas");
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
ABSL_FLAG(std::string, csv_ignore, "",
          "csv: column that is true where the face is to be ignored (true or false, yes or no, 1 or 0, in any case)");
ABSL_FLAG(std::vector<std::string>, csv_attributes, {}, "csv: columns kept as the faces' attributes");
ABSL_FLAG(std::vector<std::string>, csv_image_attributes, {}, "csv: columns kept as the images' attributes");
ABSL_FLAG(int, threads, 0, "threads that read image headers; 0: all processors");

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
      return UsageError(
          absl::StrCat("--", flag, " is for --format=", format.name, "; leave it out with --format=", chosen.name));
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
  return hardface::ToolMain(argc, argv,
                            {"data_tools/import",
                             "Turns annotations of any known format into a dataset: manifest.jsonl, and "
                             "import_report.jsonl with whatever was "
                             "left out or looks odd. The images stay where they are. Prints one line of counts.",
                             "",
                             {{"input", hardface::kReadsFolder},
                              {"images", hardface::kReadsImages},
                              {"names", hardface::kReadsFile},
                              {"annotations", hardface::kReadsDataset},
                              {"head_points", hardface::kReadsFile},
                              {"output", hardface::kWrites}}},
                            &hardface::data::Run);
}
