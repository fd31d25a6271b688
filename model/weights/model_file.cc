#include "model/weights/model_file.h"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/provenance.h"
#include "base/status_macros.h"
#include "model/weights/caffemodel.h"
#include "model/weights/safetensors.h"
#include "model/weights/torchvision_vgg.h"

namespace hardface::model {
namespace {

constexpr char kFormat[] = "hardface.model";
// What input_divisor may be. Pixels of 0..255 leave a network no signal, or nothing but overflow, far before.
constexpr float kLeastInputDivisor = 0.001f, kMaxInputDivisor = 100000;
// Of a pyramid: 125 times the base scale.
constexpr int kMaxLevel = 100000;

// Typed access to the metadata; errors name file and key.
class Metadata {
 public:
  Metadata(const std::map<std::string, std::string>& values, const std::string& path) : values_(values), path_(path) {}

  absl::StatusOr<std::string> Text(const std::string& key) const {
    const auto found = values_.find(key);
    if (found != values_.end()) return found->second;
    return absl::InvalidArgumentError(
        absl::StrCat(path_, ": its metadata has no \"", key, "\"; is this a model written by hardface?"));
  }

  template <typename Number>
  absl::Status Read(const std::string& key, bool (*parse)(absl::string_view, Number*), Number* number) const {
    ASSIGN_OR_RETURN(const std::string text, Text(key));
    if (parse(text, number)) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(path_, ": metadata \"", key, "\" is \"", text, "\"; expected a number"));
  }

  // As Read, and GOOD must hold; EXPECTED says so in words.
  template <typename Number>
  absl::Status ReadGood(const std::string& key, bool (*parse)(absl::string_view, Number*), bool (*good)(Number),
                        absl::string_view expected, Number* number) const {
    RETURN_IF_ERROR(Read<Number>(key, parse, number));
    if (good(*number)) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(path_, ": metadata \"", key, "\" is \"", values_.at(key),
                                                   "\"; expected ", expected, "; is the file damaged?"));
  }

  absl::StatusOr<float> InputDivisor() const {
    constexpr auto kGood = [](float divisor) { return divisor >= kLeastInputDivisor && divisor <= kMaxInputDivisor; };
    float divisor = 1;
    RETURN_IF_ERROR(ReadGood<float>("input_divisor", &absl::SimpleAtof, kGood,
                                    absl::StrCat("a number from ", kLeastInputDivisor, " to ", kMaxInputDivisor),
                                    &divisor));
    return divisor;
  }

  // Of a probability; nothing where the file has none.
  absl::StatusOr<std::optional<float>> ScoreThreshold() const {
    if (values_.count("score_threshold") == 0) return std::optional<float>();
    constexpr auto kGood = [](float threshold) { return threshold >= 0 && threshold <= 1; };
    float threshold = 0;
    RETURN_IF_ERROR(ReadGood<float>("score_threshold", &absl::SimpleAtof, kGood, "a number from 0 to 1", &threshold));
    return std::optional<float>(threshold);
  }

  // Nothing where the file has none.
  absl::StatusOr<std::optional<ScoreScale>> Calibration() const {
    if (values_.count("calibration") == 0) return std::optional<ScoreScale>();
    const std::string& text = values_.at("calibration");
    absl::StatusOr<ScoreScale> scale = ParseScoreScale(text);
    if (scale.ok()) return *scale;
    return absl::InvalidArgumentError(absl::StrCat(path_, ": metadata \"calibration\" is \"", text, "\"; expected ",
                                                   scale.status().message(), "; is the file damaged?"));
  }

 private:
  const std::map<std::string, std::string>& values_;
  const std::string& path_;
};

