#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/tool_main.h"
#include "data_tools/formats/export_dataset.h"

ABSL_FLAG(std::string, format, "", "Format to write: wider, voc, yolo or coco. Required.");
ABSL_FLAG(std::string, input, "", "Dataset to export. Required.");
ABSL_FLAG(std::string, output, "", "Folder to write. Required.");
ABSL_FLAG(bool, allow_loss, false,
          "Drops what the format cannot express, for example ignored faces in YOLO. Without it the export stops with "
          "an error that says what would be lost and in which image it occurs first.");

namespace hardface::data {
namespace {

absl::StatusOr<ExportFormat> FormatFlag() {
  const std::string value = absl::GetFlag(FLAGS_format);
  if (value == "wider") return ExportFormat::kWider;
  if (value == "voc") return ExportFormat::kVoc;
  if (value == "yolo") return ExportFormat::kYolo;
  if (value == "coco") return ExportFormat::kCoco;
  return UsageError(absl::StrCat("--format=", value, ": give one of wider, voc, yolo, coco"));
}

absl::Status Run(const std::vector<std::string>& /*arguments*/) {
  ExportOptions options;
  options.input = absl::GetFlag(FLAGS_input);
  options.output = absl::GetFlag(FLAGS_output);
  options.allow_loss = absl::GetFlag(FLAGS_allow_loss);
  RETURN_IF_ERROR(RequireFlag("input", options.input));
  RETURN_IF_ERROR(RequireFlag("output", options.output));
  ASSIGN_OR_RETURN(options.format, FormatFlag());
  ASSIGN_OR_RETURN(const ExportSummary summary, ExportDataset(options));
  if (!summary.losses.empty()) std::fprintf(stderr, "export: left out: %s\n", summary.losses.c_str());
  if (!summary.renamed.empty()) std::fprintf(stderr, "export: %s\n", summary.renamed.c_str());
  std::printf("images=%lld faces=%lld\n", static_cast<long long>(summary.images),
              static_cast<long long>(summary.faces));
  return absl::OkStatus();
}

}  // namespace
}  // namespace hardface::data

int main(int argc, char** argv) {
  return hardface::ToolMain(argc, argv,
                            {"data_tools/export",
                             "Writes a dataset's annotations as WIDER FACE text (bbx_gt.txt), Pascal VOC XML, YOLO "
                             "label files or COCO JSON (annotations.json). Nothing is lost unless --allow_loss is "
                             "given. Prints one line of counts.",
                             "",
                             {{"input", hardface::kReadsDataset}, {"output", hardface::kWrites}}},
                            &hardface::data::Run);
}
