#include "data_tools/dataset/flip_dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <opencv2/core.hpp>
#include <set>

#include "base/atomic_output.h"
#include "base/provenance.h"
#include "base/read_file.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/images/image_io.h"
#include "data_tools/images/mirror_image.h"

namespace hardface::data {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;
namespace fs = std::filesystem;

std::string Temp(const std::string& name) { return ::testing::TempDir() + "/flip_test_" + name; }

std::string MakeDataset(const std::string& name, const std::vector<DatasetEntry>& entries) {
  const auto writer = DatasetWriter::Create(Temp(name), {"../photos"});
  EXPECT_TRUE(writer.ok()) << writer.status();
  for (const DatasetEntry& entry : entries) EXPECT_TRUE((*writer)->Write(entry).ok());
  EXPECT_TRUE((*writer)->Commit(Provenance()).ok());
  return Temp(name);
}

FlipOptions Options(const std::string& input, const std::string& output) {
  FlipOptions options;
  options.input = input;
  options.output = Temp(output);
  return options;
}

DatasetEntry Entry(const std::string& image, int width) {
  DatasetEntry entry;
  entry.image = image;
  entry.width = width;
  entry.height = 50;
  entry.faces.push_back({{10, 20, 30, 25}, true, {{"blur", 1}}});
  return entry;
}

TEST(FlipDatasetTest, EveryEntryIsFollowedByItsMirrorImage) {
  const std::string input = MakeDataset("in", {Entry("a.jpg", 100), Entry("b.jpg", 60)});
  const auto summary = FlipDataset(Options(input, "deep/out"));
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->images, 4);
  EXPECT_EQ(summary->faces, 4);
  const auto dataset = ReadDataset(Temp("deep/out"));
  ASSERT_TRUE(dataset.ok());
  ASSERT_THAT(dataset->entries, SizeIs(4));
  EXPECT_EQ(EntryToJson(dataset->entries[0]), EntryToJson(Entry("a.jpg", 100)));
  const DatasetEntry& mirrored = dataset->entries[3];
  EXPECT_EQ(mirrored.image, "b.jpg");
  EXPECT_TRUE(mirrored.flip);
  EXPECT_EQ(mirrored.faces[0].box, (Rect{20, 20, 30, 25}));  // 60 - 10 - 30
  EXPECT_TRUE(mirrored.faces[0].ignore);
  EXPECT_EQ(dataset->image_paths[3], ReadDataset(input)->image_paths[1]) << "images stay where they are";
}

TEST(FlipDatasetTest, LandmarksAreMirroredWithLeftAndRightSwapped) {
  DatasetEntry entry = Entry("a.jpg", 100);
  entry.faces[0].attributes = {{"landmarks", {{12, 25}, {30, 24}, nullptr, {14, 40.5}, {28, 41}}},
                               {"landmarks_occluded", {1, 0, 0, 0, 1}}};
  const std::string input = MakeDataset("landmarks", {entry});
  ASSERT_TRUE(FlipDataset(Options(input, "landmarks_out")).ok());
  const auto dataset = ReadDataset(Temp("landmarks_out"));
  ASSERT_TRUE(dataset.ok()) << dataset.status();
  EXPECT_EQ(dataset->entries[1].faces[0].attributes.dump(),
            R"({"landmarks":[[70.0,24],[88.0,25],null,[72.0,41],[86.0,40.5]],"landmarks_occluded":[0,1,0,1,0]})");
  DatasetEntry twice = dataset->entries[1];
  ASSERT_TRUE(MirrorEntry(&twice).ok());
  EXPECT_EQ(twice.faces[0].attributes, entry.faces[0].attributes);
}

TEST(FlipDatasetTest, RefusesADatasetThatIsDoubledAlready) {
  DatasetEntry mirrored = Entry("a.jpg", 100);
  mirrored.flip = true;
  const std::string input = MakeDataset("twice", {mirrored});
  EXPECT_THAT(std::string(FlipDataset(Options(input, "twice_out")).status().message()),
              AllOf(HasSubstr("a.jpg"), HasSubstr("mirrored entry already")));
  EXPECT_FALSE(std::filesystem::exists(Temp("twice_out")));
}

