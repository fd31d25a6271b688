#include "model/detectors/network.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"

namespace hardface::model {
namespace {

absl::StatusOr<Shape> OutputShape(const LayerSpec& layer, const std::vector<Shape>& inputs) {
  Shape shape = inputs[0];
  const auto error = [&](absl::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat("layer ", layer.name, ": ", what));
  };
  switch (layer.kind) {
    case LayerKind::kInput:
      break;
    case LayerKind::kConv2d:
      shape = layer.convolution(shape.c).OutputShape(shape);
      if (shape.h < 1 || shape.w < 1) {
        return error(absl::StrCat("nothing is left of ", inputs[0].ToString(), " after it; give a larger image"));
      }
      break;
    case LayerKind::kMaxPool:
      if (shape.h % 2 != 0 || shape.w % 2 != 0) {
        return error(absl::StrCat("cannot pool ", shape.ToString(), " by 2; pad the image to the network's multiple"));
      }
      shape.h /= 2;
      shape.w /= 2;
      break;
    case LayerKind::kUpsample:
      shape.h *= 2;
      shape.w *= 2;
      break;
    case LayerKind::kConcat:
      if (inputs[1].n != shape.n || inputs[1].h != shape.h || inputs[1].w != shape.w) {
        return error(absl::StrCat("cannot concatenate ", shape.ToString(), " and ", inputs[1].ToString()));
      }
      shape.c += inputs[1].c;
      break;
    case LayerKind::kL2Norm:
      break;
    case LayerKind::kAdd:
    case LayerKind::kMultiply:
      if (inputs[1] != shape) {
        return error(absl::StrCat("cannot ", layer.kind == LayerKind::kAdd ? "add " : "multiply ", shape.ToString(),
                                  " and ", inputs[1].ToString()));
      }
      break;
    case LayerKind::kMaxOut:
      if (shape.c < layer.background_logits + layer.face_logits) {
        return error(
            absl::StrCat("needs ", layer.background_logits + layer.face_logits, " channels, not ", shape.ToString()));
      }
      shape.c = 2;
      break;
  }
  return shape;
}

size_t InputCount(LayerKind kind) {
  return kind == LayerKind::kConcat || kind == LayerKind::kAdd || kind == LayerKind::kMultiply ? 2 : 1;
}

// Calls function(layer, channels of its first input) for every layer.
template <typename Function>
void ForEachLayer(const NetworkSpec& network, const Function& function) {
  std::map<std::string, int> channels;
  for (const LayerSpec& layer : network.layers) {
    int count = layer.kind == LayerKind::kInput ? 3 : channels[layer.inputs[0]];
    function(layer, count);
    if (layer.kind == LayerKind::kConv2d) count = layer.out_channels;
    if (layer.kind == LayerKind::kConcat) count += channels[layer.inputs[1]];
    if (layer.kind == LayerKind::kMaxOut) count = 2;
    channels[layer.name] = count;
  }
}

}  // namespace

const char* KindName(LayerKind kind) {
  switch (kind) {
    case LayerKind::kInput:
      return "input";
    case LayerKind::kConv2d:
      return "conv";
    case LayerKind::kMaxPool:
      return "max pool";
    case LayerKind::kUpsample:
      return "upsample x2";
    case LayerKind::kConcat:
      return "concat";
    case LayerKind::kL2Norm:
      return "L2 norm";
    case LayerKind::kAdd:
      return "add";
    case LayerKind::kMultiply:
      return "multiply";
    case LayerKind::kMaxOut:
      return "max-out";
  }
  return "";
}

int64_t ParameterSpec::size() const {
  int64_t size = 1;
  for (int dim : dims) size *= dim;
  return size;
}

