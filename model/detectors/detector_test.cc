#include "model/detectors/detector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

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

int64_t CountParameters(const NetworkSpec& network) {
  int64_t count = 0;
  for (const ParameterSpec& spec : ListParameters(network)) count += spec.size();
  return count;
}

// Widths and heights of the heads' maps, finest first, for an image of 640 x 640: (scores channels, side).
std::vector<std::pair<int, int>> HeadMaps(const DetectorSpec& detector) {
  const auto shapes = InferShapes(detector.network, {1, 3, 640, 640});
  EXPECT_TRUE(shapes.ok()) << shapes.status();
  std::vector<std::pair<int, int>> maps;
  for (const DetectionHead& head : detector.heads) {
    const Shape& scores = shapes->at(head.scores);
    const Shape& boxes = shapes->at(head.boxes);
    EXPECT_EQ(scores.h, scores.w);
    EXPECT_TRUE(boxes.h == scores.h && boxes.w == scores.w);
    maps.emplace_back(scores.c, scores.h);
  }
  return maps;
}

// The numbers of parameters follow from the num_output and kernel_size of every layer in the published prototxts, and
// are counted in docs/FIELD.md. VGG16 to conv5_3 has 14,714,688.

// github.com/mahyarnajibi/SSH, SSH/models/test_ssh.prototxt; its fixed bilinear weights (2048) not counted. Intel's
// Open Model Zoo (ssh-mxnet, github.com/openvinotoolkit/open_model_zoo) states 19.7684 million parameters with them,
// and 267.0594 GFLOP, those of layers that are no convolutions included.
TEST(PublishedDetectorsTest, SshHasThePublishedShapes) {
  const auto ssh = BuildDetector({"ssh"});
  ASSERT_TRUE(ssh.ok()) << ssh.status();
  EXPECT_EQ(CountParameters(ssh->network), 19766372);
  EXPECT_EQ(HeadMaps(*ssh), (std::vector<std::pair<int, int>>{{4, 80}, {4, 40}, {4, 20}}));
  EXPECT_EQ(ssh->heads[2].anchor_sizes, (std::vector<int>{256, 512}));
  EXPECT_NEAR(*CountFlops(ssh->network, {1, 3, 640, 640}) * 1e-9, 267.06, 0.5);
  EXPECT_EQ(ssh->size_multiple, 32);
  EXPECT_TRUE(ssh->tiles);
  const auto shapes = InferShapes(ssh->network, {1, 3, 64, 96});
  EXPECT_EQ(shapes->at("m1@ssh_output"), (Shape{1, 256, 8, 12}));
  EXPECT_EQ(shapes->at("m3@ssh_output"), (Shape{1, 512, 2, 3}));
  EXPECT_EQ(Find(ListParameters(ssh->network), "m2@ssh_7x7-1.weight")->dims, (std::vector<int>{128, 128, 3, 3}));
}

// github.com/sfzhang15/SFD, models/VGGNet/WIDER_FACE/SFD/deploy.prototxt.
TEST(PublishedDetectorsTest, S3fdHasThePublishedShapes) {
  const auto s3fd = BuildDetector({"s3fd"});
  ASSERT_TRUE(s3fd.ok()) << s3fd.status();
  EXPECT_EQ(CountParameters(s3fd->network), 22459110);
  // The padding of fc6 makes 24 of 20, and so 12 and 6 of 10 and 5.
  EXPECT_EQ(HeadMaps(*s3fd), (std::vector<std::pair<int, int>>{{2, 160}, {2, 80}, {2, 40}, {2, 24}, {2, 12}, {2, 6}}));
  EXPECT_FALSE(s3fd->tiles);
  EXPECT_EQ(s3fd->bgr_mean[0], 104);
  EXPECT_EQ(s3fd->heads[5].stride, 128);
  EXPECT_FLOAT_EQ(s3fd->heads[0].coding.first_centre, 1.5f);
  const auto specs = ListParameters(s3fd->network);
  EXPECT_EQ(Find(specs, "conv3_3_norm_mbox_conf.weight")->dims, (std::vector<int>{4, 256, 3, 3}));
  EXPECT_EQ(Find(specs, "conv4_3_norm.weight")->dims, (std::vector<int>{512}));
  EXPECT_EQ(Find(specs, "conv4_3_norm.weight")->fill, 8);
  EXPECT_EQ(Find(specs, "conv4_3_norm.bias"), nullptr);
}

// github.com/PaddlePaddle/models, PaddleCV/face_detection/pyramidbox.py: 57,131,542 numbers in convolutions and scales,
// 61,440 in batch normalisations, of which the folded ones keep a fourth as biases; fixed bilinear weights not counted.
TEST(PublishedDetectorsTest, PyramidBoxHasThePublishedShapes) {
  const auto box = BuildDetector({"pyramidbox"});
  ASSERT_TRUE(box.ok()) << box.status();
  EXPECT_EQ(CountParameters(box->network), 57131542 + 61440 / 4);
  EXPECT_EQ(HeadMaps(*box), (std::vector<std::pair<int, int>>{{2, 160}, {2, 80}, {2, 40}, {2, 20}, {2, 10}, {2, 5}}));
  // Paddle's number of a convolution is its place.
  std::vector<std::string> convolutions;
  for (const LayerSpec& layer : box->network.layers) {
    if (layer.kind == LayerKind::kConv2d) convolutions.push_back(layer.name);
  }
  ASSERT_EQ(convolutions.size(), 91u);
  EXPECT_EQ(convolutions[13], "fc6");
  EXPECT_EQ(convolutions[19], "lfpn2_above");
  EXPECT_EQ(convolutions[25], "cpm0_branch1");
  EXPECT_EQ(convolutions[79], "cpm0_mbox_loc");
}

TEST(PublishedDetectorsTest, AreRunNotTrained) {
  for (const char* const name : {"ssh", "s3fd", "pyramidbox"}) {
    const absl::Status status = CheckTrainable(BuildDetector({name, 16})->network);
    EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented) << name;
    EXPECT_THAT(std::string(status.message()), HasSubstr(") has no backward step")) << name;
  }
  EXPECT_TRUE(CheckTrainable(BuildDetector({})->network).ok());
}

TEST(InferShapesTest, MapsThatDoNotFitAreNamed) {
  NetworkSpec network = BuildDetector({"ssh", 16})->network;
  for (LayerSpec& layer : network.layers) {
    if (layer.name == "conv4_fuse") layer.inputs[1] = "conv5_128";
  }
  const auto shapes = InferShapes(network, {1, 3, 64, 64});
  EXPECT_THAT(std::string(shapes.status().message()), HasSubstr("layer conv4_fuse: cannot add"));
}

TEST(ReceptiveRadiusTest, StridesCount) {
  NetworkSpec network;
  network.layers.push_back({"image", LayerKind::kInput, {}});
  LayerSpec halving{"halving", LayerKind::kConv2d, {"image"}};
  halving.stride = 2;
  LayerSpec padded{"padded", LayerKind::kConv2d, {"halving"}};
  padded.padding = 3;
  network.layers.push_back(halving);
  EXPECT_EQ(ReceptiveRadius(network), 1);
  network.layers.push_back(padded);
  EXPECT_EQ(ReceptiveRadius(network), 1 + 2 * 3);
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
