#include "model/weights/pruning.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "model/detectors/detector.h"
#include "model/detectors/network.h"
#include "model/weights/parameters.h"

namespace hardface::model {
namespace {

constexpr float kNegligible = 1e-8f;

// Numbers of the convolutions' parameters, by name.
using Numbers = std::map<std::string, int>;

Numbers NumberParameters(const NetworkSpec& network) {
  Numbers numbers;
  for (const LayerSpec& layer : network.layers) {
    if (layer.kind == LayerKind::kConv2d) numbers.emplace(layer.parameters, static_cast<int>(numbers.size()));
  }
  return numbers;
}

// A channel of a tensor: made by the convolutions with parameters number PARAMETERS (-1: the image's).
struct Source {
  int parameters;
  size_t channel;

  bool operator==(const Source& o) const { return parameters == o.parameters && channel == o.channel; }
};

using Sources = std::vector<Source>;

// The channels of every layer's output.
std::map<std::string, Sources> SourcesOf(const NetworkSpec& network, const Numbers& numbers) {
  std::map<std::string, Sources> sources;
  for (const LayerSpec& layer : network.layers) {
    Sources& of_layer = sources[layer.name];
    if (layer.kind == LayerKind::kInput) {
      for (size_t c = 0; c < 3; ++c) of_layer.push_back({-1, c});
    } else if (layer.kind == LayerKind::kConv2d) {
      const int number = numbers.at(layer.parameters);
      for (size_t c = 0; c < static_cast<size_t>(layer.out_channels); ++c) of_layer.push_back({number, c});
    } else {
      for (const std::string& input : layer.inputs) {
        const Sources& from = sources.at(input);
        of_layer.insert(of_layer.end(), from.begin(), from.end());
      }
    }
  }
  return sources;
}

float LargestMagnitude(const float* values, size_t count) {
  float largest = 0;
  for (size_t i = 0; i < count; ++i) largest = std::max(largest, std::abs(values[i]));
  return largest;
}

double SumOfSquares(const float* values, size_t count) {
  return std::inner_product(values, values + count, values, 0.0);
}

class Pruner {
 public:
  explicit Pruner(const Model& model)
      : model_(model),
        numbers_(NumberParameters(model.detector.network)),
        sources_(SourcesOf(model.detector.network, numbers_)),
        alive_(numbers_.size()) {
    for (const LayerSpec& layer : model.detector.network.layers) {
      if (layer.kind != LayerKind::kConv2d) continue;
      alive_[Number(layer)].assign(static_cast<size_t>(layer.out_channels), true);
    }
  }

  // Finds dead channels until there are no more: what only a dead one fed may be dead, too. Whether there are any.
  bool Find() {
    bool any = false;
    while (FindOnce()) any = true;
    return any;
  }

  // Leaves each layer that is no output the strongest of its channels, one in FACTOR.
  void KeepStrongest(int factor) {
    const std::vector<std::vector<double>> strength = SquaredNorms();
    for (const LayerSpec& layer : model_.detector.network.layers) {
      if (layer.kind != LayerKind::kConv2d || IsOutput(layer)) continue;
      const std::vector<double>& of_layer = strength[Number(layer)];
      std::vector<size_t> order(of_layer.size());
      std::iota(order.begin(), order.end(), size_t{0});
      std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return of_layer[a] > of_layer[b]; });
      std::vector<bool>& alive = alive_[Number(layer)];
      alive.assign(alive.size(), false);
      for (size_t i = 0; i < order.size() / static_cast<size_t>(factor); ++i) alive[order[i]] = true;
    }
  }

  Model Build() const {
    Model pruned = model_;
    for (LayerSpec& layer : pruned.detector.network.layers) {
      if (layer.kind != LayerKind::kConv2d) continue;
      const std::vector<bool>& outputs = alive_[Number(layer)];
      layer.out_channels = static_cast<int>(std::count(outputs.begin(), outputs.end(), true));
      const Sources& inputs = sources_.at(layer.inputs[0]);
      for (const char* const kind : {".weight", ".bias"}) {
        pruned.parameters[layer.parameters + kind] =
            Kept(model_.parameters.at(layer.parameters + kind), outputs, inputs);
      }
    }
    return pruned;
  }

