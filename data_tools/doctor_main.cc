#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/tool_main.h"
#include "data_tools/dataset/examine_dataset.h"

ABSL_FLAG(std::string, input, "", "the dataset to examine");
ABSL_FLAG(std::string, findings, "", "file for all findings, a JSON line each; empty: only the summary is printed");
ABSL_FLAG(std::vector<std::string>, against, {},
          "datasets that must share no picture with it, such as the test sets of a training set");
ABSL_FLAG(bool, repair, false,
          "remove entries without a readable image, boxes without area or outside the image and what stands twice, and "
          "fill in unknown sizes. Replaces the manifest (the old one stays as manifest.jsonl.before_repair, the next "
          "as .before_repair.2), or writes "
          "--output");
ABSL_FLAG(std::string, output, "", "with --repair: the dataset to write instead");
ABSL_FLAG(std::string, images, "decode",
          "how far images are looked at: decode (every pixel), header (truncated files go unnoticed) or none "
          "(annotations only; the images need not be here)");
ABSL_FLAG(bool, strict, false, "exit with 1 when anything but faceless images and boxes at the edge was found");
ABSL_FLAG(int, threads, 0, "threads that read images; 0: all processors");

namespace hardface::data {
namespace {

// What a clean dataset may have.
int64_t Faults(const DoctorSummary& summary) {
  int64_t faults = 0;
  for (const auto& [kind, count] : summary.findings) {
    const auto repaired = summary.repairs.find(kind);
    if (kind != "no_faces" && kind != "beyond_image_box") {
      faults += count - (repaired == summary.repairs.end() ? 0 : repaired->second);
    }
  }
  return faults;
}

absl::StatusOr<ImageChecks> ImagesFlag() {
  const std::string value = absl::GetFlag(FLAGS_images);
  if (value == "decode") return ImageChecks::kDecode;
  if (value == "header") return ImageChecks::kHeader;
  if (value == "none") return ImageChecks::kNone;
  return UsageError(absl::StrCat("--images=", value, ": give one of decode, header, none"));
}

absl::Status Run(const std::vector<std::string>& /*arguments*/) {
  DoctorOptions options;
  options.input = absl::GetFlag(FLAGS_input);
  RETURN_IF_ERROR(RequireFlag("input", options.input));
  options.findings = absl::GetFlag(FLAGS_findings);
  options.against = absl::GetFlag(FLAGS_against);
  options.repair = absl::GetFlag(FLAGS_repair);
  options.repaired = absl::GetFlag(FLAGS_output);
  ASSIGN_OR_RETURN(options.images, ImagesFlag());
  options.threads = absl::GetFlag(FLAGS_threads);
  if (!options.repair && !options.repaired.empty()) return UsageError("--output is only for --repair");
  ASSIGN_OR_RETURN(const DoctorSummary summary, ExamineDataset(options));
  std::string counts;
  for (const auto& [kind, count] : summary.findings) absl::StrAppend(&counts, " ", kind, "=", count);
  const int64_t faults = Faults(summary);
  std::printf("%simages=%lld faces=%lld faults=%lld%s\n", DoctorText(summary).c_str(),
              static_cast<long long>(summary.stats.images()), static_cast<long long>(summary.stats.faces()),
              static_cast<long long>(faults), counts.c_str());
  if (absl::GetFlag(FLAGS_strict) && faults > 0) {
    return absl::FailedPreconditionError(absl::StrCat(options.input, ": ", faults, " faults (--strict)"));
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace hardface::data

int main(int argc, char** argv) {
  return hardface::ToolMain(
      argc, argv,
      {"data_tools/doctor",
       "Examines a dataset: images that are missing, broken, of another size or rotated by EXIF, impossible or doubled "
       "boxes, pictures that stand twice or also in other datasets. Prints one screen and a line of counts.",
       "",
       {{"input", hardface::kReadsDataset},
        {"against", hardface::kReadsDataset, hardface::PathForm::kList},
        {"findings", hardface::kWrites},
        {"output", hardface::kWrites}}},
      &hardface::data::Run);
}
