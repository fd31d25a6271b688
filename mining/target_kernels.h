// What the threads of the kernels do that label and sample anchors; they run on the CPU, too (model/ops/
// device_kernels.h). anchor_targets.h is the reference. Anchors are numbered in the order plane, y, x.
#ifndef HARDFACE_MINING_TARGET_KERNELS_H_
#define HARDFACE_MINING_TARGET_KERNELS_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/host_device.h"
#include "data_tools/dataset/box.h"
#include "mining/anchor_rules.h"
#include "mining/anchor_targets.h"
#include "model/detectors/anchors.h"

namespace hardface::mining {

// The anchor planes of one image, by value: they go into a kernel's arguments.
struct AnchorTable {
  static constexpr int kMaxPlanes = 16;
  model::AnchorPlane planes[kMaxPlanes];
  int first[kMaxPlanes + 1] = {};  // number of each plane's first anchor; behind the last, that of all
  int count = 0;

  HARDFACE_HOST_DEVICE int anchors() const { return first[count]; }
  HARDFACE_HOST_DEVICE model::AnchorIndex at(int i) const {
    int plane = 0;
    while (i >= first[plane + 1]) ++plane;
    const int cell = i - first[plane];
    return {plane, cell / planes[plane].width, cell % planes[plane].width};
  }
  HARDFACE_HOST_DEVICE float margin(const model::AnchorIndex& a) const {
    return FaceMargin(planes[a.plane], planes[a.plane].cell(a.y, a.x));
  }
};

inline AnchorTable TableOf(const std::vector<model::AnchorPlane>& planes) {
  AnchorTable table;
  for (const model::AnchorPlane& plane : planes) {
    table.planes[table.count] = plane;
    table.first[table.count + 1] = table.first[table.count] + plane.height * plane.width;
    ++table.count;
  }
  return table;
}

// Whether any anchor lies inside the image; if none does, all take part. Along each axis it is the first or none that
// decides, but planes are few and cells cheap.
inline bool AnyInside(const AnchorTable& table, int width, int height) {
  for (int p = 0; p < table.count; ++p) {
    const model::AnchorPlane& plane = table.planes[p];
    bool column = false, row = false;
    for (int x = 0; x < plane.width && !column; ++x) {
      const data::Box anchor = plane.anchor(0, x);
      column = anchor.x1 >= 0 && anchor.x2 < static_cast<float>(width);
    }
    for (int y = 0; y < plane.height && !row; ++y) {
      const data::Box anchor = plane.anchor(y, 0);
      row = anchor.y1 >= 0 && anchor.y2 < static_cast<float>(height);
    }
    if (column && row) return true;
  }
  return false;
}

struct AnchorLabel {
  enum Kind : int8_t { kNone, kPositive, kNegative };
  Kind kind = kNone;
  bool regresses = false;
  int face = -1;  // of highest IoU
};

// What tells an image of a batch from the others. It lies in device memory, where kernels that were recorded as a graph
// find that of the image at hand.
struct ImageFacts {
  int first_face = 0, face_count = 0;  // its faces among all
  int width = 0, height = 0;
  bool only_inside = false;  // AnyInside
  float hard_share = 1;      // TargetOptions::hard_negative_share
  uint64_t seed = 0;         // of the negatives that are drawn at random
};

// labels[anchor]. Every face is compared with every anchor: the GPU has the time, and no order to keep.
struct LabelKernel {
  AnchorTable table;
  const FaceBox* all_faces;
  const ImageFacts* image;
  float negative_iou, positive_iou, regression_iou;
  AnchorLabel* labels;

  HARDFACE_HOST_DEVICE void operator()(int64_t i) const {
    const model::AnchorIndex index = table.at(static_cast<int>(i));
    const data::Box anchor = table.planes[index.plane].anchor(index.y, index.x);
    const ImageFacts own = *image;
    const FaceBox* const faces = all_faces + own.first_face;
    AnchorLabel label;
    float best = 0;
    bool on_ignored = false;
    for (int f = 0; f < own.face_count; ++f) {
      const data::Box& face = faces[f].box;
      if (face.width() <= 0 || face.height() <= 0) continue;
      const float iou = data::InclusiveIou(anchor, face);
      if (faces[f].ignore) {
        on_ignored = on_ignored || LiesOnIgnored(anchor, face, iou, negative_iou);
      } else if (iou > best) {
        best = iou;
        label.face = f;
      }
    }
    if (!own.only_inside || InsideImage(anchor, own.width, own.height)) {
      if (best >= positive_iou) {
        label.kind = AnchorLabel::kPositive;
      } else if (best < negative_iou && !on_ignored) {
        label.kind = AnchorLabel::kNegative;
      }
      label.regresses = label.face >= 0 && best >= regression_iou;
    }
    labels[i] = label;
  }
};

// Sorts as the numbers do: rising keys are rising values, ties the earlier anchor. By the upper half alone it sorts
// before kNoAnchor as well, whatever the value: keys are made in the order of their anchors, so that a stable sort need
// not look at the lower half.
HARDFACE_HOST_DEVICE inline uint64_t ValueKey(float value, uint32_t anchor) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  bits = bits >> 31 ? ~bits : bits | 0x80000000u;
  if (bits == ~uint32_t{0}) --bits;  // of a NaN only
  return uint64_t{bits} << 32 | anchor;
}