 private:
  using Strength = std::vector<std::vector<float>>;  // by number of parameters, then channel

  size_t Number(const LayerSpec& layer) const { return static_cast<size_t>(numbers_.at(layer.parameters)); }

  bool Alive(const Source& source) const {
    return source.parameters < 0 || alive_[static_cast<size_t>(source.parameters)][source.channel];
  }

  bool IsOutput(const LayerSpec& layer) const {
    const std::vector<std::string>& outputs = model_.detector.network.outputs;
    return std::find(outputs.begin(), outputs.end(), layer.name) != outputs.end();
  }

  // Calls VISIT with every kernel of every convolution: the numbers of the parameters, the output channel, what the
  // kernel reads, and its weights, TAPS of them.
  template <typename Visit>
  void ForEachKernel(const Visit& visit) const {
    for (const LayerSpec& layer : model_.detector.network.layers) {
      if (layer.kind != LayerKind::kConv2d) continue;
      const float* weights = model_.parameters.at(layer.parameters + ".weight").values.data();
      const auto taps = static_cast<size_t>(layer.kernel * layer.kernel);
      for (size_t o = 0; o < static_cast<size_t>(layer.out_channels); ++o) {
        for (const Source& input : sources_.at(layer.inputs[0])) {
          visit(Number(layer), o, input, weights, taps);
          weights += taps;
        }
      }
    }
  }

  // The largest of the weights that make each channel, or its bias where that alone keeps it above zero; and the
  // largest that read it. Of living channels at the other end.
  void Strengths(Strength* makes, Strength* reads) const {
    for (const std::vector<bool>& alive : alive_) {
      makes->emplace_back(alive.size(), 0.0f);
      reads->emplace_back(alive.size(), 0.0f);
    }
    for (const LayerSpec& layer : model_.detector.network.layers) {
      if (layer.kind != LayerKind::kConv2d) continue;
      const Array& bias = model_.parameters.at(layer.parameters + ".bias");
      std::vector<float>& made = (*makes)[Number(layer)];
      for (size_t o = 0; o < made.size(); ++o) {
        // Without ReLU a negative bias is as good as a positive one.
        made[o] = std::max(made[o], layer.relu ? bias.values[o] : std::abs(bias.values[o]));
      }
    }
    ForEachKernel([&](size_t number, size_t o, const Source& input, const float* weights, size_t taps) {
      if (!Alive(input)) return;
      const float largest = LargestMagnitude(weights, taps);
      float& made = (*makes)[number][o];
      made = std::max(made, largest);
      if (!alive_[number][o] || input.parameters < 0) return;
      float& read = (*reads)[static_cast<size_t>(input.parameters)][input.channel];
      read = std::max(read, largest);
    });
  }

  // Of every channel the squared norm of the weights that make it, times that of those that read it.
  std::vector<std::vector<double>> SquaredNorms() const {
    std::vector<std::vector<double>> makes, reads;
    for (const std::vector<bool>& alive : alive_) {
      makes.emplace_back(alive.size(), 0.0);
      reads.emplace_back(alive.size(), 0.0);
    }
    ForEachKernel([&](size_t number, size_t o, const Source& input, const float* weights, size_t taps) {
      const double squares = SumOfSquares(weights, taps);
      makes[number][o] += squares;
      if (input.parameters >= 0) reads[static_cast<size_t>(input.parameters)][input.channel] += squares;
    });
    for (size_t number = 0; number < makes.size(); ++number) {
      for (size_t c = 0; c < makes[number].size(); ++c) makes[number][c] *= reads[number][c];
    }
    return makes;
  }

