#include "mining/anchor_targets.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

namespace hardface::mining {
namespace {

// One plane of 16-pixel anchors on stride 8 over 64 x 64 pixels; logits all zero.
struct Plane {
  Plane() : background(64), face(64) { planes.push_back({16, 8, 8, 8, background.data(), face.data()}); }
  std::vector<float> background, face;
  std::vector<model::AnchorPlane> planes;
};

TEST(LabelAnchorsTest, ThresholdsDecide) {
  Plane plane;
  // Exactly anchor (y 2, x 3); its neighbours at 8 pixels overlap by 1/3: they regress, but are neither face nor
  // background.
  const AnchorLabels labels = LabelAnchors(plane.planes, {{{24, 16, 39, 31}}}, 64, 64, {});
  ASSERT_EQ(labels.positives.size(), 1u);
  EXPECT_EQ(labels.positives[0].anchor, (model::AnchorIndex{0, 2, 3}));
  ASSERT_EQ(labels.regression.size(), 5u);
  EXPECT_EQ(labels.regression[2].anchor, (model::AnchorIndex{0, 2, 3}));
  EXPECT_EQ(labels.regression[2].deltas, (std::array<float, 4>{0, 0, 0, 0}));
  // 49 anchors lie inside 64 x 64 (x, y 0..6).
  EXPECT_EQ(labels.negatives.size(), 49u - 5u);
}

TEST(LabelAnchorsTest, OnlyAnchorsInsideTheUnpaddedImageTakePart) {
  Plane plane;
  const AnchorLabels labels = LabelAnchors(plane.planes, {}, 40, 24, {});
  EXPECT_EQ(labels.negatives.size(), 4u * 2u);
  for (const model::AnchorIndex& a : labels.negatives) {
    EXPECT_LE(a.x, 3);
    EXPECT_LE(a.y, 1);
  }
}

TEST(LabelAnchorsTest, WhenNoneIsInsideAllTakePart) {
  Plane plane;
  EXPECT_EQ(LabelAnchors(plane.planes, {}, 10, 10, {}).negatives.size(), 64u);
}

TEST(LabelAnchorsTest, IgnoredFacesAreNeitherFaceNorBackground) {
  Plane plane;
  const AnchorLabels with = LabelAnchors(plane.planes, {{{0, 0, 31, 31}, /*ignore=*/true}}, 64, 64, {});
  EXPECT_TRUE(with.positives.empty());
  EXPECT_TRUE(with.regression.empty());
  // Anchors lying at least half inside the region: x and y 0..3 (the fourth covers half at one axis), less the corner
  // ones that cover a quarter.
  EXPECT_EQ(with.negatives.size(), 49u - 15u);
}

TEST(LabelAnchorsTest, DegenerateFacesArePassedOver) {
  Plane plane;
  const AnchorLabels labels = LabelAnchors(plane.planes, {{{10, 10, 9, 20}}, {{5, 5, -3, -3}}}, 64, 64, {});
  EXPECT_TRUE(labels.positives.empty());
  EXPECT_EQ(labels.negatives.size(), 49u);
}

TEST(SampleAnchorsTest, TakesTheHardest) {
  Plane plane;
  TargetOptions options;
  options.sampled_anchors = 4;
  options.positive_fraction = 0.5f;
  AnchorLabels labels;
  for (int x = 0; x < 4; ++x) {
    labels.positives.push_back({{0, 0, x}, 0});
    plane.face[x] = static_cast<float>(x);  // the first two look least like faces
  }
  for (int x = 0; x < 6; ++x) {
    labels.negatives.push_back({0, 5, x});
    plane.face[40 + x] = x % 2 == 0 ? 3.0f + static_cast<float>(x) : -1.0f;
  }
  Random random(1);
  const SampledAnchors sampled = SampleAnchors(plane.planes, labels, options, &random);
  EXPECT_EQ(sampled.positives, (std::vector<model::AnchorIndex>{{0, 0, 0}, {0, 0, 1}}));
  EXPECT_EQ(sampled.negatives, (std::vector<model::AnchorIndex>{{0, 5, 2}, {0, 5, 4}}));
}

TEST(SampleAnchorsTest, RandomShareIsDrawnFromTheRestWithoutRepetition) {
  Plane plane;
  TargetOptions options;
  options.sampled_anchors = 20;
  options.hard_negative_share = 0.5f;
  const AnchorLabels labels = LabelAnchors(plane.planes, {}, 64, 64, options);
  for (int i = 0; i < 10; ++i) plane.face[i < 7 ? i : i + 1] = 5;  // ten hard ones
  std::set<int> seen;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    const auto negatives = SampleAnchors(plane.planes, labels, options, &random).negatives;
    ASSERT_EQ(negatives.size(), 20u);
    std::set<int> cells;
    for (const model::AnchorIndex& a : negatives) cells.insert(plane.planes[0].cell(a.y, a.x));
    EXPECT_EQ(cells.size(), 20u);
    for (int i = 0; i < 10; ++i) EXPECT_EQ(cells.count(i < 7 ? i : i + 1), 1u);
    seen.insert(cells.begin(), cells.end());
  }
  EXPECT_EQ(seen.size(), 49u);
}

TEST(WpasTest, IsTheWorstPositiveAndPerFace) {
  Plane plane;
  AnchorLabels labels;
  labels.positives = {{{0, 0, 0}, 0}, {{0, 0, 1}, 2}, {{0, 0, 2}, 2}};
  plane.face[0] = 2;
  plane.face[1] = -1;
  plane.face[2] = 1;
  const std::vector<FaceScore> scores = FaceScores(plane.planes, labels, 3);
  EXPECT_NEAR(*scores[0].wpas(), 1 / (1 + std::exp(-2.0)), 1e-6);
  EXPECT_FALSE(scores[1].wpas().has_value());
  EXPECT_NEAR(*scores[2].wpas(), 1 / (1 + std::exp(1.0)), 1e-6);
  EXPECT_EQ(scores[2].positives, 2);
  EXPECT_EQ(*Wpas(plane.planes, labels), scores[2].worst);
  EXPECT_FALSE(Wpas(plane.planes, {}).has_value());
}

}  // namespace
}  // namespace hardface::mining
