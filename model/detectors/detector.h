// The detectors: which network, and how its outputs are read as faces. Method: paper
// sections 3.1 and 3.2.
#ifndef HARDFACE_MODEL_DETECTORS_DETECTOR_H_
#define HARDFACE_MODEL_DETECTORS_DETECTOR_H_

#include <array>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "data_tools/images/bgr_mean.h"
#include "model/detectors/network.h"

namespace hardface::model {

struct DetectorOptions {
  // "smallhard": the paper's detector, one stride-8 map. "three_maps": its ablation's SSH-like baseline, strides 8,
  // 16, 32. "ssh", "s3fd", "pyramidbox": the detectors that it is compared with (published_detectors.h).
  std::string architecture = "smallhard";
  // Divides every channel count but those of the outputs; 1 is VGG16's width.
  int width_divisor = 1;
  // Of smallhard: three heads of dilation 1, 2, 4 that share weights, an anchor each (the paper's DH); without, one
  // head with three anchors ("Baseline-Single").
  bool dilated_heads = true;
};

// How a head's anchors lie and how its deltas are read. The default is the paper's (and Faster R-CNN's); SSD and what
// follows it put the anchors' middles at the cells' and divide deltas by "variances".
struct BoxCoding {
  float first_centre = 7.5f;                        // of the anchors of cell (0, 0): the mean of their corner pixels
  float centre_variance = 1.0f, size_variance = 1;  // deltas times these are in anchor sizes and their logarithms
};

// One pair of output layers. With A anchor sizes: `scores` has 2A channels, background of each anchor, then face of
// each; `boxes` has 4A, anchor-major (dx, dy, dw, dh), and perhaps others behind them, which are not read.
struct DetectionHead {
  std::string scores;
  std::string boxes;
  int stride = 8;                 // image pixels per cell
  std::vector<int> anchor_sizes;  // pixels
  BoxCoding coding = {};
};

struct DetectorSpec {
  DetectorOptions options;
  NetworkSpec network;
  std::vector<DetectionHead> heads;
  int size_multiple = 16;  // images are padded at the bottom and right to a multiple of this
  // Whether a tile's maps are cut-outs of the image's: not where strides exceed size_multiple or padding adds cells.
  bool tiles = true;
  // What is subtracted from the pixels.
  std::array<float, 3> bgr_mean = {data::kBgrMean[0], data::kBgrMean[1], data::kBgrMean[2]};
};

// InvalidArgument for an unknown architecture or a divisor that does not divide 64.
absl::StatusOr<DetectorSpec> BuildDetector(const DetectorOptions& options);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_DETECTORS_DETECTOR_H_
