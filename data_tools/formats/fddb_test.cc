#include "data_tools/formats/fddb.h"

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

TEST(ParseFddbListTest, ReadsEllipsesAsBoxes) {
  const auto images = ParseFddbList(
      "2002/08/11/big/img_591\n2\n20 10 0 50 60  1\n10 20.0 1.570796326794897 50 60 1\n"
      "2002/07/19/big/img_130\n0\n",
      "fold.txt");
  ASSERT_THAT(images, SizeIs(2));
  EXPECT_THAT(images[0].candidates,
              ElementsAre("2002/08/11/big/img_591.jpg", "2002/08/11/big/img_591.jpeg", "2002/08/11/big/img_591.png",
                          "2002/08/11/big/img_591.webp", "2002/08/11/big/img_591.bmp", "2002/08/11/big/img_591.jpe",
                          "2002/08/11/big/img_591.jfif"));
  EXPECT_THAT(images[0].errors, IsEmpty());
  ASSERT_THAT(images[0].faces, SizeIs(2));
  for (const AnnotatedFace& face : images[0].faces) {  // a quarter turn swaps the axes
    EXPECT_NEAR(face.x, 30, 1e-6);
    EXPECT_NEAR(face.y, 50, 1e-6);
    EXPECT_NEAR(face.w, 40, 1e-6);
    EXPECT_NEAR(face.h, 20, 1e-6);
  }
  EXPECT_EQ(images[0].faces[0].attributes["ellipse"].size(), 5u);
  EXPECT_THAT(images[1].faces, IsEmpty());
}

TEST(ParseFddbListTest, FaultsAreErrorsOfTheirImageOnly) {
  const auto images = ParseFddbList("a/b\n2\n20 10 x 50 60 1\nc/d\nmany\n1 2 3 4 5 1\ne/f\n1\n1 2 3 4\ng/h\n", "f.txt");
  ASSERT_THAT(images, SizeIs(4));
  EXPECT_THAT(images[0].errors, ElementsAre(AllOf(HasSubstr("f.txt:3"), HasSubstr("\"x\" is not a number")),
                                            HasSubstr("a/b has 1 rows of its 2 faces")));
  EXPECT_THAT(images[1].errors, ElementsAre(HasSubstr("f.txt:5")));
  EXPECT_THAT(images[2].errors, ElementsAre(HasSubstr("4 numbers")));
  EXPECT_THAT(images[3].errors, SizeIs(1));
}

TEST(ParseFddbListTest, AnglesInDegreesAreErrors) {
  const auto images = ParseFddbList("2002/a\n2\n30 20 85.0 100 50 1\n30 20 -1.57 100 50 1\n", "f.txt");
  ASSERT_EQ(images.size(), 1u);
  ASSERT_EQ(images[0].errors.size(), 1u);
  EXPECT_THAT(images[0].errors[0], AllOf(HasSubstr("f.txt:3: the angle 85"), HasSubstr("degrees")));
}

TEST(ParseFddbListTest, RadiiBelowZeroAreErrors) {
  const auto images = ParseFddbList("2002/a\n1\n-30 20 1.5 100 50 1\n", "f.txt");
  ASSERT_EQ(images.size(), 1u);
  EXPECT_THAT(images[0].errors, ElementsAre(HasSubstr("f.txt:3: the radii -30 and 20 must not be below zero")));
}

TEST(ParseFddbListTest, MoreRowsThanAnnouncedAreAnErrorOfTheirImage) {
  const auto images = ParseFddbList("a/b\n1\n1 2 3 4 5 1\n1 2 3 4 6 1\n1 2 3 4 7 1\nc/d\n0\n", "f.txt");
  ASSERT_THAT(images, SizeIs(2));
  EXPECT_THAT(images[0].errors,
              ElementsAre(AllOf(HasSubstr("f.txt:4"), HasSubstr("more rows than the 1 announced for a/b"))));
  EXPECT_THAT(images[1].errors, ::testing::IsEmpty());
}

TEST(OpenFddbTest, ReadsTheFoldsInOrder) {
  const std::string folder = ::testing::TempDir() + "/fddb_test";
  ASSERT_TRUE(WriteFileAtomically(folder + "/FDDB-fold-02-ellipseList.txt", "b/b\n0\n").ok());
  ASSERT_TRUE(WriteFileAtomically(folder + "/FDDB-fold-01-ellipseList.txt", "a/a\n0\n").ok());
  ASSERT_TRUE(WriteFileAtomically(folder + "/FDDB-fold-01.txt", "a/a\n").ok());
  auto source = OpenFddb(folder);
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ((*source)->size(), 2);
  AnnotatedImage image;
  ASSERT_TRUE(*(*source)->Next(&image));
  EXPECT_EQ(image.candidates[0], "a/a.jpg");
  EXPECT_EQ(image.attributes["fold"], "FDDB-fold-01");
  EXPECT_EQ(OpenFddb(::testing::TempDir() + "/none").status().code(), absl::StatusCode::kNotFound);
}

TEST(ParseFddbListTest, AByteOrderMarkIsNoPartOfTheName) {
  EXPECT_EQ(ParseFddbList("\xef\xbb\xbf"
                          "a/b\n0\n",
                          "f.txt")[0]
                .candidates[0],
            "a/b.jpg");
}

}  // namespace
}  // namespace hardface::data
