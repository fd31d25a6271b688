#include "infer/images_to_detect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <opencv2/core.hpp>
#include <thread>

#include "absl/strings/str_cat.h"
#include "base/atomic_output.h"
#include "base/fresh_folder.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/images/image_io.h"

namespace hardface::infer {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;  // NOLINT(build/namespaces): strings with zero bytes
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// A JPEG of 60 x 40, to be turned clockwise by its EXIF data.
std::string Phone() {
  const std::string exif =
      "\xff\xe1\0\x22"s + "Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"s;
  return "\xff\xd8" + exif + data::EncodeJpeg(cv::Mat(40, 60, CV_8UC3, cv::Scalar(1, 2, 3)))->substr(2);
}

class ImagesToDetectTest : public ::testing::Test {
 protected:
  ImagesToDetectTest() : folder_(FreshFolder()) {}

  void Touch(const std::string& name, const std::string& bytes = "x") const {
    ASSERT_TRUE(WriteFileAtomically(folder_ + "/" + name, bytes).ok());
  }
  void Link(const std::string& to, const std::string& name) const { fs::create_symlink(to, folder_ + "/" + name); }

  // Of NAMES in the folder ("" for the folder itself): what is found, from the folder on.
  std::vector<std::string> Find(const std::vector<std::string>& names, size_t given_again = 0) const {
    std::vector<std::string> paths;
    for (const std::string& name : names) paths.push_back(name.empty() ? folder_ : folder_ + "/" + name);
    const auto found = ImagesOfPaths(paths);
    EXPECT_TRUE(found.ok()) << found.status();
    std::vector<std::string> result;
    if (!found.ok()) return result;
    EXPECT_EQ(found->given_again.size(), given_again);
    for (const ImageToDetect& image : found->images) {
      EXPECT_EQ(image.name, image.path);
      result.push_back(image.path.substr(folder_.size() + 1));
    }
    return result;
  }

  const std::string folder_;
};

TEST_F(ImagesToDetectTest, PatternsStandForFilesAndFoldersButNotForWhatIsCalledSo) {
  for (const char* name : {"a1.png", "a2.png", "b1.png", "a[12].png", "aa/x.png"}) Touch(name);
  EXPECT_THAT(Find({"a*"}), ElementsAre("a1.png", "a2.png", "a[12].png", "aa/x.png"));
  EXPECT_THAT(Find({"a[12].png"}), ElementsAre("a[12].png")) << "there is a file of this name";
  EXPECT_THAT(Find({"a[1].png", "b?.png"}), ElementsAre("a1.png", "b1.png"));
  EXPECT_THAT(std::string(ImagesOfPaths({folder_ + "/c*.png"}).status().message()), HasSubstr("c*.png: no such file"));
}

TEST_F(ImagesToDetectTest, AListNamesFilesAndFoldersLiterally) {
  for (const char* name : {"a.png", "sub/b.png", "*.png"}) Touch(name);
  const std::string list =
      absl::StrCat(folder_, "/sub\r\n\n", folder_, "/*.png\n", folder_, "/missing.png\n", folder_, "/sub/b.png\n");
  Touch("list.txt", list);
  const auto found = ImagesOfPaths({"@" + folder_ + "/list.txt"});
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_EQ(found->images.size(), 3u);
  EXPECT_EQ(found->images[0].name, folder_ + "/sub/b.png");
  EXPECT_EQ(found->images[1].name, folder_ + "/*.png");
  EXPECT_EQ(found->images[2].name, folder_ + "/missing.png") << "it fails when it is read, and no run ends by it";
  EXPECT_THAT(found->given_again, ElementsAre(folder_ + "/sub/b.png"));
  EXPECT_THAT(std::string(ImagesOfPaths({"@" + folder_ + "/none.txt"}).status().message()),
              HasSubstr("/none.txt: cannot read"));
}

TEST_F(ImagesToDetectTest, VideosInFoldersArePassedOverButNotWithoutAWord) {
  Touch("sub/b.MP4");
  const absl::Status none = ImagesOfPaths({folder_}).status();
  EXPECT_THAT(std::string(none.message()), AllOf(HasSubstr("no image found"), HasSubstr("sub/b.MP4")));
  Touch("a.jpg");
  const auto found = ImagesOfPaths({folder_});
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->images.size(), 1u);
  EXPECT_THAT(found->videos, ElementsAre(folder_ + "/sub/b.MP4"));
  const auto named = ImagesOfPaths({folder_ + "/sub/*.MP4"});
  ASSERT_TRUE(named.ok()) << named.status();
  EXPECT_EQ(named->images.size(), 1u);
  EXPECT_TRUE(named->videos.empty());
}

