#include "data_tools/augmentation/training_sample.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <set>

namespace hardface::data {
namespace {

using ::testing::HasSubstr;

// Dark images with one bright square each, which is the face: where a sample is bright, its boxes must be.
class AugmentTest : public ::testing::Test {
 protected:
  AugmentTest() {
    for (int i = 0; i < 6; ++i) {
      DatasetEntry entry;
      entry.image = std::to_string(i);
      entry.width = 300 + 40 * i;
      entry.height = 240;
      const int size = 30 + 20 * i, x = 20 + 10 * i, y = 100 - 10 * i;
      entry.faces.push_back(
          {{static_cast<float>(x), static_cast<float>(y), static_cast<float>(size), static_cast<float>(size)}});
      cv::Mat image(entry.height, entry.width, CV_8UC3, cv::Scalar(10, 10, 10));
      image(cv::Rect(x, y, size, size)) = cv::Scalar(250, 250, 250);
      images_.push_back(image);
      if (i % 2 == 1) {
        EXPECT_TRUE(MirrorEntry(&entry).ok());
      }
      entries_.push_back(entry);
      all_.push_back(i);
    }
    source_.image = [this](int64_t i) -> absl::StatusOr<cv::Mat> { return images_[static_cast<size_t>(i)]; };
    source_.entry = [this](int64_t i) -> const DatasetEntry& { return entries_[static_cast<size_t>(i)]; };
    source_.partners = &all_;
    options_.distort_colors = false;
  }

  TrainingSample Make(int64_t entry, uint64_t seed) {
    Random random(seed);
    auto sample = MakeSample(source_, entry, options_, &random);
    EXPECT_TRUE(sample.ok()) << sample.status();
    return *std::move(sample);
  }

  // Bright pixels that no box covers (grown by two pixels for the resizing's blur), and box pixels that are dark.
  static void ExpectBoxesOnBrightness(const TrainingSample& sample) {
    int uncovered = 0, dark = 0;
    for (int y = 0; y < sample.image.rows; ++y) {
      for (int x = 0; x < sample.image.cols; ++x) {
        const bool bright = sample.image.at<cv::Vec3f>(y, x)[0] > 200;
        bool near = false, inner = false;
        for (const SampleFace& face : sample.faces) {
          const Box& b = face.box;
          near |= x >= b.x1 - 2 && x <= b.x2 + 2 && y >= b.y1 - 2 && y <= b.y2 + 2;
          inner |= x >= b.x1 + 2 && x <= b.x2 - 2 && y >= b.y1 + 2 && y <= b.y2 - 2;
        }
        dark += inner && !bright;
        // Parts of faces whose centre was cut away are bright without a box: only counted when all centres are inside.
        uncovered += bright && !near;
      }
    }
    EXPECT_EQ(dark, 0);
    if (sample.faces.size() == sample.sources.size()) {
      EXPECT_EQ(uncovered, 0);
    }
  }

  std::vector<cv::Mat> images_;
  std::vector<DatasetEntry> entries_;
  std::vector<int64_t> all_;
  SampleSource source_;
  AugmentOptions options_;
};

TEST_F(AugmentTest, PaperSamplesHaveOneOfTheScalesAndBoxesThatFit) {
  options_.short_sides = {240, 480};
  options_.crop_probability = 0;
  std::set<int> heights;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const TrainingSample sample = Make(static_cast<int64_t>(seed % 6), seed);
    heights.insert(sample.image.rows);
    ASSERT_EQ(sample.faces.size(), 1u);
    ExpectBoxesOnBrightness(sample);
  }
  EXPECT_EQ(heights, (std::set<int>{240, 480}));
}

TEST_F(AugmentTest, PaperScaleStopsAtTheLongSide) {
  options_.short_sides = {1200};
  options_.max_long_side = 600;
  options_.crop_probability = 0;
  EXPECT_EQ(Make(0, 1).image.cols, 600);
}

TEST_F(AugmentTest, PaperCropsKeepAFaceCentre) {
  options_.short_sides = {240};
  options_.crop_probability = 1;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const TrainingSample sample = Make(static_cast<int64_t>(seed % 6), seed);
    EXPECT_GE(sample.image.rows, 0.6 * 240 - 1);
    ASSERT_EQ(sample.faces.size(), 1u) << seed;
    ExpectBoxesOnBrightness(sample);
  }
}

