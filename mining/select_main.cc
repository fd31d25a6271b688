// mining/select: leaves easy images out of a dataset, as one epoch of hard image mining does.
#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/flag_values.h"
#include "base/status_macros.h"
#include "base/tool_main.h"
#include "mining/select_images.h"

ABSL_FLAG(std::string, dataset, "", "Dataset to choose from. Required.");
ABSL_FLAG(std::string, scores, "",
          "Difficulty file of the dataset's entries, as mining:score or a training writes it. Where it holds several "
          "lines of an entry, the one of the greatest iteration counts. Required.");
ABSL_FLAG(std::string, output, "", "Folder of the dataset to write. Required.");
ABSL_FLAG(double, threshold, hardface::mining::kEasyWpas, "WPAS from 0 to 1 from which an image counts as easy.");
ABSL_FLAG(double, drop, hardface::mining::HardImageOptions().drop,
          "Probability, from 0 to 1, that an easy image is left out.");
ABSL_FLAG(uint64_t, seed, 1,
          "Seed for the choice of the easy images that are left out. Give another one for each epoch.");
ABSL_FLAG(std::string, without_positives, "keep",
          "What happens to images without any positive anchor: keep (they stay), easy (they are left out like easy "
          "ones, as the published code does) or leave_out.");

namespace hardface::mining {
namespace {

absl::Status Run(const std::vector<std::string>&) {
  const std::string dataset = absl::GetFlag(FLAGS_dataset), scores = absl::GetFlag(FLAGS_scores);
  const std::string output = absl::GetFlag(FLAGS_output);
  RETURN_IF_ERROR(RequireFlag("dataset", dataset));
  RETURN_IF_ERROR(RequireFlag("scores", scores));
  RETURN_IF_ERROR(RequireFlag("output", output));
  for (const auto& [flag, value] : {std::pair<std::string, double>("threshold", absl::GetFlag(FLAGS_threshold)),
                                    std::pair<std::string, double>("drop", absl::GetFlag(FLAGS_drop))}) {
    if (!(value >= 0 && value <= 1))
      return UsageError(absl::StrCat("--", flag, "=", value, ": give a number from 0 to 1"));
  }
  HardImageOptions options;
  options.threshold = static_cast<float>(absl::GetFlag(FLAGS_threshold));
  options.drop = absl::GetFlag(FLAGS_drop);
  RETURN_IF_ERROR(Choose("without_positives", absl::GetFlag(FLAGS_without_positives), FlagChoices(WithoutPositives()),
                         &options.without_positives));
  ASSIGN_OR_RETURN(const SelectionCounts counts,
                   SelectImages(dataset, scores, output, absl::GetFlag(FLAGS_seed), options));
  if (counts.unscored > 0) {
    absl::FPrintF(stderr, "select: %d entries have no score and were kept\n", counts.unscored);
  }
  if (counts.unknown > 0) {
    absl::FPrintF(stderr, "select: %d scores are of entries that the dataset does not have and were not used\n",
                  counts.unknown);
  }
  absl::PrintF("entries=%d easy=%d kept=%d\n", counts.entries, counts.easy, counts.kept);
  return absl::OkStatus();
}

}  // namespace
}  // namespace hardface::mining

int main(int argc, char** argv) {
  return hardface::ToolMain(
      argc, argv,
      {"mining/select",
       "Writes the dataset of the next epoch, as hard image mining chooses it: all hard images, and each easy one with "
       "probability 1 - drop. Prints one line of counts.",
       "",
       {{"dataset", hardface::kReadsDataset}, {"scores", hardface::kReadsFile}, {"output", hardface::kWrites}}},
      &hardface::mining::Run);
}
