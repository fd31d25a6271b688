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
#include "model/cuda/precision.h"
#include "model/execution/detector_runner.h"
#include "model/execution/device.h"
#include "model/execution/engine_flags.h"
#include "model/execution/openmp_policy.h"

ABSL_FLAG(std::string, model, "", "Detector that scores the images (.safetensors). Required.");
ABSL_FLAG(std::string, dataset, "", "Dataset whose images are scored. Required.");
ABSL_FLAG(std::string, output, "", "Difficulty file to write (.jsonl). Required.");
ABSL_FLAG(int, short_side, 800, "Short side in pixels that images are resized to, at least 16.");
ABSL_FLAG(int, long_side, 2000,
          "Greatest long side in pixels, at least --short_side. An image that would exceed it is scaled down further.");
ABSL_FLAG(int, threads, 0, "Number of threads that compute on the CPU. 0 uses all processors.");
ABSL_FLAG(
    std::string, device, "auto",
    "Device to run on: cpu, cuda:N, or auto (the first GPU where this program and machine have one, else the CPU).");
ABSL_FLAG(std::string, precision, "bf16",
          "Arithmetic type used on a GPU: fp32, tf32, bf16 or fp16. It is ignored on the CPU.");

namespace hardface::mining {
namespace {

absl::StatusOr<model::DetectorRunnerOptions> RunnerOptions() {
  model::DetectorRunnerOptions options;
  ASSIGN_OR_RETURN(options.engine, model::EngineFromFlags());
  const std::string device = absl::GetFlag(FLAGS_device);
  const auto parsed = model::ParseDevice(device);
  if (!parsed.ok()) return UsageError(absl::StrCat("--device=", device, ": ", parsed.status().message()));
  options.device = *parsed;
  const auto precision = model::ParsePrecision(absl::GetFlag(FLAGS_precision));
  if (!precision.ok()) return UsageError(absl::StrCat("--precision: ", precision.status().message()));
  options.precision = *precision;
  return options;
}

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
  ASSIGN_OR_RETURN(options.runner, RunnerOptions());
  if (options.short_side < 16 || options.long_side < options.short_side) {
    return UsageError(absl::StrCat("--short_side=", options.short_side, " --long_side=", options.long_side,
                                   ": give pixels with 16 <= short_side <= long_side"));
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
       "Scores how hard every image of a dataset is for a model. The score is WPAS, the lowest face probability of the "
       "image's positive anchors; it is null where the image has none.",
       "",
       {{"model", hardface::kReadsFile}, {"dataset", hardface::kReadsDataset}, {"output", hardface::kWrites}}},
      &hardface::mining::Run);
}
