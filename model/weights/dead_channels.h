// Channels that training has let die, left out for inference.
#ifndef HARDFACE_MODEL_WEIGHTS_DEAD_CHANNELS_H_
#define HARDFACE_MODEL_WEIGHTS_DEAD_CHANNELS_H_

#include "model/weights/model_file.h"

namespace hardface::model {

// MODEL without channels that add nothing to its outputs. Weight decay takes both the weights that make such a channel
// and those that read it towards zero, and their product tells them: it is at most 1e-8, where that of the others is
// around 1e-2. So what they add is of the size of the rounding of floats. The network's layers and names stay, with
// fewer channels; its options no longer describe it, and it cannot be saved. (revive.h gives such channels another
// chance in training, and draws a wider line.)
Model WithoutDeadChannels(Model model);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_WEIGHTS_DEAD_CHANNELS_H_
