#include "infer/region_plan.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "model/execution/image_input.h"

namespace hardface::infer {
namespace {

// Cores are made of squares of about this many pixels.
constexpr int kCellSide = 32;
// What a run of the network costs beside its pixels, in pixels.
constexpr int64_t kRunPixels = 64 * 64;

// Cells [x1, x2) x [y1, y2).
struct CellRect {
  int x1, y1, x2, y2;
};

CellRect Union(const CellRect& a, const CellRect& b) {
  return {std::min(a.x1, b.x1), std::min(a.y1, b.y1), std::max(a.x2, b.x2), std::max(a.y2, b.y2)};
}

// One direction of a region's tile, which is moved inside the level of SIZE pixels.
TileSpan SpanOf(const TileRules& rules, int cell, int first, int end, int size, int* tile) {
  TileSpan span{first * cell, std::min(end * cell, size), 0};
  span.begin = std::max(0, span.core_begin - rules.overlap);
  *tile = std::min(size, span.core_end + rules.overlap) - span.begin;
  return span;
}

LevelRegion RegionOf(const TileRules& rules, int cell, const CellRect& rect, int height, int width) {
  LevelRegion region;
  region.rows = SpanOf(rules, cell, rect.y1, rect.y2, height, &region.tile_height);
  region.columns = SpanOf(rules, cell, rect.x1, rect.x2, width, &region.tile_width);
  return region;
}

// The runs of marked cells, row by row.
std::vector<CellRect> RunsOf(const std::vector<bool>& marked, int rows, int columns) {
  std::vector<CellRect> runs;
  for (int y = 0; y < rows; ++y) {
    const auto at = [&](int x) {
      return marked[static_cast<size_t>(y) * static_cast<size_t>(columns) + static_cast<size_t>(x)];
    };
    for (int x = 0; x < columns; ++x) {
      if (!at(x)) continue;
      const int first = x;
      while (x < columns && at(x)) ++x;
      runs.push_back({first, y, x, y + 1});
    }
  }
  return runs;
}

}  // namespace

LevelRegion WholeLevel(int height, int width) { return {{0, height, 0}, {0, width, 0}, height, width}; }

std::vector<LevelRegion> CoverRegions(const TileRules& rules, int height, int width,
                                      const std::vector<data::EdgeBox>& wanted) {
  const int cell = model::RoundUp(kCellSide, rules.multiple);
  const int rows = (height + cell - 1) / cell, columns = (width + cell - 1) / cell;
  std::vector<bool> marked(static_cast<size_t>(rows) * static_cast<size_t>(columns));
  for (const data::EdgeBox& box : wanted) {
    if (!(box.x2 > 0 && box.y2 > 0 && box.x1 < static_cast<float>(width) && box.y1 < static_cast<float>(height)))
      continue;
    const auto cell_of = [cell](float pixel, int count) {
      return static_cast<int>(std::clamp(pixel, 0.0f, static_cast<float>(count * cell - 1))) / cell;
    };
    for (int y = cell_of(box.y1, rows); y <= cell_of(box.y2, rows); ++y) {
      for (int x = cell_of(box.x1, columns); x <= cell_of(box.x2, columns); ++x) {
        marked[static_cast<size_t>(y) * static_cast<size_t>(columns) + static_cast<size_t>(x)] = true;
      }
    }
  }
  std::vector<CellRect> rects = RunsOf(marked, rows, columns);
  const auto cost = [&](const CellRect& rect) {
    return RegionOf(rules, cell, rect, height, width).pixels() + kRunPixels;
  };
  // Greedy: a rectangle takes in any other where their union costs no more than both, until nothing changes.
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = 0; i < rects.size(); ++i) {
      for (size_t j = i + 1; j < rects.size();) {
        const CellRect both = Union(rects[i], rects[j]);
        if (cost(both) > cost(rects[i]) + cost(rects[j])) {
          ++j;
          continue;
        }
        rects[i] = both;
        rects.erase(rects.begin() + static_cast<std::ptrdiff_t>(j));
        changed = true;
        j = i + 1;
      }
    }
  }
  int64_t pixels = 0;
  for (const CellRect& rect : rects) pixels += cost(rect);
  if (pixels >= int64_t{height} * width) return {WholeLevel(height, width)};
  std::vector<LevelRegion> regions;
  for (const CellRect& rect : rects) regions.push_back(RegionOf(rules, cell, rect, height, width));
  return regions;
}

}  // namespace hardface::infer
