// Decoding a detector's outputs into scored boxes, for one image at one pyramid level.
#ifndef HARDFACE_INFER_DECODE_H_
#define HARDFACE_INFER_DECODE_H_

#include <vector>

#include "data_tools/dataset/box.h"
#include "infer/nms.h"
#include "model/detectors/anchors.h"

namespace hardface::infer {

struct DecodeOptions {
  float min_score = 0.002f;  // boxes below it are dropped; the best one stays if none is left
  int max_boxes = 10000;     // the best so many
};

// Planes that show a part of a level: their first cell lies at the pixel (x, y), and the anchors taken are those whose
// cells lie in the core.
struct DecodeWindow {
  int x = 0, y = 0;
  int core_x1 = 0, core_y1 = 0, core_x2 = 0, core_y2 = 0;  // pixels of the level, the latter two exclusive
};

// The boxes of all anchors in falling score, clipped to [0, image size - 1] of the unpadded level; pixels of the level.
// As published, what lies beside the level is among them, without area; ToDetections (nms.h) leaves it out.
// WINDOW: those of a part of it; null where the planes show the whole level.
std::vector<ScoredBox> DecodeDetections(const std::vector<model::AnchorPlane>& planes, int image_width,
                                        int image_height, const DecodeOptions& options,
                                        const DecodeWindow* window = nullptr);

}  // namespace hardface::infer

#endif  // HARDFACE_INFER_DECODE_H_
