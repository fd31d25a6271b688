#include "infer/level_plan.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "model/detectors/network.h"
#include "model/execution/image_input.h"

namespace hardface::infer {
namespace {

constexpr int kMoreThanAnyLevel = 1 << 28;

std::vector<TileSpan> SpansOf(int size, int count, int tile, const TileRules& rules) {
  const int core = model::RoundUp((size + count - 1) / count, rules.multiple);
  std::vector<TileSpan> spans;
  for (int begin = 0; begin < size; begin += core) {
    spans.push_back({begin, std::min(begin + core, size), std::clamp(begin - rules.overlap, 0, size - tile)});
  }
  return spans;
}

int TileSize(int size, int count, const TileRules& rules) {
  return count == 1 ? size
                    : std::min(size, model::RoundUp((size + count - 1) / count, rules.multiple) + 2 * rules.overlap);
}

// Of the smallest tile.
int64_t LeastBytes(const TileRules& rules, int height, int width) {
  const int side = rules.multiple + 2 * rules.overlap;
  return rules.BytesOf({/*passes_together=*/false, 1, 1, std::min(height, side), std::min(width, side)});
}

}  // namespace

TileRules TileRulesOf(const model::DetectorSpec& detector, double bytes_per_pixel) {
  // Tiles that overlap by more than any level has pixels are the whole level.
  if (!detector.tiles) return {detector.size_multiple, kMoreThanAnyLevel, bytes_per_pixel};
  return {detector.size_multiple, model::RoundUp(model::ReceptiveRadius(detector.network), detector.size_multiple),
          bytes_per_pixel};
}

absl::StatusOr<LevelPlan> PlanLevel(const TileRules& rules, int height, int width, bool flip,
                                    int64_t activation_bytes) {
  const double limit =
      activation_bytes == 0 ? std::numeric_limits<double>::infinity() : static_cast<double>(activation_bytes);
  LevelPlan plan{flip, 1, 1, height, width};
  const double whole = rules.bytes_per_pixel * height * width;
  if (whole * (flip ? 2 : 1) <= limit) return plan;
  plan.passes_together = false;
  if (whole <= limit) return plan;
  double best = std::numeric_limits<double>::infinity(), least = whole;
  for (int rows = 1; rows <= (height + rules.multiple - 1) / rules.multiple; ++rows) {
    for (int columns = 1; columns <= (width + rules.multiple - 1) / rules.multiple; ++columns) {
      const int tile_height = TileSize(height, rows, rules), tile_width = TileSize(width, columns, rules);
      const double tile = static_cast<double>(tile_height) * tile_width, all = tile * rows * columns;
      least = std::min(least, rules.bytes_per_pixel * tile);
      if (rules.bytes_per_pixel * tile > limit || all >= best) continue;
      best = all;
      plan = {false, rows, columns, tile_height, tile_width};
    }
  }
  if (std::isfinite(best)) return plan;
  return absl::ResourceExhaustedError(absl::StrCat("even the smallest tile of a level of ", width, " x ", height,
                                                   " pixels needs ", static_cast<int64_t>(least * 1e-6) + 1,
                                                   " MB for activations, and ", activation_bytes / 1000000,
                                                   " MB are left for them; raise --memory_limit"));
}

absl::Status RunInSmallerPieces(const TileRules& rules, int height, int width, LevelPlan plan,
                                const std::function<absl::Status(const LevelPlan&)>& run,
                                const std::function<absl::Status()>& make_room) {
  absl::Status status = run(plan);
  for (bool smaller = false; absl::IsResourceExhausted(status); smaller = true) {
    RETURN_IF_ERROR(make_room());
    if (smaller) {
      const int64_t least = LeastBytes(rules, height, width);
      if (least >= rules.BytesOf(plan)) {
        return absl::ResourceExhaustedError(absl::StrCat("a level of ", width, " x ", height,
                                                         " pixels does not fit even in tiles of ", plan.tile_width,
                                                         " x ", plan.tile_height, ": ", status.message()));
      }
      // Rounded up, so that half of two passes is one.
      const int64_t half = (rules.BytesOf(plan) + 1) / 2;
      ASSIGN_OR_RETURN(plan, PlanLevel(rules, height, width, plan.passes_together, std::max(half, least)));
    }
    status = run(plan);
  }
  return status;
}

std::vector<TileSpan> TileRows(const TileRules& rules, const LevelPlan& plan, int height) {
  return SpansOf(height, plan.rows, plan.tile_height, rules);
}

std::vector<TileSpan> TileColumns(const TileRules& rules, const LevelPlan& plan, int width) {
  return SpansOf(width, plan.columns, plan.tile_width, rules);
}

}  // namespace hardface::infer
