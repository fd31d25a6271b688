// Channels that a training has lost, given another chance.
#ifndef HARDFACE_MODEL_WEIGHTS_REVIVE_H_
#define HARDFACE_MODEL_WEIGHTS_REVIVE_H_

#include <cstdint>
#include <vector>

#include "model/weights/parameters.h"

namespace hardface::model {

struct RevivedChannels {
  int64_t of_outputs = 0;  // channels that a convolution no longer computed
  int64_t of_inputs = 0;   // channels that a convolution no longer looked at
};

// A channel is dead when none of its weights reaches a thousandth of its layer's greatest. Weight decay takes the
// weights of channels without a gradient there, and with Adam, whose steps are of one size however small the gradient,
// those of many others. Dead outputs get new weights (He et al., 2015) and a bias of zero, dead inputs a tenth of such
// weights, so that the network's outputs change little and training can go on from them. Random numbers depend on SEED
// and on the parameter's name.
RevivedChannels ReviveChannels(const std::vector<ParameterSpec>& specs, uint64_t seed, ParameterSet* parameters);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_WEIGHTS_REVIVE_H_
