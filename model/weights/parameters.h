// A network's parameters by name, and their initialisation.
#ifndef HARDFACE_MODEL_WEIGHTS_PARAMETERS_H_
#define HARDFACE_MODEL_WEIGHTS_PARAMETERS_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "model/detectors/network.h"

namespace hardface::model {

// A named float array with its dimensions; row-major.
struct Array {
  std::vector<int> dims;
  std::vector<float> values;
};

using ParameterSet = std::map<std::string, Array>;

// Zeros, for gradients and momenta too.
ParameterSet ZeroParameters(const std::vector<ParameterSpec>& specs);

enum class Initialization {
  kHe,        // Gaussian of variance 2 / fan-in (He et al., 2015): for training from scratch
  kGaussian,  // Gaussian of standard deviation 0.01, as the paper's new layers have it
};

inline std::vector<std::pair<std::string, Initialization>> FlagChoices(Initialization) {
  return {{"gaussian", Initialization::kGaussian}, {"he", Initialization::kHe}};
}

// Random weights, zero biases; each parameter has its own random stream, so that adding a layer changes no other.
ParameterSet InitializeParameters(const std::vector<ParameterSpec>& specs, Initialization initialization,
                                  uint64_t seed);

// OK when PARAMETERS holds every one of SPECS with its dimensions; else an error that names the first that is missing
// or differs. SOURCE (a file name) stands before it.
absl::Status CheckParameters(const std::vector<ParameterSpec>& specs, const ParameterSet& parameters,
                             const std::string& source);

// OK when every value is a finite number; else an error that names the first that is not. PLACE stands before it
// ("model.safetensors: tensor conv1_1.weight").
absl::Status CheckFinite(const Array& array, const std::string& place);

std::string DimsToString(const std::vector<int>& dims);  // "64x3x3x3"

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_WEIGHTS_PARAMETERS_H_