TEST_F(ImagesToDetectTest, AVideoOfAnotherNameSaysHowItIsRead) {
  Touch("film",
        "\0\0\0\x18"
        "ftypmp42\0\0\0\0"s);
  const absl::Status error = LoadImage({"film", folder_ + "/film"}).status();
  EXPECT_THAT(std::string(error.message()), HasSubstr("film: is a video, and videos are told by the endings"));
}

// The system would take such a name to end at the zero byte, and of all names the first one only would be read.
TEST_F(ImagesToDetectTest, AListWithZeroBytesIsAnError) {
  Touch("list.txt", "none.jpg\na.jpg\0b.jpg\0"s);
  const absl::Status error = ImagesOfPaths({"@" + folder_ + "/list.txt"}).status();
  EXPECT_EQ(error.code(), absl::StatusCode::kInvalidArgument) << error;
  EXPECT_THAT(std::string(error.message()), AllOf(HasSubstr("list.txt:2: holds a zero byte"), HasSubstr("-print0")));
}

TEST_F(ImagesToDetectTest, FindsPicturesInFoldersSortedAndNamesWhatIsMissing) {
  for (const char* name : {"b/2.JPG", "b/1.png", "a.jpeg", "c.webp", "d.bmp", "e.heic", "notes.txt"}) Touch(name);
  EXPECT_THAT(Find({"", "notes.txt"}),  // what is named itself is tried
              ElementsAre("a.jpeg", "b/1.png", "b/2.JPG", "c.webp", "d.bmp", "e.heic", "notes.txt"));
  EXPECT_THAT(std::string(ImagesOfPaths({"/no/such.jpg"}).status().message()), HasSubstr("/no/such.jpg"));
  fs::create_directories(folder_ + "/empty");
  EXPECT_THAT(std::string(ImagesOfPaths({folder_ + "/empty"}).status().message()), HasSubstr("no image found"));
}

TEST_F(ImagesToDetectTest, WhatIsGivenTwiceIsThereOnce) {
  for (const char* name : {"a.jpg", "b/c.jpg", "d.jpg"}) Touch(name);
  EXPECT_THAT(Find({"a.jpg", "a.jpg"}, 1), ElementsAre("a.jpg"));
  EXPECT_THAT(Find({"a.jpg", "b/../a.jpg"}, 1), ElementsAre("a.jpg"));
  EXPECT_THAT(Find({"d.jpg", ""}, 1), ElementsAre("d.jpg", "a.jpg", "b/c.jpg"));
  EXPECT_THAT(Find({"b", ""}, 1), ElementsAre("b/c.jpg", "a.jpg", "d.jpg"));
  Link("d.jpg", "a_link.jpg");
  EXPECT_THAT(Find({""}, 1), ElementsAre("a.jpg", "b/c.jpg", "d.jpg"))
      << "by its own name, though the link sorts first";
  EXPECT_THAT(Find({"a_link.jpg", "d.jpg"}, 1), ElementsAre("a_link.jpg")) << "the first of those that were given";
}

TEST_F(ImagesToDetectTest, LinkedFoldersAreFollowedAndLoopsEnd) {
  for (const char* name : {"in/a.jpg", "in/b.jpg", "elsewhere/c.jpg"}) Touch(name);
  Link("../elsewhere", "in/linked");
  Link("..", "in/loop");
  EXPECT_THAT(Find({"in"}), ElementsAre("in/a.jpg", "in/b.jpg", "in/linked/c.jpg"));
  Link("in", "whole");
  EXPECT_THAT(Find({"whole"}), ElementsAre("whole/a.jpg", "whole/b.jpg", "whole/linked/c.jpg"));
}

TEST_F(ImagesToDetectTest, ALinkToNothingIsFoundSoThatItsErrorIsSeen) {
  Touch("a.jpg");
  Link("gone.jpg", "b.jpg");
  EXPECT_THAT(Find({""}), ElementsAre("a.jpg", "b.jpg"));
}

