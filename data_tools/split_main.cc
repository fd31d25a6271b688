#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/tool_main.h"
#include "data_tools/dataset/select_entries.h"

ABSL_FLAG(std::string, input, "", "the dataset to split");
ABSL_FLAG(std::vector<std::string>, outputs, {}, "the datasets to write, such as train,val");
ABSL_FLAG(std::vector<std::string>, fractions, {}, "how much each output gets, such as 0.9,0.1; they sum to 1");
ABSL_FLAG(uint64_t, seed, 1, "other seeds split otherwise");
ABSL_FLAG(
    bool, keep_alike_together, false,
    "keep pictures that look alike (copies, other sizes, mirrored, frames of one scene) in one part; reads all images");
ABSL_FLAG(int, threads, 0, "threads that read images; 0: all processors");

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
       "Deals a dataset's images out into parts, at random but seeded, so that each part has its "
       "share of images with many faces and with few. An image and its mirror image stay "
       "together.",
       "",
       {{"input", hardface::kReadsDataset}, {"outputs", hardface::kWrites, hardface::PathForm::kList}}},
      &hardface::data::Run);
}
