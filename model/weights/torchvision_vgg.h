// VGG16's ImageNet weights as torchvision publishes them, made into this project's.
#ifndef HARDFACE_MODEL_WEIGHTS_TORCHVISION_VGG_H_
#define HARDFACE_MODEL_WEIGHTS_TORCHVISION_VGG_H_

#include <array>
#include <string>

#include "absl/status/statusor.h"
#include "model/weights/parameters.h"

namespace hardface::model {

// How the network's input is made from (B, G, R) pixels of 0..255: (pixel - bgr_mean) / divisor.
struct InputScaling {
  std::array<float, 3> bgr_mean;
  float divisor = 1;
};

// Whether TENSORS have torchvision's names: "features.0.weight", also behind a prefix ("vgg16.features.0.weight").
bool HasTorchvisionNames(const ParameterSet& tensors);

// conv1_1 to conv5_3 of torchvision's vgg16 or vgg16_bn, the latter with each batch normalisation folded into its
// convolution; the classifier is left out. torchvision's input, (rgb / 255 - mean) / std, becomes INPUT by exchanging,
// scaling and shifting in conv1_1. The network then computes what torchvision's does, but for rounding and for the
// image's border: convolutions pad with zeros, which are one pair of means there and another here (less than one of 255
// grey levels apart), so that conv1_1 differs a little in the outermost pixels.
//
// Errors name FILE and the layer that is missing or has another shape.
absl::StatusOr<ParameterSet> FromTorchvisionVgg16(const ParameterSet& tensors, const InputScaling& input,
                                                  const std::string& file);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_WEIGHTS_TORCHVISION_VGG_H_
