// How a level of an image pyramid is cut into overlapping tiles that fit a memory limit: the geometry, the same for the
// CPU (level_runner.h) and CUDA devices (cuda_face_detector.h).
#ifndef HARDFACE_INFER_LEVEL_PLAN_H_
#define HARDFACE_INFER_LEVEL_PLAN_H_

#include <cmath>
#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/detectors/detector.h"

namespace hardface::infer {

// How a level of padded size HEIGHT x WIDTH is run.
struct LevelPlan {
  bool passes_together = true;  // as it is and mirrored in one batch
  int rows = 1, columns = 1;    // tiles
  int tile_height = 0, tile_width = 0;

  bool whole() const { return rows == 1 && columns == 1; }
  // Of one run of the network.
  int64_t pixels() const { return int64_t{tile_height} * tile_width * (passes_together ? 2 : 1); }
};

// What the network asks of tiles.
struct TileRules {
  int multiple = 16;           // of tiles' sizes and places, pixels
  int overlap = 0;             // a multiple of `multiple`: the receptive radius or more
  double bytes_per_pixel = 0;  // of activations

  int64_t BytesOf(const LevelPlan& plan) const {
    return static_cast<int64_t>(std::ceil(bytes_per_pixel * static_cast<double>(plan.pixels())));
  }
};
TileRules TileRulesOf(const model::DetectorSpec& detector, double bytes_per_pixel);

// The largest pieces that fit ACTIVATION_BYTES (0: no limit); of equal ones those with the least overlap. FLIP: the
// mirrored pass is wanted, too. ResourceExhausted when no tile is small enough, naming the need.
absl::StatusOr<LevelPlan> PlanLevel(const TileRules& rules, int height, int width, bool flip, int64_t activation_bytes);

// RUN(PLAN); when that is ResourceExhausted, once more after MAKE_ROOM has given back what others may hold, and then
// with pieces of half the size, and so on. When not even the smallest tile fits, RUN's error, which names need and
// remedy, with the sizes.
absl::Status RunInSmallerPieces(const TileRules& rules, int height, int width, LevelPlan plan,
                                const std::function<absl::Status(const LevelPlan&)>& run,
                                const std::function<absl::Status()>& make_room);

// Tiles' cores are equal but for the last; a tile is its core and the overlap around it, moved inside the level. One
// direction of it, pixels.
struct TileSpan {
  int core_begin, core_end;
  int begin;  // of the tile
};
std::vector<TileSpan> TileRows(const TileRules& rules, const LevelPlan& plan, int height);
std::vector<TileSpan> TileColumns(const TileRules& rules, const LevelPlan& plan, int width);

}  // namespace hardface::infer

#endif  // HARDFACE_INFER_LEVEL_PLAN_H_
