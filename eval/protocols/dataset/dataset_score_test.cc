#include "eval/protocols/dataset/dataset_score.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace hardface::eval {
namespace {

data::Face FaceAt(float x, float y, float size, bool ignore = false) { return {{x, y, size, size}, ignore, {}}; }
data::Detection At(float x, float y, float size, float score) { return {{x, y, size, size}, score}; }

double ApOf(const std::vector<ScoredImage>& images, double iou = 0.5) {
  return AveragePrecision(RankDataset(images, iou), Ties::kApart);
}

JoinedDetections Joined(std::vector<ScoredImage> images) {
  JoinedDetections joined;
  joined.images = std::move(images);
  return joined;
}

TEST(ContinuousIou, HasNoPlusOne) {
  EXPECT_DOUBLE_EQ(data::ContinuousIou({0, 0, 10, 10}, {5, 0, 10, 10}), 1.0 / 3);
  EXPECT_DOUBLE_EQ(data::ContinuousIou({0, 0, 10, 10}, {0, 0, 10, 10}), 1);
  EXPECT_EQ(data::ContinuousIou({0, 0, 10, 10}, {10, 0, 10, 10}), 0);  // they touch
  EXPECT_EQ(data::ContinuousIou({0, 0, 0, 0}, {0, 0, 0, 0}), 0);
}

TEST(DatasetScore, TakesDetectionsInFallingScoreOverAllImages) {
  // Image 0: face found at 0.6, false alarm at 0.9. Image 1: face found at 0.8; one face missed. 3 faces.
  const std::vector<ScoredImage> images = {
      {{FaceAt(0, 0, 10)}, {At(0, 0, 10, 0.6f), At(50, 50, 10, 0.9f)}},
      {{FaceAt(0, 0, 20), FaceAt(100, 0, 20)}, {At(0, 0, 20, 0.8f)}},
  };
  // 0.9 wrong; 0.8 right: recall 1/3, precision 1/2; 0.6 right: recall 2/3, precision 2/3, which lifts the first too.
  EXPECT_DOUBLE_EQ(ApOf(images), 2.0 / 3 * 2 / 3);
}

TEST(DatasetScore, SecondDetectionOfAFaceIsAFalsePositive) {
  const std::vector<ScoredImage> images = {
      {{FaceAt(0, 0, 10), FaceAt(50, 0, 10)}, {At(0, 0, 10, 0.9f), At(0, 1, 10, 0.8f), At(50, 0, 10, 0.7f)}}};
  EXPECT_DOUBLE_EQ(ApOf(images), 0.5 + 0.5 * 2 / 3);
  const std::vector<JudgedDetection> judged = JudgeDataset(images, 0.5);
  EXPECT_EQ(judged[1].verdict, Verdict::kDuplicate);
}

TEST(DatasetScore, IgnoredFacesNeitherCountNorHurt) {
  const std::vector<ScoredImage> images = {{{FaceAt(0, 0, 10, /*ignore=*/true), FaceAt(50, 0, 10)},
                                            {At(0, 0, 10, 0.9f), At(0, 0, 10, 0.8f), At(50, 0, 10, 0.7f)}}};
  EXPECT_DOUBLE_EQ(ApOf(images), 1.0);
  EXPECT_EQ(RankDataset(images, 0.5).total_faces(), 1);
}

TEST(DatasetScore, MatchesTheFaceOfHighestIouNotTheFirst) {
  // The detection at x=4 overlaps the first face with 6/14 and the second with 1: with the first taken as the match the
  // second detection could not be right.
  const std::vector<ScoredImage> images = {
      {{FaceAt(0, 0, 10), FaceAt(2, 0, 10)}, {At(2, 0, 10, 0.9f), At(0, 0, 10, 0.8f)}}};
  EXPECT_DOUBLE_EQ(ApOf(images), 1.0);
}

TEST(DatasetScore, ThresholdIsReachedAtExactlyItsValue) {
  // 10x10 face, 10x20 detection over it: IoU 1/2.
  const std::vector<ScoredImage> images = {{{FaceAt(0, 0, 10)}, {{{0, 0, 10, 20}, 0.9f}}}};
  EXPECT_EQ(ApOf(images, 0.5), 1.0);
  EXPECT_EQ(ApOf(images, 0.55), 0.0);
}

TEST(DatasetScore, EqualScoresStayInOrder) {
  const std::vector<ScoredImage> right_first = {{{FaceAt(0, 0, 10)}, {At(0, 0, 10, 0.5f), At(50, 0, 10, 0.5f)}}};
  const std::vector<ScoredImage> wrong_first = {{{FaceAt(0, 0, 10)}, {At(50, 0, 10, 0.5f), At(0, 0, 10, 0.5f)}}};
  EXPECT_DOUBLE_EQ(ApOf(right_first), 1.0);
  EXPECT_DOUBLE_EQ(ApOf(wrong_first), 0.5);
}

TEST(DatasetScore, HeightBinsIgnoreOtherFacesAndOtherFalseAlarms) {
  // A 10-pixel face found at 0.7, a 100-pixel face missed, a 12-pixel false alarm at 0.9, a 100-pixel one at 0.8.
  const DatasetScores scores =
      ScoreDataset(Joined({{{FaceAt(0, 0, 10), FaceAt(200, 0, 100)},
                            {At(0, 0, 10, 0.7f), At(50, 50, 12, 0.9f), At(200, 200, 100, 0.8f)}}}),
                   {});
  EXPECT_DOUBLE_EQ(scores.metrics["ap"].get<double>(), 0.5 / 3);
  EXPECT_DOUBLE_EQ(scores.metrics["ap_height_8_16"].get<double>(), 0.5);
  EXPECT_DOUBLE_EQ(scores.metrics["ap_height_64_128"].get<double>(), 0.0);
  EXPECT_TRUE(std::isnan(scores.metrics["ap_height_under_8"].get<double>()));
  EXPECT_EQ(scores.metrics["faces_height_64_128"], 1);
}

TEST(DatasetScore, BinEdgesBelongToTheUpperBin) {
  const DatasetScores scores =
      ScoreDataset(Joined({{{FaceAt(0, 0, 7.99f), FaceAt(0, 0, 8), FaceAt(0, 0, 128), FaceAt(0, 0, 127.5f)}, {}}}), {});
  EXPECT_EQ(scores.metrics["faces_height_under_8"], 1);
  EXPECT_EQ(scores.metrics["faces_height_8_16"], 1);
  EXPECT_EQ(scores.metrics["faces_height_64_128"], 1);
  EXPECT_EQ(scores.metrics["faces_height_128_up"], 1);
}

TEST(DatasetScore, AveragesApOverTenThresholds) {
  // IoU 10/16 = 0.625: right at 0.50, 0.55 and 0.60 only.
  const DatasetScores scores = ScoreDataset(Joined({{{FaceAt(0, 0, 10)}, {{{0, 0, 10, 16}, 0.9f}}}}), {});
  EXPECT_DOUBLE_EQ(scores.metrics["ap_50_95"].get<double>(), 0.3);
}

TEST(DatasetScore, RecallAtFalsePositivesPerImage) {
  // Two images, two faces. False alarms at 0.9 and 0.7, faces at 0.8 and 0.6.
  const DatasetScores scores = ScoreDataset(Joined({{{FaceAt(0, 0, 10)}, {At(0, 0, 10, 0.8f), At(50, 0, 10, 0.9f)}},
                                                    {{FaceAt(0, 0, 10)}, {At(0, 0, 10, 0.6f), At(50, 0, 10, 0.7f)}}}),
                                            {0.1, 0.5, 1});
  EXPECT_EQ(scores.metrics["recall_at_0.1_fp_per_image"], 0.0);
  EXPECT_EQ(scores.metrics["recall_at_0.5_fp_per_image"], 0.5);
  EXPECT_EQ(scores.metrics["recall_at_1_fp_per_image"], 1.0);
  // What has a score above the threshold stays: nothing; 0.9 and 0.8; all.
  EXPECT_NEAR(scores.metrics["threshold_at_0.1_fp_per_image"].get<double>(), 0.9, 1e-6);
  EXPECT_NEAR(scores.metrics["threshold_at_0.5_fp_per_image"].get<double>(), 0.75, 1e-6);
  EXPECT_EQ(scores.metrics["threshold_at_1_fp_per_image"], 0.0);
}

TEST(DatasetScore, ThresholdsOfLogitsKeepWhatTheyPromise) {
  // Two images with three faces; the scores are logits: right at 7.3, 1.5 and -2.1, wrong at -3.
  const DatasetScores scores = ScoreDataset(
      Joined({{{FaceAt(0, 0, 10), FaceAt(50, 0, 10)}, {At(0, 0, 10, 7.3f), At(50, 0, 10, -2.1f), At(90, 0, 10, -3)}},
              {{FaceAt(0, 0, 10)}, {At(0, 0, 10, 1.5f)}}}),
      {0, 1});
  EXPECT_NEAR(scores.metrics["threshold_at_0_fp_per_image"].get<double>(), -2.55, 1e-6);
  EXPECT_LT(scores.metrics["threshold_at_1_fp_per_image"].get<double>(), -3);
  EXPECT_NEAR(scores.metrics["balanced_threshold"].get<double>(), -2.55, 1e-6);
  // All right and negative: the threshold lies below the lowest, where half of it would lie above.
  const DatasetScores negative = ScoreDataset(Joined({{{FaceAt(0, 0, 10)}, {At(0, 0, 10, -4)}}}), {});
  EXPECT_LT(negative.metrics["balanced_threshold"].get<double>(), -4);
}

TEST(DatasetScore, TheBalancedThresholdHasTheGreatestF1) {
  // F1 after 0.9: 2/3; 0.8: 1/2; 0.7: 4/5; 0.6: 2/3.
  const DatasetScores scores =
      ScoreDataset(Joined({{{FaceAt(0, 0, 10), FaceAt(100, 0, 10)},
                            {At(0, 0, 10, 0.9f), At(50, 0, 10, 0.8f), At(100, 0, 10, 0.7f), At(200, 0, 10, 0.6f)}}}),
                   {});
  EXPECT_NEAR(scores.metrics["balanced_threshold"].get<double>(), 0.65, 1e-6);
  EXPECT_GT(scores.metrics["calibration_temperature"].get<double>(), 0);
  EXPECT_GT(scores.metrics["calibration_error"].get<double>(), 0);
  EXPECT_EQ(scores.metrics["balanced_recall"], 1.0);
  EXPECT_NEAR(scores.metrics["balanced_precision"].get<double>(), 2.0 / 3, 1e-12);
  EXPECT_EQ(scores.metrics["balanced_fp_per_image"], 1.0);
}

TEST(DatasetScore, RefitsMoveDetectionsToTheAnnotationsStyle) {
  // Boxes from the eyebrows on, faces from the crown: 14 pixels high where the boxes have 10. The second image's box is
  // off by chance as well, so that it is no hit before.
  std::vector<ScoredImage> images =
      Joined({{{FaceAt(0, 0, 10)}, {At(0, 4, 10, 0.9f)}}, {{FaceAt(50, 0, 20)}, {At(50, 11, 20, 0.8f)}}}).images;
  for (ScoredImage& image : images) image.faces[0].box.h *= 1.4f;
  EXPECT_LT(AveragePrecision(RankDataset(images, 0.6), Ties::kApart), 0.51);
  const data::BoxStyle style = RefitDetections(/*refits=*/2, &images);
  EXPECT_NEAR(style.dx, 0, 1e-6);
  EXPECT_NEAR(style.height, 1.4, 0.05);
  const data::Rect& box = images[0].detections[0].box;
  EXPECT_NEAR(box.x, 0, 1e-5);
  EXPECT_NEAR(box.w, 10, 1e-5);
  EXPECT_NEAR(box.h, 14, 0.5);
  EXPECT_EQ(AveragePrecision(RankDataset(images, 0.6), Ties::kApart), 1.0);
}

TEST(DatasetScore, RefitsByFoldsMoveEachImageAsTheOthersSay) {
  // The first and third image say 14 pixels high, the second 12: dealt into two folds, the second is moved to 14 and
  // the other two to 12.
  std::vector<ScoredImage> images = Joined({{{FaceAt(0, 0, 10)}, {At(0, 4, 10, 0.9f)}},
                                            {{FaceAt(50, 0, 10)}, {At(50, 2, 10, 0.8f)}},
                                            {{FaceAt(90, 0, 10)}, {At(90, 4, 10, 0.7f), At(200, 0, 10, 0.6f)}}})
                                        .images;
  images[0].faces[0].box.h = images[2].faces[0].box.h = 14;
  images[1].faces[0].box.h = 12;
  RefitDetectionsByFolds(/*refits=*/1, /*folds=*/2, &images);
  EXPECT_NEAR(images[0].detections[0].box.h, 12, 1e-5);
  EXPECT_NEAR(images[0].detections[0].box.y, 2, 1e-5);
  EXPECT_NEAR(images[1].detections[0].box.h, 14, 1e-5);
  EXPECT_NEAR(images[1].detections[0].box.y, -2, 1e-5);
  EXPECT_NEAR(images[2].detections[0].box.h, 12, 1e-5);
  EXPECT_NEAR(images[2].detections[1].box.h, 12, 1e-5);  // a false alarm moves as well
}

TEST(DatasetScore, MetricsSayWhatRefitsDid) {
  const auto joined = [] { return Joined({{{FaceAt(0, 0, 10)}, {At(0, 2, 10, 0.9f)}}}); };
  JoinedDetections as_it_is = joined();
  EXPECT_TRUE(Refit({}, &as_it_is).empty());
  EXPECT_EQ(as_it_is.images[0].detections[0].box.y, 2);

  JoinedDetections together = joined();
  const Metrics metrics = Refit({/*refits=*/1, /*folds=*/0}, &together);
  EXPECT_EQ(metrics["refits"], 1);
  EXPECT_NEAR(metrics["refit_dy"].get<double>(), -0.2, 1e-6);
  EXPECT_EQ(metrics["refit_height"], 1.0);
  EXPECT_EQ(metrics["ap_without_refits"], 1.0);
  EXPECT_FALSE(metrics.contains("refit_folds"));
  EXPECT_NEAR(together.images[0].detections[0].box.y, 0, 1e-6);

  JoinedDetections in_folds = joined();
  const Metrics of_folds = Refit({/*refits=*/1, /*folds=*/2}, &in_folds);
  EXPECT_EQ(of_folds["refit_folds"], 2);
  EXPECT_FALSE(of_folds.contains("refit_dy"));
  EXPECT_EQ(in_folds.images[0].detections[0].box.y, 2) << "no other image says how to move it";
}

// Images with faces of all sizes, ignored ones among them, and detections of few scores on and beside them.
std::vector<ScoredImage> MadeImages(int count) {
  std::mt19937 random(3);
  const auto between = [&](int low, int high) { return std::uniform_int_distribution<>(low, high)(random); };
  std::vector<ScoredImage> images(static_cast<size_t>(count));
  for (ScoredImage& image : images) {
    for (int i = between(0, 6); i > 0; --i) {
      const auto size = static_cast<float>(between(4, 200));
      image.faces.push_back(FaceAt(static_cast<float>(between(0, 800)), 0, size, between(0, 9) == 0));
    }
    for (int i = between(0, 30); i > 0; --i) {
      data::Rect box = image.faces.empty() || between(0, 2) == 0
                           ? data::Rect{static_cast<float>(between(0, 800)), 0, static_cast<float>(between(4, 200)), 30}
                           : image.faces[static_cast<size_t>(between(0, 1000)) % image.faces.size()].box;
      box.y += static_cast<float>(between(0, 10)) / 20 * box.h;
      image.detections.push_back({box, static_cast<float>(between(0, 50)) / 50});
    }
  }
  return images;
}

TEST(DatasetScore, IsToTheLastBitWhatRankingsSay) {
  const JoinedDetections joined = Joined(MadeImages(60));
  const std::vector<double> rates = {0, 0.1, 1, 3, 100};
  const DatasetScores scores = ScoreDataset(joined, rates);
  EXPECT_EQ(scores.metrics["ap"], ApOf(joined.images));
  double sum = 0;
  for (int i = 0; i < 10; ++i) sum += ApOf(joined.images, (50 + 5 * i) / 100.0);
  EXPECT_EQ(scores.metrics["ap_50_95"], sum / 10);
  for (const HeightBin& bin : HeightBins()) {
    const Ranking ranking = RankDataset(joined.images, 0.5, &bin);
    EXPECT_EQ(scores.metrics[std::string("ap_height_") + bin.name], AveragePrecision(ranking, Ties::kApart));
    EXPECT_EQ(scores.metrics[std::string("faces_height_") + bin.name], ranking.total_faces());
  }
  const Ranking ranking = RankDataset(joined.images, 0.5);
  EXPECT_EQ(CurveToCsv("all", scores.curve, CurvePoints::kCorners),
            CurveToCsv("all", MakeCurve(ranking, Ties::kApart), CurvePoints::kCorners));
  const std::vector<CurvePoint> reachable = MakeCurve(ranking, Ties::kTogether);
  const char* const names[] = {"0", "0.1", "1", "3", "100"};
  for (size_t i = 0; i < rates.size(); ++i) {
    const std::string at = std::string("_at_") + names[i] + "_fp_per_image";
    EXPECT_EQ(scores.metrics["recall" + at], RecallAtFalsePositives(reachable, rates[i] * 60)) << at;
    EXPECT_EQ(scores.metrics["threshold" + at], ThresholdAtFalsePositives(reachable, rates[i] * 60)) << at;
  }
  size_t best = 0;
  const auto f1 = [&](size_t i) {
    const CurvePoint& point = reachable[i];
    return point.true_positives > 0 ? 2 * point.precision * point.recall / (point.precision + point.recall) : 0;
  };
  for (size_t i = 1; i < reachable.size(); ++i) best = f1(i) > f1(best) ? i : best;
  EXPECT_EQ(scores.metrics["balanced_threshold"], ThresholdBehind(reachable, best));
  EXPECT_EQ(scores.metrics["balanced_recall"], reachable[best].recall);
}

TEST(DatasetScore, KeepsOnlyTheCurvesCorners) {
  std::vector<ScoredImage> images = {{{FaceAt(0, 0, 10)}, {At(0, 0, 10, 0.5f)}}};
  for (int i = 0; i < 1000; ++i) images[0].detections.push_back(At(500, 0, 10, static_cast<float>(i) / 1000));
  EXPECT_LE(ScoreDataset(Joined(images), {}).curve.size(), 4u);
}

TEST(DatasetScore, WithoutATruePositiveThereIsNoBalancedThreshold) {
  const DatasetScores scores = ScoreDataset(Joined({{{FaceAt(0, 0, 10)}, {At(50, 0, 10, 0.9f)}}}), {});
  EXPECT_TRUE(std::isnan(scores.metrics["balanced_threshold"].get<double>()));
}

data::DatasetEntry Entry(const std::string& image, bool flip, std::vector<data::Face> faces) {
  data::DatasetEntry entry;
  entry.image = image;
  entry.flip = flip;
  entry.faces = std::move(faces);
  return entry;
}

TEST(JoinDetections, JoinsByImageAndFlip) {
  data::Dataset dataset;
  dataset.entries = {Entry("a.jpg", false, {FaceAt(0, 0, 10)}), Entry("a.jpg", true, {FaceAt(90, 0, 10)})};
  const auto joined = JoinDetections(
      dataset, {{"a.jpg", true, {At(90, 0, 10, 0.5f)}}, {"a.jpg", false, {At(0, 0, 10, 0.9f)}}}, "d.jsonl");
  ASSERT_TRUE(joined.ok()) << joined.status();
  EXPECT_EQ(ApOf(joined->images), 1.0);
  EXPECT_TRUE(joined->without_detections.empty());
}

TEST(JoinDetections, FacesOfImagesWithoutDetectionsCount) {
  data::Dataset dataset;
  dataset.entries = {Entry("a.jpg", false, {FaceAt(0, 0, 10)}), Entry("b.jpg", false, {FaceAt(0, 0, 10)})};
  const auto joined =
      JoinDetections(dataset, {{"a.jpg", false, {At(0, 0, 10, 0.5f)}}, {"c.jpg", false, {}}}, "d.jsonl");
  ASSERT_TRUE(joined.ok()) << joined.status();
  EXPECT_EQ(joined->without_detections, std::vector<size_t>{1});
  EXPECT_EQ(joined->unknown_images, std::vector<std::string>{"c.jpg"});
  EXPECT_EQ(ApOf(joined->images), 0.5);
}

TEST(JoinDetections, NothingInCommonIsAnErrorWithBothNames) {
  data::Dataset dataset;
  dataset.manifest_path = "manifest.jsonl";
  dataset.entries = {Entry("a.jpg", false, {})};
  const auto joined = JoinDetections(dataset, {{"other.jpg", false, {}}}, "d.jsonl");
  ASSERT_FALSE(joined.ok());
  for (const char* word : {"a.jpg", "other.jpg", "d.jsonl", "manifest.jsonl"}) {
    EXPECT_NE(joined.status().message().find(word), std::string::npos) << joined.status();
  }
  EXPECT_FALSE(JoinDetections(dataset, {}, "d.jsonl").ok());
  dataset.entries.push_back(dataset.entries[0]);
  EXPECT_FALSE(JoinDetections(dataset, {{"a.jpg", false, {}}}, "d.jsonl").ok());
  dataset.entries.clear();
  EXPECT_FALSE(JoinDetections(dataset, {{"a.jpg", false, {}}}, "d.jsonl").ok());
}

}  // namespace
}  // namespace hardface::eval
