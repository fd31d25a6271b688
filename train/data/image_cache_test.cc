#include "train/data/image_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "data_tools/images/image_io.h"

namespace hardface::train {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kImageBytes = 8 * 10 * 3;

class ImageCacheTest : public ::testing::Test {
 protected:
  // Three images, grey 10, 20 and 30; the fourth entry is the first one's mirror image.
  ImageCacheTest() {
    for (int i = 1; i <= 3; ++i) {
      paths_.push_back(::testing::TempDir() + "/image_cache_" + std::to_string(i) + ".png");
      EXPECT_TRUE(data::WritePng(paths_.back(), cv::Mat(8, 10, CV_8UC3, cv::Scalar::all(10 * i))).ok());
    }
    paths_.push_back(paths_[0]);
  }
  // Whether the cache still gives entry I once its file is gone.
  bool IsKept(ImageCache* cache, int64_t i) {
    const std::string &path = paths_[static_cast<size_t>(i)], aside = path + ".aside";
    std::filesystem::rename(path, aside);
    const auto image = cache->Get(i);
    std::filesystem::rename(aside, path);
    return image.ok();
  }

  std::vector<std::string> paths_;
};

TEST_F(ImageCacheTest, TheFirstImagesStayAsFarAsTheBudgetGoes) {
  ImageCache cache(paths_, 2 * kImageBytes);
  for (const int64_t i : {1, 0, 2}) EXPECT_EQ((*cache.Get(i)).at<cv::Vec3b>(0, 0)[0], 10 * (i + 1));
  EXPECT_TRUE(IsKept(&cache, 0));
  EXPECT_TRUE(IsKept(&cache, 1));
  EXPECT_FALSE(IsKept(&cache, 2)) << "beyond the budget, though asked for last";
  EXPECT_EQ((*cache.Get(2)).at<cv::Vec3b>(0, 0)[0], 30) << "decoded anew";
}

TEST_F(ImageCacheTest, EntriesOfOneFileShareItsPixels) {
  ImageCache cache(paths_, 10 * kImageBytes);
  EXPECT_EQ((*cache.Get(0)).data, (*cache.Get(3)).data);
  EXPECT_NE((*cache.Get(0)).data, (*cache.Get(1)).data);
}

TEST_F(ImageCacheTest, WithoutABudgetEveryVisitDecodes) {
  ImageCache cache(paths_, 0);
  ASSERT_TRUE(cache.Get(0).ok());
  EXPECT_FALSE(IsKept(&cache, 0));
}

TEST_F(ImageCacheTest, ErrorsNameTheFileAndAreNotKept) {
  paths_.push_back(::testing::TempDir() + "/no_such_image.png");
  ImageCache cache(paths_, 10 * kImageBytes);
  EXPECT_THAT(std::string(cache.Get(4).status().message()), HasSubstr("no_such_image.png"));
  EXPECT_TRUE(data::WritePng(paths_[4], cv::Mat(8, 10, CV_8UC3, cv::Scalar::all(7))).ok());
  EXPECT_TRUE(cache.Get(4).ok());
  std::filesystem::remove(paths_[4]);
}

TEST_F(ImageCacheTest, ThreadsThatAskAtOnceGetTheSamePixels) {
  ImageCache cache(paths_, 10 * kImageBytes);
  std::vector<std::thread> threads;
  std::vector<int> seen(8, 0);
  for (size_t t = 0; t < seen.size(); ++t) {
    threads.emplace_back([&cache, &seen, t] {
      for (int round = 0; round < 20; ++round) {
        const auto image = cache.Get(static_cast<int64_t>((t + round) % 4));
        const int expected = static_cast<int>((t + round) % 4) == 3 ? 10 : 10 * static_cast<int>((t + round) % 4 + 1);
        seen[t] += image.ok() && image->at<cv::Vec3b>(7, 9)[2] == expected;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(seen, std::vector<int>(8, 20));
}

}  // namespace
}  // namespace hardface::train