TEST_F(ImagesToDetectTest, APipeInAFolderIsAnErrorOfItsOwnAndIsNotWaitedFor) {
  Touch("a.jpg");
  const std::string pipe = folder_ + "/b.jpg";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  for (const std::string& place : {folder_, folder_ + "/*.jpg"}) {
    const auto found = ImagesOfPaths({place});
    ASSERT_EQ(found->images.size(), 2u) << place;
    EXPECT_EQ(std::string(LoadImage(found->images[1]).status().message()), pipe + ": is a pipe, not a file");
  }
  // Named itself, it is read.
  Touch("list.txt", pipe + "\n");
  for (const std::string& place : {pipe, "@" + folder_ + "/list.txt"}) {
    const auto named = ImagesOfPaths({place});
    ASSERT_TRUE(named.ok()) << named.status();
    std::thread writer([&pipe] { std::ofstream(pipe, std::ios::binary) << Phone(); });
    EXPECT_EQ(LoadImage(named->images[0])->size(), cv::Size(40, 60));
    writer.join();
  }
}

TEST_F(ImagesToDetectTest, HiddenFilesAndDetectsOwnOutputsAreNoPhotographs) {
  for (const char* name : {"a.jpg", "._a.jpg", ".cache/b.jpg", "found/drawn/00000_a.png", "set/images/c.jpg"})
    Touch(name);
  Touch("found/provenance.json", R"({"tool":"infer/detect"})");
  Touch("set/provenance.json", R"({"tool":"data_tools/synthesize"})");
  EXPECT_THAT(Find({""}), ElementsAre("a.jpg", "set/images/c.jpg"));
  EXPECT_EQ(ImagesOfPaths({folder_ + "/"})->images.size(), 2u);
  EXPECT_THAT(Find({"found"}), ElementsAre("found/drawn/00000_a.png")) << "named itself";
  Touch("set/provenance.json", "no JSON");
  EXPECT_THAT(Find({"set"}), ElementsAre("set/images/c.jpg"));
}

TEST_F(ImagesToDetectTest, StreamsAndDevicesAreErrorsThatSayWhatToDoAndShowNoPassword) {
  Touch("list.txt", "a.jpg\nrtsp://user:secret@host/door?token=secret\n");
  for (const std::string& given : {"rtsp://user:secret@host/door?token=secret"s, "@" + folder_ + "/list.txt"}) {
    const absl::Status error = ImagesOfPaths({given}).status();
    EXPECT_EQ(error.code(), absl::StatusCode::kInvalidArgument) << error;
    const std::string message(error.message());
    EXPECT_THAT(message, AllOf(HasSubstr("rtsp://..: is an address"), HasSubstr("ffmpeg -i 'rtsp://..' -t 60"),
                               HasSubstr("mkfifo stream.ts; ffmpeg -y -i 'rtsp://..' -f mpegts stream.ts &")));
    EXPECT_THAT(message, AllOf(Not(HasSubstr("secret")), Not(HasSubstr("host"))));
  }
  EXPECT_THAT(std::string(ImagesOfPaths({"/dev/zero"}).status().message()),
              AllOf(HasSubstr("/dev/zero: is a device"), HasSubstr("ffmpeg -f v4l2 -i '/dev/zero'")));
  EXPECT_TRUE(CheckIsNoStream("photos/a://b.jpg").ok()) << "no scheme has a slash";
}

TEST_F(ImagesToDetectTest, PhotographsAreTurnedAndADatasetsImagesAreNot) {
  Touch("phone.jpg", Phone());
  EXPECT_EQ(LoadImage(ImagesOfPaths({folder_})->images[0])->size(), cv::Size(40, 60));
  EXPECT_EQ(LoadImage(ImagesOfPaths({folder_}, data::Pixels::kAsStored)->images[0])->size(), cv::Size(60, 40));
  const auto writer = data::DatasetWriter::Create(folder_ + "/set", {".."});
  ASSERT_TRUE(writer.ok());
  data::DatasetEntry entry;
  entry.image = "phone.jpg";
  entry.width = 60;
  entry.height = 40;
  ASSERT_TRUE((*writer)->Write(entry).ok());
  std::swap(entry.width, entry.height);
  entry.flip = true;
  ASSERT_TRUE((*writer)->Write(entry).ok());
  ASSERT_TRUE((*writer)->Commit({}).ok());
  const auto images = ImagesOfDataset(folder_ + "/set");
  ASSERT_TRUE(images.ok()) << images.status();
  EXPECT_EQ(LoadImage(images->at(0))->size(), cv::Size(60, 40));
  EXPECT_THAT(std::string(LoadImage(images->at(1)).status().message()),
              AllOf(HasSubstr("phone.jpg: is 60 x 40 pixels"), HasSubstr("says 40 x 60")));
}

}  // namespace
}  // namespace hardface::infer
