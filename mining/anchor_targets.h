// Anchor targets: which anchors are faces, which background, and what boxes they should give; anchor-level OHEM; and
// the image difficulty WPAS (paper section 3.3).
#ifndef HARDFACE_MINING_ANCHOR_TARGETS_H_
#define HARDFACE_MINING_ANCHOR_TARGETS_H_

#include <array>
#include <optional>
#include <vector>

#include "base/random.h"
#include "data_tools/dataset/box.h"
#include "mining/face_score.h"
#include "model/detectors/anchors.h"

namespace hardface::mining {

// Defaults: the paper and its code.
struct TargetOptions {
  float negative_iou = 0.3f;        // below it with every face: background
  float positive_iou = 0.5f;        // from it on with the best face: face
  float regression_iou = 0.3f;      // from it on: regresses to its best face
  int sampled_anchors = 256;        // of an image, for the classification loss
  float positive_fraction = 0.25f;  // at most
  // Share of the sampled negatives that are the hardest ones; the rest is drawn at random. 1 is the paper's OHEM; a
  // fresh network trains with less at first (docs/TRAINING.md).
  float hard_negative_share = 1;
};

struct FaceBox {
  data::Box box;        // pixels of the network's input
  bool ignore = false;  // anchors on it are neither positive nor negative
};

struct LabelledAnchor {
  model::AnchorIndex anchor;
  int face = -1;  // index of the face of highest IoU
};

struct RegressionTarget {
  model::AnchorIndex anchor;
  std::array<float, 4> deltas{};  // EncodeBox(anchor, face)
};

// Every list is in the order plane, y, x.
struct AnchorLabels {
  std::vector<LabelledAnchor> positives;
  std::vector<model::AnchorIndex> negatives;
  std::vector<RegressionTarget> regression;  // each weighs 1 / regression.size() in the loss
};

// Labels the anchors that lie inside the unpadded image (all, if none does). Faces of no positive size are passed over.
AnchorLabels LabelAnchors(const std::vector<model::AnchorPlane>& planes, const std::vector<FaceBox>& faces,
                          int image_width, int image_height, const TargetOptions& options);

// The anchors of the classification loss, chosen by anchor-level OHEM: positives of lowest face probability, negatives
// of lowest background probability (and random ones, see hard_negative_share), in the order plane, y, x.
struct SampledAnchors {
  std::vector<model::AnchorIndex> positives;
  std::vector<model::AnchorIndex> negatives;
};
SampledAnchors SampleAnchors(const std::vector<model::AnchorPlane>& planes, const AnchorLabels& labels,
                             const TargetOptions& options, Random* random);

// The scores of every face's positive anchors.
std::vector<FaceScore> FaceScores(const std::vector<model::AnchorPlane>& planes, const AnchorLabels& labels,
                                  size_t face_count);

// The image's WPAS (face_score.h). Nothing for an image without positive anchors.
std::optional<float> Wpas(const std::vector<model::AnchorPlane>& planes, const AnchorLabels& labels);

}  // namespace hardface::mining

#endif  // HARDFACE_MINING_ANCHOR_TARGETS_H_
