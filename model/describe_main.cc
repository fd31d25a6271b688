// model/describe: what a model file holds and costs.
#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "base/tool_main.h"
#include "model/execution/detector_runner.h"
#include "model/execution/executor.h"
#include "model/weights/model_file.h"

ABSL_FLAG(std::string, model, "", "Detector to describe: a .safetensors file, or a published .caffemodel. Required.");
ABSL_FLAG(int, width, 640,
          "Image width in pixels, from 1 to 100000, that shapes, operations and memory are given for.");
ABSL_FLAG(int, height, 640,
          "Image height in pixels, from 1 to 100000, that shapes, operations and memory are given for.");

namespace hardface::model {
namespace {

absl::Status PrintLayers(const Model& model, const Shape& input) {
  ASSIGN_OR_RETURN(const auto shapes, InferShapes(model.detector.network, input));
  absl::PrintF("%-26s %-12s %-18s %s\n", "layer", "kind", "output", "from");
  for (const LayerSpec& layer : model.detector.network.layers) {
    std::string kind = KindName(layer.kind);
    if (layer.kind == LayerKind::kConv2d) absl::StrAppend(&kind, " ", layer.kernel, "x", layer.kernel);
    if (layer.dilation > 1) absl::StrAppend(&kind, " d", layer.dilation);
    if (layer.stride > 1) absl::StrAppend(&kind, " s", layer.stride);
    if (layer.padding >= 0) absl::StrAppend(&kind, " p", layer.padding);
    absl::PrintF(
        "%-26s %-12s %-18s %s%s\n", layer.name, kind, shapes.at(layer.name).ToString(),
        absl::StrJoin(layer.inputs, ", "),
        layer.parameters.empty() || layer.parameters == layer.name ? "" : " (weights of " + layer.parameters + ")");
  }
  return absl::OkStatus();
}

absl::Status Run(const std::vector<std::string>&) {
  const std::string path = absl::GetFlag(FLAGS_model);
  RETURN_IF_ERROR(RequireFlag("model", path));
  const int width = absl::GetFlag(FLAGS_width), height = absl::GetFlag(FLAGS_height);
  if (width < 1 || height < 1 || width > 100000 || height > 100000) {
    return UsageError(
        absl::StrCat("--width=", width, " --height=", height, ": give numbers from 1 to 100000 (pixels)"));
  }
  ASSIGN_OR_RETURN(const Model model, LoadModel(path));
  const Shape input = PaddedShape(model.detector, height, width);
  RETURN_IF_ERROR(PrintLayers(model, input));
  int64_t parameters = 0;
  for (const auto& [name, array] : model.parameters) parameters += static_cast<int64_t>(array.values.size());
  ASSIGN_OR_RETURN(const double flops, CountFlops(model.detector.network, input));
  ASSIGN_OR_RETURN(const auto executor, Executor::Create(model.detector.network, input, {}));
  if (model.info.calibration.has_value()) {
    absl::PrintF("\nscores are told as sigmoid((logit(score) - %g) / %g)\n", model.info.calibration->shift,
                 model.info.calibration->temperature);
  }
  if (model.info.score_threshold.has_value()) {
    absl::PrintF("\nscores above %g are taken for faces\n", *model.info.score_threshold);
  }
  absl::PrintF("\ntrained for %d iterations on: %s\npyramid %s, input divided by %g\n", model.info.iterations,
               model.info.data, absl::StrJoin(model.info.pyramid, ","), model.info.input_divisor);
  absl::PrintF("architecture=%s width_divisor=%d dilated_heads=%d parameters=%d gflops=%.3f activation_mib=%.1f\n",
               model.detector.options.architecture, model.detector.options.width_divisor,
               model.detector.options.dilated_heads ? 1 : 0, parameters, flops * 1e-9,
               static_cast<double>(executor->activation_bytes()) / (1 << 20));
  return absl::OkStatus();
}

}  // namespace
}  // namespace hardface::model

int main(int argc, char** argv) {
  return hardface::ToolMain(argc, argv,
                            {"model/describe",
                             "Prints a model's layers, shapes, parameters, operations (2 per multiply-add of a direct "
                             "convolution) and the memory of its activations for an image size.",
                             "",
                             {{"model", hardface::kReadsFile}}},
                            &hardface::model::Run);
}
