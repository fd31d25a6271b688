#include "data_tools/images/image_io.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <opencv2/core.hpp>

#include "base/atomic_output.h"

namespace hardface::data {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string Temp(const std::string& name) { return ::testing::TempDir() + "/image_io_test_" + name; }

// Smooth, with every channel different: JPEG keeps it to a few grey levels.
cv::Mat Ramp(int width, int height) {
  cv::Mat image(height, width, CV_8UC3);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      image.at<cv::Vec3b>(y, x) = cv::Vec3b(static_cast<uchar>(x * 255 / width), static_cast<uchar>(y * 255 / height),
                                            static_cast<uchar>(255 - x * 255 / width));
    }
  }
  return image;
}

std::string ErrorOf(const std::string& path) { return std::string(ReadImage(path).status().message()); }

// The file with this many bytes only.
std::string Truncated(const std::string& path, size_t bytes) {
  const std::string cut = path + ".cut";
  EXPECT_TRUE(WriteFileAtomically(cut, ReadFile(path)->substr(0, bytes)).ok());
  return cut;
}

TEST(ImageIoTest, PngKeepsEveryPixel) {
  const cv::Mat image = Ramp(37, 23);
  ASSERT_TRUE(WritePng(Temp("a.png"), image).ok());
  const auto read = ReadImage(Temp("a.png"));
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->size(), image.size());
  EXPECT_EQ(cv::norm(*read, image, cv::NORM_INF), 0);
}

TEST(ImageIoTest, JpegKeepsSizeChannelOrderAndNearlyEveryPixel) {
  const cv::Mat image = Ramp(61, 45);
  ASSERT_TRUE(WriteJpeg(Temp("a.jpg"), image).ok());
  EXPECT_EQ(*EncodeJpeg(image), *ReadFile(Temp("a.jpg")));
  const auto read = ReadImage(Temp("a.jpg"));
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->size(), image.size());
  EXPECT_LT(cv::norm(*read, image, cv::NORM_L1) / (61 * 45 * 3), 3);
}

TEST(ImageIoTest, WritesViewsIntoLargerImages) {
  const cv::Mat view = Ramp(64, 64)(cv::Rect(5, 7, 20, 11));
  ASSERT_TRUE(WritePng(Temp("view.png"), view).ok());
  EXPECT_EQ(cv::norm(*ReadImage(Temp("view.png")), view, cv::NORM_INF), 0);
}

TEST(ImageIoTest, SizeComesFromTheHeader) {
  ASSERT_TRUE(WriteJpeg(Temp("s.jpg"), Ramp(61, 45)).ok());
  ASSERT_TRUE(WritePng(Temp("s.png"), Ramp(17, 9)).ok());
  EXPECT_EQ(ReadImageSize(Temp("s.jpg"))->width, 61);
  EXPECT_EQ(ReadImageSize(Temp("s.jpg"))->height, 45);
  EXPECT_EQ(ReadImageSize(Temp("s.png"))->width, 17);
  EXPECT_EQ(ReadImageSize(Temp("s.png"))->height, 9);
  // The pixels are not needed.
  EXPECT_EQ(ReadImageSize(Truncated(Temp("s.jpg"), ReadFile(Temp("s.jpg"))->size() / 2 + 200))->width, 61);
}

TEST(ImageIoTest, SizeIsFoundBehindALongComment) {
  ASSERT_TRUE(WriteJpeg(Temp("plain.jpg"), Ramp(61, 45)).ok());
  const std::string plain = *ReadFile(Temp("plain.jpg"));
  // Two comment segments (FF FE, length of 65,533 + 2) right behind the start marker.
  const std::string comment = "\xff\xfe\xff\xff" + std::string(65533, 'x');
  ASSERT_TRUE(WriteFileAtomically(Temp("long.jpg"), plain.substr(0, 2) + comment + comment + plain.substr(2)).ok());
  const auto size = ReadImageSize(Temp("long.jpg"));
  ASSERT_TRUE(size.ok()) << size.status();
  EXPECT_EQ(size->width, 61);
}

TEST(ImageIoTest, ErrorsNameTheFileAndWhatIsWrong) {
  EXPECT_EQ(ReadImage(Temp("none.jpg")).status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(ErrorOf(Temp("none.jpg")), HasSubstr("none.jpg: cannot read"));
  EXPECT_EQ(ReadImageSize(Temp("none.jpg")).status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(ErrorOf(::testing::TempDir()), HasSubstr("is a folder"));
  ASSERT_TRUE(WriteFileAtomically(Temp("text.jpg"), "hello").ok());
  EXPECT_THAT(ErrorOf(Temp("text.jpg")), AllOf(HasSubstr("text.jpg"), HasSubstr("neither a JPEG nor a PNG")));
  ASSERT_TRUE(WriteFileAtomically(Temp("empty.jpg"), "").ok());
  EXPECT_THAT(ErrorOf(Temp("empty.jpg")), HasSubstr("is empty"));
  EXPECT_THAT(std::string(ReadImageSize(Temp("empty.jpg")).status().message()), HasSubstr("is empty"));
}

TEST(ImageIoTest, TruncatedFilesAreErrorsWhereverTheyEnd) {
  cv::Mat noise(90, 120, CV_8UC3);
  cv::theRNG().state = 1;
  cv::randu(noise, 0, 255);
  ASSERT_TRUE(WriteJpeg(Temp("t.jpg"), noise).ok());
  ASSERT_TRUE(WritePng(Temp("t.png"), noise).ok());
  for (const char* name : {"t.jpg", "t.png"}) {
    const size_t size = ReadFile(Temp(name))->size();
    for (size_t keep : {size_t{20}, size_t{100}, size_t{300}, size / 2, size * 9 / 10}) {
      EXPECT_THAT(ErrorOf(Truncated(Temp(name), keep)), AllOf(HasSubstr(name), HasSubstr("truncated"))) << keep;
    }
  }
}

}  // namespace
}  // namespace hardface::data
