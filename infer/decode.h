// Decoding a detector's outputs into scored boxes, for one image at one pyramid level.
#ifndef HARDFACE_INFER_DECODE_H_
#define HARDFACE_INFER_DECODE_H_

#include <vector>

#include "infer/nms.h"
#include "model/anchors.h"

namespace hardface {

struct DecodeOptions {
  float min_score = 0.002f;  // boxes below it are dropped; the best one stays if none is left
  int max_boxes = 10000;     // the best so many
};

// The boxes of all anchors in falling score, clipped to [0, image size - 1] of the unpadded level; pixels of the level.
std::vector<ScoredBox> DecodeDetections(const std::vector<AnchorPlane>& planes, int image_width, int image_height,
                                        const DecodeOptions& options);

}  // namespace hardface

#endif  // HARDFACE_INFER_DECODE_H_
