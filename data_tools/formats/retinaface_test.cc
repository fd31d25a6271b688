#include "data_tools/formats/retinaface.h"

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

constexpr char kLabels[] =
    "\xef\xbb\xbf# e/a b.jpg\r\n"
    "80 30 40 40 90.5 40 0.0 110 40 1.0 100 50 0.0 92 60 -1 108 60 0.0 0.82\r\n"
    "10 10 20 22 -1.0 -1.0 -1.0 -1.0 -1.0 -1.0 -1.0 -1.0 -1.0 -1.0 -1.0 -1.0 -1.0 -1.0 -1.0 0.3\r\n"
    "\r\n# b.jpg\r\n# e/c.jpg\r\n1 2 3 4\r\n";

TEST(ParseRetinaFaceTest, ReadsBoxesAndLandmarks) {
  const auto images = ParseRetinaFace(kLabels, "label.txt");
  ASSERT_TRUE(images.ok()) << images.status();
  ASSERT_THAT(*images, SizeIs(3));
  const AnnotatedImage& a = (*images)[0];
  EXPECT_THAT(a.candidates, ElementsAre("e/a b.jpg", "images/e/a b.jpg"));
  EXPECT_EQ(a.attributes["event"], "e");
  ASSERT_THAT(a.faces, SizeIs(2));
  EXPECT_THAT((std::vector<double>{a.faces[0].x, a.faces[0].y, a.faces[0].w, a.faces[0].h}),
              ElementsAre(80, 30, 40, 40));
  EXPECT_EQ(a.faces[0].attributes.dump(), R"({"landmarks":[[90.5,40.0],[110.0,40.0],[100.0,50.0],null,[108.0,60.0]],)"
                                          R"("landmarks_occluded":[0,1,0,0,0],"quality":0.82})");
  EXPECT_EQ(a.faces[1].attributes.dump(), R"({"quality":0.3})") << "no landmark is labelled";
  EXPECT_THAT((*images)[1].faces, IsEmpty());
  EXPECT_THAT((*images)[2].faces, SizeIs(1));
  EXPECT_THAT((*images)[2].errors, IsEmpty());
}

TEST(ParseRetinaFaceTest, FaultsAreErrorsOfTheirImage) {
  const auto images = ParseRetinaFace(
      "# a.jpg\n1 2 3\n1 2 3 x\n80 30 40 40 90 40 7 110 40 0 100 50 0 92 60 0 108 60 0 0.8\n# b.jpg\n1 2 3 4\n",
      "l.txt");
  ASSERT_TRUE(images.ok()) << images.status();
  EXPECT_THAT((*images)[0].errors, ElementsAre(AllOf(HasSubstr("l.txt:2"), HasSubstr("3 numbers")),
                                               AllOf(HasSubstr("l.txt:3"), HasSubstr("\"x\" is not a number")),
                                               AllOf(HasSubstr("l.txt:4"), HasSubstr("flag of landmark 1 is 7"))));
  EXPECT_THAT((*images)[1].errors, IsEmpty());
}

TEST(ParseRetinaFaceTest, AnotherFormatIsSaidToBeOne) {
  EXPECT_THAT(std::string(ParseRetinaFace("e/a.jpg\n1\n1 2 3 4\n", "bbx_gt.txt").status().message()),
              AllOf(HasSubstr("bbx_gt.txt:1"), HasSubstr("RetinaFace's label.txt")));
  const std::string path = ::testing::TempDir() + "/empty_label.txt";
  ASSERT_TRUE(WriteFileAtomically(path, "\n").ok());
  EXPECT_THAT(std::string(OpenRetinaFace(path).status().message()), HasSubstr("is empty"));
}

}  // namespace
}  // namespace hardface::data
