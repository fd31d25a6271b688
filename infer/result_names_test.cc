#include "infer/result_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hardface::infer {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::vector<ImageToDetect> Named(const std::vector<std::string>& names) {
  std::vector<ImageToDetect> images;
  for (const std::string& name : names) images.push_back({name, name});
  return images;
}

std::string ErrorOf(const std::vector<std::string>& names, const std::string& format) {
  return std::string(CheckResultNames(Named(names), {format}).message());
}

TEST(CheckResultNamesTest, DifferentNamesAreRightInEveryForm) {
  const auto images = Named({"a/1.jpg", "a/2.jpg", "b/3.png", "Fête/été.jpg", "no_extension", "dots.in.name.webp"});
  EXPECT_TRUE(CheckResultNames(images, {"jsonl", "wider", "fddb", "face_eval"}).ok())
      << CheckResultNames(images, {"jsonl", "wider", "fddb", "face_eval"});
}

TEST(CheckResultNamesTest, ImagesThatAFormCannotTellApartAreNamedWithTheForm) {
  EXPECT_EQ(ErrorOf({"a/1.jpg", "b/1.jpg"}, "fddb"), "");
  EXPECT_EQ(ErrorOf({"a/1.jpg", "b/1.jpg"}, "wider"), "");
  EXPECT_THAT(ErrorOf({"a/1.jpg", "b/1.jpg"}, "face_eval"),
              AllOf(HasSubstr("--format=face_eval: \"b/1.jpg\" and \"a/1.jpg\" would both be called \"1\""),
                    HasSubstr("--format=jsonl")));
  EXPECT_EQ(ErrorOf({"a.jpg", "a.png"}, "jsonl"), "");
  EXPECT_THAT(ErrorOf({"a.jpg", "a.png"}, "fddb"), HasSubstr("both be called \"a\""));
  EXPECT_THAT(ErrorOf({"a.jpg", "a.png"}, "wider"), HasSubstr("both be called \"a\""));
  EXPECT_THAT(ErrorOf({"x/a.jpg", "../x/a.jpg"}, "wider"), HasSubstr("both be called \"x/a\""));
  EXPECT_THAT(ErrorOf({"/x/a.jpg", "x/a.jpg"}, "wider"), HasSubstr("both be called \"x/a\""));
  EXPECT_THAT(ErrorOf({"a.jpg", "a.jpg"}, "jsonl"), AllOf(HasSubstr("both be called"), HasSubstr("doctor")));
}

TEST(CheckResultNamesTest, AMirroredEntryIsAnotherOneInJsonlAndNotThereElsewhere) {
  std::vector<ImageToDetect> images = Named({"a.jpg", "a.jpg"});
  images[1].flip = true;
  EXPECT_TRUE(CheckResultNames(images, {"jsonl", "wider", "fddb", "face_eval"}).ok());
  images.push_back(images[1]);
  EXPECT_FALSE(CheckResultNames(images, {"jsonl"}).ok());
}

TEST(CheckResultNamesTest, NamesThatAFormCannotHoldAreErrorsBeforeAnyWork) {
  EXPECT_THAT(ErrorOf({"caf\xe9.jpg"}, "jsonl"),
              AllOf(HasSubstr("\"caf\\xe9.jpg\" is not UTF-8"), HasSubstr("rename")));
  EXPECT_EQ(ErrorOf({"caf\xe9.jpg"}, "wider"), "");
  EXPECT_THAT(ErrorOf({"two words.jpg"}, "face_eval"), HasSubstr("has a space"));
  EXPECT_EQ(ErrorOf({"two words.jpg"}, "fddb"), "");
  EXPECT_THAT(ErrorOf({"two\nlines.jpg"}, "fddb"), HasSubstr("\"two\\nlines.jpg\" has a line end"));
  EXPECT_THAT(ErrorOf({"a/ b.jpg"}, "wider"), HasSubstr("a space at one end"));
  EXPECT_EQ(ErrorOf({std::string(251, 'x') + ".jpg"}, "wider"), "");
  EXPECT_THAT(ErrorOf({std::string(252, 'x')}, "wider"), HasSubstr("longer than a file's may be"));
  EXPECT_THAT(ErrorOf({".."}, "wider"), HasSubstr("leaves nothing"));
}