TEST(FlipDatasetTest, NeedsWidths) {
  const std::string input = MakeDataset("no_width", {Entry("a.jpg", 0)});
  EXPECT_THAT(std::string(FlipDataset(Options(input, "no_width_out")).status().message()), HasSubstr("width"));
}

TEST(FlipDatasetTest, MaterializeWritesMirroredFiles) {
  cv::Mat image(48, 64, CV_8UC3);
  for (int y = 0; y < 48; ++y) {
    for (int x = 0; x < 64; ++x) image.at<cv::Vec3b>(y, x) = cv::Vec3b(static_cast<uchar>(4 * x), 80, 200);
  }
  fs::create_directories(Temp("photos"));
  ASSERT_TRUE(WriteJpeg(Temp("photos/sub/whole.jpg"), image).ok());
  ASSERT_TRUE(WriteJpeg(Temp("photos/odd.jpg"), image.colRange(0, 61)).ok());
  const auto writer = DatasetWriter::Create(Temp("real"), {"../flip_test_photos"});
  ASSERT_TRUE((*writer)->Write(Entry("sub/whole.jpg", 64)).ok());
  ASSERT_TRUE((*writer)->Write(Entry("odd.jpg", 61)).ok());
  ASSERT_TRUE((*writer)->Commit(Provenance()).ok());
  FlipOptions options = Options(Temp("real"), "real_out");
  options.materialize = true;
  const auto summary = FlipDataset(options);
  ASSERT_TRUE(summary.ok()) << summary.status();
  const auto dataset = ReadDataset(options.output);
  ASSERT_TRUE(dataset.ok()) << dataset.status();
  ASSERT_THAT(dataset->entries, SizeIs(4));
  EXPECT_EQ(dataset->entries[1].image, "flipped/sub/whole.jpg");
  EXPECT_EQ(dataset->entries[3].image, "flipped/odd.jpg.png");
  EXPECT_FALSE(dataset->entries[1].flip);
  EXPECT_EQ(dataset->entries[1].faces[0].box, (Rect{64 - 10 - 30, 20, 30, 25}));
  for (int i : {0, 2}) {
    const auto original = ReadImage(dataset->image_paths[i]), mirrored = ReadImage(dataset->image_paths[i + 1]);
    ASSERT_TRUE(original.ok() && mirrored.ok()) << original.status() << mirrored.status();
    cv::Mat expected;
    cv::flip(*original, expected, 1);
    // The decoder's smoothing between colour samples rounds to one side: a grey level or two, for JPEGs only.
    EXPECT_LE(cv::norm(expected, *mirrored, cv::NORM_INF), i == 0 ? 2 : 0);
  }
}

TEST(FlipDatasetTest, SeveralThreadsWriteTheSameFiles) {
  const auto writer = DatasetWriter::Create(Temp("threads"), {"../flip_test_many"});
  for (int i = 0; i < 24; ++i) {
    const std::string name = std::to_string(i) + (i % 2 == 0 ? ".jpg" : ".png");
    const cv::Mat pixels(16, 20 + i, CV_8UC3, cv::Scalar(10 * i, 80, 200));
    ASSERT_TRUE((i % 2 == 0 ? WriteJpeg(Temp("many/" + name), pixels) : WritePng(Temp("many/" + name), pixels)).ok());
    DatasetEntry entry = Entry(name, 20 + i);
    entry.height = 16;
    ASSERT_TRUE((*writer)->Write(entry).ok());
  }
  ASSERT_TRUE((*writer)->Commit(Provenance()).ok());
  for (const int threads : {1, 4}) {
    FlipOptions options = Options(Temp("threads"), "threads_out" + std::to_string(threads));
    options.materialize = true;
    options.threads = threads;
    ASSERT_TRUE(FlipDataset(options).ok());
  }
  std::vector<std::string> files = {"manifest.jsonl"};
  const auto flipped = ReadDataset(Temp("threads_out1"));
  ASSERT_TRUE(flipped.ok()) << flipped.status();
  for (const DatasetEntry& entry : flipped->entries) {
    if (fs::exists(Temp("threads_out1/" + entry.image))) files.push_back(entry.image);
  }
  EXPECT_THAT(files, SizeIs(49)) << "the manifest, 24 originals and their mirror images";
  for (const std::string& file : files) {
    EXPECT_EQ(*ReadFile(Temp("threads_out1/" + file)), *ReadFile(Temp("threads_out4/" + file))) << file;
  }
}

