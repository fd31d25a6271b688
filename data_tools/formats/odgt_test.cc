#include "data_tools/formats/odgt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hardface::data {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(ParseOdgtTest, HeadsAreFacesOfTheClassHead) {
  const auto images = ParseOdgt(
      R"({"ID":"27,1a0","gtboxes":[{"tag":"person","hbox":[1,2,3,4],"head_attr":{"ignore":0,"occ":1},"extra":{}},)"
      R"({"tag":"person","hbox":[5,6,7,8],"head_attr":{"ignore":1}},)"
      R"({"tag":"person","hbox":[5,6,7,9],"head_attr":{},"extra":{"ignore":1}},)"
      R"({"tag":"mask","fbox":[10,20,30,40],"hbox":[0,0,0,0]}]})"
      "\r\n"
      R"({"ID":"28","gtboxes":[]})",
      "val.odgt");
  ASSERT_TRUE(images.ok()) << images.status();
  ASSERT_THAT(*images, SizeIs(2));
  const AnnotatedImage& image = (*images)[0];
  EXPECT_EQ(image.candidates[0], "27,1a0.jpg");
  EXPECT_THAT(image.candidates, Contains("Images/27,1a0.jpg"));
  ASSERT_THAT(image.faces, SizeIs(4));
  EXPECT_EQ(image.faces[0].class_name, "head");
  EXPECT_EQ(image.faces[0].w, 3);
  EXPECT_EQ(image.faces[3].w, 30) << "the whole area";
  std::vector<bool> ignored;
  for (const AnnotatedFace& face : image.faces) ignored.push_back(face.ignore);
  EXPECT_THAT(ignored, ElementsAre(false, true, true, true));
}

TEST(ParseOdgtTest, FaultsNamePlaceAndValue) {
  EXPECT_THAT(std::string(ParseOdgt("{\"ID\":\"a\",\"gtboxes\":[]}\n{\"ID\":7}", "v.odgt").status().message()),
              AllOf(HasSubstr("v.odgt:2"), HasSubstr("\"ID\"")));
  const auto images =
      ParseOdgt(R"({"ID":"a","gtboxes":[{"tag":"person","hbox":[1,2,3]},{"tag":"dog","hbox":[1,2,3,4]}]})", "v.odgt");
  ASSERT_TRUE(images.ok());
  EXPECT_THAT((*images)[0].errors,
              ElementsAre(AllOf(HasSubstr("v.odgt:1: gtboxes[0]"), HasSubstr("\"hbox\" is [1,2,3]")),
                          AllOf(HasSubstr("gtboxes[1]"), HasSubstr("\"dog\""))));
}

}  // namespace
}  // namespace hardface::data
