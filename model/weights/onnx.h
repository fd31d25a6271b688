// Export to ONNX (opset 13), so that the network can run elsewhere and be compared.
#ifndef HARDFACE_MODEL_WEIGHTS_ONNX_H_
#define HARDFACE_MODEL_WEIGHTS_ONNX_H_

#include <string>

#include "absl/status/status.h"
#include "model/weights/model_file.h"

namespace hardface::model {

// Writes the network with dynamic batch, height and width: input "image" (N, 3, H, W), mean subtracted and divided as
// the model's metadata says (kept in the file, too); outputs named as the detector's output layers. H and W are
// multiples of the detector's size multiple.
absl::Status WriteOnnx(const std::string& path, const Model& model);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_WEIGHTS_ONNX_H_