absl::Status ReadPyramid(const Metadata& metadata, const std::string& path, std::vector<int>* pyramid) {
  ASSIGN_OR_RETURN(const std::string text, metadata.Text("pyramid"));
  pyramid->clear();
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    int level = 0;
    if (!absl::SimpleAtoi(part, &level) || level <= 0 || level > kMaxLevel) {
      return absl::InvalidArgumentError(absl::StrCat(path, ": metadata \"pyramid\" is \"", text,
                                                     "\"; expected levels like 100,300, of 1 to ", kMaxLevel));
    }
    pyramid->push_back(level);
  }
  return absl::OkStatus();
}

absl::StatusOr<Model> FromSafeTensors(const std::string& path) {
  ASSIGN_OR_RETURN(SafeTensors content, ReadSafeTensors(path));
  const Metadata metadata(content.metadata, path);
  ASSIGN_OR_RETURN(const std::string format, metadata.Text("format"));
  int version = 0, dilated_heads = 0;
  RETURN_IF_ERROR(metadata.Read<int>("version", &absl::SimpleAtoi, &version));
  if (format != kFormat || version > kModelVersion) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": format ", format, " version ", version,
                                                   "; this program reads ", kFormat, " up to version ", kModelVersion,
                                                   ": update hardface"));
  }
  DetectorOptions options;
  ASSIGN_OR_RETURN(options.architecture, metadata.Text("architecture"));
  RETURN_IF_ERROR(metadata.Read<int>("width_divisor", &absl::SimpleAtoi, &options.width_divisor));
  RETURN_IF_ERROR(metadata.Read<int>("dilated_heads", &absl::SimpleAtoi, &dilated_heads));
  options.dilated_heads = dilated_heads != 0;
  Model model;
  ASSIGN_OR_RETURN(model.detector, BuildDetector(options));
  ASSIGN_OR_RETURN(model.info.input_divisor, metadata.InputDivisor());
  RETURN_IF_ERROR(metadata.ReadGood<int64_t>(
      "iterations", &absl::SimpleAtoi, [](int64_t count) { return count >= 0; }, "a count", &model.info.iterations));
  RETURN_IF_ERROR(ReadPyramid(metadata, path, &model.info.pyramid));
  ASSIGN_OR_RETURN(model.info.calibration, metadata.Calibration());
  ASSIGN_OR_RETURN(model.info.score_threshold, metadata.ScoreThreshold());
  ASSIGN_OR_RETURN(model.info.data, metadata.Text("data"));
  model.parameters = std::move(content.tensors);
  return model;
}

// Which detector a .caffemodel holds, told by a layer that no other has.
std::string PublishedArchitecture(const ParameterSet& parameters) {
  for (const auto& [layer, architecture] :
       {std::pair("m1@ssh_3x3", "ssh"), {"cpm0_branch1", "pyramidbox"}, {"conv3_3_norm", "s3fd"}}) {
    if (parameters.count(absl::StrCat(layer, ".weight")) > 0) return architecture;
  }
  return "smallhard";
}

absl::StatusOr<Model> FromCaffe(const std::string& path) {
  Model model;
  ASSIGN_OR_RETURN(model.parameters, ReadCaffeModel(path));
  const auto first = model.parameters.find("conv1_1.weight");
  if (first == model.parameters.end() || first->second.dims.empty() || first->second.dims[0] < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": has no layer conv1_1; only the published detectors can be read"));
  }
  DetectorOptions options;
  options.architecture = PublishedArchitecture(model.parameters);
  options.width_divisor = 64 / first->second.dims[0];
  ASSIGN_OR_RETURN(model.detector, BuildDetector(options));
  model.info.data = "imported from Caffe";
  SetPublishedInput(options.architecture, &model.info);
  if (options.architecture != "smallhard") return model;
  // The dilated heads share one weight; Caffe stores it with each of them.
  for (const char* suffix : {".weight", ".bias"}) {
    for (const char* head : {"head_2", "head_4"}) {
      if (model.parameters[absl::StrCat(head, suffix)].values ==
          model.parameters[absl::StrCat("head_1", suffix)].values)
        continue;
      return absl::InvalidArgumentError(absl::StrCat(path, ": ", head, suffix, " differs from head_1", suffix,
                                                     ", but the dilated heads share their weights"));
    }
  }
  return model;
}

