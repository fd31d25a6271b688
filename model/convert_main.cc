// model/convert: weight files from one format to another.
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/flag_values.h"
#include "base/provenance.h"
#include "base/status_macros.h"
#include "base/tool_main.h"
#include "model/weights/model_file.h"
#include "model/weights/onnx.h"
#include "model/weights/onnx_postprocessing.h"
#include "model/weights/pruning.h"
#include "model/weights/revive.h"
#include "model/weights/score_scale.h"

ABSL_FLAG(std::string, input, "",
          "Detector to convert: a .safetensors file of this project, or a published .caffemodel. Required.");
ABSL_FLAG(std::string, output, "", "File to write, which ends in .safetensors or .onnx. Required.");
ABSL_FLAG(
    double, score_threshold, -1,
    "Applies to a .safetensors output, and with --with_postprocessing. Score from 0 to 1 above which infer:detect, "
    "or the .onnx file, takes a box for a face by default; eval:dataset measures one as balanced_threshold. -1 "
    "keeps the input's; an .onnx file of a model without one takes 0.05.");
ABSL_FLAG(bool, with_postprocessing, false,
          "Applies to an .onnx output. Decoding and non-maximum suppression are in the file, too: it has one output, "
          "faces, with a row [image in the batch, x, y, width, height, score] for each face.");
ABSL_FLAG(double, nms_threshold, 0.4,
          "Applies with --with_postprocessing. IoU, above 0 up to 1, above which the box of less score is left out.");
ABSL_FLAG(std::string, storage, "fp32",
          "Applies to a .safetensors output. How the weights are stored: fp32, or fp16 for half the size. Networks "
          "compute in 32 bits either way.");
ABSL_FLAG(std::string, data_note, "",
          "Applies to a .safetensors output. What the model was trained on, in words. Empty keeps the input's.");
ABSL_FLAG(
    int, revive_seed, 0,
    "Applies to a .safetensors output. Seed, from 1, of new weights for channels that a training has lost: those "
    "whose weights are all below a thousandth of their layer's greatest. Train on from the result. 0 leaves them.");
ABSL_FLAG(int, width_divisor, 0,
          "Applies to a .safetensors output. Narrows the network to VGG16's width divided by this number, a greater "
          "multiple of "
          "the input's: of each layer the channels with the greatest weights stay. Train on from the result. 0 keeps "
          "the width.");
ABSL_FLAG(std::vector<std::string>, calibration, {},
          "Another scale for the scores that are told of faces, as TEMPERATURE,SHIFT: a score s becomes "
          "sigmoid((logit(s) - SHIFT) / TEMPERATURE). eval:dataset measures both numbers. What is found stays the "
          "same, and the model's score threshold changes with its scores. Empty leaves them.");
ABSL_FLAG(std::vector<std::string>, pyramid, {},
          "Applies to a .safetensors output. Levels of the image pyramid that the model should be run on, separated by "
          "commas. Empty keeps the input's.");

