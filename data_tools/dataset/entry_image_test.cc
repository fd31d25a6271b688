#include "data_tools/dataset/entry_image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <opencv2/core.hpp>

#include "data_tools/images/image_io.h"

namespace hardface::data {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class ReadEntryImageTest : public ::testing::Test {
 protected:
  ReadEntryImageTest() : path_(::testing::TempDir() + "/entry_image_test.png") {
    EXPECT_TRUE(WritePng(path_, cv::Mat(30, 40, CV_8UC3, cv::Scalar(1, 2, 3))).ok());
  }

  absl::StatusOr<cv::Mat> Read(int width, int height) const {
    DatasetEntry entry;
    entry.image = "a.png";
    entry.width = width;
    entry.height = height;
    return ReadEntryImage(entry, path_);
  }

  std::string ErrorOf(int width, int height) const { return std::string(Read(width, height).status().message()); }

  const std::string path_;
};

TEST_F(ReadEntryImageTest, TheSizeOfTheManifestAndAnUnknownOneAreRight) {
  EXPECT_TRUE(Read(40, 30).ok());
  EXPECT_TRUE(Read(0, 0).ok());
}

TEST_F(ReadEntryImageTest, AnotherSizeIsAnErrorThatNamesFileAndBothSizes) {
  EXPECT_THAT(ErrorOf(80, 60),
              AllOf(HasSubstr("entry_image_test.png: is 40 x 30 pixels, its manifest entry says 80 x 60"),
                    HasSubstr("another version")));
  EXPECT_THAT(ErrorOf(40, 31), HasSubstr("40 x 31"));
  EXPECT_THAT(ErrorOf(30, 40), HasSubstr("import --exif=turn"));
}

}  // namespace
}  // namespace hardface::data
