#include "data_tools/formats/wider.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/atomic_output.h"

namespace hardface::data {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<AnnotatedImage> Read(const std::string& text) {
  const std::string path = ::testing::TempDir() + "/wider_test.txt";
  EXPECT_TRUE(WriteFileAtomically(path, text).ok());
  auto source = OpenWider(path);
  EXPECT_TRUE(source.ok()) << source.status();
  std::vector<AnnotatedImage> images;
  AnnotatedImage image;
  while (true) {
    const auto more = (*source)->Next(&image);
    EXPECT_TRUE(more.ok()) << more.status();
    if (!more.ok() || !*more) return images;
    images.push_back(image);
  }
}

TEST(WiderTest, ReadsAttributesEventAndInvalidFlag) {
  const auto images = Read(
      "0--Parade/0_Parade_1.jpg\n2\n345 211 4 5 2 0 1 0 2 1 \n10 20 -3 0 0 0 0 1 0 0 \n"
      "1--Handshaking/b.jpg\n1\n1 2 3 4 0 0 0 0 0 0\n");
  ASSERT_THAT(images, SizeIs(2));
  EXPECT_TRUE(images[0].errors.empty());
  EXPECT_THAT(images[0].candidates, ElementsAre("0--Parade/0_Parade_1.jpg"));
  EXPECT_EQ(images[0].attributes["event"], "0--Parade");
  ASSERT_THAT(images[0].faces, SizeIs(2));
  const AnnotatedFace& face = images[0].faces[0];
  EXPECT_THAT((std::vector<double>{face.x, face.y, face.w, face.h}), ElementsAre(345, 211, 4, 5));
  EXPECT_EQ(face.attributes.dump(), R"({"blur":2,"expression":0,"illumination":1,"invalid":0,"occlusion":2,"pose":1})");
  EXPECT_FALSE(face.ignore);
  EXPECT_TRUE(images[0].faces[1].ignore) << "invalid";
  EXPECT_EQ(images[0].faces[1].w, -3) << "bad boxes are the import's to judge";
  EXPECT_THAT(images[1].place, HasSubstr(":5"));
}

// Both forms occur in published files.
TEST(WiderTest, TenZerosStandForNoFace) {
  for (const char* count : {"0", "1"}) {
    const auto images =
        Read(std::string("e/a.jpg\n") + count + "\n0 0 0 0 0 0 0 0 0 0 \ne/b.jpg\n1\n5 6 7 8 0 0 0 0 0 0\n");
    ASSERT_THAT(images, SizeIs(2)) << count;
    EXPECT_THAT(images[0].faces, IsEmpty());
    EXPECT_EQ(images[0].placeholder_boxes, 1);
    EXPECT_THAT(images[0].errors, IsEmpty());
    EXPECT_THAT(images[1].faces, SizeIs(1));
  }
}

TEST(WiderTest, CountOfZeroWithoutTheZeros) {
  const auto images = Read("e/a.jpg\n0\ne/b.jpg\n1\n5 6 7 8\n");
  ASSERT_THAT(images, SizeIs(2));
  EXPECT_THAT(images[0].faces, IsEmpty());
  EXPECT_THAT(images[1].faces, SizeIs(1));
}

TEST(WiderTest, LettersInNumbersAreNamedAndTheNextImageIsRead) {
  const auto images = Read("e/a.jpg\r\n2\r\n1 2 x3 4\r\n1 2 3\r\ne/b.jpg\r\n1\r\n5 6 7 8\r\n");
  ASSERT_THAT(images, SizeIs(2));
  EXPECT_THAT(images[0].errors, ElementsAre(AllOf(HasSubstr("wider_test.txt:3"), HasSubstr("\"x3\" is not a number")),
                                            AllOf(HasSubstr(":4"), HasSubstr("3 numbers"))));
  EXPECT_THAT(images[1].errors, IsEmpty());
  EXPECT_THAT(images[1].faces, SizeIs(1));
}

TEST(WiderTest, WrongCountsAreErrorsOfTheirImageOnly) {
  const auto images = Read("e/a.jpg\n3\n1 2 3 4\ne/b.jpg\nmany\n1 2 3 4\ne/c.jpg\n1\n5 6 7 8\ne/d.jpg\n");
  ASSERT_THAT(images, SizeIs(4));
  EXPECT_THAT(images[0].errors, ElementsAre(HasSubstr("e/a.jpg has 1 rows of its 3 faces")));
  EXPECT_THAT(images[1].errors, ElementsAre(AllOf(HasSubstr(":5"), HasSubstr("\"many\""))));
  EXPECT_THAT(images[2].errors, IsEmpty());
  EXPECT_THAT(images[3].errors, ElementsAre(HasSubstr("the file ends")));
}

TEST(WiderTest, MoreRowsThanAnnouncedAreAnErrorOfTheirImage) {
  const auto images = Read(
      "e/a.jpg\n1\n1 2 3 4\n5 6 7 8\n5 6 7 9\ne/b.jpg\n0\n0 0 0 0 0 0 0 0 0 0\n1 2 3 4\ne/c.jpg\n0\n1 2 3 4\n"
      "e/d.jpg\n1\n5 6 7 8\n\n");
  ASSERT_THAT(images, SizeIs(4));
  EXPECT_THAT(images[0].errors, ElementsAre(AllOf(HasSubstr("wider_test.txt:4"),
                                                  HasSubstr("more rows than the 1 announced for e/a.jpg"))));
  EXPECT_THAT(images[1].errors, ElementsAre(HasSubstr("more rows than the 0 announced for e/b.jpg")));
  EXPECT_THAT(images[2].errors, ElementsAre(HasSubstr("more rows than the 0 announced for e/c.jpg")));
  EXPECT_THAT(images[3].errors, IsEmpty());
  EXPECT_THAT(images[3].faces, SizeIs(1));
}

TEST(WiderTest, AnInvalidFlagThatIsNoFlagIsAnError) {
  const auto images = Read("e/a.jpg\n1\n1 2 3 4 0 0 0 7 0 0\n");
  EXPECT_THAT(images[0].errors, ElementsAre(AllOf(HasSubstr("wider_test.txt:3"), HasSubstr("is 7; expected 0 or 1"))));
}

TEST(WiderTest, AByteOrderMarkIsNoPartOfTheName) {
  const auto images = Read(
      "\xef\xbb\xbf"
      "e/a.jpg\n1\n5 6 7 8\n");
  ASSERT_THAT(images, SizeIs(1));
  EXPECT_EQ(images[0].candidates[0], "e/a.jpg");
}

TEST(WiderTest, MissingFile) {
  EXPECT_EQ(OpenWider(::testing::TempDir() + "/none.txt").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(OpenWider(::testing::TempDir()).status().code(), absl::StatusCode::kNotFound) << "a folder";
}

}  // namespace
}  // namespace hardface::data
