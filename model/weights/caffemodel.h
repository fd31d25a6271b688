// Weights from Caffe: VGG16's ImageNet weights and the published detectors.
#ifndef HARDFACE_MODEL_WEIGHTS_CAFFEMODEL_H_
#define HARDFACE_MODEL_WEIGHTS_CAFFEMODEL_H_

#include <string>

#include "absl/status/statusor.h"
#include "model/weights/parameters.h"

namespace hardface::model {

// Reads a .caffemodel: layer NAME's first blob becomes "NAME.weight", its second "NAME.bias" (the names of this
// project's parameters). Of layers that share weights each one has a copy there. Understands the current and the V1
// layer list.
absl::StatusOr<ParameterSet> ReadCaffeModel(const std::string& path);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_WEIGHTS_CAFFEMODEL_H_
