// What the threads of the kernels do that make detections of a network's outputs: decode, filter, rank, merge. They run
// on the CPU, too (model/ops/device_kernels.h); decode.h and nms.h are the reference.
//
// Ranking is sorting 64-bit keys: the score's bits inverted, so that rising keys are falling scores, then the place in
// the order that decides ties. kNoKey sorts behind all, also by the upper half alone: keys are made in the order of
// their places, so that a stable sort need not look at the lower half.
#ifndef HARDFACE_INFER_DETECTION_KERNELS_H_
#define HARDFACE_INFER_DETECTION_KERNELS_H_

#include <cstdint>
#include <cstring>

#include "base/host_device.h"
#include "infer/level_plan.h"
#include "infer/nms.h"
#include "model/detectors/anchors.h"
#include "model/ops/softmax.h"
#include "model/ops/tensor.h"

namespace hardface::infer {

constexpr uint64_t kNoKey = ~uint64_t{0};

// SCORE in [0, 1]: the bits of floats that are not negative are in their order.
HARDFACE_HOST_DEVICE inline uint64_t RankKey(float score, uint32_t place) {
  uint32_t bits = 1;                                  // as good as 0; no key's upper half is kNoKey's
  if (score > 0) memcpy(&bits, &score, sizeof bits);  // NaN ranks last
  return uint64_t{~bits} << 32 | place;
}
HARDFACE_HOST_DEVICE inline float ScoreOf(uint64_t key) {
  const auto bits = ~static_cast<uint32_t>(key >> 32);
  if (bits == 1) return 0;
  float score;
  memcpy(&score, &bits, sizeof score);
  return score;
}
HARDFACE_HOST_DEVICE inline uint32_t PlaceOf(uint64_t key) { return static_cast<uint32_t>(key); }

// The anchor planes of one image, by value: they go into a kernel's arguments. Places are in the order y, x, plane.
struct PlaneList {
  static constexpr int kMaxPlanes = 16;
  model::AnchorPlane planes[kMaxPlanes];
  int count = 0;
  int height = 0, width = 0;  // of the largest plane

  HARDFACE_HOST_DEVICE int64_t places() const { return int64_t{height} * width * count; }
};

// Copies the cells that stand for a tile's core from its output map to the level's; both (channels, height, width) with
// cells of STRIDE pixels. Indices are of (channels, core_height, core_width).
struct CopyCoreKernel {
  const float* tile;
  float* level;
  int tile_height, tile_width, level_height, level_width;
  int tile_y, tile_x;                           // the level's cell that the tile begins with
  int core_y, core_x, core_height, core_width;  // cells of the level
  int channels;

  CopyCoreKernel(const model::TensorView& from, const TileSpan& rows, const TileSpan& columns, int stride,
                 const model::TensorView& to)
      : tile(from.data),
        level(to.data),
        tile_height(from.shape.h),
        tile_width(from.shape.w),
        level_height(to.shape.h),
        level_width(to.shape.w),
        tile_y(rows.begin / stride),
        tile_x(columns.begin / stride),
        core_y(rows.core_begin / stride),
        core_x(columns.core_begin / stride),
        core_height((rows.core_end - rows.core_begin) / stride),
        core_width((columns.core_end - columns.core_begin) / stride),
        channels(from.shape.c) {}

  int64_t count() const { return int64_t{channels} * core_height * core_width; }
  HARDFACE_HOST_DEVICE void operator()(int64_t i) const {
    const int x = core_x + static_cast<int>(i % core_width),
              y = core_y + static_cast<int>(i / core_width % core_height);
    const int64_t c = i / core_width / core_height;
    level[(c * level_height + y) * level_width + x] = tile[(c * tile_height + y - tile_y) * tile_width + x - tile_x];
  }
};

// keys[place] of every anchor; places without one (of coarser planes) have kNoKey. Indices are places.
struct AnchorKeysKernel {
  PlaneList list;
  uint64_t* keys;

  HARDFACE_HOST_DEVICE void operator()(int64_t i) const {
    const model::AnchorPlane& plane = list.planes[i % list.count];
    const int x = static_cast<int>(i / list.count % list.width), y = static_cast<int>(i / list.count / list.width);
    if (y >= plane.height || x >= plane.width) {
      keys[i] = kNoKey;
      return;
    }
    const int cell = plane.cell(y, x);
    keys[i] = RankKey(model::FaceProbability(plane.background[cell], plane.face[cell]), static_cast<uint32_t>(i));
  }
};

// How boxes of a pass become boxes of the image.
struct PassGeometry {
  int level_width = 0, level_height = 0;  // pixels, unpadded
  float factor = 1;                       // image pixels a level pixel
  float image_width = 0;
  bool mirrored = false;
};

// The best boxes of a pass, in pixels of the image. Indices are ranks below the most boxes kept; KEYS are sorted.
// BOXES[rank] gets score -1 where there is no such box.
struct DecodeKernel {
  PlaneList list;
  const uint64_t* keys;
  int64_t key_count;
  float min_score;  // the best box stays whatever its score
  PassGeometry geometry;
  ScoredBox* boxes;
  bool* small;  // [rank]: score of at least `small_score` and at most `small_area` pixels of the level
  float small_score, small_area;

