#include "model/weights/parameters.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/random.h"

namespace hardface::model {
namespace {

constexpr double kGaussianDeviation = 0.01;

}  // namespace

std::string DimsToString(const std::vector<int>& dims) { return absl::StrJoin(dims, "x"); }

ParameterSet ZeroParameters(const std::vector<ParameterSpec>& specs) {
  ParameterSet parameters;
  for (const ParameterSpec& spec : specs) {
    parameters[spec.name] = {spec.dims, std::vector<float>(static_cast<size_t>(spec.size()))};
  }
  return parameters;
}

ParameterSet InitializeParameters(const std::vector<ParameterSpec>& specs, Initialization initialization,
                                  uint64_t seed) {
  ParameterSet parameters = ZeroParameters(specs);
  for (const ParameterSpec& spec : specs) {
    if (spec.fill != 0) {
      std::vector<float>& values = parameters[spec.name].values;
      std::fill(values.begin(), values.end(), spec.fill);
      continue;
    }
    if (spec.bias) continue;
    const double fan_in = static_cast<double>(spec.size()) / spec.dims[0];
    const double deviation = initialization == Initialization::kHe ? std::sqrt(2.0 / fan_in) : kGaussianDeviation;
    Random random({seed, HashText(spec.name)});
    for (float& value : parameters[spec.name].values) value = static_cast<float>(deviation * random.Gaussian());
  }
  return parameters;
}

absl::Status CheckParameters(const std::vector<ParameterSpec>& specs, const ParameterSet& parameters,
                             const std::string& source) {
  for (const ParameterSpec& spec : specs) {
    const auto found = parameters.find(spec.name);
    if (found == parameters.end()) {
      return absl::InvalidArgumentError(absl::StrCat(source, ": no tensor named ", spec.name, " (expected ",
                                                     DimsToString(spec.dims),
                                                     "); is this a model of the same architecture and width?"));
    }
    if (found->second.dims != spec.dims) {
      return absl::InvalidArgumentError(
          absl::StrCat(source, ": tensor ", spec.name, " is ", DimsToString(found->second.dims), ", expected ",
                       DimsToString(spec.dims), "; do the widths (--width_divisor) and heads match?"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckFinite(const Array& array, const std::string& place) {
  for (size_t i = 0; i < array.values.size(); ++i) {
    if (std::isfinite(array.values[i])) continue;
    return absl::InvalidArgumentError(absl::StrCat(place, ": value ", i, " is ", array.values[i],
                                                   ", which is not a finite number; the training that wrote it has "
                                                   "diverged, or the file is damaged: use another"));
  }
  return absl::OkStatus();
}

}  // namespace hardface::model
