#include "data_tools/images/exif.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <cstdio>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <string>

namespace hardface::data {
namespace {

using namespace std::string_literals;  // NOLINT(build/namespaces): strings with zero bytes

std::string BigEndian(uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(value >> shift));
  return bytes;
}

std::string LittleEndian(uint32_t value) {
  const std::string bytes = BigEndian(value);
  return std::string(bytes.rbegin(), bytes.rend());
}

// TIFF data of two entries (an image width, then the orientation), in the byte order of Intel or Motorola.
std::string Block(char orientation, bool little_endian) {
  if (little_endian) {
    return "II*\0\x08\0\0\0\x02\0\0\x01\x04\0\x01\0\0\0\x07\0\0\0\x12\x01\x03\0\x01\0\0\0"s + orientation + "\0\0\0"s +
           "\0\0\0\0"s;
  }
  return "MM\0*\0\0\0\x08\0\x02\x01\0\0\x04\0\0\0\x01\0\0\0\x07\x01\x12\0\x03\0\0\0\x01\0"s + orientation + "\0\0"s +
         "\0\0\0\0"s;
}

std::string JpegWith(const std::string& block) {
  const std::string data = "Exif\0\0"s + block;
  return "\xff\xd8\xff\xe1\0"s + static_cast<char>(data.size() + 2) + data + "\xff\xda";
}

std::string Chunk(const std::string& kind, const std::string& data) {
  return BigEndian(static_cast<uint32_t>(data.size())) + kind + data + "crc?";
}

std::string PngWith(const std::string& chunks) {
  return "\x89PNG\r\n\x1a\n" + Chunk("IHDR", std::string(13, '\0')) + Chunk("IDAT", "pixels") + chunks +
         Chunk("IEND", "");
}

std::string WebpWith(const std::string& kind, const std::string& data) {
  const std::string odd = "VP8L" + LittleEndian(3) + "abc" + "\0"s;  // filled up to an even length
  return "RIFF" + LittleEndian(0) + "WEBP" + odd + kind + LittleEndian(static_cast<uint32_t>(data.size())) + data;
}

std::string RawProfile(const std::string& block) {
  std::string text = "\nexif\n      " + std::to_string(block.size()) + "\n";
  for (size_t i = 0; i < block.size(); ++i) {
    char hex[3];
    std::snprintf(hex, sizeof(hex), "%02x", static_cast<unsigned char>(block[i]));
    text += hex;
    if (i % 36 == 35) text += "\n";
  }
  return text + "\n";
}

TEST(ExifOrientationTest, ReadsAllEightInBothByteOrdersOfEveryKindOfFile) {
  for (char orientation = 1; orientation <= 8; ++orientation) {
    for (const bool little_endian : {false, true}) {
      const std::string block = Block(orientation, little_endian);
      EXPECT_EQ(ExifOrientation(JpegWith(block)), orientation);
      EXPECT_EQ(ExifOrientation(PngWith(Chunk("eXIf", block))), orientation);
      EXPECT_EQ(ExifOrientation(WebpWith("EXIF", block)), orientation);
    }
  }
}

TEST(ExifOrientationTest, FindsItBehindOtherSegmentsAndFillBytes) {
  const std::string other = "\xff\xfe\0\x04"s + "ab" + "\xff\xe1\0\x06"s + "http";  // a comment; XMP
  const std::string exif = JpegWith(Block(6, true)).substr(2);
  EXPECT_EQ(ExifOrientation("\xff\xd8" + other + "\xff\xff\xff" + exif), 6);
}

TEST(ExifOrientationTest, TakesTheMarkThatBelongsToJpegInPngAndWebpToo) {
  EXPECT_EQ(ExifOrientation(PngWith(Chunk("eXIf", "Exif\0\0"s + Block(8, false)))), 8);
  EXPECT_EQ(ExifOrientation(WebpWith("EXIF", "Exif\0\0"s + Block(5, true))), 5);
}

TEST(ExifOrientationTest, ReadsTheTextsThatImageMagickWritesIntoPng) {
  const std::string text = RawProfile("Exif\0\0"s + Block(3, true));
  EXPECT_EQ(ExifOrientation(PngWith(Chunk("tEXt", "Raw profile type exif\0"s + text))), 3);
  std::string packed(1000, '\0');
  uLongf size = packed.size();
  ASSERT_EQ(compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(text.data()),
                     text.size()),
            Z_OK);
  packed.resize(size);
  EXPECT_EQ(ExifOrientation(PngWith(Chunk("zTXt", "Raw profile type exif\0\0"s + packed))), 3);
  EXPECT_EQ(ExifOrientation(PngWith(Chunk("tEXt", "Comment\0"s + text))), 1) << "another text";
  EXPECT_EQ(ExifOrientation(PngWith(Chunk("zTXt", "Raw profile type exif\0\0"s + "no zlib"))), 1);
}