TEST_F(AugmentTest, FaceScaleSamplesAreSquareWithBoxesOnTheFaces) {
  options_.crops = CropStyle::kFaceScale;
  std::set<size_t> grids;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const TrainingSample sample = Make(static_cast<int64_t>(seed % 6), seed);
    EXPECT_EQ(sample.image.size(), cv::Size(320, 320));
    EXPECT_EQ(sample.sources[0], static_cast<int64_t>(seed % 6));
    grids.insert(sample.sources.size());
    for (const SampleFace& face : sample.faces) {
      EXPECT_GE(face.box.x1, 0);
      EXPECT_LE(face.box.y2, 319);
      EXPECT_LT(static_cast<size_t>(face.source), sample.sources.size());
    }
    ExpectBoxesOnBrightness(sample);
  }
  EXPECT_EQ(grids, (std::set<size_t>{1, 4, 9, 16}));
}

TEST_F(AugmentTest, RandomCropsShowBackgroundAndFacesOfEverySizeWhereTheyAre) {
  options_.crops = CropStyle::kFaceScale;
  options_.mosaic_probability = 0;
  options_.random_crop_probability = 1;
  int empty = 0;
  double smallest = 1e9, largest = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const TrainingSample sample = Make(static_cast<int64_t>(seed % 6), seed);
    ASSERT_EQ(sample.image.size(), cv::Size(320, 320));
    empty += sample.faces.empty();
    // Every entry's long side is its width; at level 1400 the short side of 240 pixels would have 1400, the long one at
    // most 2100.
    const double width = sample.scales[0] * entries_[seed % 6].width;
    smallest = std::min(smallest, width);
    largest = std::max(largest, width);
    ExpectBoxesOnBrightness(sample);
  }
  EXPECT_GT(empty, 60);
  EXPECT_LT(empty, 190);
  EXPECT_GE(smallest, 320 - 1e-6);
  EXPECT_LT(smallest, 340);
  EXPECT_LE(largest, 2100 + 1e-6);
  EXPECT_GT(largest, 1700);
}

// The smallest box around the bright pixels of one sample.
Box BrightBox(const cv::Mat& image) {
  cv::Mat one, bright;
  cv::extractChannel(image, one, 0);
  bright = one > 128;
  const cv::Rect r = cv::boundingRect(bright);
  return ToBox(
      {static_cast<float>(r.x), static_cast<float>(r.y), static_cast<float>(r.width), static_cast<float>(r.height)});
}

TEST_F(AugmentTest, TurnedAndStretchedFacesAreWhereTheirBoxesAre) {
  // An ellipse, higher than wide, as a face is.
  DatasetEntry& entry = entries_[0];
  entry.faces = {{{120, 60, 60, 100}}};
  images_[0] = cv::Scalar(10, 10, 10);
  cv::ellipse(images_[0], cv::Point(1196, 876), cv::Size(240, 400), 0, 0, 360, cv::Scalar(250, 250, 250), cv::FILLED,
              cv::LINE_AA, /*shift=*/3);
  options_.crops = CropStyle::kFaceScale;
  options_.mosaic_probability = 0;
  options_.close_up_probability = 0;
  options_.min_face = 60;
  options_.rotation = 40;
  options_.stretch = 0.3;
  double least = 9, most = 0;
  int seen = 0;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const TrainingSample sample = Make(0, seed);
    if (sample.faces.empty()) continue;  // turned out of the crop
    const Box box = sample.faces[0].box;
    // Boxes at the crop's edge may belong to faces that it cuts, whose shape is another.
    if (box.x1 <= 1 || box.y1 <= 1 || box.x2 >= 318 || box.y2 >= 318) continue;
    const Box bright = BrightBox(sample.image);
    EXPECT_NEAR(bright.x1, box.x1, 1.6) << seed;
    EXPECT_NEAR(bright.y1, box.y1, 1.6) << seed;
    EXPECT_NEAR(bright.x2, box.x2, 1.6) << seed;
    EXPECT_NEAR(bright.y2, box.y2, 1.6) << seed;
    least = std::min(least, static_cast<double>(box.width() / box.height()));
    most = std::max(most, static_cast<double>(box.width() / box.height()));
    ++seen;
  }
  EXPECT_GT(seen, 30);
  // Upright, the shape is 0.6; stretched 0.46 to 0.78; turned by 40 degrees up to 0.93.
  EXPECT_LT(least, 0.55);
  EXPECT_GT(most, 0.8);
}

