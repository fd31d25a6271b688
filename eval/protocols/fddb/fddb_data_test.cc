#include "eval/protocols/fddb/fddb_data.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <opencv2/core.hpp>

#include "base/atomic_output.h"
#include "data_tools/images/image_io.h"

namespace hardface::eval {
namespace {

constexpr char kAnnotations[] =
    "2002/01/01/big/img_1\n1\n30.5 20.25 1.2 50 60  1\n2002/01/01/big/img_2\n2\n30 20 0 50 60 1\n1 2 3 4 1\n";

std::string Write(const std::string& name, const std::string& text) {
  const std::string path = testing::TempDir() + "/" + name;
  EXPECT_TRUE(WriteFileAtomically(path, text).ok());
  return path;
}

TEST(FddbData, TellsEllipsesAndRectanglesApart) {
  const auto images = ParseFddbText(kAnnotations, "list.txt");
  ASSERT_TRUE(images.ok()) << images.status();
  ASSERT_EQ(images->size(), 2u);
  EXPECT_TRUE((*images)[0].regions[0].is_ellipse);
  EXPECT_EQ((*images)[0].regions[0].minor, 20.25);
  EXPECT_FALSE((*images)[1].regions[1].is_ellipse);
  EXPECT_EQ((*images)[1].regions[1].h, 4);
}

TEST(FddbData, ErrorsNameTheLine) {
  const std::pair<const char*, const char*> cases[] = {
      {"img\n", "list.txt:2"},
      {"img\n-1\n", "list.txt:2"},
      {"img\n1 2\n1 2 3 4 1\n", "list.txt:2"},
      {"img\n1\n1 2 3 nan 1\n", "list.txt:3"},
      {"img\n1\n1 2 3 1\n", "list.txt:3"},
      {"img\n1\n1e9 2 3 4 1\n", "list.txt:3"},
      {"img\n2\n1 2 3 4 1\n", "list.txt:4"},
      {"img\n1\n1 2 3 4 5 6 7\n", "list.txt:3"},
      {"img\n1\n-5 2 1 4 5 1\n", "list.txt:3"},
  };
  for (const auto& [text, place] : cases) {
    const auto images = ParseFddbText(text, "list.txt");
    ASSERT_FALSE(images.ok()) << text;
    EXPECT_NE(images.status().message().find(place), std::string::npos) << images.status();
  }
  EXPECT_FALSE(ParseFddbText("", "list.txt").ok());
  const auto twice = ParseFddbText("img\n0\nimg\n0\n", "list.txt");
  ASSERT_FALSE(twice.ok());
  EXPECT_NE(twice.status().message().find("list.txt:3"), std::string::npos) << twice.status();
}

TEST(FddbData, ReadsFoldsInOrder) {
  const std::string folder = testing::TempDir() + "/folds";
  EXPECT_TRUE(WriteFileAtomically(folder + "/FDDB-fold-02-ellipseList.txt", "b\n1\n9 8 0 50 60 1\n").ok());
  EXPECT_TRUE(WriteFileAtomically(folder + "/._FDDB-fold-01-ellipseList.txt", "of macOS").ok());
  EXPECT_TRUE(WriteFileAtomically(folder + "/FDDB-fold-01-ellipseList.txt", "a\n1\n9 8 0 50 60 1\n").ok());
  EXPECT_TRUE(WriteFileAtomically(folder + "/FDDB-fold-01.txt", "a\n").ok());
  const auto annotations = ReadFddbAnnotations(folder);
  ASSERT_TRUE(annotations.ok()) << annotations.status();
  ASSERT_EQ(annotations->images.size(), 2u);
  EXPECT_EQ(annotations->images[0].name, "a");
}

TEST(FddbData, JoinsDetectionsAndReportsWhatIsLeft) {
  const auto annotations = ReadFddbAnnotations(Write("list.txt", kAnnotations));
  ASSERT_TRUE(annotations.ok()) << annotations.status();
  LayoutReport layout;
  const auto found = ReadFddbDetections(Write("found.txt", "elsewhere\n0\n2002/01/01/big/img_2\n1\n1 2 3 4 0.5\n"),
                                        *annotations, &layout);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_TRUE((*found)[0].regions.empty());
  ASSERT_EQ((*found)[1].regions.size(), 1u);
  EXPECT_EQ(layout.count("images that the annotations lack"), 1);
  EXPECT_NE(layout.Text().find("found.txt:1 (elsewhere)"), std::string::npos) << layout.Text();
  EXPECT_EQ(layout.count("images without detections"), 1);
  EXPECT_FALSE(ReadFddbDetections(Write("none.txt", "elsewhere\n0\n"), *annotations, &layout).ok());
}

TEST(FddbData, JsonlImagesMayHaveFolderAndExtension) {
  const auto annotations = ReadFddbAnnotations(Write("list.txt", kAnnotations));
  LayoutReport layout;
  const auto found = ReadFddbDetections(
      Write("found.jsonl", "{\"image\":\"images/2002/01/01/big/img_1.jpg\",\"boxes\":[[1,2,3,4,0.5]]}\n"), *annotations,
      &layout);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ((*found)[0].regions.size(), 1u);
}

TEST(FddbData, TakesSizesFromImagesAndDatasets) {
  const auto annotations = ReadFddbAnnotations(Write("list.txt", kAnnotations));
  ASSERT_TRUE(annotations.ok()) << annotations.status();
  const std::string folder = testing::TempDir() + "/pictures";
  EXPECT_FALSE(ReadFddbSizesOfImages(folder, *annotations, 1).ok());
  std::filesystem::create_directories(folder + "/2002/01/01/big");
  ASSERT_TRUE(
      data::WriteJpeg(folder + "/2002/01/01/big/img_1.jpg", cv::Mat(40, 50, CV_8UC3, cv::Scalar(0, 0, 0))).ok());
  ASSERT_TRUE(data::WritePng(folder + "/2002/01/01/big/img_2.png", cv::Mat(30, 20, CV_8UC3, cv::Scalar(0, 0, 0))).ok());
  const auto sizes = ReadFddbSizesOfImages(folder, *annotations, 2);
  ASSERT_TRUE(sizes.ok()) << sizes.status();
  EXPECT_EQ(sizes->at("2002/01/01/big/img_1").width, 50);
  EXPECT_EQ(sizes->at("2002/01/01/big/img_2").height, 30);
  Write("set/manifest.jsonl",
        "{\"format\":\"hardface.dataset\",\"version\":1}\n"
        "{\"image\":\"originalPics/2002/01/01/big/img_1.jpg\",\"width\":50,\"height\":40,\"faces\":[]}\n");
  const auto from_dataset = ReadFddbSizesOfDataset(testing::TempDir() + "/set");
  ASSERT_TRUE(from_dataset.ok()) << from_dataset.status();
  EXPECT_EQ(from_dataset->at("2002/01/01/big/img_1").height, 40);
}

TEST(FddbData, PathsThatCannotBeLookedAtAreErrors) {
  const auto annotations = ReadFddbAnnotations(Write("list.txt", kAnnotations));
  ASSERT_TRUE(annotations.ok()) << annotations.status();
  const std::string path = testing::TempDir() + "/" + std::string(300, 'x');
  LayoutReport layout;
  EXPECT_FALSE(ReadFddbAnnotations(path).ok());
  EXPECT_FALSE(ReadFddbDetections(path, *annotations, &layout).ok());
  FddbAnnotations long_name;
  long_name.images = {{std::string(300, 'y'), {}}};
  EXPECT_FALSE(ReadFddbSizesOfImages(testing::TempDir(), long_name, 1).ok());
}

TEST(FddbData, ReadsSizes) {
  const auto sizes = ReadFddbSizesCsv(Write("sizes.csv", "# name,width,height\n2002/01/01/big/img_1,450,431,1\n"));
  ASSERT_TRUE(sizes.ok()) << sizes.status();
  EXPECT_EQ(sizes->at("2002/01/01/big/img_1").height, 431);
  EXPECT_FALSE(ReadFddbSizesCsv(Write("bad.csv", "img,450\n")).ok());
  EXPECT_FALSE(ReadFddbSizesCsv(Write("bad.csv", "img,450,-3\n")).ok());
}

}  // namespace
}  // namespace hardface::eval
