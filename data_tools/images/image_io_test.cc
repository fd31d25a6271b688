#include "data_tools/images/image_io.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <png.h>
#include <webp/encode.h>
#include <zlib.h>

// clang-format off
#include <cstdio>  // jpeglib.h needs FILE and size_t
#include <jpeglib.h>
// clang-format on

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <opencv2/core.hpp>
#include <vector>

#include "base/atomic_output.h"
#include "base/read_file.h"
#include "data_tools/images/image_kind.h"
#include "data_tools/images/image_size.h"

namespace hardface::data {
namespace {

using namespace std::string_literals;  // NOLINT(build/namespaces): strings with zero bytes
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

// ---- PNG ----

struct PngKind {
  int color_type = PNG_COLOR_TYPE_RGB;
  int bit_depth = 8;
  int interlace = PNG_INTERLACE_NONE;
  std::function<void(png_structp, png_infop)> more = {};  // sets further chunks
};

void AppendPng(png_structp png, png_bytep data, size_t size) {
  static_cast<std::string*>(png_get_io_ptr(png))->append(reinterpret_cast<const char*>(data), size);
}

// ROWS: of the bytes that the file holds, packed as PNG packs them.
std::string Png(const PngKind& kind, int width, std::vector<std::vector<png_byte>> rows) {
  std::string bytes;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(png, &bytes, &AppendPng, nullptr);
  png_set_IHDR(png, info, static_cast<png_uint_32>(width), static_cast<png_uint_32>(rows.size()), kind.bit_depth,
               kind.color_type, kind.interlace, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (kind.more) kind.more(png, info);
  png_write_info(png, info);
  std::vector<png_bytep> pointers;
  for (auto& row : rows) pointers.push_back(row.data());
  png_write_image(png, pointers.data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return bytes;
}

cv::Mat ReadBytes(const std::string& name, const std::string& bytes) {
  EXPECT_TRUE(WriteFileAtomically(Temp(name), bytes).ok());
  const absl::StatusOr<cv::Mat> image = ReadImage(Temp(name));
  EXPECT_TRUE(image.ok()) << image.status();
  return image.value_or(cv::Mat());
}

// The pixels in order, "b,g,r b,g,r".
std::string Show(const cv::Mat& image) {
  std::string text;
  for (int y = 0; y < image.rows; ++y) {
    for (int x = 0; x < image.cols; ++x) {
      const cv::Vec3b& pixel = image.at<cv::Vec3b>(y, x);
      text += (text.empty() ? "" : " ") + std::to_string(pixel[0]) + "," + std::to_string(pixel[1]) + "," +
              std::to_string(pixel[2]);
    }
  }
  return text;
}

TEST(PngTest, SixteenBitsAreDividedBy257AndRounded) {
  // 10500 / 257 = 40.86, 128 / 257 = 0.498, 129 / 257 = 0.502, 65535 / 257 = 255, 65406 / 257 = 254.498.
  EXPECT_EQ(Show(ReadBytes("g16.png", Png({PNG_COLOR_TYPE_GRAY, 16}, 5,
                                          {{0x29, 0x04, 0x00, 0x80, 0x00, 0x81, 0xff, 0xff, 0xff, 0x7e}}))),
            "41,41,41 0,0,0 1,1,1 255,255,255 254,254,254");
  EXPECT_EQ(Show(ReadBytes("c16.png", Png({PNG_COLOR_TYPE_RGB, 16}, 1, {{0x01, 0x01, 0x29, 0x04, 0xff, 0xff}}))),
            "255,41,1");
}

TEST(PngTest, GammaAndColourProfilesChangeNothing) {
  const auto rgb = [](const PngKind& kind) { return Show(ReadBytes("gamma.png", Png(kind, 1, {{200, 100, 50}}))); };
  EXPECT_EQ(rgb({}), "50,100,200");
  for (const double gamma : {0.45455, 1.0, 0.1}) {
    EXPECT_EQ(rgb({PNG_COLOR_TYPE_RGB, 8, PNG_INTERLACE_NONE,
                   [gamma](png_structp png, png_infop info) { png_set_gAMA(png, info, gamma); }}),
              "50,100,200");
    const PngKind grey16{PNG_COLOR_TYPE_GRAY, 16, PNG_INTERLACE_NONE,
                         [gamma](png_structp png, png_infop info) { png_set_gAMA(png, info, gamma); }};
    EXPECT_EQ(Show(ReadBytes("gamma16.png", Png(grey16, 1, {{0x29, 0x04}}))), "41,41,41");
  }
  EXPECT_EQ(
      rgb({PNG_COLOR_TYPE_RGB, 8, PNG_INTERLACE_NONE,
           [](png_structp png, png_infop info) { png_set_sRGB_gAMA_and_cHRM(png, info, PNG_sRGB_INTENT_PERCEPTUAL); }}),
      "50,100,200");
}

TEST(PngTest, AlphaIsDroppedWhateverItIs) {
  EXPECT_EQ(Show(ReadBytes("rgba.png", Png({PNG_COLOR_TYPE_RGB_ALPHA}, 3,
                                           {{200, 100, 50, 0, 200, 100, 50, 128, 200, 100, 50, 255}}))),
            "50,100,200 50,100,200 50,100,200");
  EXPECT_EQ(Show(ReadBytes("ga.png", Png({PNG_COLOR_TYPE_GRAY_ALPHA}, 2, {{77, 0, 77, 200}}))), "77,77,77 77,77,77");
  EXPECT_EQ(Show(ReadBytes("rgba16.png",
                           Png({PNG_COLOR_TYPE_RGB_ALPHA, 16}, 1, {{0x29, 0x04, 0x29, 0x04, 0x29, 0x04, 0, 0}}))),
            "41,41,41");
  // One colour that is declared to be transparent.
  const PngKind key{PNG_COLOR_TYPE_RGB, 8, PNG_INTERLACE_NONE, [](png_structp png, png_infop info) {
                      const png_color_16 clear{0, 200, 100, 50, 0};
                      png_set_tRNS(png, info, nullptr, 0, &clear);
                    }};
  EXPECT_EQ(Show(ReadBytes("key.png", Png(key, 2, {{200, 100, 50, 1, 2, 3}}))), "50,100,200 3,2,1");
}

TEST(PngTest, PalettesAndGreyOfFewBitsAreSpread) {
  EXPECT_EQ(Show(ReadBytes("g1.png", Png({PNG_COLOR_TYPE_GRAY, 1}, 3, {{0b10100000}}))),
            "255,255,255 0,0,0 255,255,255");
  EXPECT_EQ(Show(ReadBytes("g2.png", Png({PNG_COLOR_TYPE_GRAY, 2}, 4, {{0b00011011}}))),
            "0,0,0 85,85,85 170,170,170 255,255,255");
  EXPECT_EQ(Show(ReadBytes("g4.png", Png({PNG_COLOR_TYPE_GRAY, 4}, 2, {{0x3f}}))), "51,51,51 255,255,255");
  for (const bool transparent : {false, true}) {
    const PngKind palette{PNG_COLOR_TYPE_PALETTE, 2, PNG_INTERLACE_NONE,
                          [transparent](png_structp png, png_infop info) {
                            const png_color colors[] = {{10, 20, 30}, {40, 50, 60}, {70, 80, 90}};
                            png_set_PLTE(png, info, colors, 3);
                            const png_byte alpha[] = {0, 100};
                            if (transparent) png_set_tRNS(png, info, alpha, 2, nullptr);
                          }};
    EXPECT_EQ(Show(ReadBytes("p2.png", Png(palette, 3, {{0b00011000}}))), "30,20,10 60,50,40 90,80,70");
  }
}

TEST(PngTest, InterlacedFilesAreThoseOfTheSameRows) {
  std::vector<std::vector<png_byte>> rows(11, std::vector<png_byte>(3 * 13));
  for (size_t y = 0; y < rows.size(); ++y) {
    for (size_t x = 0; x < rows[y].size(); ++x) rows[y][x] = static_cast<png_byte>(17 * y + 5 * x);
  }
  const cv::Mat plain = ReadBytes("plain.png", Png({}, 13, rows));
  const cv::Mat interlaced = ReadBytes("adam7.png", Png({PNG_COLOR_TYPE_RGB, 8, PNG_INTERLACE_ADAM7}, 13, rows));
  EXPECT_EQ(cv::norm(plain, interlaced, cv::NORM_INF), 0);
  EXPECT_EQ(plain.at<cv::Vec3b>(10, 12), cv::Vec3b(rows[10][38], rows[10][37], rows[10][36]));
}

TEST(PngTest, AChunkThatAnnouncesAGigabyteIsAnError) {
  ASSERT_TRUE(WritePng(Temp("lie.png"), cv::Mat(4, 4, CV_8UC3, cv::Scalar(1, 2, 3))).ok());
  constexpr size_t kBehindTheHeader = 33;
  const std::string bytes = ReadFile(Temp("lie.png"))->insert(kBehindTheHeader, "\x40\0\0\0eXIf"s);
  ASSERT_TRUE(WriteFileAtomically(Temp("lie.png"), bytes).ok());
  EXPECT_THAT(ErrorOf(Temp("lie.png")), AllOf(HasSubstr("lie.png"), HasSubstr("a chunk announces 1073741824 bytes")));
}

TEST(PngTest, ADamagedByteAmongThePixelsIsAnError) {
  ASSERT_TRUE(WritePng(Temp("sound.png"), Ramp(50, 40)).ok());
  const std::string sound = *ReadFile(Temp("sound.png"));
  const size_t data = sound.find("IDAT") + 4, end = sound.find("IEND") - 8;
  for (size_t at = data; at < end; at += 7) {
    std::string damaged = sound;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    ASSERT_TRUE(WriteFileAtomically(Temp("damaged.png"), damaged).ok());
    EXPECT_FALSE(ReadImage(Temp("damaged.png")).ok()) << at;
  }
}

// ---- JPEG ----

// Compressed by libjpeg after SET has changed its settings; pixels of COMPONENTS bytes.
std::string Jpeg(int width, int height, int components, J_COLOR_SPACE space,
                 const std::function<void(j_compress_ptr)>& set, const std::vector<JSAMPLE>& pixels) {
  jpeg_compress_struct info;
  jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;  // NOLINT(runtime/int): libjpeg's type
  jpeg_mem_dest(&info, &buffer, &size);
  info.image_width = static_cast<JDIMENSION>(width);
  info.image_height = static_cast<JDIMENSION>(height);
  info.input_components = components;
  info.in_color_space = space;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, 100, TRUE);
  set(&info);
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    auto* row = const_cast<JSAMPLE*>(&pixels[info.next_scanline * static_cast<size_t>(width * components)]);
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  std::string bytes(reinterpret_cast<const char*>(buffer), size);
  std::free(buffer);
  return bytes;
}

std::vector<JSAMPLE> Repeated(const std::vector<JSAMPLE>& pixel, int count) {
  std::vector<JSAMPLE> pixels;
  for (int i = 0; i < count; ++i) pixels.insert(pixels.end(), pixel.begin(), pixel.end());
  return pixels;
}

void ExpectNear(const cv::Mat& image, const cv::Vec3b& bgr) {
  ASSERT_FALSE(image.empty());
  EXPECT_LE(cv::norm(image, cv::Mat(image.size(), CV_8UC3, cv::Scalar(bgr[0], bgr[1], bgr[2])), cv::NORM_INF), 2)
      << image.at<cv::Vec3b>(0, 0);
}

TEST(JpegTest, EveryColourSpaceAndWayOfCodingGivesItsPixels) {
  const auto as_is = [](j_compress_ptr) {};
  const std::vector<JSAMPLE> rgb = Repeated({200, 100, 50}, 32 * 24);
  ExpectNear(ReadBytes("ycc.jpg", Jpeg(32, 24, 3, JCS_RGB, as_is, rgb)), {50, 100, 200});
  ExpectNear(ReadBytes("progressive.jpg", Jpeg(32, 24, 3, JCS_RGB, &jpeg_simple_progression, rgb)), {50, 100, 200});
  ExpectNear(
      ReadBytes("arithmetic.jpg", Jpeg(
                                      32, 24, 3, JCS_RGB, [](j_compress_ptr info) { info->arith_code = TRUE; }, rgb)),
      {50, 100, 200});
  ExpectNear(ReadBytes("rgb.jpg",
                       Jpeg(
                           32, 24, 3, JCS_RGB, [](j_compress_ptr info) { jpeg_set_colorspace(info, JCS_RGB); }, rgb)),
             {50, 100, 200});
  ExpectNear(ReadBytes("odd.jpg", Jpeg(
                                      32, 24, 3, JCS_RGB,
                                      [](j_compress_ptr info) {  // a subsampling that TurboJPEG's interface refuses
                                        info->comp_info[0].h_samp_factor = 1;
                                        info->comp_info[0].v_samp_factor = 4;
                                      },
                                      rgb)),
             {50, 100, 200});
  ExpectNear(ReadBytes("grey.jpg", Jpeg(32, 24, 1, JCS_GRAYSCALE, as_is, Repeated({120}, 32 * 24))), {120, 120, 120});
}

TEST(JpegTest, CmykAndYcckAreInvertedInks) {
  // Cyan 55 of 255, magenta 155, yellow 205, no black: stored inverted, as Adobe's programs do.
  const std::vector<JSAMPLE> inks = Repeated({200, 100, 50, 255}, 32 * 24);
  ExpectNear(ReadBytes("cmyk.jpg", Jpeg(
                                       32, 24, 4, JCS_CMYK, [](j_compress_ptr) {}, inks)),
             {50, 100, 200});
  ExpectNear(ReadBytes("ycck.jpg", Jpeg(
                                       32, 24, 4, JCS_CMYK,
                                       [](j_compress_ptr info) { jpeg_set_colorspace(info, JCS_YCCK); }, inks)),
             {50, 100, 200});
  ExpectNear(
      ReadBytes("dark.jpg", Jpeg(
                                32, 24, 4, JCS_CMYK, [](j_compress_ptr) {}, Repeated({200, 100, 50, 128}, 32 * 24))),
      {25, 50, 100});
}

TEST(JpegTest, ChannelsThatNobodyNamesAreAnError) {
  ASSERT_TRUE(
      WriteFileAtomically(Temp("two.jpg"), Jpeg(
                                               8, 8, 2, JCS_UNKNOWN, [](j_compress_ptr) {}, Repeated({1, 2}, 64)))
          .ok());
  EXPECT_THAT(ErrorOf(Temp("two.jpg")), AllOf(HasSubstr("two.jpg"), HasSubstr("2 colour channels")));
}

TEST(JpegTest, AMissingEndMarkerLosesNoPixelAndAMissingScanIsAnError) {
  cv::Mat noise(64, 80, CV_8UC3);
  cv::theRNG().state = 3;
  cv::randu(noise, 0, 255);
  const std::vector<JSAMPLE> pixels(noise.data, noise.data + noise.total() * 3);
  const std::string whole = Jpeg(
      80, 64, 3, JCS_RGB, [](j_compress_ptr) {}, pixels);
  const cv::Mat expected = ReadBytes("whole.jpg", whole);
  EXPECT_EQ(cv::norm(ReadBytes("no_end.jpg", whole.substr(0, whole.size() - 2)), expected, cv::NORM_INF), 0);
  EXPECT_EQ(cv::norm(ReadBytes("more.jpg", whole + "a video behind the picture"), expected, cv::NORM_INF), 0);
  const std::string scans = Jpeg(80, 64, 3, JCS_RGB, &jpeg_simple_progression, pixels);
  // Cut before the last scan's marker: every pixel is there, roughly.
  const size_t last = scans.rfind("\xff\xda");
  ASSERT_TRUE(WriteFileAtomically(Temp("scan.jpg"), scans.substr(0, last)).ok());
  EXPECT_THAT(ErrorOf(Temp("scan.jpg")), HasSubstr("truncated"));
  for (const size_t keep : {scans.size() / 3, scans.size() * 2 / 3, scans.size() - 40}) {
    ASSERT_TRUE(WriteFileAtomically(Temp("cut.jpg"), scans.substr(0, keep)).ok());
    EXPECT_THAT(ErrorOf(Temp("cut.jpg")), HasSubstr("truncated")) << keep;
  }
}

TEST(JpegTest, ThousandsOfScansAreRefused) {
  const std::string scans = Jpeg(
      16, 16, 3, JCS_RGB,
      [](j_compress_ptr info) {
        static const jpeg_scan_info kOneEach[] = {{1, {0}, 0, 63, 0, 0}, {1, {1}, 0, 63, 0, 0}, {1, {2}, 0, 63, 0, 0}};
        info->scan_info = kOneEach;
        info->num_scans = 3;
      },
      Repeated({200, 100, 50}, 256));
  ExpectNear(ReadBytes("scans.jpg", scans), {50, 100, 200});
  const size_t last = scans.rfind("\xff\xda"), end = scans.size() - 2;
  std::string many = scans.substr(0, end);
  for (int i = 0; i < 2000; ++i) many += scans.substr(last, end - last);
  ASSERT_TRUE(WriteFileAtomically(Temp("many.jpg"), many + scans.substr(end)).ok());
  EXPECT_THAT(ErrorOf(Temp("many.jpg")), HasSubstr("more than 500 scans"));
}

TEST(JpegTest, KindsThatLibjpegDoesNotDecodeSaySo) {
  std::string lossless = Jpeg(
      16, 16, 3, JCS_RGB, [](j_compress_ptr) {}, Repeated({1, 2, 3}, 256));
  lossless[lossless.find("\xff\xc0") + 1] = '\xc3';
  ASSERT_TRUE(WriteFileAtomically(Temp("lossless.jpg"), lossless).ok());
  EXPECT_THAT(ErrorOf(Temp("lossless.jpg")), HasSubstr("a kind of JPEG that is not read"));
}

// ---- WebP ----

std::string Webp(const cv::Mat& image, bool lossless) {
  uint8_t* buffer = nullptr;
  const size_t size =
      lossless ? WebPEncodeLosslessBGR(image.data, image.cols, image.rows, static_cast<int>(image.step), &buffer)
               : WebPEncodeBGR(image.data, image.cols, image.rows, static_cast<int>(image.step), 90, &buffer);
  const std::string bytes(reinterpret_cast<const char*>(buffer), size);
  WebPFree(buffer);
  return bytes;
}

TEST(WebpTest, LossyAndLosslessFilesAreReadAndAlphaIsDropped) {
  const cv::Mat image = Ramp(61, 45);
  EXPECT_EQ(cv::norm(ReadBytes("lossless.webp", Webp(image, true)), image, cv::NORM_INF), 0);
  EXPECT_LT(cv::norm(ReadBytes("lossy.webp", Webp(image, false)), image, cv::NORM_L1) / (61 * 45 * 3), 4);
  EXPECT_EQ(ReadImageSize(Temp("lossy.webp"))->width, 61);
  EXPECT_EQ(ReadImageSize(Temp("lossless.webp"))->height, 45);
  const uint8_t rgba[] = {200, 100, 50, 1, 200, 100, 50, 255};
  uint8_t* buffer = nullptr;
  const size_t size = WebPEncodeLosslessRGBA(rgba, 2, 1, 8, &buffer);
  EXPECT_EQ(Show(ReadBytes("alpha.webp", std::string(reinterpret_cast<const char*>(buffer), size))),
            "50,100,200 50,100,200");
  WebPFree(buffer);
}

TEST(WebpTest, TruncatedAndAnimatedFilesAreErrors) {
  for (const bool lossless : {false, true}) {
    ASSERT_TRUE(WriteFileAtomically(Temp("t.webp"), Webp(Ramp(90, 60), lossless)).ok());
    const size_t size = ReadFile(Temp("t.webp"))->size();
    for (const size_t keep : {size_t{16}, size_t{40}, size / 2, size - 20}) {
      EXPECT_THAT(ErrorOf(Truncated(Temp("t.webp"), keep)), AllOf(HasSubstr("t.webp"), HasSubstr("truncated"))) << keep;
    }
  }
  // The extended header, with the flag of animations, 16 x 16 pixels.
  const std::string animated = "RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0\x0f\0\0\x0f\0\0"s;
  ASSERT_TRUE(WriteFileAtomically(Temp("animated.webp"), animated).ok());
  EXPECT_THAT(ErrorOf(Temp("animated.webp")), HasSubstr("an animated WebP"));
}

// ---- BMP ----

std::string Little(uint32_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i, value >>= 8) text.push_back(static_cast<char>(value));
  return text;
}

// A BMP file with the 40-byte header; BEHIND: masks or palette; DATA: rows or codes.
std::string Bmp(int width, int height, int bits, uint32_t compression, const std::string& behind,
                const std::string& data) {
  const uint32_t at = 14 + 40 + static_cast<uint32_t>(behind.size());
  return "BM" + Little(at + static_cast<uint32_t>(data.size()), 4) + Little(0, 4) + Little(at, 4) + Little(40, 4) +
         Little(static_cast<uint32_t>(width), 4) + Little(static_cast<uint32_t>(height), 4) + Little(1, 2) +
         Little(static_cast<uint32_t>(bits), 2) + Little(compression, 4) + Little(0, 20) + behind + data;
}

constexpr char kThreeColours[] = "\x1e\x14\x0a\0\x3c\x32\x28\0\x5a\x50\x46";  // blue, green, red, 0
std::string Palette(int bits) {
  std::string palette(kThreeColours, sizeof(kThreeColours) - 1);
  palette.resize(static_cast<size_t>(4) << bits);
  return palette;
}

TEST(BmpTest, RowsOfEveryDepth) {
  EXPECT_EQ(Show(ReadBytes("24.bmp", Bmp(1, 2, 24, 0, "", "\x01\x02\x03\0\x04\x05\x06\0"s))), "4,5,6 1,2,3");
  EXPECT_EQ(Show(ReadBytes("down.bmp", Bmp(1, -2, 24, 0, "", "\x01\x02\x03\0\x04\x05\x06\0"s))), "1,2,3 4,5,6");
  EXPECT_EQ(Show(ReadBytes("last.bmp", Bmp(1, 2, 24, 0, "", "\x01\x02\x03\0\x04\x05\x06"s))), "4,5,6 1,2,3");
  EXPECT_EQ(Show(ReadBytes("32.bmp", Bmp(2, 1, 32, 0, "", "\x01\x02\x03\x04\x05\x06\x07\x08"))), "1,2,3 5,6,7");
  EXPECT_EQ(Show(ReadBytes("555.bmp", Bmp(2, 1, 16, 0, "", Little(0x7c1f, 2) + Little(0x03e0, 2)))),
            "255,0,255 0,255,0");
  EXPECT_EQ(Show(ReadBytes("565.bmp", Bmp(2, 1, 16, 3, Little(0xf800, 4) + Little(0x7e0, 4) + Little(0x1f, 4),
                                          Little(0xf81f, 2) + Little(0x0400, 2)))),
            "255,0,255 0,129,0");  // 32 of 63
  EXPECT_EQ(Show(ReadBytes("masks.bmp", Bmp(1, 1, 32, 3, Little(0xff, 4) + Little(0xff00, 4) + Little(0xff0000, 4),
                                            Little(0x030201, 4)))),
            "3,2,1");
  EXPECT_EQ(Show(ReadBytes("8.bmp", Bmp(3, 1, 8, 0, Palette(8), "\0\x01\x02\0"s))), "30,20,10 60,50,40 90,80,70");
  EXPECT_EQ(Show(ReadBytes("4.bmp", Bmp(3, 1, 4, 0, Palette(4), "\x01\x20\0\0"s))), "30,20,10 60,50,40 90,80,70");
  EXPECT_EQ(Show(ReadBytes("1.bmp", Bmp(3, 1, 1, 0, Palette(1), "\xa0\0\0\0"s))), "60,50,40 30,20,10 60,50,40");
}

TEST(BmpTest, TheHeaderOfOs2AndThatOfVersion5) {
  const std::string os2 = "BM" + Little(0, 8) + Little(14 + 12 + 6, 4) + Little(12, 4) + Little(2, 2) + Little(1, 2) +
                          Little(1, 2) + Little(1, 2) + "\x01\x02\x03\x04\x05\x06" + "\x40\0\0\0"s;
  EXPECT_EQ(Show(ReadBytes("os2.bmp", os2)), "1,2,3 4,5,6");
  std::string v5 =
      Bmp(1, 1, 32, 3, Little(0xff0000, 4) + Little(0xff00, 4) + Little(0xff, 4) + Little(0xff000000, 4), "");
  v5.resize(14 + 124);
  v5[14] = 124;
  v5[10] = static_cast<char>(14 + 124);
  EXPECT_EQ(Show(ReadBytes("v5.bmp", v5 + "\x01\x02\x03\x80")), "1,2,3");
}

TEST(BmpTest, RunsStretchesAndJumps) {
  // A run of 2, a stretch of 3 (filled up), the row's end; a jump of 1 to the right; a run that the row cuts; the end.
  const std::string codes = "\x02\x01\0\x03\x02\x01\x02\0\0\0\0\x02\x01\0\x09\x02\0\x01"s;
  const std::string a = "30,20,10", b = "60,50,40", c = "90,80,70";
  EXPECT_EQ(Show(ReadBytes("rle8.bmp", Bmp(5, 2, 8, 1, Palette(8), codes))),
            a + " " + c + " " + c + " " + c + " " + c + " " + b + " " + b + " " + c + " " + b + " " + c);
  // 4 bits: a run of 5 of colours 1 and 2 in turn; a stretch of 3, two bytes.
  EXPECT_EQ(Show(ReadBytes("rle4.bmp", Bmp(5, 2, 4, 2, Palette(4), "\x05\x12\0\0\0\x03\x21\x20\0\x01"s))),
            c + " " + b + " " + c + " " + a + " " + a + " " + b + " " + c + " " + b + " " + c + " " + b);
}

TEST(BmpTest, TruncatedAndStrangeFilesAreErrors) {
  const std::string rows = Bmp(5, 4, 24, 0, "", std::string(64, 'x'));
  const std::string codes = Bmp(5, 2, 8, 1, Palette(8), "\x05\x01\0\0\x05\x01"s);
  for (const std::string& file : {rows, codes}) {
    for (const size_t keep : {size_t{20}, size_t{53}, file.size() - 3}) {
      ASSERT_TRUE(WriteFileAtomically(Temp("t.bmp"), file.substr(0, keep)).ok());
      EXPECT_THAT(ErrorOf(Temp("t.bmp")), AllOf(HasSubstr("t.bmp"), HasSubstr("truncated"))) << keep;
    }
  }
  ASSERT_TRUE(WriteFileAtomically(Temp("jpeg.bmp"), Bmp(5, 4, 0, 4, "", "x")).ok());
  EXPECT_THAT(ErrorOf(Temp("jpeg.bmp")), HasSubstr("a kind of BMP that is not read"));
  ASSERT_TRUE(WriteFileAtomically(Temp("zero.bmp"), Bmp(0, 4, 24, 0, "", "x")).ok());
  EXPECT_THAT(ErrorOf(Temp("zero.bmp")), HasSubstr("no image size"));
}

// ---- kinds, sizes, orientation ----

TEST(ImageKindTest, TheContentCountsAndNotTheName) {
  ASSERT_TRUE(WritePng(Temp("really_png.jpg"), Ramp(9, 7)).ok());
  EXPECT_EQ(cv::norm(*ReadImage(Temp("really_png.jpg")), Ramp(9, 7), cv::NORM_INF), 0);
  EXPECT_EQ(ReadImageSize(Temp("really_png.jpg"))->width, 9);
}

TEST(ImageKindTest, PicturesThatAreNotReadAreNamedWithWhatConvertsThem) {
  const std::pair<std::string, std::string> kinds[] = {
      {"\0\0\0\x18"
       "ftypheic\0\0\0\0mif1heic"s,
       "a HEIC picture, which is not read; convert it to JPEG or PNG"},
      {"\0\0\0\x18"
       "ftypmif1\0\0\0\0mif1heic"s,
       "heif-convert "},
      {"\0\0\0\x1c"
       "ftypmif1\0\0\0\0mif1avifmiaf"s,
       "avifdec "},
      {"\0\0\0\x18"
       "ftypavif\0\0\0\0"s,
       "an AVIF picture"},
      {"\0\0\0\x18"
       "ftypisom\0\0\0\0"s,
       "a video"},
      {"II*\0\x08\0\0\0"s, "a TIFF picture"},
      {"MM\0*\0\0\0\x08"s, "a TIFF picture"},
      {"GIF89a\x01\0\x01\0"s, "a GIF picture"},
      {"\xff\x0a\xfa\x7f", "a JPEG XL picture"},
      {"\0\0\0\x0cJXL \r\n\x87\n"s, "a JPEG XL picture"},
      {"\0\0\0\x0cjP  \r\n\x87\n"s, "a JPEG 2000 picture"},
      {"8BPS\0\x01"s, "a Photoshop picture"},
      {"<!DOCTYPE html><title>Sign in</title>", "a web page"},
      {"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"},
      {"BMW is a maker of cars", "neither a JPEG nor a PNG"},
  };
  for (const auto& [bytes, message] : kinds) {
    ASSERT_TRUE(WriteFileAtomically(Temp("photo.jpg"), bytes).ok());
    EXPECT_THAT(ErrorOf(Temp("photo.jpg")), AllOf(HasSubstr("photo.jpg: is "), HasSubstr(message)));
    EXPECT_THAT(std::string(ReadImageSize(Temp("photo.jpg")).status().message()), HasSubstr(message));
  }
}

TEST(ImageKindTest, TheStemOfAPicturesName) {
  EXPECT_EQ(WithoutPictureExtension("a.b/c.d.JPG"), "a.b/c.d");
  EXPECT_EQ(WithoutPictureExtension("c.webp"), "c");
  EXPECT_EQ(WithoutPictureExtension("a/.jpg"), "a/.jpg");
  EXPECT_EQ(WithoutPictureExtension("c.txt"), "c.txt");
}

// The header alone must do: nothing here has pixels, and a test that allocated them would not come back.
TEST(ImageSizeTest, MoreThanTheLimitIsRefusedFromTheHeader) {
  const std::string bmp = Bmp(40000, 40000, 24, 0, "", "");
  std::string png = Png({}, 1, {{1, 2, 3}});
  png.replace(16, 8, "\0\0\x9c\x40\0\0\x9c\x40"s);  // 40000 x 40000
  const std::string crc = [&png] {
    const uLong sum = crc32(0, reinterpret_cast<const Bytef*>(png.data() + 12), 17);
    return std::string{static_cast<char>(sum >> 24), static_cast<char>(sum >> 16), static_cast<char>(sum >> 8),
                       static_cast<char>(sum)};
  }();
  png.replace(29, 4, crc);
  std::string jpeg = Jpeg(
      8, 8, 1, JCS_GRAYSCALE, [](j_compress_ptr) {}, Repeated({1}, 64));
  jpeg.replace(jpeg.find("\xff\xc0") + 5, 4, "\x9c\x40\x9c\x40");
  for (const std::string& file : {bmp, png, jpeg}) {
    ASSERT_TRUE(WriteFileAtomically(Temp("bomb"), file).ok());
    EXPECT_THAT(ErrorOf(Temp("bomb")), AllOf(HasSubstr("40000 x 40000"), HasSubstr("at most 536870912 pixels")));
    EXPECT_THAT(std::string(ReadImageSize(Temp("bomb")).status().message()), HasSubstr("at most 536870912 pixels"));
  }
}

TEST(ImageSizeTest, AFewBytesThatPromiseAHugePictureAreRefused) {
  std::string jpeg = Jpeg(
      8, 8, 1, JCS_GRAYSCALE, [](j_compress_ptr) {}, Repeated({1}, 64));
  jpeg.replace(jpeg.find("\xff\xc0") + 5, 4, "\x4e\x20\x4e\x20");  // 20000 x 20000
  ASSERT_TRUE(WriteFileAtomically(Temp("promise.jpg"), jpeg).ok());
  EXPECT_THAT(ErrorOf(Temp("promise.jpg")), HasSubstr("its header promises 20000 x 20000 pixels"));
  EXPECT_TRUE(CheckImageSize(20000, 20000, 100000).ok());
  EXPECT_TRUE(CheckImageSize(1000000, 500, 100).code() != absl::StatusCode::kOk);
  EXPECT_FALSE(CheckImageSize(1000001, 1, 100).ok());
  EXPECT_TRUE(CheckImageSize(4000, 4000, 100).ok());
}

TEST(OrientationTest, IsAppliedOnlyWhenAskedFor) {
  const std::string exif =
      "\xff\xe1\0\x22"s + "Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"s;
  const std::string plain = *EncodeJpeg(Ramp(60, 40));
  ASSERT_TRUE(WriteFileAtomically(Temp("phone.jpg"), "\xff\xd8" + exif + plain.substr(2)).ok());
  EXPECT_EQ(ReadOrientation(Temp("phone.jpg")), 6);
  const cv::Mat stored = *ReadImage(Temp("phone.jpg")), seen = *ReadImage(Temp("phone.jpg"), Pixels::kAsSeen);
  EXPECT_EQ(stored.size(), cv::Size(60, 40));
  ASSERT_EQ(seen.size(), cv::Size(40, 60));
  EXPECT_EQ(seen.at<cv::Vec3b>(0, 39), stored.at<cv::Vec3b>(0, 0));  // a quarter turn clockwise
  EXPECT_EQ(seen.at<cv::Vec3b>(59, 39), stored.at<cv::Vec3b>(0, 59));
  EXPECT_EQ(ReadOrientation(Temp("none.jpg")), 1);
}

}  // namespace
}  // namespace hardface::data
