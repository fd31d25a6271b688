// FDDB's own annotations, S3FD's detections and the official tool's curves for them. The data are not part of this
// repository: give their folder with --test_env=HARDFACE_DATA_DIR=FOLDER.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "base/text_lines.h"
#include "eval/common/result_tree.h"
#include "eval/protocols/fddb/fddb_data.h"
#include "eval/protocols/fddb/fddb_score.h"

namespace hardface::eval {
namespace {

// Compares every point with the official file: rate and number of false positives a line, lowest score first. The file
// gives six digits.
void ExpectSameCurve(const Ranking& ranking, const std::string& official_file) {
  const std::vector<CurvePoint> curve = MakeCurve(ranking, Ties::kTogether);
  const auto text = ReadPossiblyCompressedFile(official_file);
  ASSERT_TRUE(text.ok()) << text.status();
  TextLines lines(*text);
  size_t points = 0, wrong = 0;
  for (; lines.NextFilled(); ++points) {
    ASSERT_LT(points, curve.size());
    const CurvePoint& point = curve[curve.size() - 1 - points];
    absl::string_view line = lines.line();
    double official[2];
    ASSERT_TRUE(TakeNumbers(&line, 2, official)) << lines.line();
    wrong += std::abs(point.recall - official[0]) > 1e-6 || point.false_positives != official[1];
  }
  EXPECT_EQ(points, curve.size());
  EXPECT_EQ(wrong, 0u);
}

TEST(FddbRealTest, BothOfficialCurvesAreReproducedAtEveryPoint) {
  const char* folder = std::getenv("HARDFACE_DATA_DIR");
  if (folder == nullptr) GTEST_SKIP() << "HARDFACE_DATA_DIR is not set: no FDDB files to score";
  const std::string fddb = std::string(folder) + "/fddb";
  const auto annotations = ReadFddbAnnotations(fddb + "/FDDB-folds");
  ASSERT_TRUE(annotations.ok()) << annotations.status();
  ASSERT_EQ(annotations->images.size(), 2845u);
  const auto sizes = ReadFddbSizesCsv(fddb + "/image_sizes.csv");
  ASSERT_TRUE(sizes.ok()) << sizes.status();
  LayoutReport layout;
  const auto detections = ReadFddbDetections(fddb + "/detections/s3fd.txt.zst", *annotations, &layout);
  ASSERT_TRUE(detections.ok()) << detections.status();
  CheckFddbDetections(annotations->images, *detections, "s3fd.txt", &layout);
  EXPECT_TRUE(layout.empty()) << layout.Text();
  const auto rankings = RankFddb(annotations->images, *detections, *sizes, FddbMatching::kOfficial, /*threads=*/0);
  ASSERT_TRUE(rankings.ok()) << rankings.status();
  EXPECT_EQ(rankings->discrete.total_faces(), 5171);
  ExpectSameCurve(rankings->discrete, fddb + "/detections/s3fd_official_DiscROC.txt.zst");
  ExpectSameCurve(rankings->continuous, fddb + "/detections/s3fd_official_ContROC.txt.zst");
  EXPECT_NEAR(RateAtFalsePositives(MakeCurve(rankings->discrete, Ties::kTogether), 1000), 0.966738, 1e-6);
  EXPECT_NEAR(RateAtFalsePositives(MakeCurve(rankings->continuous, Ties::kTogether), 1000), 0.737454, 1e-6);
}

}  // namespace
}  // namespace hardface::eval
