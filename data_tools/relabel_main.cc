#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "base/flag_values.h"
#include "base/status_macros.h"
#include "base/tool_main.h"
#include "data_tools/dataset/relabel_dataset.h"

ABSL_FLAG(std::string, input, "", "Dataset whose boxes are replaced. Required.");
ABSL_FLAG(std::string, detections, "",
          "Detections in the images of --input, as a detections.jsonl or a folder that holds one (infer:detect "
          "--dataset=INPUT). The detector should have been trained on boxes of the wanted style. Required.");
ABSL_FLAG(std::string, output, "", "Folder of the dataset to write. Required.");
ABSL_FLAG(double, min_score, 0.5, "Score from 0 to 1. Only detections above it can stand for a face.");
ABSL_FLAG(double, min_iou, 0.2,
          "Smallest IoU, from 0 to 1, between a detection and the face it stands for. It is low because the two styles "
          "of boxes differ.");
ABSL_FLAG(std::string, other_faces, "ignore",
          "What happens to faces that no detection stands for: ignore marks them to be ignored, keep leaves their "
          "boxes as they are.");

namespace hardface::data {
namespace {

absl::Status Run(const std::vector<std::string>& /*arguments*/) {
  RelabelOptions options;
  options.input = absl::GetFlag(FLAGS_input);
  options.detections = absl::GetFlag(FLAGS_detections);
  options.output = absl::GetFlag(FLAGS_output);
  options.min_score = absl::GetFlag(FLAGS_min_score);
  options.min_iou = absl::GetFlag(FLAGS_min_iou);
  RETURN_IF_ERROR(RequireFlag("input", options.input));
  RETURN_IF_ERROR(RequireFlag("detections", options.detections));
  RETURN_IF_ERROR(RequireFlag("output", options.output));
  RETURN_IF_ERROR(RequireRange("min_score", options.min_score, 0, 1));
  RETURN_IF_ERROR(RequireRange("min_iou", options.min_iou, 0, 1));
  RETURN_IF_ERROR(Choose("other_faces", absl::GetFlag(FLAGS_other_faces),
                         {{"ignore", UnmatchedFaces::kIgnore}, {"keep", UnmatchedFaces::kKeep}}, &options.unmatched));
  ASSIGN_OR_RETURN(const RelabelSummary summary, RelabelDataset(options));
  std::printf("images=%lld faces=%lld relabelled=%lld unmatched=%lld\n", static_cast<long long>(summary.images),
              static_cast<long long>(summary.faces), static_cast<long long>(summary.relabelled),
              static_cast<long long>(summary.unmatched));
  return absl::OkStatus();
}

}  // namespace
}  // namespace hardface::data

int main(int argc, char** argv) {
  return hardface::ToolMain(
      argc, argv,
      {"data_tools/relabel",
       "Gives a dataset's faces the boxes that a detector found on them, so that datasets annotated by different "
       "people have one style. Prints one line of counts.",
       "",
       {{"input", hardface::kReadsDataset}, {"detections", hardface::kReadsFolder}, {"output", hardface::kWrites}}},
      &hardface::data::Run);
}
