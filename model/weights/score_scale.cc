#include "model/weights/score_scale.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "base/check.h"

namespace hardface::model {

namespace {

// sigmoid(scale * logit(score) + offset); 0 and 1, whose logits are infinite, stay.
float Mapped(double score, double scale, double offset) {
  if (score <= 0 || score >= 1) return static_cast<float>(score);
  const double logit = std::log(score) - std::log1p(-score);
  return static_cast<float>(1 / (1 + std::exp(-(scale * logit + offset))));
}

}  // namespace

float ScoreScale::Told(float score) const { return Mapped(score, 1 / temperature, -shift / temperature); }

float ScoreScale::OfNetwork(float told) const { return Mapped(told, temperature, shift); }

absl::StatusOr<ScoreScale> ParseScoreScale(const std::string& text) {
  const std::vector<std::string> parts = absl::StrSplit(text, ',');
  ScoreScale scale;
  if (parts.size() == 2 && absl::SimpleAtod(parts[0], &scale.temperature) && absl::SimpleAtod(parts[1], &scale.shift) &&
      scale.temperature >= 0.01 && scale.temperature <= 100 && std::fabs(scale.shift) <= 100) {
    return scale;
  }
  return absl::InvalidArgumentError("a temperature from 0.01 to 100 and a shift from -100 to 100, as in 2.5,1.2");
}

ScoreScale Composed(const ScoreScale& first, const ScoreScale& second) {
  return {first.temperature * second.temperature, first.shift + first.temperature * second.shift};
}

void RescaleScores(const DetectorSpec& detector, const ScoreScale& scale, ParameterSet* parameters) {
  const auto [temperature, shift] = scale;
  HARDFACE_CHECK(temperature > 0);
  std::set<std::string> done;  // heads may share parameters
  for (const DetectionHead& head : detector.heads) {
    const auto layer = std::find_if(detector.network.layers.begin(), detector.network.layers.end(),
                                    [&head](const LayerSpec& layer) { return layer.name == head.scores; });
    HARDFACE_CHECK(layer != detector.network.layers.end());
    // The first half of the channels is background, the second faces; before a max-out so many are.
    const bool max_out = layer->kind == LayerKind::kMaxOut;
    const std::string& name = max_out ? layer->inputs[0] : layer->parameters;
    if (!done.insert(name).second) continue;
    for (float& weight : parameters->at(name + ".weight").values) weight = static_cast<float>(weight / temperature);
    std::vector<float>& bias = parameters->at(name + ".bias").values;
    const size_t first_face = max_out ? static_cast<size_t>(layer->background_logits) : bias.size() / 2;
    for (size_t i = 0; i < bias.size(); ++i) {
      const double shifted = i < first_face ? bias[i] : bias[i] - shift;
      bias[i] = static_cast<float>(shifted / temperature);
    }
  }
}

}  // namespace hardface::model
