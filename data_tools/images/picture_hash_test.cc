#include "data_tools/images/picture_hash.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "base/random.h"

namespace hardface::data {
namespace {

// A picture with structure at a few pixels and up, another one for each seed.
cv::Mat Picture(uint64_t seed, int width = 240, int height = 160) {
  Random random(seed);
  cv::Mat coarse(7, 9, CV_8UC3), picture;
  for (int y = 0; y < coarse.rows; ++y) {
    for (int x = 0; x < 3 * coarse.cols; ++x) coarse.ptr(y)[x] = static_cast<uint8_t>(random.Uniform(0, 255));
  }
  cv::resize(coarse, picture, cv::Size(width, height), 0, 0, cv::INTER_CUBIC);
  return picture;
}

TEST(PictureHashTest, ResizedBrightenedAndMirroredPicturesAreAlike) {
  const cv::Mat picture = Picture(1);
  const PictureHash hash = HashPicture(picture);
  EXPECT_EQ(HashDistance(hash, hash), 0);
  EXPECT_LE(HashDistance(hash, HashPicture(Picture(1, 480, 320))), 4);
  EXPECT_LE(HashDistance(hash, HashPicture(picture * 0.8 + cv::Scalar(20, 20, 20))), 4);
  cv::Mat mirrored;
  cv::flip(picture, mirrored, 1);
  EXPECT_LE(HashDistance(hash, HashPicture(mirrored)), 4);
}

TEST(PictureHashTest, OtherPicturesAreFarApart) {
  const PictureHash hash = HashPicture(Picture(1));
  for (uint64_t seed = 2; seed < 200; ++seed) {
    EXPECT_GT(HashDistance(hash, HashPicture(Picture(seed))), kSamePictureBits) << seed;
  }
}

TEST(GroupAlikeTest, ChainsJoinAndNumbersFollowFirstMembers) {
  std::vector<PictureHash> hashes(5);
  hashes[0].as_is = hashes[0].mirrored = {0x00, 0};
  hashes[1].as_is = hashes[1].mirrored = {0xffff0000, 0};
  hashes[2].as_is = hashes[2].mirrored = {0x0f, 0};  // 4 bits from 0
  hashes[3].as_is = hashes[3].mirrored = {0xff, 0};  // 4 from 2, 8 from 0
  hashes[4].as_is = hashes[4].mirrored = {~0ull, ~0ull};
  EXPECT_THAT(GroupAlike(hashes, 4), ::testing::ElementsAre(0, 1, 0, 0, 2));
  EXPECT_THAT(GroupAlike(hashes, 3), ::testing::ElementsAre(0, 1, 2, 3, 4));
  EXPECT_TRUE(GroupAlike({}, 3).empty());
}

}  // namespace
}  // namespace hardface::data
