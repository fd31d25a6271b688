#include "model/weights/score_scale.h"

#include <algorithm>
#include <set>
#include <string>

#include "base/check.h"

namespace hardface::model {

void RescaleScores(const DetectorSpec& detector, double temperature, double shift, ParameterSet* parameters) {
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