TEST(ExifOrientationTest, ReadsTheTypesThatWritersUse) {
  std::string long_type = Block(6, false);
  long_type.replace(22, 12, "\x01\x12\0\x04\0\0\0\x01\0\0\0\x06"s);  // a LONG: the value fills all four bytes
  EXPECT_EQ(ExifOrientation(JpegWith(long_type)), 6);
  std::string ascii = Block(6, true);
  ascii[8 + 2 + 12 + 2] = 2;  // text: no orientation
  EXPECT_EQ(ExifOrientation(JpegWith(ascii)), 1);
}

TEST(ExifOrientationTest, AnythingElseIsUpright) {
  EXPECT_EQ(ExifOrientation(""), 1);
  EXPECT_EQ(ExifOrientation("\x89PNG\r\n\x1a\n"), 1);
  EXPECT_EQ(ExifOrientation("RIFF1234WEBP"), 1);
  EXPECT_EQ(ExifOrientation("BM" + Block(6, true)), 1);
  EXPECT_EQ(ExifOrientation(JpegWith(Block(77, true))), 1);
  EXPECT_EQ(ExifOrientation(JpegWith(Block(0, true))), 1);
  EXPECT_EQ(ExifOrientation("\xff\xd8\xff\xe1\0\0"s), 1);
  EXPECT_EQ(ExifOrientation("\xff\xd8" + std::string(5000, '\xff') + JpegWith(Block(6, true)).substr(2)), 1)
      << "more fill bytes than any writer has";
}

TEST(ExifOrientationTest, EveryPrefixIsUprightOrWhole) {
  for (const std::string& file :
       {JpegWith(Block(6, true)), PngWith(Chunk("eXIf", Block(6, false))), WebpWith("EXIF", Block(6, true))}) {
    for (size_t keep = 0; keep <= file.size(); ++keep) {
      const int orientation = ExifOrientation(file.substr(0, keep));
      EXPECT_TRUE(orientation == 1 || orientation == 6) << keep;
    }
    EXPECT_EQ(ExifOrientation(file.substr(0, 24)), 1);
  }
}

// "1 2 3" over "4 5 6" as stored; as seen, by the EXIF standard's table of which row and column come first.
TEST(TurnUprightTest, TurnsAsTheStandardSays) {
  const cv::Mat stored = (cv::Mat_<uchar>(2, 3) << 1, 2, 3, 4, 5, 6);
  const cv::Mat seen[] = {(cv::Mat_<uchar>(2, 3) << 1, 2, 3, 4, 5, 6), (cv::Mat_<uchar>(2, 3) << 3, 2, 1, 6, 5, 4),
                          (cv::Mat_<uchar>(2, 3) << 6, 5, 4, 3, 2, 1), (cv::Mat_<uchar>(2, 3) << 4, 5, 6, 1, 2, 3),
                          (cv::Mat_<uchar>(3, 2) << 1, 4, 2, 5, 3, 6), (cv::Mat_<uchar>(3, 2) << 4, 1, 5, 2, 6, 3),
                          (cv::Mat_<uchar>(3, 2) << 6, 3, 5, 2, 4, 1), (cv::Mat_<uchar>(3, 2) << 3, 6, 2, 5, 1, 4)};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const cv::Mat turned = TurnUpright(stored, orientation);
    ASSERT_EQ(turned.size(), seen[orientation - 1].size()) << orientation;
    EXPECT_EQ(cv::norm(turned, seen[orientation - 1], cv::NORM_INF), 0) << orientation << "\n" << turned;
    EXPECT_EQ(TurnSize({3, 2}, orientation).width, turned.cols);
    EXPECT_EQ(TurnSize({3, 2}, orientation).height, turned.rows);
  }
}

TEST(BoxAsStoredTest, FindsTheSamePixelsAgain) {
  cv::Mat stored = cv::Mat::zeros(30, 50, CV_8UC1);
  stored(cv::Rect(7, 4, 20, 10)).setTo(255);
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const cv::Rect seen = cv::boundingRect(TurnUpright(stored, orientation));
    const Rect box = BoxAsStored({static_cast<float>(seen.x), static_cast<float>(seen.y),
                                  static_cast<float>(seen.width), static_cast<float>(seen.height)},
                                 orientation, {50, 30});
    EXPECT_EQ(box, (Rect{7, 4, 20, 10})) << orientation;
  }
}

}  // namespace
}  // namespace hardface::data
