// What becomes of a detector's output maps, as ONNX nodes: decoding, and non-maximum suppression.
#ifndef HARDFACE_MODEL_WEIGHTS_ONNX_POSTPROCESSING_H_
#define HARDFACE_MODEL_WEIGHTS_ONNX_POSTPROCESSING_H_

#include <cstdint>
#include <string>

#include "model/detectors/detector.h"
#include "third_party/onnx/onnx.pb.h"

namespace hardface::model {

struct OnnxPostprocessing {
  float score_threshold = 0.05f;  // boxes of this score or less are left out
  float nms_threshold = 0.4f;     // IoU above which the box of less score is left out
  int64_t max_faces = 10000;      // of an image, the best so many
};

// The name of the output that AddPostprocessing makes.
inline constexpr char kOnnxFaces[] = "faces";

// Adds to GRAPH, which holds DETECTOR's network, what makes the output "faces" of its outputs: (M, 6) floats, a row a
// face of the batch: [image in the batch, x, y, width, height, score], in pixels of the network's input, image by image
// in falling score, each with an area within the input. It is what DecodeDetections and PlainNms of infer/ do, but for
// their cap before the suppression. The thresholds are constants of the graph, named "score_threshold" and
// "nms_threshold".
void AddPostprocessing(const DetectorSpec& detector, const OnnxPostprocessing& options, onnx::GraphProto* graph);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_WEIGHTS_ONNX_POSTPROCESSING_H_
