// The detectors: which network, and how its outputs are read as faces. Method: paper
// sections 3.1 and 3.2.
#ifndef HARDFACE_MODEL_DETECTORS_DETECTOR_H_
#define HARDFACE_MODEL_DETECTORS_DETECTOR_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "model/detectors/network.h"

namespace hardface::model {

struct DetectorOptions {
  // "smallhard": the paper's detector, one stride-8 map. "three_maps": its ablation's SSH-like baseline, strides 8,
  // 16, 32.
  std::string architecture = "smallhard";
  // Divides every channel count but those of the outputs; 1 is VGG16's width.
  int width_divisor = 1;
  // Of smallhard: three heads of dilation 1, 2, 4 that share weights, an anchor each (the paper's DH); without, one
  // head with three anchors ("Baseline-Single").
  bool dilated_heads = true;
};

// One pair of output layers. With A anchor sizes: `scores` has 2A channels, background of each anchor, then face of
// each; `boxes` has 4A, anchor-major (dx, dy, dw, dh).
struct DetectionHead {
  std::string scores;
  std::string boxes;
  int stride = 8;                 // image pixels per cell
  std::vector<int> anchor_sizes;  // pixels
};

struct DetectorSpec {
  DetectorOptions options;
  NetworkSpec network;
  std::vector<DetectionHead> heads;
  int size_multiple = 16;  // images are padded at the bottom and right to a multiple of this
};

// InvalidArgument for an unknown architecture or a divisor that does not divide 64.
absl::StatusOr<DetectorSpec> BuildDetector(const DetectorOptions& options);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_DETECTORS_DETECTOR_H_
