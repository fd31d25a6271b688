// The kernels' arithmetic, index by index on the CPU, against decode.h and nms.h.
#include "infer/detection_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "base/random.h"
#include "infer/decode.h"
#include "infer/level_plan.h"
#include "infer/nms.h"
#include "model/ops/tensor.h"

namespace hardface::infer {
namespace {

template <typename Kernel>
void RunAll(int64_t count, const Kernel& kernel) {
  for (int64_t i = count - 1; i >= 0; --i) kernel(i);  // any order must do
}

// Planes with values of their own. Scores are coarse, so that ties occur.
struct RandomPlanes {
  RandomPlanes(const std::vector<std::pair<int, int>>& sizes_and_strides, int height, int width, Random* random) {
    for (const auto& [size, stride] : sizes_and_strides) {
      model::AnchorPlane plane{size, stride, height * 8 / stride, width * 8 / stride};
      const auto array = [&](double low, double high, double step) {
        auto values = std::make_unique<std::vector<float>>();
        for (int i = 0; i < plane.height * plane.width; ++i) {
          values->push_back(static_cast<float>(std::round(random->Uniform(low, high) / step) * step));
        }
        arrays.push_back(std::move(values));
        return arrays.back()->data();
      };
      plane.background = array(-1, 6, 0.25);
      plane.face = array(-6, 3, 0.25);
      for (float*& delta : plane.deltas) delta = array(-0.7, 0.7, 1e-6);
      planes.push_back(plane);
    }
  }
  std::vector<std::unique_ptr<std::vector<float>>> arrays;
  std::vector<model::AnchorPlane> planes;
};

PlaneList ListOf(const std::vector<model::AnchorPlane>& planes) {
  PlaneList list;
  for (const model::AnchorPlane& plane : planes) {
    list.planes[list.count++] = plane;
    list.height = std::max(list.height, plane.height);
    list.width = std::max(list.width, plane.width);
  }
  return list;
}

std::vector<ScoredBox> DecodeByKernels(const std::vector<model::AnchorPlane>& planes, const DecodeOptions& options,
                                       const PassGeometry& geometry) {
  const PlaneList list = ListOf(planes);
  std::vector<uint64_t> keys(static_cast<size_t>(list.places()));
  RunAll(list.places(), AnchorKeysKernel{list, keys.data()});
  std::sort(keys.begin(), keys.end());
  std::vector<ScoredBox> boxes(static_cast<size_t>(options.max_boxes));
  const auto small = std::make_unique<bool[]>(boxes.size());
  RunAll(options.max_boxes, DecodeKernel{list, keys.data(), list.places(), options.min_score, geometry, boxes.data(),
                                         small.get(), 0.5f, 1024.0f});
  const auto end = std::find_if(boxes.begin(), boxes.end(), [](const ScoredBox& box) { return box.score < 0; });
  for (auto rest = end; rest != boxes.end(); ++rest) EXPECT_LT(rest->score, 0);
  boxes.erase(end, boxes.end());
  for (size_t i = 0; i < boxes.size() && geometry.factor == 1; ++i) {  // it is small in the level's pixels
    EXPECT_EQ(small[i], boxes[i].score >= 0.5f && boxes[i].box.area() <= 1024.0f) << i;
  }
  return boxes;
}

void ExpectSame(const std::vector<ScoredBox>& actual, const std::vector<ScoredBox>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    ASSERT_EQ(actual[i].score, expected[i].score) << i;
    ASSERT_EQ(actual[i].box.x1, expected[i].box.x1) << i;
    ASSERT_EQ(actual[i].box.y1, expected[i].box.y1) << i;
    ASSERT_EQ(actual[i].box.x2, expected[i].box.x2) << i;
    ASSERT_EQ(actual[i].box.y2, expected[i].box.y2) << i;
  }
}

TEST(DecodeKernelTest, DecodesAsTheCpuDoes) {
  Random random(1);
  const RandomPlanes one_map({{16, 8}, {32, 8}, {64, 8}}, 11, 9, &random);
  const RandomPlanes three_maps({{16, 8}, {32, 8}, {64, 16}, {128, 16}, {256, 32}}, 12, 8, &random);
  for (const RandomPlanes* planes : {&one_map, &three_maps}) {
    for (const float min_score : {0.0f, 0.002f, 0.3f, 0.9999f, 2.0f}) {
      for (const int max_boxes : {1, 7, 10000}) {
        const DecodeOptions options{min_score, max_boxes};
        ExpectSame(DecodeByKernels(planes->planes, options, {61, 83, 1, 61, false}),
                   DecodeDetections(planes->planes, 61, 83, options));
      }
    }
  }
}

TEST(DecodeKernelTest, BoxesGoToTheImage) {
  Random random(2);
  const RandomPlanes planes({{16, 8}}, 5, 5, &random);
  const DecodeOptions options{0, 1};
  const ScoredBox level = DecodeByKernels(planes.planes, options, {40, 40, 1, 40, false})[0];
  const ScoredBox image = DecodeByKernels(planes.planes, options, {40, 40, 2.5f, 100, true})[0];
  EXPECT_EQ(image.box.x1, 100 - 2.5f * level.box.x2);
  EXPECT_EQ(image.box.x2, 100 - 2.5f * level.box.x1);
  EXPECT_EQ(image.box.y1, 2.5f * level.box.y1);
  EXPECT_EQ(image.box.y2, 2.5f * level.box.y2);
}

// Tiles whose cells are right in their cores only become the level's map, each cell written once.
TEST(CopyCoreKernelTest, MakesTheLevelOfItsTilesCores) {
  const TileRules rules{/*multiple=*/32, /*overlap=*/64, /*bytes_per_pixel=*/1};
  const int height = 352, width = 544;
  for (const int64_t limit : {height * width, 100000, 60000, 30000}) {
    const auto plan = PlanLevel(rules, height, width, /*flip=*/false, limit);
    ASSERT_TRUE(plan.ok()) << plan.status();
    for (const int stride : {8, 16, 32}) {
      const model::Tensor level({1, 3, height / stride, width / stride});
      const auto value = [](int c, int y, int x) { return static_cast<float>(1 + c + 10 * x + 10000 * y); };
      for (const TileSpan& rows : TileRows(rules, *plan, height)) {
        for (const TileSpan& columns : TileColumns(rules, *plan, width)) {
          const model::Tensor tile({1, 3, plan->tile_height / stride, plan->tile_width / stride});
          for (int c = 0; c < 3; ++c) {
            for (int y = 0; y < tile.shape().h; ++y) {
              for (int x = 0; x < tile.shape().w; ++x) {
                const int level_y = rows.begin / stride + y, level_x = columns.begin / stride + x;
                const bool core = level_y * stride >= rows.core_begin && level_y * stride < rows.core_end &&
                                  level_x * stride >= columns.core_begin && level_x * stride < columns.core_end;
                tile.view().at(0, c, y, x) = core ? value(c, level_y, level_x) : -1e9f;
              }
            }
          }
          // Added, so that a cell written twice shows.
          const model::Tensor copied(level.shape());
          const CopyCoreKernel kernel(tile.view(), rows, columns, stride, copied.view());
          RunAll(kernel.count(), kernel);
          for (int64_t i = 0; i < level.shape().size(); ++i) level.data()[i] += copied.data()[i];
        }
      }
      for (int c = 0; c < 3; ++c) {
        for (int y = 0; y < level.shape().h; ++y) {
          for (int x = 0; x < level.shape().w; ++x) {
            ASSERT_EQ(level.view().at(0, c, y, x), value(c, y, x))
                << plan->rows << " x " << plan->columns << " tiles, stride " << stride << ": " << c << " " << y << " "
                << x;
          }
        }
      }
    }
  }
}

// The whole way of the boxes of several passes, as the device does it.
std::vector<ScoredBox> MergeByKernels(std::vector<ScoredBox> boxes, float score_threshold, float threshold, bool vote,
                                      bool drop_singletons) {
  const auto total = static_cast<int64_t>(boxes.size());
  std::vector<uint64_t> keys(boxes.size());
  RunAll(total, BoxKeysKernel{boxes.data(), score_threshold, keys.data()});
  std::sort(keys.begin(), keys.end());
  std::vector<ScoredBox> sorted(boxes.size());
  int count = -1;
  RunAll(total, GatherKernel{keys.data(), total, boxes.data(), sorted.data(), &count});
  const int words = (count + 63) / 64;
  std::vector<uint64_t> mask(static_cast<size_t>(count) * words), taken(static_cast<size_t>(words));
  RunAll(static_cast<int64_t>(mask.size()),
         OverlapKernel{sorted.data(), count, words, threshold, /*above=*/!vote, mask.data()});
  std::vector<int> owner(static_cast<size_t>(words) * 64, -1);
  int last_first = -1;
  for (int i = 0; i < count; ++i) {
    if (taken[static_cast<size_t>(i) / 64] >> (i % 64) & 1) continue;
    last_first = i;
    RunAll(words, [&](int64_t word) {
      TakeOverlaps(i, static_cast<int>(word), words, mask.data(), taken.data(), owner.data());
    });
  }
  std::vector<ScoredBox> merged(static_cast<size_t>(count));
  RunAll(count, MergeKernel{sorted.data(), mask.data(), owner.data(), count, words, &last_first, vote, drop_singletons,
                            merged.data()});
  merged.erase(std::remove_if(merged.begin(), merged.end(), [](const ScoredBox& box) { return box.score < 0; }),
               merged.end());
  return merged;
}

std::vector<ScoredBox> RandomBoxes(int count, Random* random) {
  std::vector<ScoredBox> boxes;
  for (int i = 0; i < count; ++i) {
    const auto x = static_cast<float>(random->Uniform(0, 200)), y = static_cast<float>(random->Uniform(0, 200));
    const auto size = static_cast<float>(random->Uniform(10, 60));
    boxes.push_back({{x, y, x + size, y + size}, static_cast<float>(random->Index(40)) / 40});
  }
  return boxes;
}

TEST(MergeKernelTest, MergesAsTheCpuDoes) {
  Random random(3);
  for (const int count : {1, 2, 63, 64, 65, 400}) {
    const std::vector<ScoredBox> boxes = RandomBoxes(count, &random);
    std::vector<ScoredBox> above;
    for (const ScoredBox& box : boxes) {
      if (box.score > 0.05f) above.push_back(box);
    }
    for (const bool drop_singletons : {false, true}) {
      ExpectSame(MergeByKernels(boxes, 0.05f, 0.4f, /*vote=*/true, drop_singletons),
                 VoteBoxes(above, {0.4f, drop_singletons}));
    }
    std::vector<ScoredBox> kept;
    for (const int i : PlainNms(above, 0.4f)) kept.push_back(above[static_cast<size_t>(i)]);
    ExpectSame(MergeByKernels(boxes, 0.05f, 0.4f, /*vote=*/false, false), kept);
  }
}

TEST(MergeKernelTest, LosesNothingToUnusedPlaces) {
  std::vector<ScoredBox> boxes(200, {{}, -1});
  boxes[150] = {{0, 0, 9, 9}, 0.5f};
  ExpectSame(MergeByKernels(boxes, 0, 0.4f, true, true), {boxes[150]});
  EXPECT_TRUE(MergeByKernels(std::vector<ScoredBox>(70, {{}, -1}), 0, 0.4f, true, true).empty());
}

TEST(RankKeyTest, KeysSortByFallingScoreThenPlace) {
  EXPECT_LT(RankKey(0.9f, 7), RankKey(0.8f, 3));
  EXPECT_LT(RankKey(0.5f, 3), RankKey(0.5f, 7));
  EXPECT_LT(RankKey(1e-30f, 9), RankKey(0.0f, 1));
  EXPECT_LT(RankKey(0.0f, 0xfffffffe), kNoKey);
  EXPECT_EQ(ScoreOf(RankKey(0.7f, 5)), 0.7f);
  EXPECT_EQ(PlaceOf(RankKey(0.7f, 5)), 5u);
  EXPECT_GT(RankKey(std::nanf(""), 0), RankKey(1e-30f, 1)) << "what is not a number ranks last";
}

}  // namespace
}  // namespace hardface::infer
