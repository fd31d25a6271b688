// mining/explore: a page about hard image mining.
#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/atomic_output.h"
#include "base/flag_values.h"
#include "base/provenance.h"
#include "base/status_macros.h"
#include "base/tool_main.h"
#include "data_tools/dataset/dataset.h"
#include "mining/difficulty.h"
#include "mining/explore_page.h"
#include "mining/ledger.h"
#include "mining/ledger_history.h"

ABSL_FLAG(std::string, ledger, "", "The ledger.jsonl of a training, or the training's output folder. Required.");
ABSL_FLAG(std::string, dataset, "",
          "Dataset that was trained on, from which the page takes pictures. Empty makes a page without pictures.");
ABSL_FLAG(std::string, output, "", "Page to write, named FILE.html. Required.");
ABSL_FLAG(double, threshold, hardface::mining::kEasyWpas,
          "WPAS from 0 to 1 from which an image counts as easy, as in train's --him_threshold.");
ABSL_FLAG(int, min_scores, 5,
          "Smallest number of visits with positive anchors that an image needs before it can be called never learnt.");
ABSL_FLAG(double, min_time_share, 0.5,
          "Smallest share of the iterations, from 0 to 1, that an image's scores must span before it can be called "
          "never learnt.");
ABSL_FLAG(int, images, 24, "Number of images in each list, from 1 to 10000.");
ABSL_FLAG(int, thumbnail_side, 240, "Longer side of the pictures in pixels, from 16 to 2000.");

namespace hardface::mining {
namespace {

absl::StatusOr<ExploreOptions> OptionsFromFlags() {
  ExploreOptions options;
  options.title = absl::StrCat("Hard images: ", absl::GetFlag(FLAGS_ledger));
  options.dataset = absl::GetFlag(FLAGS_dataset);
  options.images = absl::GetFlag(FLAGS_images);
  options.thumbnail_side = absl::GetFlag(FLAGS_thumbnail_side);
  options.never_learnt.threshold = static_cast<float>(absl::GetFlag(FLAGS_threshold));
  options.never_learnt.min_scores = absl::GetFlag(FLAGS_min_scores);
  options.never_learnt.min_time_share = absl::GetFlag(FLAGS_min_time_share);
  RETURN_IF_ERROR(RequireRange("threshold", options.never_learnt.threshold, 0, 1));
  RETURN_IF_ERROR(RequireRange("min_scores", static_cast<double>(options.never_learnt.min_scores), 1, 1e9));
  RETURN_IF_ERROR(RequireRange("min_time_share", options.never_learnt.min_time_share, 0, 1));
  RETURN_IF_ERROR(RequireRange("images", options.images, 1, 10000));
  RETURN_IF_ERROR(RequireRange("thumbnail_side", options.thumbnail_side, 16, 2000));
  return options;
}

absl::Status Run(const std::vector<std::string>&) {
  const std::string ledger = absl::GetFlag(FLAGS_ledger), output = absl::GetFlag(FLAGS_output);
  RETURN_IF_ERROR(RequireFlag("ledger", ledger));
  RETURN_IF_ERROR(RequireFlag("output", output));
  if (!absl::EndsWith(output, ".html")) return UsageError(absl::StrCat("--output=", output, ": name it FILE.html"));
  ASSIGN_OR_RETURN(const ExploreOptions options, OptionsFromFlags());

  Provenance provenance;
  ASSIGN_OR_RETURN(const auto reader, LedgerReader::Open(ledger));
  RETURN_IF_ERROR(provenance.AddInput(reader->path()));
  if (!options.dataset.empty()) {
    ASSIGN_OR_RETURN(const auto dataset, data::DatasetReader::Open(options.dataset));
    RETURN_IF_ERROR(provenance.AddInput(dataset->manifest_path()));
  }
  HardImageOptions mining;
  mining.threshold = options.never_learnt.threshold;
  ASSIGN_OR_RETURN(const LedgerHistory history, ReadLedgerHistory(ledger, mining));
  ASSIGN_OR_RETURN(const ExplorePage page, MakeExplorePage(history, options));
  for (const std::string& warning : page.warnings) std::fprintf(stderr, "explore: warning: %s\n", warning.c_str());
  RETURN_IF_ERROR(WriteFileAtomically(output, page.html));
  RETURN_IF_ERROR(provenance.WriteBeside(output));
  std::printf("visits=%lld images=%zu never_learnt=%lld pictures=%d warnings=%zu\n",
              static_cast<long long>(history.visits), history.entries.size(), static_cast<long long>(page.never_learnt),
              page.pictures, page.warnings.size());
  return absl::OkStatus();
}

}  // namespace
}  // namespace hardface::mining

int main(int argc, char** argv) {
  return hardface::ToolMain(
      argc, argv,
      {"mining/explore",
       "Writes one self-contained HTML page about a training's hard images, from its ledger of all visits. The page "
       "shows the hardest images with their WPAS over time, the images that were never learnt (candidates for wrong "
       "labels), those that turn from easy to hard and back, and the share of hard images over the iterations.",
       "",
       {{"ledger", hardface::kReadsFolder}, {"dataset", hardface::kReadsDataset}, {"output", hardface::kWrites}}},
      &hardface::mining::Run);
}
