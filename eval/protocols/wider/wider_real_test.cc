// WIDER FACE's own files and a published detector's results: the official figures, to the digit. The data are not part
// of this repository: give their folder with --test_env=HARDFACE_DATA_DIR=FOLDER.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "eval/protocols/wider/wider_detections.h"
#include "eval/protocols/wider/wider_ground_truth.h"
#include "eval/protocols/wider/wider_score.h"

namespace hardface::eval {
namespace {

class WiderRealTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("HARDFACE_DATA_DIR");
    if (folder == nullptr) GTEST_SKIP() << "HARDFACE_DATA_DIR is not set: no WIDER FACE files to score";
    const std::string wider = std::string(folder) + "/wider_face";
    auto truth = ReadWiderGroundTruth(wider, /*with_labels=*/true);
    ASSERT_TRUE(truth.ok()) << truth.status();
    truth_ = *std::move(truth);
    auto detections = ReadWiderDetections(wider + "/detections_res18_refinedet.tar.zst", truth_, {}, /*threads=*/0);
    ASSERT_TRUE(detections.ok()) << detections.status();
    detections_ = *std::move(detections);
  }

  void ExpectAps(WiderMatching matching, const double (&expected)[3], double tolerance) {
    const auto matches = MatchWider(truth_, detections_, matching, /*threads=*/0);
    ASSERT_TRUE(matches.ok()) << matches.status();
    for (int s = 0; s < 3; ++s) {
      EXPECT_NEAR(ScoreWiderSubset(truth_, *matches, s).ap, expected[s], tolerance) << truth_.subsets[s];
    }
  }

  WiderGroundTruth truth_;
  WiderDetections detections_;
};

TEST_F(WiderRealTest, CountsAreThePublishedOnes) {
  EXPECT_EQ(truth_.images.size(), 3226u);
  EXPECT_TRUE(truth_.integer_boxes);
  EXPECT_EQ(detections_.boxes, 439167);
  // 47 of its files do hold boxes without width or height. Everything else in the check must keep still.
  EXPECT_EQ(detections_.layout.count("files with boxes of no extent"), 47);
  EXPECT_EQ(detections_.layout.Text().find('\n'), std::string::npos) << detections_.layout.Text();
  size_t faces = 0, kept[3] = {};
  for (const WiderImage& image : truth_.images) {
    faces += image.faces.size();
    for (const WiderFace& face : image.faces) {
      for (int s = 0; s < 3; ++s) kept[s] += face.subsets >> s & 1;
    }
  }
  EXPECT_EQ(faces, 39708u);
  EXPECT_EQ(kept[0], 7211u);
  EXPECT_EQ(kept[1], 13319u);
  EXPECT_EQ(kept[2], 31958u);
}

TEST_F(WiderRealTest, OfficialMatchingGivesTheMatlabFigures) {
  // The ten recorded digits leave half a unit of the tenth open; the issue asks for 1e-8.
  ExpectAps(WiderMatching::kOfficial, {0.8882992505, 0.8371961921, 0.6000945879}, 1e-10);
}

TEST_F(WiderRealTest, BestIouGivesThePublishedScorersFigures) {
  ExpectAps(WiderMatching::kBestIou, {0.88844008, 0.83719619, 0.60009458}, 1e-8);
}

}  // namespace
}  // namespace hardface::eval
