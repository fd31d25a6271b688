// Decoding, box voting and NMS against recordings of the published implementation.
#include "model/testdata/golden.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "infer/decode.h"
#include "infer/nms.h"

namespace hardface::infer {
namespace {

void ExpectBox(const data::EdgeBox& box, const nlohmann::json& expected) {
  const float corners[4] = {box.x1, box.y1, box.x2, box.y2};
  for (int k = 0; k < 4; ++k) {
    const double e = expected[k];
    EXPECT_NEAR(corners[k], e, 1e-4 * std::max(10.0, std::fabs(e))) << expected;  // recorded with six digits
  }
}

class DecodeGoldenTest : public ::testing::TestWithParam<std::string> {};

TEST_P(DecodeGoldenTest, BoxesMatchThePublishedImplementation) {
  SKIP_WITHOUT_RECORDING(GetParam());
  const nlohmann::json golden = model::ReadGoldenJson(GetParam() + ".json");
  std::vector<float> face = golden["face_prob"].get<std::vector<float>>();  // (anchors, H, W)
  std::vector<float> background(face.size()), deltas = golden["deltas"].get<std::vector<float>>();
  for (float& p : face) p = std::log(p / (1 - p));  // logits that give these probabilities against 0
  const int height = golden["feature_height"], width = golden["feature_width"], cells = height * width;
  std::vector<model::AnchorPlane> planes;
  for (int a = 0; a < golden["face_prob_shape"][0]; ++a) {
    model::AnchorPlane plane{16 << a, 8, height, width, background.data() + a * cells, face.data() + a * cells};
    for (int k = 0; k < 4; ++k) plane.deltas[k] = deltas.data() + (4 * a + k) * cells;
    planes.push_back(plane);
  }
  DecodeOptions options;
  options.min_score = golden["min_score"];
  const auto boxes = DecodeDetections(planes, golden["image_width"], golden["image_height"], options);
  ASSERT_EQ(boxes.size(), golden["boxes"].size());
  for (size_t i = 0; i < boxes.size(); ++i) {
    EXPECT_NEAR(boxes[i].score, golden["scores"][i].get<double>(), 1e-5) << i;
    ExpectBox(boxes[i].box, golden["boxes"][i]);
  }
}

INSTANTIATE_TEST_SUITE_P(Recordings, DecodeGoldenTest, ::testing::ValuesIn(model::GoldenNames("decode_", ".json")),
                         model::GoldenTestName);

class VoteGoldenTest : public ::testing::TestWithParam<std::string> {};

TEST_P(VoteGoldenTest, VotingAndNmsMatchThePublishedImplementation) {
  SKIP_WITHOUT_RECORDING(GetParam());
  const nlohmann::json golden = model::ReadGoldenJson(GetParam() + ".json");
  std::vector<ScoredBox> boxes;
  for (const auto& row : golden["detections"]) boxes.push_back({{row[0], row[1], row[2], row[3]}, row[4]});
  const float threshold = golden["iou_threshold"];

  const auto voted = VoteBoxes(boxes, {threshold, /*drop_singletons=*/true});
  ASSERT_EQ(voted.size(), golden["box_vote"].size());
  for (size_t i = 0; i < voted.size(); ++i) {
    ExpectBox(voted[i].box, golden["box_vote"][i]);
    EXPECT_NEAR(voted[i].score, golden["box_vote"][i][4].get<double>(), 1e-5);
  }
  EXPECT_EQ(PlainNms(boxes, threshold), golden["nms_keep"].get<std::vector<int>>());
}

INSTANTIATE_TEST_SUITE_P(Recordings, VoteGoldenTest, ::testing::ValuesIn(model::GoldenNames("vote_", ".json")),
                         model::GoldenTestName);

}  // namespace
}  // namespace hardface::infer