TEST(FlipDatasetTest, MirroredFilesNeverShareAName) {
  const std::string folder = Temp("names");
  fs::remove_all(folder);
  const auto writer = DatasetWriter::Create(folder + "/data", {"../root"});
  const std::vector<std::string> images = {"a.jpg",       "a.jpg.png", folder + "/root/b.jpg", "b.jpg",
                                           "../up/c.jpg", "up/c.jpg",  "../up/up/c.jpg"};
  int shade = 20;
  for (const std::string& image : images) {
    // An odd width: JPEGs become PNGs.
    const cv::Mat pixels(8, 9, CV_8UC3, cv::Scalar(shade, shade, shade));
    const std::string path = (fs::path(folder + "/root") / image).string();
    if (!fs::exists(path)) {
      ASSERT_TRUE((fs::path(path).extension() == ".png" ? WritePng(path, pixels) : WriteJpeg(path, pixels)).ok());
      shade += 30;
    }
    ASSERT_TRUE((*writer)->Write(Entry(image, 9)).ok());
  }
  ASSERT_TRUE((*writer)->Commit(Provenance()).ok());
  FlipOptions options = Options(folder + "/data", "names/out");
  options.materialize = true;
  const auto summary = FlipDataset(options);
  ASSERT_TRUE(summary.ok()) << summary.status();
  const auto dataset = ReadDataset(options.output);
  std::set<std::string> names;
  for (size_t i = 0; i < images.size(); ++i) {
    EXPECT_TRUE(names.insert(dataset->entries[2 * i + 1].image).second) << images[i];
    const auto original = ReadImage(dataset->image_paths[2 * i]), mirrored = ReadImage(dataset->image_paths[2 * i + 1]);
    ASSERT_TRUE(original.ok() && mirrored.ok()) << original.status() << mirrored.status();
    EXPECT_EQ(cv::norm(*original, *mirrored, cv::NORM_INF), 0) << images[i];
  }
  EXPECT_EQ(dataset->entries[1].image, "flipped/a.jpg.png");
  EXPECT_EQ(dataset->entries[3].image, "flipped/a.jpg~2.png");
}

// Coefficients are only rearranged: twice mirrored is the same picture to the last bit.
TEST(MirrorImageFileTest, TwiceIsNothing) {
  cv::Mat noise(32, 64, CV_8UC3);
  cv::theRNG().state = 3;
  cv::randu(noise, 0, 255);
  ASSERT_TRUE(WriteJpeg(Temp("n.jpg"), noise, 70).ok());
  ASSERT_EQ(*MirrorImageFile(Temp("n.jpg"), Temp("m.jpg")), Temp("m.jpg"));
  ASSERT_EQ(*MirrorImageFile(Temp("m.jpg"), Temp("mm.jpg")), Temp("mm.jpg"));
  EXPECT_EQ(cv::norm(*ReadImage(Temp("n.jpg")), *ReadImage(Temp("mm.jpg")), cv::NORM_INF), 0);
  EXPECT_GT(cv::norm(*ReadImage(Temp("n.jpg")), *ReadImage(Temp("m.jpg")), cv::NORM_INF), 50);
}

TEST(MirrorImageFileTest, TruncatedFilesAreErrors) {
  ASSERT_TRUE(WriteJpeg(Temp("whole.jpg"), cv::Mat(64, 64, CV_8UC3, cv::Scalar(1, 2, 3))).ok());
  const std::string bytes = *ReadFile(Temp("whole.jpg"));
  ASSERT_TRUE(WriteFileAtomically(Temp("cut.jpg"), bytes.substr(0, bytes.size() - 20)).ok());
  EXPECT_THAT(std::string(MirrorImageFile(Temp("cut.jpg"), Temp("x.jpg")).status().message()), HasSubstr("truncated"));
}

}  // namespace
}  // namespace hardface::data
