#include "data_tools/dataset/relabel_dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/atomic_output.h"
#include "base/provenance.h"
#include "data_tools/dataset/dataset.h"

namespace hardface::data {
namespace {

using ::testing::HasSubstr;

class RelabelTest : public ::testing::Test {
 protected:
  RelabelTest() {
    folder_ = std::string(::testing::TempDir()) + "/relabel_" +
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    options_.input = folder_ + "/in";
    options_.detections = folder_ + "/detections.jsonl";
    options_.output = folder_ + "/out";
  }

  void MakeInput(const std::vector<DatasetEntry>& entries, const std::string& detections) {
    const auto writer = DatasetWriter::Create(options_.input, {"images"});
    ASSERT_TRUE(writer.ok()) << writer.status();
    for (const DatasetEntry& entry : entries) ASSERT_TRUE((*writer)->Write(entry).ok());
    ASSERT_TRUE((*writer)->Commit(Provenance()).ok());
    ASSERT_TRUE(WriteFileAtomically(options_.detections, detections).ok());
  }

  static DatasetEntry Entry(const std::string& image, std::vector<Face> faces) {
    DatasetEntry entry;
    entry.image = image;
    entry.width = entry.height = 400;
    entry.faces = std::move(faces);
    return entry;
  }

  std::string folder_;
  RelabelOptions options_;
};

TEST_F(RelabelTest, FacesTakeTheBoxesOfTheirDetections) {
  // Two whole heads, a face that is not found and one to be ignored.
  MakeInput({Entry("a.jpg", {{{0, 0, 40, 60}, false, {{"class", "mask"}}},
                             {{30, 0, 40, 60}},
                             {{200, 0, 40, 60}},
                             {{300, 0, 40, 60}, true}})},
            "{\"image\":\"a.jpg\",\"boxes\":[[38,18,26,34,0.7],[6,20,28,36,0.9],[302,2,36,56,0.8],[100,100,9,9,0.99],"
            "[201,2,38,56,0.5]]}\n");
  const auto summary = RelabelDataset(options_);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->images, 1);
  EXPECT_EQ(summary->faces, 4);
  EXPECT_EQ(summary->relabelled, 2);
  EXPECT_EQ(summary->unmatched, 1);
  const auto dataset = ReadDataset(options_.output);
  ASSERT_TRUE(dataset.ok()) << dataset.status();
  const std::vector<Face>& faces = dataset->entries[0].faces;
  ASSERT_EQ(faces.size(), 4u);
  EXPECT_EQ(faces[0].box, (Rect{6, 20, 28, 36}));
  EXPECT_EQ(faces[0].attributes["class"], "mask");
  EXPECT_FALSE(faces[0].ignore);
  EXPECT_EQ(faces[1].box, (Rect{38, 18, 26, 34}));
  EXPECT_EQ(faces[2].box, (Rect{200, 0, 40, 60}));  // the score is not above 0.5
  EXPECT_TRUE(faces[2].ignore);
  EXPECT_EQ(faces[3].box, (Rect{300, 0, 40, 60}));  // as it was: nobody vouched for it
  EXPECT_TRUE(faces[3].ignore);
}

TEST_F(RelabelTest, ABetterDetectionTakesItsFaceFirstAndOthersMayBeKept) {
  options_.unmatched = UnmatchedFaces::kKeep;
  MakeInput({Entry("a.jpg", {{{0, 0, 40, 40}}, {{200, 0, 40, 40}}})},
            "{\"image\":\"a.jpg\",\"boxes\":[[0,0,38,38,0.6],[0,0,20,38,0.8]]}\n");
  ASSERT_TRUE(RelabelDataset(options_).ok());
  const auto dataset = ReadDataset(options_.output);
  ASSERT_TRUE(dataset.ok()) << dataset.status();
  EXPECT_EQ(dataset->entries[0].faces[0].box, (Rect{0, 0, 20, 38}));
  EXPECT_EQ(dataset->entries[0].faces[1].box, (Rect{200, 0, 40, 40}));
  EXPECT_FALSE(dataset->entries[0].faces[1].ignore);
}

TEST_F(RelabelTest, AnImageWithoutItsLineIsAnErrorAndLeavesNothing) {
  DatasetEntry mirrored = Entry("a.jpg", {});
  ASSERT_TRUE(MirrorEntry(&mirrored).ok());
  MakeInput({Entry("a.jpg", {}), mirrored}, "{\"image\":\"a.jpg\",\"boxes\":[]}\n");
  const auto summary = RelabelDataset(options_);
  EXPECT_THAT(std::string(summary.status().message()), HasSubstr("detections.jsonl: has no line for a.jpg (flipped)"));
  EXPECT_FALSE(std::filesystem::exists(options_.output));
}

TEST_F(RelabelTest, TheOutputDoesNotReplaceTheInput) {
  MakeInput({Entry("a.jpg", {})}, "{\"image\":\"a.jpg\",\"boxes\":[]}\n");
  options_.output = options_.input;
  EXPECT_FALSE(RelabelDataset(options_).ok());
  EXPECT_TRUE(ReadDataset(options_.input).ok());
}

TEST_F(RelabelTest, TheOutputDoesNotReplaceTheDetections) {
  MakeInput({Entry("a.jpg", {})}, "");
  options_.detections = folder_ + "/found";
  std::filesystem::create_directory(options_.detections);
  ASSERT_TRUE(
      WriteFileAtomically(options_.detections + "/detections.jsonl", "{\"image\":\"a.jpg\",\"boxes\":[]}\n").ok());
  ASSERT_TRUE(WriteFileAtomically(options_.detections + "/provenance.json", "{}\n").ok());
  options_.output = options_.detections;
  EXPECT_THAT(std::string(RelabelDataset(options_).status().message()), HasSubstr("would replace"));
  EXPECT_TRUE(std::filesystem::exists(options_.detections + "/detections.jsonl"));
}

}  // namespace
}  // namespace hardface::data