constexpr uint64_t kNoAnchor = ~uint64_t{0};

// Keys by which the hardest come first: positives of lowest, negatives of highest margin.
struct HardnessKeysKernel {
  AnchorTable table;
  const AnchorLabel* labels;
  uint64_t* positives;
  uint64_t* negatives;

  HARDFACE_HOST_DEVICE void operator()(int64_t i) const {
    const auto anchor = static_cast<uint32_t>(i);
    const AnchorLabel::Kind kind = labels[i].kind;
    const float margin = table.margin(table.at(static_cast<int>(i)));
    positives[i] = kind == AnchorLabel::kPositive ? ValueKey(margin, anchor) : kNoAnchor;
    negatives[i] = kind == AnchorLabel::kNegative ? ValueKey(-margin, anchor) : kNoAnchor;
  }
};

// A well mixed function of both (SplitMix64's finish).
HARDFACE_HOST_DEVICE inline uint64_t MixBits(uint64_t seed, uint64_t value) {
  uint64_t z = seed + (value + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

// How many of the sampled anchors are what. SORTED_POSITIVES are the sorted keys.
struct SampleCounts {
  int positives, negatives, hard_negatives;  // of the latter two: as many as there are, at most

  HARDFACE_HOST_DEVICE static SampleCounts Of(const uint64_t* sorted_positives, int anchors, int sampled,
                                              int max_positives, float hard_share) {
    SampleCounts counts{};
    while (counts.positives < max_positives && counts.positives < anchors &&
           sorted_positives[counts.positives] != kNoAnchor) {
      ++counts.positives;
    }
    counts.negatives = sampled - counts.positives;
    const auto hard = static_cast<int>(static_cast<float>(counts.negatives) * hard_share + 0.5f);
    counts.hard_negatives = hard < counts.negatives ? hard : counts.negatives;
    return counts;
  }
};

// Keys that put the negatives which are not among the hard ones into a random order: the same distribution as the CPU's
// draw, not the same draw.
struct RandomKeysKernel {
  const AnchorLabel* labels;
  AnchorTable table;
  const uint64_t* sorted_positives;
  const uint64_t* sorted_negatives;
  int sampled, max_positives;
  const ImageFacts* image;
  uint64_t* keys;

  HARDFACE_HOST_DEVICE void operator()(int64_t i) const {
    const SampleCounts counts =
        SampleCounts::Of(sorted_positives, table.anchors(), sampled, max_positives, image->hard_share);
    keys[i] = kNoAnchor;
    if (labels[i].kind != AnchorLabel::kNegative) return;
    const auto anchor = static_cast<uint32_t>(i);
    const uint64_t own = ValueKey(-table.margin(table.at(static_cast<int>(i))), anchor);
    if (counts.hard_negatives > 0) {
      const int last = counts.hard_negatives < table.anchors() ? counts.hard_negatives : table.anchors();
      if (own <= sorted_negatives[last - 1]) return;  // a hard one
    }
    keys[i] = (MixBits(image->seed, anchor) & 0xfffffffeu) << 32 | anchor;
  }
};

struct SampledAnchor {
  int anchor = -1;  // -1: there are fewer
  bool face = false;
};

// samples[k], k below the number wanted. SORTED_RANDOM may be null where hard_share is 1.
struct SampleKernel {
  const uint64_t* sorted_positives;
  const uint64_t* sorted_negatives;
  const uint64_t* sorted_random;
  int anchors, sampled, max_positives;
  const ImageFacts* image;
  SampledAnchor* samples;

  HARDFACE_HOST_DEVICE void operator()(int64_t k) const {
    const SampleCounts counts = SampleCounts::Of(sorted_positives, anchors, sampled, max_positives, image->hard_share);
    const bool face = k < counts.positives;
    const auto place = static_cast<int>(face ? k : k - counts.positives);
    const bool hard = face || place < counts.hard_negatives;
    const uint64_t* const from = face ? sorted_positives : hard ? sorted_negatives : sorted_random;
    const int at = hard ? place : place - counts.hard_negatives;
    const uint64_t key = from != nullptr && at < anchors ? from[at] : kNoAnchor;
    samples[k] =
        key == kNoAnchor ? SampledAnchor{-1, face} : SampledAnchor{static_cast<int>(static_cast<uint32_t>(key)), face};
  }
};

}  // namespace hardface::mining

#endif  // HARDFACE_MINING_TARGET_KERNELS_H_
