#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/tool_main.h"
#include "data_tools/dataset/select_entries.h"

ABSL_FLAG(std::vector<std::string>, inputs, {}, "Datasets to join, separated by commas. Required.");
ABSL_FLAG(std::string, output, "", "Folder of the dataset to write. Required.");
ABSL_FLAG(std::string, doubles, "fail",
          "What happens to an image that an earlier input holds as well: fail stops with an error that names it, skip "
          "leaves it out.");

namespace hardface::data {
namespace {

absl::Status Run(const std::vector<std::string>& /*arguments*/) {
  MergeOptions options;
  options.inputs = absl::GetFlag(FLAGS_inputs);
  options.output = absl::GetFlag(FLAGS_output);
  RETURN_IF_ERROR(RequireFlag("inputs", options.inputs.empty() ? "" : options.inputs[0]));
  RETURN_IF_ERROR(RequireFlag("output", options.output));
  const std::string doubles = absl::GetFlag(FLAGS_doubles);
  if (doubles != "fail" && doubles != "skip") {
    return UsageError(absl::StrCat("--doubles=", doubles, ": give one of fail, skip"));
  }
  options.skip_doubles = doubles == "skip";
  ASSIGN_OR_RETURN(const DatasetCounts counts, MergeDatasets(options));
  std::printf("images=%lld faces=%lld\n", static_cast<long long>(counts.images), static_cast<long long>(counts.faces));
  return absl::OkStatus();
}

}  // namespace
}  // namespace hardface::data

int main(int argc, char** argv) {
  return hardface::ToolMain(
      argc, argv,
      {"data_tools/merge",
       "Joins datasets into one, in the order given. The images stay where they are. Prints one line of counts.",
       "",
       {{"inputs", hardface::kReadsDataset, hardface::PathForm::kList}, {"output", hardface::kWrites}}},
      &hardface::data::Run);
}
