// AFW and PASCAL faces with two detectors' results: the published figures. The data are not part of this repository:
// give their folder with --test_env=HARDFACE_DATA_DIR=FOLDER.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "eval/common/result_tree.h"
#include "eval/protocols/face_eval/face_eval_score.h"

namespace hardface::eval {
namespace {

struct Case {
  const char* annotations;
  const char* detections;
  double percent;  // with 5 refits
};

class FaceEvalRealTest : public testing::TestWithParam<Case> {};

TEST_P(FaceEvalRealTest, GivesThePublishedFigure) {
  const char* folder = std::getenv("HARDFACE_DATA_DIR");
  if (folder == nullptr) GTEST_SKIP() << "HARDFACE_DATA_DIR is not set: no AFW and PASCAL files to score";
  const std::string data = std::string(folder) + "/afw_pascal/";
  const auto images = ReadFaceEvalAnnotations(data + GetParam().annotations);
  ASSERT_TRUE(images.ok()) << images.status();
  const auto text = ReadPossiblyCompressedFile(data + "detections/" + GetParam().detections);
  ASSERT_TRUE(text.ok()) << text.status();
  LayoutReport layout;
  const auto detections = ParseFaceEvalDetections(*text, GetParam().detections, *images, &layout);
  ASSERT_TRUE(detections.ok()) << detections.status();
  EXPECT_TRUE(layout.empty()) << layout.Text();
  // Half a unit of the last published digit.
  EXPECT_NEAR(100 * ScoreFaceEval(*images, *detections, 5).aps.back(), GetParam().percent, 0.005);
}

constexpr char kAfw[] = "new_annotations_AFW.mat";
constexpr char kPascal[] = "Annotations_Face_PASCALLayout_large_fixed.mat";

INSTANTIATE_TEST_SUITE_P(Published, FaceEvalRealTest,
                         testing::Values(Case{kAfw, "AFW/Ours.txt", 99.60}, Case{kPascal, "PASCAL/Ours.txt", 99.00},
                                         Case{kAfw, "AFW/Headhunter.txt", 97.14},
                                         Case{kPascal, "PASCAL/Headhunter.txt", 89.63}));

}  // namespace
}  // namespace hardface::eval
