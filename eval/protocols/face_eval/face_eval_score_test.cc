#include "eval/protocols/face_eval/face_eval_score.h"

#include <gtest/gtest.h>
#include <matio.h>

#include "data_tools/formats/mat_test_util.h"

namespace hardface::eval {
namespace {

FaceEvalFace FaceAt(double x1, double y1, double x2, double y2, bool ignore = false) {
  return {{x1, y1, x2, y2}, ignore};
}

std::vector<Verdict> VerdictsOf(const std::vector<FaceEvalImage>& images,
                                const std::vector<FaceEvalDetection>& detections) {
  std::vector<Verdict> verdicts;
  for (const JudgedDetection& judged : JudgeFaceEval(images, detections)) verdicts.push_back(judged.verdict);
  return verdicts;
}

TEST(FaceEval, OverlapMustExceedOneHalf) {
  // 100 x 100 pixels (0..99); a detection of 100 x 200 over it has IoU 1/2; one of 100 x 199 a little more.
  const std::vector<FaceEvalImage> images = {{"a", {FaceAt(0, 0, 99, 99)}}};
  EXPECT_EQ(VerdictsOf(images, {{0, 1, {0, 0, 99, 199}}})[0], Verdict::kFalseAlarm);
  EXPECT_EQ(VerdictsOf(images, {{0, 1, {0, 0, 99, 198}}})[0], Verdict::kTruePositive);
}

TEST(FaceEval, OfEqualOverlapsTheLastFaceIsTheMatch) {
  const std::vector<FaceEvalImage> images = {{"a", {FaceAt(0, 0, 99, 99), FaceAt(0, 0, 99, 99, /*ignore=*/true)}}};
  EXPECT_EQ(VerdictsOf(images, {{0, 1, {0, 0, 99, 99}}})[0], Verdict::kIgnored);
}

TEST(FaceEval, SecondHitIsAFalsePositiveAndIgnoredOnesAreDropped) {
  const std::vector<FaceEvalImage> images = {{"a", {FaceAt(0, 0, 99, 99), FaceAt(200, 0, 299, 99, true)}}};
  EXPECT_EQ(VerdictsOf(images, {{0, 3, {0, 0, 99, 99}}, {0, 2, {0, 0, 99, 98}}, {0, 1, {200, 0, 299, 99}}}),
            (std::vector<Verdict>{Verdict::kTruePositive, Verdict::kDuplicate, Verdict::kIgnored}));
}

TEST(FaceEval, SmallDetectionsAreLeftOut) {
  const std::vector<FaceEvalImage> images = {{"a", {FaceAt(0, 0, 99, 99)}}};
  // Both sides 21: left out. One side 22: a false positive before the face, precision 1/2.
  EXPECT_EQ(ScoreFaceEval(images, {{0, 2, {200, 200, 221, 221}}, {0, 1, {0, 0, 99, 99}}}, 0).aps.back(), 1.0);
  EXPECT_EQ(ScoreFaceEval(images, {{0, 2, {200, 200, 221, 222}}, {0, 1, {0, 0, 99, 99}}}, 0).aps.back(), 0.5);
}

TEST(FaceEval, RefitMovesAndScalesAllDetections) {
  // The first detection finds its face: same size 100, centre 10 to the left (0.1 of the size), heights 80 against 100:
  // the refit moves x by 0.1 of the width and stretches y to 1.25. The second misses its face by just this style:
  // 200 x 160 at 60 to the left of a 200 x 200 face: IoU (141*161)/(201*201 + 201*161 - 141*161) = 0.453 before; after
  // the refit x is off by 40 only, y by nothing: (161*201)/(2*201*201 - 161*201) = 0.668.
  const std::vector<FaceEvalImage> images = {{"a", {FaceAt(10, 0, 110, 100), FaceAt(300, 300, 500, 500)}}};
  const std::vector<FaceEvalDetection> detections = {{0, 2, {0, 10, 100, 90}}, {0, 1, {240, 320, 440, 480}}};
  const FaceEvalResult result = ScoreFaceEval(images, detections, 2);
  ASSERT_EQ(result.aps.size(), 2u);
  EXPECT_DOUBLE_EQ(result.aps[0], 0.5);
  EXPECT_DOUBLE_EQ(result.aps[1], 1.0);
  EXPECT_EQ(ScoreFaceEval(images, detections, 1).aps.back(), 0.5);
  EXPECT_EQ(ScoreFaceEval(images, detections, 0).aps.back(), 0.5);
}

TEST(FaceEval, TopEdgeShiftLowersByAFractionOfTheHeight) {
  std::vector<FaceEvalDetection> detections = {{0, 1, {0, 10, 99, 109}}};
  ShiftTopEdges(0.2, &detections);
  EXPECT_DOUBLE_EQ(detections[0].box.y1, 30);
  EXPECT_DOUBLE_EQ(detections[0].box.y2, 109);
}

TEST(FaceEval, ReadsAnnotationsAndIgnoresSmallAndMarkedFaces) {
  const char* fields[] = {"imgname", "objects"};
  size_t one[2] = {1, 1};
  const auto write = [&](const std::vector<std::vector<double>>& objects, size_t columns) {
    matvar_t* annotations = Mat_VarCreateStruct("Annotations", 2, one, fields, 2);
    Mat_VarSetStructFieldByName(annotations, "imgname", 0, data::NewText(nullptr, "one.jpg"));
    Mat_VarSetStructFieldByName(annotations, "objects", 0, data::NewDoubles(nullptr, objects, columns));
    return data::WriteMat(testing::TempDir() + "/annotations.mat", {annotations});
  };
  // Width 30 counts, 29 does not, nor does the marked one.
  const auto images =
      ReadFaceEvalAnnotations(write({{0, 0, 30, 40, 0, 0}, {0, 0, 29, 40, 0, 0}, {0, 0, 90, 90, 0, 1}}, 6));
  ASSERT_TRUE(images.ok()) << images.status();
  ASSERT_EQ(images->size(), 1u);
  EXPECT_EQ((*images)[0].name, "one");
  ASSERT_EQ((*images)[0].faces.size(), 3u);
  EXPECT_FALSE((*images)[0].faces[0].ignore);
  EXPECT_TRUE((*images)[0].faces[1].ignore);
  EXPECT_TRUE((*images)[0].faces[2].ignore);
  EXPECT_FALSE(ReadFaceEvalAnnotations(write({{0, 0, 30, 40}}, 4)).ok());
  EXPECT_FALSE(
      ReadFaceEvalAnnotations(data::WriteMat(testing::TempDir() + "/x.mat", {data::NewText("other", "x")})).ok());
}

TEST(FaceEval, ReportsDoubledRowsMissingImagesAndOtherScales) {
  const std::vector<FaceEvalImage> images = {{"a", {}}, {"b", {}}, {"c", {}}};
  LayoutReport layout;
  ASSERT_TRUE(
      ParseFaceEvalDetections("a 0.9 1 2 3 4\nb 90 1 2 3 4\na 0.9 1 2 3 4\na 0.8 1 2 3 4\n", "d.txt", images, &layout)
          .ok());
  EXPECT_EQ(layout.count("images with doubled rows"), 1);
  EXPECT_EQ(layout.count("images without a detection"), 1);
  EXPECT_EQ(layout.count("results on two scales of scores"), 1);
  for (const char* place : {"d.txt:3 (a)", "d.txt (c)", "d.txt:2 (b) (score 90)"}) {
    EXPECT_NE(layout.Text().find(place), std::string::npos) << layout.Text();
  }
}

TEST(FaceEval, AFewImagesWithoutADetectionAreNoFinding) {
  std::vector<FaceEvalImage> images;
  std::string text;
  for (int i = 0; i < 50; ++i) {
    images.push_back({"image" + std::to_string(i), {}});
    if (i > 0) text += images.back().name + " 0." + std::to_string(100 + i) + " 1 2 3 4\n";
  }
  LayoutReport layout;
  ASSERT_TRUE(ParseFaceEvalDetections(text, "d.txt", images, &layout).ok());
  EXPECT_TRUE(layout.empty()) << layout.Text();
}

TEST(FaceEval, ReadsDetectionsAndNamesBadLines) {
  const std::vector<FaceEvalImage> images = {{"2008_003880", {}}};
  LayoutReport layout;
  const auto good = ParseFaceEvalDetections(
      "2008_003880 -0.5 1 2 3.5 4\nother 0.1 1 2 3 4\n2008_003880.jpg 1 1 2 3 4\n", "d.txt", images, &layout);
  ASSERT_TRUE(good.ok()) << good.status();
  ASSERT_EQ(good->size(), 2u);
  EXPECT_EQ((*good)[0].score, -0.5);
  EXPECT_EQ((*good)[0].box.x2, 3.5);
  EXPECT_EQ(layout.count("detections of images that the annotations lack"), 1);
  for (const char* line : {"2008_003880 1 1 2 3", "2008_003880 nan 1 2 3 4", "2008_003880 1 10 20 5 5"}) {
    const auto bad = ParseFaceEvalDetections(std::string("\n") + line, "d.txt", images, &layout);
    ASSERT_FALSE(bad.ok()) << line;
    EXPECT_NE(bad.status().message().find("d.txt:2"), std::string::npos) << bad.status();
  }
  EXPECT_FALSE(ParseFaceEvalDetections("", "d.txt", images, &layout).ok());
  EXPECT_FALSE(ParseFaceEvalDetections("other 0.1 1 2 3 4\n", "d.txt", images, &layout).ok());
}

}  // namespace
}  // namespace hardface::eval
