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
      shape.c = layer.out_channels;
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
  }
  return shape;
}

// Calls function(layer, channels of its first input) for every convolution.
template <typename Function>
void ForEachConvolution(const NetworkSpec& network, const Function& function) {
  std::map<std::string, int> channels;
  for (const LayerSpec& layer : network.layers) {
    int count = layer.kind == LayerKind::kInput ? 3 : channels[layer.inputs[0]];
    if (layer.kind == LayerKind::kConv2d) {
      function(layer, count);
      count = layer.out_channels;
    } else if (layer.kind == LayerKind::kConcat) {
      count += channels[layer.inputs[1]];
    }
    channels[layer.name] = count;
  }
}

}  // namespace

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
    HARDFACE_CHECK(inputs.size() == (layer.kind == LayerKind::kConcat ? 2u : 1u));
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
    if (layer.kind == LayerKind::kConv2d) reach.radius += layer.kernel / 2 * layer.dilation * reach.stride;
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

std::vector<ParameterSpec> ListParameters(const NetworkSpec& network) {
  std::vector<ParameterSpec> parameters;
  std::set<std::string> seen;
  ForEachConvolution(network, [&](const LayerSpec& layer, int in_channels) {
    if (!seen.insert(layer.parameters).second) return;
    const std::vector<int> dims = {layer.out_channels, in_channels, layer.kernel, layer.kernel};
    parameters.push_back({layer.parameters + ".weight", dims, layer.part, /*bias=*/false});
    parameters.push_back({layer.parameters + ".bias", {layer.out_channels}, layer.part, /*bias=*/true});
  });
  return parameters;
}

absl::StatusOr<double> CountFlops(const NetworkSpec& network, const Shape& input) {
  ASSIGN_OR_RETURN(const auto shapes, InferShapes(network, input));
  double flops = 0;
  ForEachConvolution(network, [&](const LayerSpec& layer, int in_channels) {
    flops += 2.0 * static_cast<double>(shapes.at(layer.name).size()) * in_channels * layer.kernel * layer.kernel;
  });
  return flops;
}

}  // namespace hardface::model