namespace hardface::model {
namespace {

// Takes what the flags say of how the model is to be used.
absl::Status SetInfo(bool onnx, ModelInfo* info) {
  const double threshold = absl::GetFlag(FLAGS_score_threshold);
  const std::vector<std::string> pyramid = absl::GetFlag(FLAGS_pyramid);
  const bool processed = absl::GetFlag(FLAGS_with_postprocessing);
  if (processed && !onnx) return UsageError("--with_postprocessing applies to an .onnx output only; leave it out");
  if (FlagDiffers("nms_threshold") && !processed) {
    return UsageError("--nms_threshold applies with --with_postprocessing only; leave it out");
  }
  if (onnx && ((threshold != -1 && !processed) || !pyramid.empty() || FlagDiffers("storage") ||
               FlagDiffers("data_note") || FlagDiffers("revive_seed") || FlagDiffers("width_divisor"))) {
    return UsageError(
        "--score_threshold, --pyramid, --storage, --data_note, --revive_seed and --width_divisor apply to a "
        ".safetensors "
        "output only, because an .onnx file holds the network alone (with --with_postprocessing, --score_threshold "
        "applies); leave "
        "them out");
  }
  if (threshold != -1) {
    RETURN_IF_ERROR(RequireRange("score_threshold", threshold, 0, 1));
    info->score_threshold = static_cast<float>(threshold);
  }
  if (!absl::GetFlag(FLAGS_data_note).empty()) info->data = absl::GetFlag(FLAGS_data_note);
  if (pyramid.empty()) return absl::OkStatus();
  info->pyramid.clear();
  return ParsePositive("pyramid", pyramid, &info->pyramid);
}

absl::Status Narrow(Model* model) {
  const int width_divisor = absl::GetFlag(FLAGS_width_divisor);
  if (width_divisor == 0) return absl::OkStatus();
  absl::StatusOr<Model> narrowed = NarrowModel(*model, width_divisor);
  if (!narrowed.ok()) return UsageError(absl::StrCat("--width_divisor: ", narrowed.status().message()));
  *model = *std::move(narrowed);
  return absl::OkStatus();
}

// A model that is to be trained on computes other scores, so that its calibration is void. Its threshold stays.
void ForgetCalibration(ModelInfo* info) {
  if (info->score_threshold.has_value()) info->score_threshold = info->NetworkScore(*info->score_threshold);
  info->calibration.reset();
}

// Gives the scores the scale that --calibration asks for, after the one that they have. A threshold moves with them.
absl::Status Calibrate(ModelInfo* info) {
  const std::string text = absl::StrJoin(absl::GetFlag(FLAGS_calibration), ",");
  if (text.empty()) return absl::OkStatus();
  const absl::StatusOr<ScoreScale> scale = ParseScoreScale(text);
  if (!scale.ok()) return UsageError(absl::StrCat("--calibration=", text, ": give ", scale.status().message()));
  info->calibration = Composed(info->calibration.value_or(ScoreScale()), *scale);
  if (info->score_threshold.has_value()) info->score_threshold = scale->Told(*info->score_threshold);
  return absl::OkStatus();
}

absl::Status WriteOnnxAsAsked(const std::string& output, const Model& model) {
  if (!absl::GetFlag(FLAGS_with_postprocessing)) return WriteOnnx(output, model);
  const double nms = absl::GetFlag(FLAGS_nms_threshold);
  if (!(nms > 0 && nms <= 1)) {
    return UsageError(absl::StrCat("--nms_threshold=", nms, ": give a number above 0, up to 1"));
  }
  OnnxPostprocessing postprocessing;
  postprocessing.score_threshold = model.info.score_threshold.value_or(postprocessing.score_threshold);
  postprocessing.nms_threshold = static_cast<float>(nms);
  return WriteOnnx(output, model, postprocessing);
}

absl::Status Run(const std::vector<std::string>&) {
  const std::string input = absl::GetFlag(FLAGS_input), output = absl::GetFlag(FLAGS_output);
  RETURN_IF_ERROR(RequireFlag("input", input));
  RETURN_IF_ERROR(RequireFlag("output", output));
  const bool onnx = absl::EndsWith(output, ".onnx");
  if (!onnx && !absl::EndsWith(output, ".safetensors")) {
    return UsageError(absl::StrCat("--output=", output, ": must end in .safetensors or .onnx"));
  }
  Storage storage = Storage::kF32;
  RETURN_IF_ERROR(
      Choose("storage", absl::GetFlag(FLAGS_storage), {{"fp32", Storage::kF32}, {"fp16", Storage::kF16}}, &storage));
  ASSIGN_OR_RETURN(Model model, LoadModel(input));
  RETURN_IF_ERROR(Narrow(&model));
  const int revive_seed = absl::GetFlag(FLAGS_revive_seed);
  RETURN_IF_ERROR(RequireRange("revive_seed", revive_seed, 0, 1000000000));
  if (revive_seed > 0 || absl::GetFlag(FLAGS_width_divisor) > 0) ForgetCalibration(&model.info);
  RETURN_IF_ERROR(Calibrate(&model.info));
  RETURN_IF_ERROR(SetInfo(onnx, &model.info));
  // Who runs an .onnx file knows of no calibration.
  if (onnx && model.info.calibration.has_value()) {
    RescaleScores(model.detector, *model.info.calibration, &model.parameters);
  }
  RevivedChannels revived;
  if (revive_seed > 0) {
    revived = ReviveChannels(ListParameters(model.detector.network), revive_seed, &model.parameters);
  }
  RETURN_IF_ERROR(onnx ? WriteOnnxAsAsked(output, model) : SaveModel(output, model, storage));
  Provenance provenance;
  RETURN_IF_ERROR(provenance.AddInput(input));
  RETURN_IF_ERROR(provenance.WriteBeside(output));
  absl::PrintF("tensors=%d architecture=%s width_divisor=%d revived_outputs=%d revived_inputs=%d\n",
               model.parameters.size(), model.detector.options.architecture, model.detector.options.width_divisor,
               revived.of_outputs, revived.of_inputs);
  return absl::OkStatus();
}

}  // namespace
}  // namespace hardface::model

int main(int argc, char** argv) {
  return hardface::ToolMain(
      argc, argv,
      {"model/convert",
       "Converts a detector from a published .caffemodel or a .safetensors. A .safetensors output holds the whole "
       "detector; an .onnx output holds the network, for other runtimes, alone or with the steps to boxes.",
       "",
       {{"input", hardface::kReadsFile}, {"output", hardface::kWrites}}},
      &hardface::model::Run);
}