  bool FindOnce() {
    Strength makes, reads;
    Strengths(&makes, &reads);
    bool found = false;
    for (const LayerSpec& layer : model_.detector.network.layers) {
      if (layer.kind != LayerKind::kConv2d || IsOutput(layer)) continue;
      const size_t number = Number(layer);
      std::vector<bool>& alive = alive_[number];
      for (size_t c = 0; c < alive.size(); ++c) {
        const float product = makes[number][c] * reads[number][c];
        if (!alive[c] || !(product <= kNegligible)) continue;
        if (std::count(alive.begin(), alive.end(), true) == 1) continue;  // a layer keeps one
        alive[c] = false;
        found = true;
      }
    }
    return found;
  }

  // The living part of a weight (out, in, k, k) or bias (out).
  Array Kept(const Array& array, const std::vector<bool>& outputs, const Sources& inputs) const {
    Array kept;
    const size_t a_channel = array.values.size() / outputs.size();
    for (size_t o = 0; o < outputs.size(); ++o) {
      if (!outputs[o]) continue;
      const float* const from = array.values.data() + o * a_channel;
      if (array.dims.size() == 1) kept.values.push_back(*from);
      for (size_t i = 0; array.dims.size() == 4 && i < inputs.size(); ++i) {
        const size_t taps = a_channel / inputs.size();
        if (Alive(inputs[i])) kept.values.insert(kept.values.end(), from + i * taps, from + (i + 1) * taps);
      }
    }
    kept.dims = array.dims;
    kept.dims[0] = static_cast<int>(std::count(outputs.begin(), outputs.end(), true));
    if (kept.dims.size() == 4) {
      kept.dims[1] = static_cast<int>(
          std::count_if(inputs.begin(), inputs.end(), [this](const Source& source) { return Alive(source); }));
    }
    return kept;
  }

  const Model& model_;
  const Numbers numbers_;
  const std::map<std::string, Sources> sources_;
  std::vector<std::vector<bool>> alive_;  // by number of parameters, then channel
};

// Whether layers that share weights read the same channels, as pruning them together needs.
bool SharersReadAlike(const NetworkSpec& network) {
  const std::map<std::string, Sources> sources = SourcesOf(network, NumberParameters(network));
  std::map<std::string, const Sources*> read;
  for (const LayerSpec& layer : network.layers) {
    if (layer.kind != LayerKind::kConv2d) continue;
    const Sources* const inputs = &sources.at(layer.inputs[0]);
    const auto [first, inserted] = read.emplace(layer.parameters, inputs);
    if (!inserted && !(*first->second == *inputs)) return false;
  }
  return true;
}

// Channels that are added, multiplied or normalised together cannot go one by one.
bool ChannelsCanGo(const NetworkSpec& network) { return CheckTrainable(network).ok() && SharersReadAlike(network); }

}  // namespace

Model WithoutDeadChannels(Model model) {
  if (!ChannelsCanGo(model.detector.network)) return model;
  Pruner pruner(model);
  if (pruner.Find()) return pruner.Build();
  return model;
}

absl::StatusOr<Model> NarrowModel(const Model& model, int width_divisor) {
  DetectorOptions options = model.detector.options;
  if (width_divisor <= options.width_divisor || width_divisor % options.width_divisor != 0) {
    return absl::InvalidArgumentError(absl::StrCat("width divisor ", width_divisor,
                                                   " does not narrow a model of width divisor ", options.width_divisor,
                                                   "; take a greater multiple of it"));
  }
  if (!ChannelsCanGo(model.detector.network)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the architecture ", options.architecture,
        " has layers whose channels cannot be left out one by one; smallhard and three_maps can be narrowed"));
  }
  const int factor = width_divisor / options.width_divisor;
  options.width_divisor = width_divisor;
  ASSIGN_OR_RETURN(DetectorSpec detector, BuildDetector(options));
  Pruner pruner(model);
  pruner.KeepStrongest(factor);
  Model narrowed = pruner.Build();
  narrowed.detector = std::move(detector);
  return narrowed;
}

}  // namespace hardface::model
