// Which parts of a pyramid level are run when only some of it can add a face: the geometry.
#ifndef HARDFACE_INFER_REGION_PLAN_H_
#define HARDFACE_INFER_REGION_PLAN_H_

#include <cstdint>
#include <vector>

#include "data_tools/dataset/box.h"
#include "infer/level_plan.h"

namespace hardface::infer {

// A tile of a level that is run on its own. Its core is what is asked for; around it lies the overlap that makes the
// core's outputs those of the whole level, except where the level ends.
struct LevelRegion {
  TileSpan rows, columns;
  int tile_height = 0, tile_width = 0;

  int64_t pixels() const { return int64_t{tile_height} * tile_width; }
};

// The whole level of padded size HEIGHT x WIDTH.
LevelRegion WholeLevel(int height, int width);

// Regions whose cores together cover WANTED (pixels of the level of padded size HEIGHT x WIDTH; parts beyond it do not
// count). Neighbours become one region where that costs fewer pixels than their overlaps do. One region is the whole
// level where all others together would take as many pixels; none where WANTED is empty.
std::vector<LevelRegion> CoverRegions(const TileRules& rules, int height, int width,
                                      const std::vector<data::EdgeBox>& wanted);

}  // namespace hardface::infer

#endif  // HARDFACE_INFER_REGION_PLAN_H_
