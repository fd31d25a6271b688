// The public library against the detector within, and what it does with arguments that are none.
#include "hardface/detector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <thread>

#include "base/random.h"
#include "data_tools/images/image_io.h"
#include "infer/decode.h"
#include "infer/face_detector.h"
#include "model/weights/model_file.h"

namespace hardface {
namespace {

using ::testing::HasSubstr;

constexpr char kModel[] = "model/zoo/hardface-s.safetensors";

DetectorOptions Quick() {
  DetectorOptions options;
  options.score_threshold = 0.005f;
  options.pyramid = {60, 100};
  options.threads = 1;
  return options;
}

cv::Mat Noise(int width, int height, uint64_t seed = 1) {
  cv::Mat image(height, width, CV_8UC3);
  Random random(seed);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < 3 * width; ++x) image.ptr(y)[x] = static_cast<uchar>(random.Index(256));
  }
  return image;
}

ImageView ViewOf(const cv::Mat& image, PixelFormat format = PixelFormat::kBgr) {
  return {image.data, image.cols, image.rows, format, static_cast<std::ptrdiff_t>(image.step)};
}

void ExpectSame(const std::vector<Face>& a, const std::vector<Face>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(std::vector<float>({a[i].x, a[i].y, a[i].width, a[i].height, a[i].score}),
              std::vector<float>({b[i].x, b[i].y, b[i].width, b[i].height, b[i].score}));
  }
}

TEST(DetectorTest, FindsWhatTheToolFinds) {
  const cv::Mat image = Noise(64, 48);
  const std::string path = ::testing::TempDir() + "/detector_test.png";
  ASSERT_TRUE(data::WritePng(path, image).ok());
  for (const auto& [speed, of_tool] : {std::pair(DetectorSpeed::kAccurate, infer::Speed::kAccurate),
                                       std::pair(DetectorSpeed::kBalanced, infer::Speed::kBalanced),
                                       std::pair(DetectorSpeed::kFast, infer::Speed::kFast)}) {
    DetectorOptions quick = Quick();
    quick.speed = speed;
    const auto detector = Detector::Load(kModel, quick);
    ASSERT_TRUE(detector.ok()) << detector.status();
    const auto faces = detector->Detect(ViewOf(image));
    ASSERT_TRUE(faces.ok()) << faces.status();
    ASSERT_FALSE(faces->empty()) << "nothing is tested";
    // So low a threshold lets boxes through that lie beside the picture; clipped to it, they would be lines.
    for (const Face& face : *faces) EXPECT_GT(std::min(face.width, face.height), 0.01f);
    const model::Model model = *model::LoadModel(kModel);
    infer::DetectOptions options;
    options.score_threshold = model.info.NetworkScore(0.005f);
    options.pyramid = {60, 100};
    options.speed = of_tool;
    std::vector<Face> expected;
    const auto boxes = infer::FaceDetector(model, options).Detect(image);
    for (const auto& [box, score] : *boxes) expected.push_back({box.x, box.y, box.w, box.h, score});
    ExpectSame(*faces, expected);
    ExpectSame(*detector->DetectFile(path), expected);
  }
}

TEST(DetectorTest, EveryFormatAndRowsWithGapsGiveTheSameFaces) {
  const auto detector = Detector::Load(kModel, Quick());
  ASSERT_TRUE(detector.ok()) << detector.status();
  const cv::Mat whole = Noise(80, 60), image = whole(cv::Rect(5, 4, 64, 48));
  const auto expected = detector->Detect(ViewOf(image));
  ASSERT_TRUE(expected.ok());
  ASSERT_FALSE(expected->empty());
  const cv::Mat together = image.clone();
  ImageView view = ViewOf(together);
  view.row_bytes = 0;
  ExpectSame(*detector->Detect(view), *expected);
  cv::Mat converted, grey, bgr;
  cv::cvtColor(image, converted, cv::COLOR_BGR2RGB);
  ExpectSame(*detector->Detect(ViewOf(converted, PixelFormat::kRgb)), *expected);
  cv::cvtColor(image, converted, cv::COLOR_BGR2BGRA);
  ExpectSame(*detector->Detect(ViewOf(converted, PixelFormat::kBgra)), *expected);
  cv::cvtColor(image, converted, cv::COLOR_BGR2RGBA);
  ExpectSame(*detector->Detect(ViewOf(converted, PixelFormat::kRgba)), *expected);
  cv::cvtColor(image, grey, cv::COLOR_BGR2GRAY);
  cv::cvtColor(grey, bgr, cv::COLOR_GRAY2BGR);
  ExpectSame(*detector->Detect(ViewOf(grey, PixelFormat::kGray)), *detector->Detect(ViewOf(bgr)));
}

TEST(DetectorTest, ManyThreadsMayUseOneDetector) {
  const auto detector = Detector::Load(kModel, Quick());
  ASSERT_TRUE(detector.ok());
  constexpr uint64_t kPictures = 4;
  std::vector<cv::Mat> images;
  std::vector<std::vector<Face>> expected;
  for (uint64_t i = 0; i < kPictures; ++i) {
    images.push_back(Noise(40 + 10 * static_cast<int>(i), 40, i));
    expected.push_back(*detector->Detect(ViewOf(images.back())));
  }
  std::vector<std::vector<Face>> found(2 * kPictures);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < found.size(); ++i) {
    threads.emplace_back([&, i] { found[i] = *detector->Detect(ViewOf(images[i % kPictures])); });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < found.size(); ++i) ExpectSame(found[i], expected[i % kPictures]);
}

TEST(DetectorTest, WrongArgumentsAreErrorsThatSayWhatIsWrong) {
  const auto load_error = [](const DetectorOptions& options, const std::string& path = kModel) {
    return std::string(Detector::Load(path, options).status().message());
  };
  DetectorOptions options;
  EXPECT_THAT(load_error(options, "/no/model.safetensors"), HasSubstr("/no/model.safetensors"));
  options.score_threshold = 1.5f;
  EXPECT_THAT(load_error(options), HasSubstr("score_threshold is 1.5"));
  options = {};
  options.pyramid = {100, 0};
  EXPECT_THAT(load_error(options), HasSubstr("pyramid holds 0"));
  options = {};
  options.device = "tpu";
  EXPECT_THAT(load_error(options), HasSubstr("\"tpu\""));

  const auto detector = Detector::Load(kModel, Quick());
  ASSERT_TRUE(detector.ok());
  const cv::Mat image = Noise(8, 8);
  const auto error = [&](const ImageView& view) { return std::string(detector->Detect(view).status().message()); };
  EXPECT_THAT(error({}), HasSubstr("null pointer"));
  ImageView view = ViewOf(image);
  view.width = 0;
  EXPECT_THAT(error(view), HasSubstr("0 x 8 pixels"));
  view = ViewOf(image);
  view.row_bytes = 23;
  EXPECT_THAT(error(view), HasSubstr("row_bytes are 23"));
  view = ViewOf(image);
  view.format = static_cast<PixelFormat>(77);
  EXPECT_THAT(error(view), HasSubstr("format 77"));
  EXPECT_THAT(std::string(detector->DetectFile("/no/picture.jpg").status().message()), HasSubstr("/no/picture.jpg"));
}

}  // namespace
}  // namespace hardface
