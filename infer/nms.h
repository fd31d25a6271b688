// Merging overlapping detections: box voting (the paper's choice) and plain non-maximum suppression.
#ifndef HARDFACE_INFER_NMS_H_
#define HARDFACE_INFER_NMS_H_

#include <vector>

#include "data_tools/dataset/box.h"
#include "data_tools/dataset/detections.h"

namespace hardface::infer {

// A decoded box on its way to being a data::Detection.
struct ScoredBox {
  data::EdgeBox box;  // pixels
  float score = 0;
};

// The same as they are returned and written: those that have an area (box.h) in pixels of the image. The others lie
// beside the image and were clipped to its border; as published, they take part in merging.
std::vector<data::Detection> ToDetections(const std::vector<ScoredBox>& boxes);

// Greedy NMS: indices of the boxes kept, in falling score (ties: the earlier). A box goes when its IoU with a kept one
// of higher score is above IOU_THRESHOLD.
std::vector<int> PlainNms(const std::vector<ScoredBox>& boxes, float iou_threshold);

struct VoteOptions {
  float iou_threshold = 0.4f;
  // The published code loses a box that no other overlaps, unless it is the last left. With a pyramid and flips a real
  // face is found several times, so this removes stray alarms; with a single pass it loses faces.
  bool drop_singletons = false;
};

// Box voting: the box of highest score and all that overlap it by the threshold or more become one, whose corners are
// the score-weighted mean and whose score is the highest. In falling score.
std::vector<ScoredBox> VoteBoxes(std::vector<ScoredBox> boxes, const VoteOptions& options);

}  // namespace hardface::infer

#endif  // HARDFACE_INFER_NMS_H_