TEST(CheckResultNamesTest, EveryFormIsChecked) {
  EXPECT_THAT(ErrorOf({"caf\xe9.jpg"}, "csv"), HasSubstr("--format=csv: \"caf\\xe9.jpg\" is not UTF-8"));
  EXPECT_THAT(ErrorOf({"caf\xe9.jpg"}, "coco"), HasSubstr("not UTF-8"));
  EXPECT_THAT(ErrorOf({"a.jpg", "a.png"}, "yolo"), HasSubstr("both be called \"a.txt\""));
  EXPECT_EQ(ErrorOf({"a.jpg", "a.png", "a.webp"}, kCopies), "");
  EXPECT_THAT(ErrorOf({"a.webp", "a.webp.png"}, kCopies),
              HasSubstr("--blur and --pixelate: \"a.webp.png\" and \"a.webp\" would both be called"));
  EXPECT_THAT(ErrorOf({"x/a.jpg", "/x/a.jpg"}, kCopies), HasSubstr("both be called \"x/a.jpg\""));
}

TEST(ResultNamesTest, NamesInTreesAreTheImagesOwn) {
  EXPECT_EQ(YoloName("set/images/a.b.jpg"), "set/labels/a.b.txt");
  EXPECT_EQ(YoloName("../a.jpg"), "a.txt");
  EXPECT_EQ(CopyName("../x/a.JPG"), "x/a.JPG");
  EXPECT_EQ(CopyName("a.bmp"), "a.bmp.png");
  EXPECT_EQ(CropName(7, {"a/b.jpg", "", true}, 2), "00007_b_flip_face2.png");
}

TEST(FrameNameTest, IsReadBack) {
  EXPECT_EQ(FrameName("a/clip.mp4", 42), "a/clip.mp4/00000042");
  int64_t number = 0;
  EXPECT_EQ(VideoOfFrame("a/clip.mp4/123456789", &number), "a/clip.mp4");
  EXPECT_EQ(number, 123456789);
  for (const char* other : {"a/00000042", "clip.mp4/42", "clip.mp4/0000004x", "clip.mp4/00000042.jpg", "clip.mp4"}) {
    EXPECT_EQ(VideoOfFrame(other, &number), "") << other;
  }
}

TEST(DrawnNameTest, NumbersKeepNamesApartAndLongOnesAreCut) {
  EXPECT_EQ(DrawnName(7, {"a/b.jpg", "", false}), "00007_b.png");
  EXPECT_EQ(DrawnName(123456, {"b.jpg", "", true}), "123456_b_flip.png");
  const std::string cut = DrawnName(0, {std::string(250, 'x') + ".jpg", "", true});
  EXPECT_EQ(cut, "00000_" + std::string(240, 'x') + "_flip.png");
  // 2 bytes a letter: 245 bytes would end in half of one.
  std::string umlauts;
  for (int i = 0; i < 125; ++i) umlauts += "\xc3\xa4";
  EXPECT_EQ(DrawnName(0, {umlauts, "", false}), "00000_" + umlauts.substr(0, 244) + ".png");
}

TEST(VideoNamesTest, CopiesOfVideosAreOfKindsThatAreWritten) {
  EXPECT_EQ(CopyName("a/b.MP4"), "a/b.MP4");
  EXPECT_EQ(CopyName("../b.mov"), "b.mov");
  EXPECT_EQ(CopyName("a/b.avi"), "a/b.avi.mkv");
  EXPECT_EQ(CopyName(FrameName("b.mp4", 3)), "b.mp4/00000003.png") << "a frame is a picture";
  EXPECT_EQ(DrawnVideoName(7, {"a/b.mkv", ""}), "00007_b.mkv");
  EXPECT_EQ(DrawnVideoName(7, {"a/b.webm", ""}), "00007_b.mkv");
  EXPECT_THAT(ErrorOf({"/x/a.mp4", "x/a.mp4"}, kCopies), HasSubstr("both be called \"x/a.mp4\""));
}

}  // namespace
}  // namespace hardface::infer