TEST_F(AugmentTest, DegradedSamplesStayInRangeAndKeepTheirBoxes) {
  options_.crops = CropStyle::kFaceScale;
  options_.mosaic_probability = 0.5;
  int changed = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    options_.degrade_probability = 1;
    const TrainingSample sample = Make(static_cast<int64_t>(seed % 6), seed);
    double low = 0, high = 0;
    cv::minMaxLoc(sample.image.reshape(1), &low, &high);
    EXPECT_GE(low, 0);
    EXPECT_LE(high, 255);
    // The picture was grey: whatever is not 10, 250 or padding came from the degrading (edges of faces, too, and
    // noise).
    options_.degrade_probability = 0;
    const TrainingSample plain = Make(static_cast<int64_t>(seed % 6), seed);
    changed += plain.image.size() == sample.image.size() && cv::norm(plain.image, sample.image, cv::NORM_INF) > 1;
  }
  EXPECT_GT(changed, 20);
}

TEST_F(AugmentTest, OccludedFacesKeepTheirBoxesAndMostOfTheirPixels) {
  options_.crops = CropStyle::kFaceScale;
  options_.mosaic_probability = 0;
  options_.close_up_probability = 0;
  options_.occlude_probability = 1;
  int hidden = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const TrainingSample sample = Make(static_cast<int64_t>(seed % 6), seed);
    for (const SampleFace& face : sample.faces) {
      cv::Mat one;
      cv::extractChannel(sample.image, one, 0);
      const cv::Rect inside(
          cv::Point(static_cast<int>(std::ceil(face.box.x1)) + 1, static_cast<int>(std::ceil(face.box.y1)) + 1),
          cv::Point(static_cast<int>(face.box.x2) - 1, static_cast<int>(face.box.y2) - 1));
      if (inside.width < 8 || inside.height < 8) continue;
      const double dark = 1.0 - cv::countNonZero(one(inside) > 128) / static_cast<double>(inside.area());
      EXPECT_LT(dark, 0.55) << seed;  // 0.6 x 0.6, and the edges left out
      hidden += dark > 0.02;
    }
  }
  EXPECT_GT(hidden, 15);
}

TEST_F(AugmentTest, TheSameSeedGivesTheSameSample) {
  options_.crops = CropStyle::kFaceScale;
  options_.distort_colors = true;
  options_.rotation = 10;
  options_.stretch = 0.2;
  options_.degrade_probability = 0.9;
  options_.occlude_probability = 0.5;
  const TrainingSample a = Make(2, 11), b = Make(2, 11), c = Make(2, 12);
  EXPECT_EQ(cv::norm(a.image, b.image, cv::NORM_INF), 0);
  EXPECT_GT(cv::norm(a.image, c.image, cv::NORM_INF), 0);
}

TEST_F(AugmentTest, ImagesWithoutFacesAndZeroSizeBoxesWork) {
  entries_[0].faces.clear();
  entries_[1].faces = {{{10, 10, 0, 5}}};
  for (const CropStyle crops : {CropStyle::kPaper, CropStyle::kFaceScale}) {
    options_.crops = crops;
    options_.short_sides = {240};
    options_.mosaic_probability = 0;
    for (uint64_t seed = 0; seed < 10; ++seed) EXPECT_TRUE(Make(static_cast<int64_t>(seed % 2), seed).faces.empty());
  }
}

TEST_F(AugmentTest, AWrongSizeInTheManifestIsAnErrorThatNamesTheImage) {
  entries_[3].width = 99;
  Random random(1);
  const auto sample = MakeSample(source_, 3, options_, &random);
  EXPECT_THAT(std::string(sample.status().message()), HasSubstr("3: is 420 x 240 pixels, its manifest entry says 99"));
}

TEST(DistortColorsTest, StaysInRangeAndUsuallyChangesSomething) {
  int changed = 0;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    cv::Mat image(8, 8, CV_32FC3);
    Random noise(1);
    for (int i = 0; i < 8 * 8 * 3; ++i) image.ptr<float>(0)[i] = static_cast<float>(noise.Uniform(0, 255));
    const cv::Mat before = image.clone();
    Random random(seed);
    DistortColors(&image, &random);
    double low = 0, high = 0;
    cv::minMaxLoc(image.reshape(1), &low, &high);
    EXPECT_GE(low, 0);
    EXPECT_LE(high, 255);
    for (int i = 0; i < 8 * 8 * 3; ++i) EXPECT_EQ(image.ptr<float>(0)[i], std::nearbyint(image.ptr<float>(0)[i]));
    changed += cv::norm(image, before, cv::NORM_INF) > 2;
  }
  // All four distortions are left out with probability 1/16.
  EXPECT_GT(changed, 40);
}

}  // namespace
}  // namespace hardface::data
