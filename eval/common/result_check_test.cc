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

constexpr char kScoreFirst[] = "results whose first column looks like scores";

// Rows of score x y w h, read as x y w h score.
std::vector<ResultBox> WithScoreFirst(std::vector<ResultBox> boxes) {
  for (ResultBox& box : boxes) box = {box.score, box.x, box.y, box.w, box.h, box.line};
  return boxes;
}

TEST(ScoreFirst, EveryFileOfAnyShareIsReportedWithItsLine) {
  for (int bad : {0, 1, 3, 6, 10}) {
    LayoutReport layout;
    ReportScoreFirst(Mixed(WithScoreFirst(kGood), bad), &layout);
    EXPECT_EQ(layout.count(kScoreFirst), bad);
    for (int i = 0; i < bad; ++i) {
      EXPECT_NE(layout.Csv().find("file" + std::to_string(i) + ".txt:3"), std::string::npos) << layout.Csv();
    }
  }
}

TEST(ScoreFirst, ScoresOfAnyScaleAreSeenWhereMostFilesHaveThem) {
  for (const double factor : {100.0, -7.0}) {
    LayoutReport layout;
    ReportMistakes(Mixed(WithScoreFirst(Scaled(kGood, factor)), 10), &layout);
    EXPECT_EQ(layout.count(kScoreFirst), 10) << layout.Text();
    EXPECT_EQ(layout.count(kCorners), 0) << layout.Text();
  }
}

TEST(ScoreFirst, TheFormAloneTellsWhereEveryRowHasIt) {
  const std::vector<ResultBox> off = {{0.9, 500, 500, 30, 30, 3}, {0.1, 600, 500, 30, 30, 4}, {0.5, 7, 500, 9, 12, 5}};
  LayoutReport all, one_row, beside_good;
  ReportScoreFirst({ExamineImage(off, kFaces)}, &all);
  EXPECT_EQ(all.count(kScoreFirst), 1);
  // One box at the left border with a logit for a score is no evidence.
  ReportScoreFirst({ExamineImage({{0, 50, 30, 30, 4.5, 3}}, kFaces)}, &one_row);
  EXPECT_TRUE(one_row.empty()) << one_row.Text();
  ReportScoreFirst({ExamineImage(off, kFaces), ExamineImage(kGood, kFaces)}, &beside_good);
  EXPECT_TRUE(beside_good.empty()) << beside_good.Text();
}

TEST(Fractions, ImagesWhoseBoxesAllLieWithinOneAreReported) {
  const char* kind = "results of fractions instead of pixels";
  const std::vector<ResultBox> fractions = {{0.5, 0.25, 0.1, 0.2, 0.9, 3}, {-0.01, 0.4, 0.3, 1.02, 0.8, 4}};
  LayoutReport layout, one_in_pixels;
  ReportMistakes(Mixed(fractions, 4), &layout);
  EXPECT_EQ(layout.count(kind), 4);
  EXPECT_NE(layout.Text().find("file0.txt:3"), std::string::npos) << layout.Text();
  std::vector<ResultBox> mixed = fractions;
  mixed.push_back({12, 30, 9, 11, 0.5, 5});
  ReportMistakes({ExamineImage(mixed, kFaces), ExamineImage({}, kFaces)}, &one_in_pixels);
  EXPECT_TRUE(one_in_pixels.empty()) << one_in_pixels.Text();
}

TEST(NegativeExtents, NameTheFirstRow) {
  LayoutReport layout;
  ImageEvidence image = ExamineImage({kGood[0], {140, 100, -40, 40, 0.7, 5}, {140, 100, 40, -1, 0.6, 6}}, kFaces);
  image.file = "f";
  image.unit = ": element ";
  ReportMistakes({image}, &layout);
  EXPECT_EQ(layout.count("results of negative extent"), 1);
  EXPECT_NE(layout.Text().find("f: element 5"), std::string::npos) << layout.Text();
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

TEST(OtherOrders, CentresAndRowsFirstAreReported) {
  std::vector<ResultBox> centres = kGood, rows_first = {{50, 300, 60, 60, 0.8, 3}};
  for (ResultBox& box : centres) {
    box.x += box.w / 2;
    box.y += box.h / 2;
  }
  const auto report = [](const std::vector<ResultBox>& bad, int bad_files) {
    LayoutReport layout;
    ReportOtherOrders(Mixed(bad, bad_files), &layout);
    return layout;
  };
  EXPECT_TRUE(report(centres, 0).empty());
  EXPECT_EQ(report(centres, 10).count("results of boxes by their centres"), 1);
  EXPECT_NE(report(centres, 10).Text().find("file0.txt:3"), std::string::npos) << report(centres, 10).Text();
  EXPECT_TRUE(report(centres, 5).empty()) << "as many lie on faces as they are";
  EXPECT_EQ(report(rows_first, 10).count("results of boxes row first"), 1);
  LayoutReport few;
  ReportOtherOrders({ExamineImage(centres, kFaces)}, &few);
  EXPECT_TRUE(few.empty()) << "two boxes may lie so by chance";
}

TEST(EqualScores, TenOrMoreAreReported) {
  std::vector<ResultBox> equal = kGood;
  equal[1].score = equal[0].score;
  for (const int images : {4, 5}) {
    LayoutReport layout;
    std::vector<ImageEvidence> evidence(static_cast<size_t>(images), ExamineImage(equal, kFaces));
    evidence.push_back(ExamineImage({}, kFaces));
    evidence[0].file = "first.txt";
    ReportEqualScores(evidence, &layout);
    EXPECT_EQ(layout.count("results whose scores are all the same"), images == 5);
    EXPECT_EQ(layout.Text().find("first.txt (0.9)") != std::string::npos, images == 5) << layout.Text();
    LayoutReport different;
    evidence.push_back(ExamineImage(kGood, kFaces));
    ReportEqualScores(evidence, &different);
    EXPECT_TRUE(different.empty());
  }
}

TEST(EqualScores, MostOfAHundredAreReported) {
  // Of each image's four boxes, some have the score 1; the others' differ from all others.
  const auto text = [](int images, int equal_in_each) {
    std::vector<ImageEvidence> evidence;
    for (int i = 0; i < images; ++i) {
      std::vector<ResultBox> boxes;
      for (int k = 0; k < 4; ++k) {
        boxes.push_back({10.0 * k, 10, 8, 8, k < equal_in_each ? 1.0 : 0.9 - 0.001 * (4 * i + k), k + 1});
      }
      evidence.push_back(ExamineImage(boxes, {}));
      evidence.back().file = "some.txt";
    }
    LayoutReport layout;
    ReportEqualScores(evidence, &layout);
    return layout.Text();
  };
  EXPECT_NE(text(25, 3).find("some.txt (1)"), std::string::npos) << text(25, 3);
  EXPECT_NE(text(25, 3).find("75 of 100 boxes"), std::string::npos) << text(25, 3);
  EXPECT_EQ(text(25, 2), "") << "half is not most";
  EXPECT_EQ(text(24, 3), "") << "96 boxes are few";
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
