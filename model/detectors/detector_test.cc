#include "model/detectors/detector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/detectors/network.h"

namespace hardface::model {
namespace {

using ::testing::HasSubstr;

const ParameterSpec* Find(const std::vector<ParameterSpec>& specs, const std::string& name) {
  for (const ParameterSpec& spec : specs) {
    if (spec.name == name) return &spec;
  }
  return nullptr;
}

TEST(BuildDetectorTest, SmallhardHasThePublishedShapes) {
  const auto detector = BuildDetector({});
  ASSERT_TRUE(detector.ok());
  const auto shapes = InferShapes(detector->network, {1, 3, 128, 160});
  ASSERT_TRUE(shapes.ok()) << shapes.status();
  EXPECT_EQ(shapes->at("conv4_3"), (Shape{1, 512, 16, 20}));
  EXPECT_EQ(shapes->at("conv5_3"), (Shape{1, 512, 8, 10}));
  EXPECT_EQ(shapes->at("conv4_fuse"), (Shape{1, 512, 16, 20}));
  EXPECT_EQ(shapes->at("conv4_fuse_final_dim_red"), (Shape{1, 128, 16, 20}));
  EXPECT_EQ(shapes->at("cls_score_4"), (Shape{1, 2, 16, 20}));
  EXPECT_EQ(shapes->at("bbox_pred_4"), (Shape{1, 4, 16, 20}));
}

TEST(BuildDetectorTest, DilatedHeadsShareOneWeight) {
  const auto specs = ListParameters(BuildDetector({})->network);
  EXPECT_NE(Find(specs, "head_1.weight"), nullptr);
  EXPECT_EQ(Find(specs, "head_2.weight"), nullptr);
  EXPECT_NE(Find(specs, "cls_score_2.weight"), nullptr);
  EXPECT_EQ(Find(specs, "conv1_1.weight")->part, NetworkPart::kEarly);
  EXPECT_EQ(Find(specs, "conv4_fuse_final.weight")->part, NetworkPart::kBody);
  EXPECT_EQ(Find(specs, "head_1.bias")->part, NetworkPart::kHead);
}

TEST(BuildDetectorTest, TrunkCostMatchesTheKnownFigure) {
  // VGG16's trunk at 640 x 640: 250.6 GFLOP with 2 per multiply-add; here without the detector's own layers.
  NetworkSpec trunk = BuildDetector({})->network;
  while (trunk.layers.back().name != "conv5_3") trunk.layers.pop_back();
  EXPECT_NEAR(*CountFlops(trunk, {1, 3, 640, 640}) * 1e-9, 250.6, 0.1);
}

TEST(BuildDetectorTest, BaselinesHaveTheirAnchors) {
  const auto single = BuildDetector({"smallhard", 4, false});
  ASSERT_TRUE(single.ok());
  ASSERT_EQ(single->heads.size(), 1u);
  EXPECT_EQ(single->heads[0].anchor_sizes, (std::vector<int>{16, 32, 64}));

  const auto three = BuildDetector({"three_maps", 4, false});
  ASSERT_TRUE(three.ok());
  const auto shapes = InferShapes(three->network, {1, 3, 64, 96});
  ASSERT_TRUE(shapes.ok()) << shapes.status();
  EXPECT_EQ(three->heads[2].stride, 32);
  EXPECT_EQ(shapes->at(three->heads[2].scores), (Shape{1, 4, 2, 3}));
}

TEST(BuildDetectorTest, RefusesWhatDoesNotExist) {
  EXPECT_THAT(std::string(BuildDetector({"resnet"}).status().message()), HasSubstr("resnet"));
  EXPECT_THAT(std::string(BuildDetector({"smallhard", 3}).status().message()), HasSubstr("3"));
}

TEST(InferShapesTest, OddSizesAtAPoolAreNamed) {
  const auto shapes = InferShapes(BuildDetector({})->network, {1, 3, 120, 160});
  EXPECT_THAT(std::string(shapes.status().message()), HasSubstr("pool4"));
}

}  // namespace
}  // namespace hardface::model
