#include "train/run/start_model.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"

namespace hardface::train {

absl::StatusOr<model::Model> StartModel(const StartModelOptions& options, const TellFunction& tell) {
  model::Model model;
  ASSIGN_OR_RETURN(model.detector, model::BuildDetector(options.detector));
  model.info = options.info;
  const std::vector<model::ParameterSpec> specs = model::ListParameters(model.detector.network);
  model.parameters = model::InitializeParameters(specs, options.initialization, options.seed);
  if (options.init.empty()) return model;
  ASSIGN_OR_RETURN(model::ParameterSet given, model::LoadWeights(options.init, options.info.input_divisor));
  std::vector<std::string> fresh;
  for (const model::ParameterSpec& spec : specs) {
    const auto found = given.find(spec.name);
    if (found == given.end()) {
      fresh.push_back(spec.name);
      continue;
    }
    RETURN_IF_ERROR(model::CheckParameters({spec}, given, options.init));
    model.parameters[spec.name] = std::move(found->second);
  }
  if (fresh.size() == specs.size()) {
    return absl::InvalidArgumentError(absl::StrCat(options.init, ": holds no tensor of this network"));
  }
  if (!fresh.empty()) {
    tell(absl::StrCat(options.init, " gives ", specs.size() - fresh.size(),
                      " tensors; started at random: ", absl::StrJoin(fresh, " ")));
  }
  return model;
}

}  // namespace hardface::train
