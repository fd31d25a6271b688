#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "base/status_macros.h"
#include "base/tool_main.h"
#include "data_tools/dataset/flip_dataset.h"

ABSL_FLAG(std::string, input, "", "Dataset to double. Required.");
ABSL_FLAG(std::string, output, "", "Folder of the dataset to write. Required.");
ABSL_FLAG(bool, materialize, false,
          "Writes the mirrored images to OUTPUT/flipped without loss. JPEG files whose width is not a whole number of "
          "blocks become PNG files.");
ABSL_FLAG(int, threads, 0, "Number of threads that mirror images. 0 uses all processors.");

namespace hardface::data {
namespace {

absl::Status Run(const std::vector<std::string>& /*arguments*/) {
  FlipOptions options;
  options.input = absl::GetFlag(FLAGS_input);
  options.output = absl::GetFlag(FLAGS_output);
  options.materialize = absl::GetFlag(FLAGS_materialize);
  options.threads = absl::GetFlag(FLAGS_threads);
  RETURN_IF_ERROR(RequireFlag("input", options.input));
  RETURN_IF_ERROR(RequireFlag("output", options.output));
  ASSIGN_OR_RETURN(const FlipSummary summary, FlipDataset(options));
  if (!summary.renamed.empty()) std::fprintf(stderr, "flip: %s\n", summary.renamed.c_str());
  std::printf("images=%lld faces=%lld\n", static_cast<long long>(summary.images),
              static_cast<long long>(summary.faces));
  return absl::OkStatus();
}

}  // namespace
}  // namespace hardface::data

int main(int argc, char** argv) {
  return hardface::ToolMain(
      argc, argv,
      {"data_tools/flip",
       "Doubles a dataset: every entry is followed by its mirror image (\"flip\": true, with mirrored boxes). No image "
       "is written unless --materialize is given. Prints one line of counts.",
       "",
       {{"input", hardface::kReadsDataset}, {"output", hardface::kWrites}}},
      &hardface::data::Run);
}
