// Detectors with fewer channels: without those that training has let die, or with the strongest of each layer.
#ifndef HARDFACE_MODEL_WEIGHTS_PRUNING_H_
#define HARDFACE_MODEL_WEIGHTS_PRUNING_H_

#include "absl/status/statusor.h"
#include "model/weights/model_file.h"

namespace hardface::model {

// MODEL without channels that add nothing to its outputs. Weight decay takes both the weights that make such a channel
// and those that read it towards zero, and their product tells them: it is at most 1e-8, where that of the others is
// around 1e-2. So what they add is of the size of the rounding of floats. The network's layers and names stay, with
// fewer channels; its options no longer describe it, and it cannot be saved. (revive.h gives such channels another
// chance in training, and draws a wider line.)
Model WithoutDeadChannels(Model model);

// MODEL at the width that WIDTH_DIVISOR (of DetectorOptions) says, to be trained on. Of each layer those channels stay
// for which the L2 norm of the weights that make them, times that of the weights that read them, is greatest: a product
// that scaling a channel before its ReLU and back behind it does not change. What the others added is lost.
// InvalidArgument where WIDTH_DIVISOR is no greater multiple of the model's own, or where the architecture has layers
// whose channels cannot go one by one (those that CheckTrainable refuses).
absl::StatusOr<Model> NarrowModel(const Model& model, int width_divisor);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_WEIGHTS_PRUNING_H_
