#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/tool_main.h"
#include "data_tools/dataset/examine_dataset.h"

ABSL_FLAG(std::string, input, "", "Dataset to examine. Required.");
ABSL_FLAG(std::string, findings, "",
          "File to write all findings to, one JSON object a line. Empty prints the summary only.");
ABSL_FLAG(std::vector<std::string>, against, {},
          "Datasets that must share no picture with --input, such as the test sets of a training set, separated by "
          "commas. Empty compares with none.");
ABSL_FLAG(bool, repair, false,
          "Removes entries without a readable image, boxes without area or outside the image and everything that "
          "occurs twice, and fills in unknown sizes. Replaces the manifest, or writes --output instead. A replaced "
          "manifest stays as manifest.jsonl.before_repair, the next one as .before_repair.2.");
ABSL_FLAG(std::string, output, "",
          "Applies with --repair. Folder of the repaired dataset. Empty replaces the manifest of --input.");
ABSL_FLAG(std::string, images, "decode",
          "How far images are examined: decode reads every pixel, header reads the size only and does not notice "
          "truncated files, none looks at the annotations only, so that the images need not be there.");
ABSL_FLAG(bool, strict, false,
          "Exits with 1 when anything is found except images without faces and boxes that reach over the edge.");
ABSL_FLAG(int, threads, 0, "Number of threads that read images. 0 uses all processors.");

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
  if (!options.repair && !options.repaired.empty()) {
    return UsageError("--output applies with --repair only; add --repair, or leave --output out");
  }
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
  return hardface::ToolMain(argc, argv,
                            {"data_tools/doctor",
                             "Examines a dataset. Finds images that are missing, broken, of another size or rotated by "
                             "EXIF, boxes that are impossible or occur twice, and pictures that occur twice or in "
                             "other datasets, too. Prints one screen and a line of counts.",
                             "",
                             {{"input", hardface::kReadsDataset},
                              {"against", hardface::kReadsDataset, hardface::PathForm::kList},
                              {"findings", hardface::kWrites},
                              {"output", hardface::kWrites}}},
                            &hardface::data::Run);
}
