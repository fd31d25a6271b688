#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/tool_main.h"
#include "data_tools/dataset/select_entries.h"

ABSL_FLAG(std::string, input, "", "Dataset to split. Required.");
ABSL_FLAG(std::vector<std::string>, outputs, {},
          "Folders of the datasets to write, separated by commas, such as train,val. Required.");
ABSL_FLAG(std::vector<std::string>, fractions, {},
          "Share of the images that each output gets, such as 0.9,0.1. The shares must sum to 1. Required.");
ABSL_FLAG(uint64_t, seed, 1, "Seed for the split. Another seed splits the images differently.");
ABSL_FLAG(bool, keep_alike_together, false,
          "Keeps pictures that look alike in one part: copies, other sizes, mirror images and frames of one scene. "
          "Reads all images.");
ABSL_FLAG(int, threads, 0, "Number of threads that read images, with --keep_alike_together. 0 uses all processors.");

namespace hardface::data {
namespace {

absl::Status Run(const std::vector<std::string>& /*arguments*/) {
  SplitOptions options;
  options.input = absl::GetFlag(FLAGS_input);
  options.outputs = absl::GetFlag(FLAGS_outputs);
  options.seed = absl::GetFlag(FLAGS_seed);
  options.keep_alike_together = absl::GetFlag(FLAGS_keep_alike_together);
  options.threads = absl::GetFlag(FLAGS_threads);
  RETURN_IF_ERROR(RequireFlag("input", options.input));
  for (const std::string& text : absl::GetFlag(FLAGS_fractions)) {
    double fraction = 0;
    if (!absl::SimpleAtod(text, &fraction) || !(fraction > 0)) {
      return UsageError(absl::StrCat("--fractions holds \"", text, "\"; give numbers above 0, such as 0.9,0.1"));
    }
    options.fractions.push_back(fraction);
  }
  if (options.outputs.empty() || options.outputs.size() != options.fractions.size()) {
    return UsageError("--outputs and --fractions must name equally many parts, such as train,val and 0.9,0.1");
  }
  if (const absl::Status parts = CheckSplit(options); !parts.ok()) return UsageError(parts.message());
  ASSIGN_OR_RETURN(const std::vector<DatasetCounts> counts, SplitDataset(options));
  std::string line;
  for (size_t i = 0; i < counts.size(); ++i) {
    absl::StrAppend(&line, i == 0 ? "" : " ", "images_", i, "=", counts[i].images, " faces_", i, "=", counts[i].faces);
  }
  std::printf("%s\n", line.c_str());
  return absl::OkStatus();
}

}  // namespace
}  // namespace hardface::data

int main(int argc, char** argv) {
  return hardface::ToolMain(
      argc, argv,
      {"data_tools/split",
       "Splits a dataset's images into parts at random, so that each part gets its share of images with many faces and "
       "with few. An image and its mirror image stay together, and equal seeds give equal parts. Prints one line of "
       "counts.",
       "",
       {{"input", hardface::kReadsDataset}, {"outputs", hardface::kWrites, hardface::PathForm::kList}}},
      &hardface::data::Run);
}
