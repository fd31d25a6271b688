#include "train/step/solver.h"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace hardface::train {
namespace {

using Values = Eigen::Map<Eigen::ArrayXf>;
using ConstValues = Eigen::Map<const Eigen::ArrayXf>;

Values ValuesOf(model::Array* array) { return {array->values.data(), static_cast<Eigen::Index>(array->values.size())}; }
ConstValues ValuesOf(const model::Array& array) {
  return {array.values.data(), static_cast<Eigen::Index>(array.values.size())};
}

double SquaredNorm(const model::ParameterSet& gradients) {
  double sum = 0;
  for (const auto& [name, array] : gradients) sum += ValuesOf(array).cast<double>().square().sum();
  return sum;
}

void AddPrefixed(const std::string& prefix, const model::ParameterSet& from, model::ParameterSet* to) {
  for (const auto& [name, array] : from) (*to)[prefix + name] = array;
}

absl::Status TakePrefixed(const std::string& prefix, const model::ParameterSet& from, const std::string& source,
                          model::ParameterSet* to) {
  for (auto& [name, array] : *to) {
    const auto found = from.find(prefix + name);
    if (found == from.end() || found->second.dims != array.dims) {
      return absl::InvalidArgumentError(absl::StrCat(source, ": no ", prefix, name, " of ",
                                                     model::DimsToString(array.dims),
                                                     "; was this training started with other settings?"));
    }
    array = found->second;
  }
  return absl::OkStatus();
}

}  // namespace

double LearningRate(const Schedule& schedule, int64_t iteration) {
  double rate = schedule.base;
  if (schedule.kind == Schedule::Kind::kStep) {
    for (const int64_t step : schedule.steps) rate *= iteration >= step ? schedule.factor : 1.0;
  } else {
    const double progress = std::min(1.0, static_cast<double>(iteration) / static_cast<double>(schedule.iterations));
    rate = schedule.floor + (schedule.base - schedule.floor) * 0.5 * (1 + std::cos(3.14159265358979323846 * progress));
  }
  if (iteration < schedule.warmup) rate *= static_cast<double>(iteration + 1) / static_cast<double>(schedule.warmup);
  return rate;
}

double RateOf(const SolverOptions& options, const model::ParameterSpec& spec) {
  const double part = spec.part == model::NetworkPart::kEarly  ? options.early_rate
                      : spec.part == model::NetworkPart::kBody ? options.body_rate
                                                               : options.head_rate;
  return part * (spec.bias ? options.bias_rate : 1.0);
}

double DecayOf(const SolverOptions& options, const model::ParameterSpec& spec) {
  return spec.part == model::NetworkPart::kHead && spec.bias ? 0 : options.weight_decay;
}

model::ParameterSet SolverState::Pack() const {
  model::ParameterSet arrays;
  AddPrefixed("first.", first, &arrays);
  AddPrefixed("second.", second, &arrays);
  AddPrefixed("average.", average, &arrays);
  return arrays;
}

absl::Status SolverState::Unpack(const model::ParameterSet& arrays, const std::string& source) {
  RETURN_IF_ERROR(TakePrefixed("first.", arrays, source, &first));
  RETURN_IF_ERROR(TakePrefixed("second.", arrays, source, &second));
  return TakePrefixed("average.", arrays, source, &average);
}

SolverState ZeroSolverState(const std::vector<model::ParameterSpec>& specs, const SolverOptions& options) {
  SolverState state;
  state.first = model::ZeroParameters(specs);
  if (options.kind == SolverOptions::Kind::kAdam) state.second = model::ZeroParameters(specs);
  if (options.average > 0) state.average = model::ZeroParameters(specs);
  return state;
}

Solver::Solver(std::vector<model::ParameterSpec> specs, const SolverOptions& options)
    : specs_(std::move(specs)), options_(options), state_(ZeroSolverState(specs_, options)) {
  state_.average.clear();  // the first step's weights start it
}

double Solver::Step(int64_t iteration, const model::ParameterSet& gradients, model::ParameterSet* parameters) {
  const double norm = std::sqrt(SquaredNorm(gradients));
  if (!std::isfinite(norm)) return norm;
  const double clip = options_.clip_norm > 0 && norm > options_.clip_norm ? options_.clip_norm / norm : 1.0;
  const double rate = LearningRate(options_.schedule, iteration);
  const auto correction1 = static_cast<float>(1 - std::pow(options_.beta1, static_cast<double>(iteration + 1)));
  const auto correction2 = static_cast<float>(1 - std::pow(options_.beta2, static_cast<double>(iteration + 1)));
  for (const model::ParameterSpec& spec : specs_) {
    const auto own_rate = static_cast<float>(rate * RateOf(options_, spec));
    const auto decay = static_cast<float>(DecayOf(options_, spec));
    if (own_rate == 0) continue;
    Values weights = ValuesOf(&parameters->at(spec.name)), first = ValuesOf(&state_.first.at(spec.name));
    const Eigen::ArrayXf gradient = static_cast<float>(clip) * ValuesOf(gradients.at(spec.name)) + decay * weights;
    if (options_.kind == SolverOptions::Kind::kSgd) {
      first = static_cast<float>(options_.momentum) * first + own_rate * gradient;
      weights -= first;
      continue;
    }
    const auto beta1 = static_cast<float>(options_.beta1), beta2 = static_cast<float>(options_.beta2);
    Values second = ValuesOf(&state_.second.at(spec.name));
    first = beta1 * first + (1 - beta1) * gradient;
    second = beta2 * second + (1 - beta2) * gradient.square();
    weights -= own_rate / correction1 * first / ((second / correction2).sqrt() + static_cast<float>(options_.epsilon));
  }
  if (options_.average > 0) UpdateAverage(iteration, *parameters);
  return norm;
}

void Solver::UpdateAverage(int64_t iteration, const model::ParameterSet& parameters) {
  if (state_.average.empty()) {
    state_.average = parameters;
    return;
  }
  const double age = static_cast<double>(iteration + 1);
  const auto keep = static_cast<float>(std::min(options_.average, age / (age + 10)));
  for (auto& [name, array] : state_.average) {
    Values average = ValuesOf(&array);
    average = keep * average + (1 - keep) * ValuesOf(parameters.at(name));
  }
}

const model::ParameterSet& Solver::AveragedOr(const model::ParameterSet& parameters) const {
  return state_.average.empty() ? parameters : state_.average;
}

absl::Status Solver::Restore(const model::ParameterSet& state, const std::string& source) {
  state_ = ZeroSolverState(specs_, options_);
  return state_.Unpack(state, source);
}

}  // namespace hardface::train
