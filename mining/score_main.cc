// mining/score: WPAS of every image of a dataset.
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "base/provenance.h"
#include "base/status_macros.h"
#include "base/tool_main.h"
#include "data_tools/dataset/dataset.h"
#include "mining/score_images.h"
#include "model/execution/engine_flags.h"
#include "model/execution/openmp_policy.h"

ABSL_FLAG(std::string, model, "", "the detector (.safetensors)");
ABSL_FLAG(std::string, dataset, "", "the dataset whose images are scored");
ABSL_FLAG(std::string, output, "", "difficulty file to write (.jsonl)");
ABSL_FLAG(int, short_side, 800, "images are resized to this short side, pixels ...");
ABSL_FLAG(int, long_side, 2000, "... unless the long side would exceed this");
ABSL_FLAG(int, threads, 0, "0: all processors");

namespace hardface::mining {
namespace {

absl::Status Run(const std::vector<std::string>&) {
  const std::string model_path = absl::GetFlag(FLAGS_model), dataset = absl::GetFlag(FLAGS_dataset);
  const std::string output = absl::GetFlag(FLAGS_output);
  RETURN_IF_ERROR(RequireFlag("model", model_path));
  RETURN_IF_ERROR(RequireFlag("dataset", dataset));
  RETURN_IF_ERROR(RequireFlag("output", output));
  ScoreImagesOptions options;
  options.short_side = absl::GetFlag(FLAGS_short_side);
  options.long_side = absl::GetFlag(FLAGS_long_side);
  options.threads = absl::GetFlag(FLAGS_threads);
  ASSIGN_OR_RETURN(options.engine, model::EngineFromFlags());
  if (options.short_side < 16 || options.long_side < options.short_side) {
    return UsageError(absl::StrCat("--short_side=", options.short_side, " --long_side=", options.long_side,
                                   ": need 16 <= short_side <= long_side"));
  }
  ASSIGN_OR_RETURN(const model::Model model, model::LoadModel(model_path));
  ASSIGN_OR_RETURN(const auto reader, data::DatasetReader::Open(dataset));
  Provenance provenance;
  RETURN_IF_ERROR(provenance.AddInput(model_path));
  RETURN_IF_ERROR(provenance.AddInput(reader->manifest_path()));
  RETURN_IF_ERROR(ScoreImages(model, dataset, output, options));
  return provenance.WriteBeside(output);
}

}  // namespace
}  // namespace hardface::mining

int main(int argc, char** argv) {
  hardface::model::UsePassiveOpenMpWaiting(argv);
  return hardface::ToolMain(
      argc, argv,
      {"mining/score",
       "scores how hard every image is for a model: WPAS, the lowest face probability of an image's "
       "positive anchors (null where it has none).",
       "",
       {{"model", hardface::kReadsFile}, {"dataset", hardface::kReadsDataset}, {"output", hardface::kWrites}}},
      &hardface::mining::Run);
}
