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
    if (!done.insert(layer->parameters).second) continue;
    for (float& weight : parameters->at(layer->parameters + ".weight").values) {
      weight = static_cast<float>(weight / temperature);
    }
    // The first half of the channels is background, the second faces.
    std::vector<float>& bias = parameters->at(layer->parameters + ".bias").values;
    for (size_t i = 0; i < bias.size(); ++i) {
      const double shifted = i < bias.size() / 2 ? bias[i] : bias[i] - shift;
      bias[i] = static_cast<float>(shifted / temperature);
    }
  }
}

}  // namespace hardface::model
