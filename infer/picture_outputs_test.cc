#include "infer/picture_outputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <opencv2/core.hpp>

#include "base/fresh_folder.h"
#include "base/read_file.h"
#include "data_tools/images/image_io.h"
#include "infer/result_journal.h"

namespace hardface::infer {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

const std::vector<data::Detection>& Faces() {
  static const auto* const kFaces =
      new std::vector<data::Detection>{{{10, 10, 20, 20}, 0.9f}, {{40, 5, 10, 10}, 0.6f}, {{50, 30, 8, 8}, 0.2f}};
  return *kFaces;
}

TEST(PictureOutputsTest, CropsAreTheFacesOverTheThresholdWithTheirMargin) {
  const std::string folder = FreshFolder("crops");
  PictureOptions options;
  options.crops = folder + "/crops";
  options.margin = 0.5;
  const cv::Mat image(48, 64, CV_8UC3, cv::Scalar(1, 2, 3));
  ASSERT_TRUE(PictureOutputs(folder, options).Write(3, {"a/b.jpg", "a/b.jpg"}, image, Faces()).ok());
  EXPECT_EQ(data::ReadImage(folder + "/crops/00003_b_face0.png")->size(), cv::Size(40, 40));
  EXPECT_EQ(data::ReadImage(folder + "/crops/00003_b_face1.png")->size(), cv::Size(20, 20));
  EXPECT_FALSE(fs::exists(folder + "/crops/00003_b_face2.png"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), {}), 1) << "nothing else was asked for";
}

TEST(PictureOutputsTest, HiddenFacesKeepThePicturesNamesAndKinds) {
  const std::string folder = FreshFolder("hidden");
  PictureOptions options;
  options.blur = options.pixelate = true;
  options.margin = 0;
  cv::Mat image(48, 64, CV_8UC3, cv::Scalar(100, 100, 100));
  for (int y = 0; y < 48; ++y) {
    for (int x = 0; x < 64; ++x) {
      if ((x + y) % 2 == 0) image.at<cv::Vec3b>(y, x) = {200, 200, 200};
    }
  }
  const PictureOutputs outputs(folder, options);
  for (const char* name : {"a/b.png", "../c.jpg", "d.webp"}) {
    ASSERT_TRUE(outputs.Write(0, {name, name}, image, Faces()).ok());
  }
  for (const std::string kind : {"blurred", "pixelated"}) {
    const auto png = data::ReadImage(folder + "/" + kind + "/a/b.png");
    ASSERT_TRUE(png.ok()) << png.status();
    EXPECT_NEAR(png->at<cv::Vec3b>(20, 20)[0], 150, 8) << "of a chequered face its mean is left";
    EXPECT_NEAR(png->at<cv::Vec3b>(20, 21)[0], 150, 8);
    EXPECT_EQ(png->at<cv::Vec3b>(34, 54), image.at<cv::Vec3b>(34, 54)) << "of the third face, below the threshold, all";
    EXPECT_EQ(*data::ReadImage(folder + "/" + kind + "/d.webp.png")->ptr(0), image.ptr(0)[0]);
    EXPECT_EQ(ReadFile(folder + "/" + kind + "/c.jpg")->substr(0, 2), "\xff\xd8") << "a JPEG stays one";
  }
}

TEST(PictureOutputsTest, TheContactSheetShowsEveryPictureThatDidNotFail) {
  const std::string folder = FreshFolder("sheet");
  PictureOptions options;
  options.contact_sheet = true;
  const PictureOutputs outputs(folder, options);
  const cv::Mat image(48, 64, CV_8UC3, cv::Scalar(1, 2, 3));
  {
    const auto journal = ResultJournal::Open(folder);
    ASSERT_TRUE(journal.ok());
    ASSERT_TRUE(outputs.Write(0, {"<a>.jpg", ""}, image, Faces()).ok());
    ASSERT_TRUE((*journal)->Add({{"<a>.jpg", false, Faces()}, {64, 48}, ""}).ok());
    ASSERT_TRUE((*journal)->Add({{"broken.jpg", false, {}}, {}, "broken"}).ok());
    ASSERT_TRUE(outputs.Write(2, {"c.jpg", ""}, image, {}).ok());
    ASSERT_TRUE((*journal)->Add({{"c.jpg", false, {}}, {64, 48}, ""}).ok());
  }
  ASSERT_TRUE(outputs.Finish().ok());
  const std::string page = *ReadFile(folder + "/contact_sheet.html");
  EXPECT_THAT(page, HasSubstr("&lt;a&gt;.jpg: 2 faces"));
  EXPECT_THAT(page, HasSubstr("c.jpg: 0 faces"));
  EXPECT_THAT(page, HasSubstr("2 of 3 pictures"));
  EXPECT_THAT(page, Not(HasSubstr("broken.jpg")));
  EXPECT_THAT(page, HasSubstr("data:image/jpeg;base64,"));
  EXPECT_FALSE(fs::exists(folder + "/contact_sheet_parts"));
  ASSERT_TRUE(outputs.Finish().ok()) << "a process that was killed behind it";
  EXPECT_EQ(*ReadFile(folder + "/contact_sheet.html"), page);
}

}  // namespace
}  // namespace hardface::infer
