#include "eval/common/result_check.h"

#include <gtest/gtest.h>

#include "base/atomic_output.h"

namespace hardface::eval {
namespace {

constexpr char kCorners[] = "results of corners instead of extents";
constexpr char kScales[] = "results on two scales of scores";

const std::vector<FaceRect> kFaces = {{100, 100, 40, 40}, {300, 50, 60, 60}};
const std::vector<ResultBox> kGood = {{100, 100, 40, 40, 0.9, 3}, {300, 50, 60, 60, 0.8, 4}};

std::vector<ResultBox> AsCorners(std::vector<ResultBox> boxes) {
  for (ResultBox& box : boxes) {
    box.w += box.x;
    box.h += box.y;
  }
  return boxes;
}

std::vector<ResultBox> Scaled(std::vector<ResultBox> boxes, double factor) {
  for (ResultBox& box : boxes) box.score *= factor;
  return boxes;
}

// Ten files; the first BAD_FILES of them hold BAD, the others kGood.
std::vector<ImageEvidence> Mixed(const std::vector<ResultBox>& bad, int bad_files) {
  std::vector<ImageEvidence> all;
  for (int i = 0; i < 10; ++i) {
    all.push_back(ExamineImage(i < bad_files ? bad : kGood, kFaces));
    all.back().file = "file" + std::to_string(i) + ".txt";
  }
  return all;
}

TEST(Corners, EveryFileOfAnyShareIsReportedWithItsLine) {
  for (int bad : {0, 1, 3, 6, 10}) {
    LayoutReport layout;
    ReportCorners(Mixed(AsCorners(kGood), bad), &layout);
    EXPECT_EQ(layout.count(kCorners), bad);
    for (int i = 0; i < bad; ++i) {
      EXPECT_NE(layout.Csv().find("file" + std::to_string(i) + ".txt:3"), std::string::npos) << layout.Csv();
    }
  }
}

TEST(Corners, OneRowThatCannotBeCornersSettlesIt) {
  std::vector<ResultBox> boxes = AsCorners(kGood);
  boxes.push_back({500, 500, 20, 20, 0.1, 5});
  LayoutReport layout;
  ReportCorners({ExamineImage(boxes, kFaces)}, &layout);
  EXPECT_TRUE(layout.empty()) << layout.Text();
}

TEST(Corners, ABoxThatFitsBothWaysIsNoEvidence) {
  // At the top left corner: (10, 10) to (210, 210) as extents, to (200, 200) as corners.
  LayoutReport layout;
  ReportCorners({ExamineImage({{10, 10, 200, 200, 0.9, 3}}, {{10, 10, 190, 190}})}, &layout);
  // A face of 140 x 133: IoU 140 * 133 / 200^2 = 0.47 as extents, 140 * 133 / 190^2 = 0.52 as corners.
  ReportCorners({ExamineImage({{10, 10, 200, 200, 0.9, 3}}, {{10, 10, 140, 133}})}, &layout);
  EXPECT_TRUE(layout.empty()) << layout.Text();
}

TEST(Corners, FilesWithoutAHitGoByTheirFormOnceAnotherIsSure) {
  std::vector<ResultBox> misses;
  for (int i = 0; i < 10; ++i) misses.push_back({400.0 + i, 400, 420.0 + i, 420, 0.5 + 0.01 * i, 3 + i});
  const ImageEvidence unsure = ExamineImage(misses, kFaces), sure = ExamineImage(AsCorners(kGood), kFaces);
  LayoutReport alone, together;
  ReportCorners({unsure}, &alone);
  EXPECT_TRUE(alone.empty());
  ReportCorners({unsure, sure}, &together);
  EXPECT_EQ(together.count(kCorners), 2);
}

TEST(Corners, FilesThatFitBothWaysGoByTheBetterFitOnceAnotherIsSure) {
  // Corners (10, 10) to (60, 60) of a face there; as extents to (70, 70): IoU 50^2 / 60^2.
  const ImageEvidence both = ExamineImage({{10, 10, 60, 60, 0.9, 3}}, {{10, 10, 50, 50}});
  const ImageEvidence good = ExamineImage({{10, 10, 50, 50, 0.9, 3}}, {{10, 10, 50, 50}});
  const ImageEvidence sure = ExamineImage(AsCorners(kGood), kFaces);
  LayoutReport alone, together;
  ReportCorners({both, good}, &alone);
  EXPECT_TRUE(alone.empty()) << alone.Text();
  ReportCorners({both, good, sure}, &together);
  EXPECT_EQ(together.count(kCorners), 2);
}

TEST(ScoreScales, EveryImageOnAnotherScaleIsReportedWithItsLine) {
  for (int bad : {0, 1, 3, 6}) {
    LayoutReport layout;
    ReportScoreScales(Mixed(Scaled(kGood, 100), bad), &layout);
    EXPECT_EQ(layout.count(kScales), bad);
    for (int i = 0; i < bad; ++i) {
      EXPECT_NE(layout.Csv().find("file" + std::to_string(i) + ".txt:3 (score 90)"), std::string::npos) << layout.Csv();
    }
  }
}

TEST(ScoreScales, DetectorsWithScoresOfTheirOwnPass) {
  // Best scores from -0.5 to 9, as of a sum of trees; all on a scale of 0 to 100; a little below 0.
  std::vector<ImageEvidence> trees, percent, negative;
  for (int i = 0; i < 100; ++i) {
    trees.push_back(ExamineImage({{0, 0, 9, 9, -0.5 + 0.095 * i, 3}, {9, 0, 9, 9, -0.6, 4}}, {}));
    percent.push_back(ExamineImage({{0, 0, 9, 9, 1.0 + i, 3}, {9, 0, 9, 9, 0.1, 4}}, {}));
    negative.push_back(ExamineImage({{0, 0, 9, 9, 0.006 * i, 3}, {9, 0, 9, 9, -0.018, 4}}, {}));
  }
  for (const auto& images : {trees, percent, negative}) {
    LayoutReport layout;
    ReportScoreScales(images, &layout);
    EXPECT_TRUE(layout.empty()) << layout.Text();
  }
}

TEST(DoubledRows, NameTheSecondRow) {
  ImageEvidence image = ExamineImage({kGood[0], kGood[1], {100, 100, 40, 40, 0.9, 5}, {100, 100, 40, 40, 0.8, 6}}, {});
  image.file = "f";
  LayoutReport layout;
  ReportDoubledRows({image}, &layout);
  EXPECT_EQ(layout.count("images with doubled rows"), 1);
  EXPECT_NE(layout.Text().find("f:5"), std::string::npos) << layout.Text();
}

TEST(FilledLines, SkipsEmptyOnes) {
  const std::string path = testing::TempDir() + "/lines.jsonl";
  ASSERT_TRUE(WriteFileAtomically(path, "a\n\nb\n \nc").ok());
  const auto lines = FilledLines(path);
  ASSERT_TRUE(lines.ok()) << lines.status();
  EXPECT_EQ(*lines, (std::vector<int64_t>{1, 3, 4, 5}));
}

}  // namespace
}  // namespace hardface::eval
