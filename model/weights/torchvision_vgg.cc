#include "model/weights/torchvision_vgg.h"

#include <cmath>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"

namespace hardface::model {
namespace {

// The input of torchvision's models, R G B: (pixel / 255 - mean) / std.
constexpr double kMean[3] = {0.485, 0.456, 0.406};
constexpr double kStd[3] = {0.229, 0.224, 0.225};
constexpr double kBatchNormEpsilon = 1e-5;

constexpr char kFirst[] = "features.0.weight";

struct Layer {
  const char* name;
  int in, out;
  int plain, batch_norm;  // index in vgg16's "features", and in vgg16_bn's; its batch normalisation is the next
};

constexpr Layer kLayers[] = {
    {"conv1_1", 3, 64, 0, 0},      {"conv1_2", 64, 64, 2, 3},     {"conv2_1", 64, 128, 5, 7},
    {"conv2_2", 128, 128, 7, 10},  {"conv3_1", 128, 256, 10, 14}, {"conv3_2", 256, 256, 12, 17},
    {"conv3_3", 256, 256, 14, 20}, {"conv4_1", 256, 512, 17, 24}, {"conv4_2", 512, 512, 19, 27},
    {"conv4_3", 512, 512, 21, 30}, {"conv5_1", 512, 512, 24, 34}, {"conv5_2", 512, 512, 26, 37},
    {"conv5_3", 512, 512, 28, 40},
};

// What stands before "features." of every VGG in TENSORS.
std::vector<std::string> Prefixes(const ParameterSet& tensors) {
  std::vector<std::string> prefixes;
  for (const auto& [name, array] : tensors) {
    absl::string_view prefix = name;
    if (!absl::ConsumeSuffix(&prefix, kFirst)) continue;
    if (prefix.empty() || absl::EndsWith(prefix, ".")) prefixes.emplace_back(prefix);
  }
  return prefixes;
}

// Reads tensors by torchvision's names; errors name file, tensor and layer.
class Source {
 public:
  Source(const ParameterSet& tensors, std::string prefix, const std::string& file)
      : tensors_(tensors), prefix_(std::move(prefix)), file_(file) {}

  bool Has(int index, absl::string_view part) const { return tensors_.count(Name(index, part)) > 0; }

  absl::StatusOr<Array> Get(int index, absl::string_view part, const Layer& layer, const std::vector<int>& dims) const {
    const std::string name = Name(index, part);
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) {
      return absl::InvalidArgumentError(absl::StrCat(file_, ": no tensor named ", name, " (", layer.name, ", expected ",
                                                     DimsToString(dims), "); give torchvision's vgg16 or vgg16_bn"));
    }
    if (found->second.dims != dims) {
      return absl::InvalidArgumentError(absl::StrCat(file_, ": tensor ", name, " (", layer.name, ") is ",
                                                     DimsToString(found->second.dims), ", expected ",
                                                     DimsToString(dims), "; give torchvision's vgg16 or vgg16_bn"));
    }
    return found->second;
  }

 private:
  std::string Name(int index, absl::string_view part) const {
    return absl::StrCat(prefix_, "features.", index, ".", part);
  }

  const ParameterSet& tensors_;
  const std::string prefix_;
  const std::string& file_;
};

// Weights (out, in, 3, 3) and biases (out).
struct Convolution {
  Array weight, bias;
};

// gamma * (conv(x) + bias - mean) / sqrt(variance + epsilon) + beta is a convolution, too.
absl::Status FoldBatchNorm(const Source& source, int index, const Layer& layer, Convolution* convolution) {
  const std::vector<int> dims = {layer.out};
  ASSIGN_OR_RETURN(const Array gamma, source.Get(index, "weight", layer, dims));
  ASSIGN_OR_RETURN(const Array beta, source.Get(index, "bias", layer, dims));
  ASSIGN_OR_RETURN(const Array mean, source.Get(index, "running_mean", layer, dims));
  ASSIGN_OR_RETURN(const Array variance, source.Get(index, "running_var", layer, dims));
  const size_t filter = convolution->weight.values.size() / beta.values.size();
  for (size_t out = 0; out < beta.values.size(); ++out) {
    const double scale = gamma.values[out] / std::sqrt(variance.values[out] + kBatchNormEpsilon);
    for (size_t i = 0; i < filter; ++i) {
      float& weight = convolution->weight.values[out * filter + i];
      weight = static_cast<float>(scale * weight);
    }
    float& bias = convolution->bias.values[out];
    bias = static_cast<float>(scale * (double{bias} - mean.values[out]) + beta.values[out]);
  }
  return absl::OkStatus();
}

// With x = (pixel - m) / d for ours, torchvision's input is x * d / (255 std) + (m - 255 mean) / (255 std): the factor
// goes into the weights, the rest, a constant wherever the filter lies within the image, into the bias.
void TakeInput(const InputScaling& input, Convolution* first) {
  const std::vector<float> rgb_weights = first->weight.values;
  for (size_t out = 0; out < first->bias.values.size(); ++out) {
    double shift = 0;
    for (size_t rgb = 0; rgb < 3; ++rgb) {
      const size_t bgr = 2 - rgb;
      const double scale = input.divisor / (255 * kStd[rgb]);
      const double constant = (input.bgr_mean[bgr] - 255 * kMean[rgb]) / (255 * kStd[rgb]);
      for (size_t i = 0; i < 9; ++i) {
        const double weight = rgb_weights[(out * 3 + rgb) * 9 + i];
        first->weight.values[(out * 3 + bgr) * 9 + i] = static_cast<float>(weight * scale);
        shift += weight * constant;
      }
    }
    first->bias.values[out] = static_cast<float>(first->bias.values[out] + shift);
  }
}

}  // namespace

bool HasTorchvisionNames(const ParameterSet& tensors) { return !Prefixes(tensors).empty(); }

absl::StatusOr<ParameterSet> FromTorchvisionVgg16(const ParameterSet& tensors, const InputScaling& input,
                                                  const std::string& file) {
  const std::vector<std::string> prefixes = Prefixes(tensors);
  if (prefixes.size() != 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        file, ": holds ", prefixes.size(), " tensors named ", kFirst,
        prefixes.empty() ? "" : absl::StrCat(" (before them: \"", absl::StrJoin(prefixes, "\", \""), "\")"),
        "; give a file with one VGG16"));
  }
  const Source source(tensors, prefixes[0], file);
  const bool batch_norm = source.Has(1, "running_mean");
  ParameterSet parameters;
  for (const Layer& layer : kLayers) {
    const int index = batch_norm ? layer.batch_norm : layer.plain;
    Convolution convolution;
    ASSIGN_OR_RETURN(convolution.weight, source.Get(index, "weight", layer, {layer.out, layer.in, 3, 3}));
    ASSIGN_OR_RETURN(convolution.bias, source.Get(index, "bias", layer, {layer.out}));
    if (batch_norm) RETURN_IF_ERROR(FoldBatchNorm(source, index + 1, layer, &convolution));
    if (layer.in == 3) TakeInput(input, &convolution);
    parameters[absl::StrCat(layer.name, ".weight")] = std::move(convolution.weight);
    parameters[absl::StrCat(layer.name, ".bias")] = std::move(convolution.bias);
  }
  return parameters;
}

}  // namespace hardface::model
