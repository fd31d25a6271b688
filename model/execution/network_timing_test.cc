#include "model/execution/network_timing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hardface::model {
namespace {

using ::testing::HasSubstr;

std::vector<std::string> Texts(const std::vector<TimedPass>& passes) {
  std::vector<std::string> texts;
  for (const TimedPass& pass : passes) {
    texts.push_back(std::to_string(pass.width) + "x" + std::to_string(pass.height) + " " + std::to_string(pass.runs));
  }
  return texts;
}

using Sizes = std::vector<std::string>;

// By hand: the base of a 1024 x 768 image is 800 / 768, so level 800 has 1067 x 800 pixels.
TEST(TestPyramidTest, OursAndSshAreLevelsOfOneBase) {
  const Sizes ours = {"133x100 2", "400x300 2", "800x600 2", "1333x1000 2", "1867x1400 2"};
  EXPECT_EQ(Texts(TestPyramid("smallhard", 768, 1024)), ours);
  EXPECT_EQ(Texts(TestPyramid("three_maps", 768, 1024)), ours);
  EXPECT_EQ(Texts(TestPyramid("ssh", 768, 1024)), (Sizes{"667x500 1", "1067x800 1", "1600x1200 1", "2133x1600 1"}));
  // A long image is bounded by its long side: 1200 / 2000.
  EXPECT_EQ(Texts(TestPyramid("ssh", 500, 2000))[1], "1200x300 1");
}

// The largest scale is sqrt((2^31 - 1) / 577 / (1024 * 768)) = 2.1754...
TEST(TestPyramidTest, S3fdScalesTheImage) {
  EXPECT_EQ(Texts(TestPyramid("s3fd", 768, 1024)), (Sizes{"1024x768 2", "512x384 1", "2048x1536 1", "2228x1671 1"}));
  // 4.35 for a fourth of the pixels: 2, 4 and 4.35. Beyond the limit, a large image is only made smaller.
  EXPECT_EQ(Texts(TestPyramid("s3fd", 384, 512)),
            (Sizes{"512x384 2", "256x192 1", "1024x768 1", "2048x1536 1", "2228x1671 1"}));
  EXPECT_EQ(TestPyramid("s3fd", 3000, 4000).size(), 3u);
}

// sqrt(678 * 1024 * 4 / (1024 * 768)) = 1.879; 1.87 - 0.3 = 1.57, less 0.1: 1.47.
TEST(TestPyramidTest, PyramidBoxAddsQuarters) {
  EXPECT_EQ(Texts(TestPyramid("pyramidbox", 768, 1024)),
            (Sizes{"1024x768 2", "512x384 1", "1505x1129 1", "256x192 1", "768x576 1", "1280x960 1"}));
}

TEST(TimeDetectorsTest, EveryDetectorHasARowForEveryCase) {
  TimingOptions options;
  options.width_divisor = 32;
  std::vector<std::string> told;
  const std::vector<TimedDetector> few = {TimedDetectors()[0], TimedDetectors()[3]};
  const auto cases = [](const TimedDetector&) {
    return std::vector<TimedCase>{{"64x64", {{64, 64, 1}}, 3}, {"pyramid", {{64, 96, 2}, {32, 32, 1}}, 1}};
  };
  const auto rows = TimeDetectors(few, cases, options, [&](const std::string& line) { told.push_back(line); });
  ASSERT_TRUE(rows.ok()) << rows.status();
  ASSERT_EQ(rows->size(), 4u);
  EXPECT_EQ(told.size(), 2u * (3 + 1));
  EXPECT_THAT(told, ::testing::Contains(HasSubstr("64x64, round 1 of 3: ssh")));
  for (const TimingRow& row : *rows) {
    EXPECT_EQ(row.seconds.size(), row.label == "pyramid" ? 1u : 3u);
    EXPECT_GT(row.median, 0);
    EXPECT_LE(row.least, row.median);
    EXPECT_GT(row.bytes, 4 * row.parameters);
  }
  EXPECT_EQ((*rows)[0].ratio, 1);
  // 2 * 64 * 96 + 32 * 32 pixels against 64 * 64: ours pads to 16, SSH to 32, and both fit.
  for (const int i : {0, 1}) EXPECT_NEAR((*rows)[i + 2].gflop / (*rows)[i].gflop, 3.25, 1e-3);
}

TEST(TimeDetectorsTest, TheTablesNameTheirRows) {
  TimingRow row{"s3fd", "640x480", {0.5, 0.25}, 0.375, 0.25, 1.5, 12.5, 22459110, 500000000};
  EXPECT_THAT(TimingMarkdown({row}, "a machine"),
              HasSubstr("| s3fd | 640x480 | 0.375 | 0.250 | 1.50 | 12.5 | 22.46 | 500 |\n\na machine"));
  EXPECT_THAT(TimingCsv({row}), HasSubstr("\ns3fd,640x480,2,0.375000,0.250000,1.5000,12.500,22459110,500000000\n"));
}

}  // namespace
}  // namespace hardface::model