absl::StatusOr<std::map<std::string, Shape>> InferShapes(const NetworkSpec& network, const Shape& input) {
  std::map<std::string, Shape> shapes;
  for (const LayerSpec& layer : network.layers) {
    std::vector<Shape> inputs;
    for (const std::string& name : layer.inputs) {
      HARDFACE_CHECK(shapes.count(name) == 1);
      inputs.push_back(shapes[name]);
    }
    if (layer.kind == LayerKind::kInput) inputs = {input};
    HARDFACE_CHECK(inputs.size() == InputCount(layer.kind));
    ASSIGN_OR_RETURN(shapes[layer.name], OutputShape(layer, inputs));
  }
  return shapes;
}

int ReceptiveRadius(const NetworkSpec& network) {
  struct Reach {
    int radius = 0, stride = 1;  // image pixels
  };
  std::map<std::string, Reach> reaches;
  int largest = 0;
  for (const LayerSpec& layer : network.layers) {
    Reach reach;
    for (const std::string& input : layer.inputs) {
      reach.radius = std::max(reach.radius, reaches.at(input).radius);
      reach.stride = reaches.at(input).stride;
    }
    if (layer.kind == LayerKind::kConv2d) {
      // Output y reads the inputs y * stride - pad to y * stride - pad + extent.
      const int extent = (layer.kernel - 1) * layer.dilation, pad = layer.convolution(1).pad();
      reach.radius += std::max(pad, extent - pad) * reach.stride;
      reach.stride *= layer.stride;
    }
    if (layer.kind == LayerKind::kMaxPool) {
      reach.radius += reach.stride;
      reach.stride *= 2;
    }
    if (layer.kind == LayerKind::kUpsample) {
      reach.radius += reach.stride;  // the neighbouring coarse pixel
      reach.stride /= 2;
    }
    largest = std::max(largest, reach.radius);
    reaches[layer.name] = reach;
  }
  return largest;
}

absl::Status CheckTrainable(const NetworkSpec& network) {
  for (const LayerSpec& layer : network.layers) {
    const bool convolution = layer.kind == LayerKind::kConv2d;
    const bool known = convolution || layer.kind == LayerKind::kInput || layer.kind == LayerKind::kMaxPool ||
                       layer.kind == LayerKind::kUpsample || layer.kind == LayerKind::kConcat;
    if (known && (!convolution || layer.convolution(1).same_size())) continue;
    return absl::UnimplementedError(absl::StrCat(
        "layer ", layer.name, " (", KindName(layer.kind),
        convolution ? absl::StrCat(" of stride ", layer.stride, " and padding ", layer.convolution(1).pad()) : "",
        ") has no backward step: this network can be run, but not trained; train smallhard or three_maps"));
  }
  return absl::OkStatus();
}

std::vector<ParameterSpec> ListParameters(const NetworkSpec& network) {
  std::vector<ParameterSpec> parameters;
  std::set<std::string> seen;
  ForEachLayer(network, [&](const LayerSpec& layer, int in_channels) {
    if (layer.parameters.empty() || !seen.insert(layer.parameters).second) return;
    if (layer.kind == LayerKind::kL2Norm) {
      ParameterSpec scales{layer.parameters + ".weight", {in_channels}, layer.part, /*bias=*/false};
      scales.fill = layer.initial_scale;
      parameters.push_back(std::move(scales));
      return;
    }
    const std::vector<int> dims = {layer.out_channels, in_channels, layer.kernel, layer.kernel};
    parameters.push_back({layer.parameters + ".weight", dims, layer.part, /*bias=*/false});
    parameters.push_back({layer.parameters + ".bias", {layer.out_channels}, layer.part, /*bias=*/true});
  });
  return parameters;
}

absl::StatusOr<double> CountFlops(const NetworkSpec& network, const Shape& input) {
  ASSIGN_OR_RETURN(const auto shapes, InferShapes(network, input));
  double flops = 0;
  ForEachLayer(network, [&](const LayerSpec& layer, int in_channels) {
    if (layer.kind != LayerKind::kConv2d) return;
    flops += layer.convolution(in_channels).DirectFlops(shapes.at(layer.inputs[0]));
  });
  return flops;
}

}  // namespace hardface::model
