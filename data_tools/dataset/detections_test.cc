#include "data_tools/dataset/detections.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/atomic_output.h"

namespace hardface::data {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string ErrorOf(const std::string& line) {
  return std::string(DetectionsFromJson(line, "d.jsonl:3").status().message());
}

TEST(DetectionsJsonTest, LineIsAsSpecified) {
  EXPECT_EQ(DetectionsToJson({"a.jpg", false, {{{1, 2, 3.5f, 4}, 0.75f}}}),
            R"({"image":"a.jpg","boxes":[[1.00,2.00,3.50,4.00,0.75]]})");
  EXPECT_EQ(DetectionsToJson({"a.jpg", true, {}}), R"({"image":"a.jpg","flip":true,"boxes":[]})");
}

TEST(DetectionsJsonTest, ScoresSurviveExactlyAndBoxesToAHundredth) {
  const ImageDetections written{
      "b c.jpg", false, {{{1.234f, -2.345f, 10.006f, 4}, 0.123456789f}, {{0, 0, 1, 1}, 1e-20f}}};
  const auto read = DetectionsFromJson(DetectionsToJson(written), "x");
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->boxes.size(), 2u);
  EXPECT_EQ(read->boxes[0].score, written.boxes[0].score);
  EXPECT_EQ(read->boxes[1].score, written.boxes[1].score);
  EXPECT_NEAR(read->boxes[0].box.x, 1.234f, 0.00501);
  EXPECT_NEAR(read->boxes[0].box.y, -2.345f, 0.00501);
}

TEST(DetectionsJsonTest, ErrorsNamePlaceAndValue) {
  EXPECT_THAT(ErrorOf("[]"), AllOf(HasSubstr("d.jsonl:3"), HasSubstr("expected {\"image\"")));
  EXPECT_THAT(ErrorOf(R"({"image":"a"})"), HasSubstr("expected {\"image\""));
  EXPECT_THAT(ErrorOf(R"({"image":"a","flip":"no","boxes":[]})"), HasSubstr("\"flip\" is \"no\""));
  EXPECT_THAT(ErrorOf(R"({"image":"a","boxes":[[1,2,3,4]]})"), HasSubstr("[1,2,3,4]"));
  EXPECT_THAT(ErrorOf(R"({"image":"a","boxes":[[1,2,-3,4,0.5]]})"), HasSubstr("no negative extent"));
  EXPECT_THAT(ErrorOf(R"({"image":"a","boxes":[[1,2,3,4,"b"]]})"), HasSubstr("finite"));
  EXPECT_THAT(ErrorOf(R"({"image":"a","boxes":[[1,2,3,4,1e60]]})"), HasSubstr("finite"));
}

TEST(ReadDetectionsTest, ReadsFileOrFolderAndRefusesAnImageTwice) {
  const std::string folder = ::testing::TempDir() + "/detections_test";
  const std::string line = DetectionsToJson({"a.jpg", false, {{{1, 2, 3, 4}, 0.5f}}}) + "\n";
  const std::string mirrored = DetectionsToJson({"a.jpg", true, {}}) + "\n";
  ASSERT_TRUE(WriteFileAtomically(folder + "/detections.jsonl", line + "\n" + mirrored).ok());
  const auto read = ReadDetections(folder);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->size(), 2u);
  ASSERT_TRUE(WriteFileAtomically(folder + "/detections.jsonl", line + mirrored + line).ok());
  EXPECT_THAT(std::string(ReadDetections(folder + "/detections.jsonl").status().message()),
              AllOf(HasSubstr("detections.jsonl:3"), HasSubstr("a.jpg stands twice")));
  EXPECT_EQ(ReadDetections(folder + "/none.jsonl").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace hardface::data
