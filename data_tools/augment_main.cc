// data_tools/augment: training samples written to disk.
#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_format.h"
#include "base/flag_values.h"
#include "base/status_macros.h"
#include "base/tool_main.h"
#include "data_tools/augmentation/augment_dataset.h"
#include "data_tools/augmentation/augment_flags.h"

ABSL_FLAG(std::string, input, "", "Dataset to take the images from. Required.");
ABSL_FLAG(std::string, output, "", "Folder of the dataset to write. Required.");
ABSL_FLAG(int, copies, 1, "Number of samples to make of each entry, from 1 to 10000.");
ABSL_FLAG(uint64_t, seed, 1, "Seed for the samples. Another seed gives other samples.");
ABSL_FLAG(
    bool, draw_boxes, false,
    "Draws the faces' boxes into the images so that people can check them: green for faces, red for ignored ones.");
ABSL_FLAG(int, threads, 0, "Number of threads that make samples. 0 uses all processors.");

namespace hardface::data {
namespace {

absl::Status Run(const std::vector<std::string>&) {
  const std::string input = absl::GetFlag(FLAGS_input), output = absl::GetFlag(FLAGS_output);
  RETURN_IF_ERROR(RequireFlag("input", input));
  RETURN_IF_ERROR(RequireFlag("output", output));
  AugmentDatasetOptions options;
  ASSIGN_OR_RETURN(options.augment, AugmentOptionsFromFlags());
  options.copies = absl::GetFlag(FLAGS_copies);
  options.seed = absl::GetFlag(FLAGS_seed);
  options.draw_boxes = absl::GetFlag(FLAGS_draw_boxes);
  options.threads = absl::GetFlag(FLAGS_threads);
  RETURN_IF_ERROR(RequireRange("copies", options.copies, 1, 10000));
  ASSIGN_OR_RETURN(const AugmentCounts counts, AugmentDataset(input, output, options));
  absl::PrintF("images=%d faces=%d\n", counts.images, counts.faces);
  return absl::OkStatus();
}

}  // namespace
}  // namespace hardface::data

int main(int argc, char** argv) {
  return hardface::ToolMain(argc, argv,
                            {"data_tools/augment",
                             "Writes a dataset's images as training samples: scaled, cropped and colour-distorted as "
                             "training sees them. Equal seeds give equal samples. Prints one line of counts.",
                             "",
                             {{"input", hardface::kReadsDataset}, {"output", hardface::kWrites}}},
                            &hardface::data::Run);
}