// For an input divided by FACTOR times as much.
void ScaleFirstLayer(float factor, ParameterSet* weights) {
  const auto first = weights->find("conv1_1.weight");
  if (factor == 1 || first == weights->end()) return;
  for (float& value : first->second.values) value *= factor;
}

}  // namespace

void SetPublishedInput(const std::string& architecture, ModelInfo* info) {
  if (architecture == "ssh") info->pyramid = {500, 800, 1200, 1600};
  // Their scales are the image's own: a half, one and two, and PyramidBox's steps of a quarter. On WIDER FACE's images,
  // which are 1024 pixels wide, level 800 is about the image.
  if (architecture == "s3fd") info->pyramid = {400, 800, 1600};
  if (architecture == "pyramidbox") {
    info->pyramid = {200, 400, 600, 800, 1000, 1200};
    info->input_divisor = 127.5f;  // 1 / 0.007843
  }
}

absl::StatusOr<Model> LoadModel(const std::string& path) {
  ASSIGN_OR_RETURN(Model model, absl::EndsWith(path, ".caffemodel") ? FromCaffe(path) : FromSafeTensors(path));
  const std::vector<ParameterSpec> specs = ListParameters(model.detector.network);
  RETURN_IF_ERROR(CheckParameters(specs, model.parameters, path));
  ParameterSet used;  // drops what the network does not need (Caffe's fixed upsampling weights)
  for (const ParameterSpec& spec : specs) used[spec.name] = std::move(model.parameters[spec.name]);
  model.parameters = std::move(used);
  return model;
}

absl::Status SaveModel(const std::string& path, const Model& model, Storage storage) {
  SafeTensors content;
  content.tensors = model.parameters;
  const DetectorOptions& options = model.detector.options;
  content.metadata = {{"format", kFormat},
                      {"version", absl::StrCat(model.info.calibration.has_value() ? kModelVersion : 1)},
                      {"architecture", options.architecture},
                      {"width_divisor", absl::StrCat(options.width_divisor)},
                      {"dilated_heads", options.dilated_heads ? "1" : "0"},
                      {"input_divisor", absl::StrCat(model.info.input_divisor)},
                      {"pyramid", absl::StrJoin(model.info.pyramid, ",")},
                      {"iterations", absl::StrCat(model.info.iterations)},
                      {"data", model.info.data},
                      {"written_by", absl::StrCat("hardface ", kVersion)}};
  if (model.info.calibration.has_value()) {
    content.metadata["calibration"] =
        absl::StrCat(model.info.calibration->temperature, ",", model.info.calibration->shift);
  }
  if (model.info.score_threshold.has_value()) {
    content.metadata["score_threshold"] = absl::StrCat(*model.info.score_threshold);
  }
  return WriteSafeTensors(path, content, storage);
}

absl::StatusOr<ParameterSet> LoadWeights(const std::string& path, float input_divisor) {
  if (absl::EndsWith(path, ".caffemodel")) {
    ASSIGN_OR_RETURN(ParameterSet weights, ReadCaffeModel(path));
    ScaleFirstLayer(input_divisor, &weights);
    return weights;
  }
  ASSIGN_OR_RETURN(SafeTensors content, ReadSafeTensors(path));
  if (HasTorchvisionNames(content.tensors)) {
    return FromTorchvisionVgg16(content.tensors, {{kBgrMean[0], kBgrMean[1], kBgrMean[2]}, input_divisor}, path);
  }
  if (content.metadata.count("input_divisor") > 0) {
    ASSIGN_OR_RETURN(const float divisor, Metadata(content.metadata, path).InputDivisor());
    ScaleFirstLayer(input_divisor / divisor, &content.tensors);
  }
  return std::move(content.tensors);
}

}  // namespace hardface::model