  HARDFACE_HOST_DEVICE static float Clamp(float value, float high) {
    return value < 0 ? 0 : value > high ? high : value;
  }
  HARDFACE_HOST_DEVICE void operator()(int64_t rank) const {
    ScoredBox result{{}, -1};
    small[rank] = false;
    if (rank < key_count && keys[rank] != kNoKey) {
      const float score = ScoreOf(keys[rank]);
      if (rank == 0 || score >= min_score) result = Decode(PlaceOf(keys[rank]), score, &small[rank]);
    }
    boxes[rank] = result;
  }
  HARDFACE_HOST_DEVICE ScoredBox Decode(uint32_t place, float score, bool* is_small) const {
    const auto count = static_cast<uint32_t>(list.count), width = static_cast<uint32_t>(list.width);
    const model::AnchorPlane& plane = list.planes[place % count];
    const int x = static_cast<int>(place / count % width), y = static_cast<int>(place / count / width);
    const data::EdgeBox box = plane.box(y, x);
    const auto right = static_cast<float>(geometry.level_width - 1);
    const auto bottom = static_cast<float>(geometry.level_height - 1);
    const data::EdgeBox clipped{Clamp(box.x1, right), Clamp(box.y1, bottom), Clamp(box.x2, right),
                                Clamp(box.y2, bottom)};
    *is_small = score >= small_score && clipped.area() <= small_area;
    const data::EdgeBox scaled = data::Scaled(clipped, geometry.factor);
    return {geometry.mirrored ? data::Mirror(scaled, geometry.image_width) : scaled, score};
  }
};

// Ranks the boxes of all passes, those of a score above the threshold. Indices are places in BOXES.
struct BoxKeysKernel {
  const ScoredBox* boxes;
  float score_threshold;
  uint64_t* keys;

  HARDFACE_HOST_DEVICE void operator()(int64_t i) const {
    const float score = boxes[i].score;
    keys[i] = score > score_threshold ? RankKey(score, static_cast<uint32_t>(i)) : kNoKey;
  }
};

// SORTED = BOXES in the order of KEYS; COUNT gets their number. Indices are ranks below TOTAL.
struct GatherKernel {
  const uint64_t* keys;
  int64_t total;
  const ScoredBox* boxes;
  ScoredBox* sorted;
  int* count;

  HARDFACE_HOST_DEVICE void operator()(int64_t rank) const {
    const bool there = keys[rank] != kNoKey;
    if (there) sorted[rank] = boxes[PlaceOf(keys[rank])];
    // One thread sees the end.
    if (there && (rank + 1 == total || keys[rank + 1] == kNoKey)) *count = static_cast<int>(rank + 1);
    if (rank == 0 && !there) *count = 0;
  }
};

// Which later boxes overlap which: bit j % 64 of mask[i * words + j / 64]. Indices are of mask.
struct OverlapKernel {
  const ScoredBox* sorted;
  int count, words;
  float threshold;
  bool above;  // IoU > threshold (NMS), else >= (voting)
  uint64_t* mask;

  HARDFACE_HOST_DEVICE void operator()(int64_t index) const {
    const int i = static_cast<int>(index / words), first = static_cast<int>(index % words) * 64;
    uint64_t bits = 0;
    for (int j = first; j < first + 64 && j < count; ++j) {
      if (j <= i) continue;
      const float iou = data::InclusiveIou(sorted[i].box, sorted[j].box);
      if (above ? iou > threshold : iou >= threshold) bits |= uint64_t{1} << (j - first);
    }
    mask[index] = bits;
  }
};

// One word of the step in which box I, which no earlier one took, takes the boxes that overlap it and are left:
// owner[j] = I for those. The words are independent of each other; boxes come one after the other.
HARDFACE_HOST_DEVICE inline void TakeOverlaps(int i, int word, int words, const uint64_t* mask, uint64_t* taken,
                                              int* owner) {
  uint64_t fresh = mask[int64_t{i} * words + word] & ~taken[word];
  if (word == i / 64) {
    fresh |= uint64_t{1} << (i % 64);
  }
  taken[word] |= fresh;
  for (int k = 0; k < 64; ++k) {
    if (fresh >> k & 1) owner[word * 64 + k] = i;
  }
}

// What becomes of each box: its group's mean and highest score where it is the first of a group, else score -1. Indices
// are ranks.
struct MergeKernel {
  const ScoredBox* sorted;
  const uint64_t* mask;
  const int* owner;
  int count, words;
  const int* last_first;  // rank of the last box that is the first of its group
  bool vote;              // else the first itself
  bool drop_singletons;
  ScoredBox* merged;

  HARDFACE_HOST_DEVICE void operator()(int64_t rank) const {
    const int i = static_cast<int>(rank);
    merged[i] = {{}, -1};
    if (owner[i] != i) return;
    double weight = 0, x1 = 0, y1 = 0, x2 = 0, y2 = 0;
    int members = 0;
    for (int j = i; j < count; ++j) {
      const uint64_t row = mask[int64_t{i} * words + j / 64];
      if (j != i && row == 0 && j % 64 == 0) {
        j += 63;
        continue;
      }
      if (owner[j] != i) continue;
      ++members;
      const double score = sorted[j].score;
      weight += score;
      x1 += score * sorted[j].box.x1;
      y1 += score * sorted[j].box.y1;
      x2 += score * sorted[j].box.x2;
      y2 += score * sorted[j].box.y2;
    }
    if (drop_singletons && members == 1 && i != *last_first) return;
    if (!vote || weight <= 0) {
      merged[i] = sorted[i];
      return;
    }
    merged[i] = {{static_cast<float>(x1 / weight), static_cast<float>(y1 / weight), static_cast<float>(x2 / weight),
                  static_cast<float>(y2 / weight)},
                 sorted[i].score};
  }
};

}  // namespace hardface::infer

#endif  // HARDFACE_INFER_DETECTION_KERNELS_H_
