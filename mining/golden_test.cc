// Anchor targets, OHEM and WPAS against recordings of the published implementation.
#include "model/testdata/golden.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "mining/anchor_targets.h"

namespace hardface::mining {
namespace {

using Index = std::tuple<int, int, int>;

std::set<Index> ExpectedSet(const nlohmann::json& rows) {
  std::set<Index> set;
  for (const auto& row : rows) set.emplace(row[0], row[1], row[2]);
  return set;
}

std::set<Index> ActualSet(const std::vector<model::AnchorIndex>& anchors) {
  std::set<Index> set;
  for (const model::AnchorIndex& a : anchors) set.emplace(a.plane, a.y, a.x);
  return set;
}

class TargetsGoldenTest : public ::testing::TestWithParam<std::string> {};

TEST_P(TargetsGoldenTest, SamplesTargetsAndWpasMatchThePublishedImplementation) {
  SKIP_WITHOUT_RECORDING(GetParam());
  const nlohmann::json golden = model::ReadGoldenJson(GetParam() + ".json");
  std::vector<float> logits = golden["logits"].get<std::vector<float>>();  // (1, 2 anchors, H, W)
  const int height = golden["feature_height"], width = golden["feature_width"], cells = height * width;
  std::vector<model::AnchorPlane> planes;
  const int anchors = static_cast<int>(golden["anchor_sizes"].size());
  for (int a = 0; a < anchors; ++a) {
    model::AnchorPlane plane{golden["anchor_sizes"][a], golden["stride"], height, width};
    plane.background = logits.data() + a * cells;
    plane.face = logits.data() + (anchors + a) * cells;
    planes.push_back(plane);
  }
  std::vector<FaceBox> faces;
  for (const auto& row : golden["gt_boxes_x1y1x2y2"]) faces.push_back({{row[0], row[1], row[2], row[3]}});

  const TargetOptions options;
  const AnchorLabels labels = LabelAnchors(planes, faces, golden["image_width"], golden["image_height"], options);
  Random random(1);
  const SampledAnchors sampled = SampleAnchors(planes, labels, options, &random);

  EXPECT_EQ(labels.positives.size(), golden["num_positive_before_sampling"]);
  EXPECT_EQ(ActualSet(sampled.positives), ExpectedSet(golden["positives"]));
  EXPECT_EQ(ActualSet(sampled.negatives), ExpectedSet(golden["negatives"]));
  const std::optional<float> wpas = Wpas(planes, labels);
  ASSERT_EQ(wpas.has_value(), !golden["wpas"].is_null());
  if (wpas.has_value()) {
    EXPECT_NEAR(*wpas, golden["wpas"].get<double>(), 1e-6);
  }
  // The published rule: an image without positives counts as easy.
  EXPECT_EQ(wpas.value_or(1.0f) >= 0.85f, golden["easy_image"].get<bool>());

  std::map<Index, const RegressionTarget*> regression;
  for (const RegressionTarget& target : labels.regression) {
    regression[{target.anchor.plane, target.anchor.y, target.anchor.x}] = &target;
  }
  ASSERT_EQ(regression.size(), golden["regression"].size());
  for (const auto& expected : golden["regression"]) {
    const auto found = regression.find({expected["anchor"], expected["y"], expected["x"]});
    ASSERT_NE(found, regression.end()) << expected;
    for (int k = 0; k < 4; ++k) EXPECT_NEAR(found->second->deltas[k], expected["target"][k], 1e-5) << expected;
    EXPECT_NEAR(1.0 / static_cast<double>(labels.regression.size()), expected["weight"], 1e-5);
  }
}

INSTANTIATE_TEST_SUITE_P(Recordings, TargetsGoldenTest, ::testing::ValuesIn(model::GoldenNames("targets_", ".json")),
                         model::GoldenTestName);

}  // namespace
}  // namespace hardface::mining
