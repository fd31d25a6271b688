#include "model/weights/revive.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace hardface::model {
namespace {

constexpr float kDead = 1e-3f;       // of the layer's greatest weight
constexpr float kInputScale = 0.1f;  // of new weights on inputs

// A convolution's weights as (outputs, inputs, taps).
struct Weights {
  explicit Weights(Array* array)
      : values(array->values), outputs(array->dims[0]), inputs(array->dims[1]), taps(array->dims[2] * array->dims[3]) {}

  size_t Index(int output, int input, int tap) const {
    return (static_cast<size_t>(output) * inputs + input) * taps + tap;
  }

  std::vector<float>& values;
  const int outputs, inputs, taps;
};

// The greatest weight's size of every output and of every input.
void MeasureChannels(const Weights& weights, std::vector<float>* of_outputs, std::vector<float>* of_inputs) {
  of_outputs->assign(static_cast<size_t>(weights.outputs), 0.0f);
  of_inputs->assign(static_cast<size_t>(weights.inputs), 0.0f);
  for (int o = 0; o < weights.outputs; ++o) {
    for (int i = 0; i < weights.inputs; ++i) {
      for (int t = 0; t < weights.taps; ++t) {
        const float size = std::fabs(weights.values[weights.Index(o, i, t)]);
        (*of_outputs)[o] = std::max((*of_outputs)[o], size);
        (*of_inputs)[i] = std::max((*of_inputs)[i], size);
      }
    }
  }
}

}  // namespace

RevivedChannels ReviveChannels(const std::vector<ParameterSpec>& specs, uint64_t seed, ParameterSet* parameters) {
  const ParameterSet fresh = InitializeParameters(specs, Initialization::kHe, seed);
  RevivedChannels revived;
  for (const ParameterSpec& spec : specs) {
    if (spec.dims.size() != 4) continue;  // a bias, or scales
    const Weights weights(&parameters->at(spec.name));
    const std::vector<float>& drawn = fresh.at(spec.name).values;
    std::vector<float> of_outputs, of_inputs;
    MeasureChannels(weights, &of_outputs, &of_inputs);
    const float dead = kDead * *std::max_element(of_outputs.begin(), of_outputs.end());
    std::vector<float>& bias = parameters->at(spec.name.substr(0, spec.name.rfind('.')) + ".bias").values;
    for (int o = 0; o < weights.outputs; ++o) {
      const bool dead_output = of_outputs[o] < dead;
      if (dead_output) {
        ++revived.of_outputs;
        bias[o] = 0;
      }
      for (int i = 0; i < weights.inputs; ++i) {
        const bool dead_input = of_inputs[i] < dead;
        if (!dead_output && !dead_input) continue;
        for (int t = 0; t < weights.taps; ++t) {
          const size_t index = weights.Index(o, i, t);
          weights.values[index] = drawn[index] * (dead_output ? 1.0f : kInputScale);
        }
      }
    }
    revived.of_inputs += std::count_if(of_inputs.begin(), of_inputs.end(), [&](float size) { return size < dead; });
  }
  return revived;
}

}  // namespace hardface::model
