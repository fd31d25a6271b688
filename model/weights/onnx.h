// Export to ONNX (opset 13), so that the network can run elsewhere and be compared.
#ifndef HARDFACE_MODEL_WEIGHTS_ONNX_H_
#define HARDFACE_MODEL_WEIGHTS_ONNX_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "model/weights/model_file.h"
#include "model/weights/onnx_postprocessing.h"

namespace hardface::model {

// Writes the network with dynamic batch, height and width: input "image" (N, 3, H, W), mean subtracted and divided as
// the model's metadata says (kept in the file, too); outputs named as the detector's output layers. H and W are
// multiples of the detector's size multiple. With POSTPROCESSING the one output is "faces" in their place
// (onnx_postprocessing.h).
absl::Status WriteOnnx(const std::string& path, const Model& model,
                       const std::optional<OnnxPostprocessing>& postprocessing = std::nullopt);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_WEIGHTS_ONNX_H_
