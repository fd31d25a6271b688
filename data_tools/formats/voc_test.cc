#include "data_tools/formats/voc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/atomic_output.h"

namespace hardface::data {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr char kXml[] = R"(<annotation>
  <filename>photo.jpg</filename>
  <size><width>500</width><height>375</height><depth>3</depth></size>
  <object><name>face</name><difficult>0</difficult>
    <bndbox><xmin>10</xmin><ymin>20</ymin><xmax>50</xmax><ymax>70.5</ymax></bndbox></object>
  <object><name>mask</name><pose>Left</pose><truncated>1</truncated><difficult>1</difficult>
    <bndbox><xmin>1</xmin><ymin>1</ymin><xmax>1</xmax><ymax>1</ymax></bndbox></object>
</annotation>)";

TEST(VocFromXmlTest, ReadsNameSizeClassesAndBoxes) {
  const AnnotatedImage image = VocFromXml(kXml, "sub/a.xml", VocBoxes::kEdges);
  EXPECT_TRUE(image.errors.empty());
  EXPECT_THAT(image.candidates, ElementsAre("sub/photo.jpg", "photo.jpg", "sub/a.jpg", "sub/a.jpeg", "sub/a.png",
                                            "sub/a.webp", "sub/a.bmp", "sub/a.jpe", "sub/a.jfif"));
  EXPECT_EQ(image.declared_width, 500);
  EXPECT_EQ(image.declared_height, 375);
  ASSERT_THAT(image.faces, SizeIs(2));
  const AnnotatedFace& face = image.faces[0];
  EXPECT_EQ(face.class_name, "face");
  EXPECT_EQ(face.place, "sub/a.xml:4");
  EXPECT_FALSE(face.ignore);
  EXPECT_THAT((std::vector<double>{face.x, face.y, face.w, face.h}), ElementsAre(10, 20, 40, 50.5));
  EXPECT_TRUE(image.faces[1].ignore) << "difficult";
  EXPECT_EQ(image.faces[1].w, 0);
  EXPECT_EQ(image.faces[1].attributes.dump(), R"({"pose":"Left","truncated":1})");
}

TEST(VocFromXmlTest, ImagesThatAreGuessedAreToldFromThoseThatAreNamed) {
  EXPECT_EQ(VocFromXml("<annotation/>", "a/b.xml", VocBoxes::kEdges).first_guess, 0u);
  EXPECT_EQ(VocFromXml("<annotation><filename> </filename></annotation>", "b.xml", VocBoxes::kEdges).first_guess, 0u);
  const AnnotatedImage named =
      VocFromXml("<annotation><filename>c.jpg</filename></annotation>", "b.xml", VocBoxes::kEdges);
  EXPECT_EQ(named.first_guess, 1u);
  EXPECT_EQ(named.candidates[0], "c.jpg");
}

TEST(VocFromXmlTest, WhatThereIsOneOfDoesNotStandTwice) {
  const auto error = [](const std::string& inside) {
    const AnnotatedImage image = VocFromXml("<annotation>" + inside + "</annotation>", "b.xml", VocBoxes::kEdges);
    return image.errors.empty() ? "" : image.errors[0];
  };
  const std::string box = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>3</xmax><ymax>4</ymax></bndbox>";
  EXPECT_EQ(error("<object>" + box + "</object><object>" + box + "</object>"), "");
  EXPECT_THAT(error("<object>" + box + box + "</object>"), HasSubstr("b.xml:1: <bndbox> stands twice"));
  EXPECT_THAT(error("<filename>a</filename><filename>b</filename>"), HasSubstr("b.xml: <filename> stands twice"));
  EXPECT_THAT(error("<object><bndbox><xmin>7</xmin>" + box.substr(8) + "</object>"),
              HasSubstr("b.xml:1: <xmin> stands twice in one <bndbox>"));
  EXPECT_THAT(error("<size><width>7</width><width>9</width></size>"), HasSubstr("b.xml: <width> stands twice"));
}

TEST(VocFromXmlTest, PixelBoxesCountFromOneAndIncludeTheLast) {
  const AnnotatedImage image = VocFromXml(kXml, "a.xml", VocBoxes::kPixels);
  const AnnotatedFace& one_pixel = image.faces[1];
  EXPECT_THAT((std::vector<double>{one_pixel.x, one_pixel.y, one_pixel.w, one_pixel.h}), ElementsAre(0, 0, 1, 1));
}

TEST(VocFromXmlTest, ErrorsNameFileLineAndValue) {
  std::string xml = kXml;
  xml.replace(xml.find("70.5"), 4, "7O");
  EXPECT_THAT(VocFromXml(xml, "a.xml", VocBoxes::kEdges).errors,
              ElementsAre("a.xml:4: <ymax> is \"7O\"; expected a number"));
  EXPECT_THAT(VocFromXml("<annotation><object/></annotation>", "a.xml", VocBoxes::kEdges).errors,
              ElementsAre(HasSubstr("without <bndbox><xmin>")));
  EXPECT_THAT(VocFromXml("<annotation><obj", "a.xml", VocBoxes::kEdges).errors,
              ElementsAre(AllOf(HasSubstr("a.xml"), HasSubstr("Pascal VOC"))));
  EXPECT_THAT(VocFromXml("<html/>", "a.xml", VocBoxes::kEdges).errors, ElementsAre(HasSubstr("no <annotation>")));
  EXPECT_THAT(VocFromXml(std::string(kXml) + kXml, "a.xml", VocBoxes::kEdges).errors,
              ElementsAre(HasSubstr("more than one document")));
}

std::string WithDifficult(const std::string& value) {
  std::string xml = kXml;
  const std::string before = "<difficult>0</difficult>";
  return xml.replace(xml.find(before), before.size(), "<difficult>" + value + "</difficult>");
}

TEST(VocFromXmlTest, DifficultIsATruthValueInTheWordsOfAllPrograms) {
  for (const char* word : {"1", " 1 ", "True", "true", "yes", "1.0"}) {
    EXPECT_TRUE(VocFromXml(WithDifficult(word), "a.xml", VocBoxes::kEdges).faces[0].ignore) << word;
  }
  for (const char* word : {"0", "False", "no", "", "Unspecified"}) {
    const AnnotatedImage image = VocFromXml(WithDifficult(word), "a.xml", VocBoxes::kEdges);
    EXPECT_TRUE(image.errors.empty()) << word;
    EXPECT_FALSE(image.faces[0].ignore) << word;
  }
  EXPECT_THAT(VocFromXml(WithDifficult("maybe"), "a.xml", VocBoxes::kEdges).errors,
              ElementsAre(AllOf(HasSubstr("a.xml:4"), HasSubstr("<difficult> is \"maybe\""))));
}

std::string Declared(const std::string& encoding, const std::string& filename) {
  return "<?xml version=\"1.0\" encoding=\"" + encoding + "\"?>\n<annotation><filename>" + filename +
         "</filename></annotation>";
}

TEST(VocFromXmlTest, DeclaredEncodingsAreConverted) {
  const auto name = [](const std::string& xml) {
    const AnnotatedImage image = VocFromXml(xml, "a.xml", VocBoxes::kEdges);
    return image.errors.empty() ? image.candidates[0] : image.errors[0];
  };
  EXPECT_EQ(name(Declared("GBK", "\xc1\xb3.jpg")), "脸.jpg");
  EXPECT_EQ(name(Declared("Shift_JIS", "\x8a\xe7.jpg")), "顔.jpg");
  EXPECT_EQ(name(Declared("ISO-8859-1",
                          "Gesch\xe4"
                          "ft.jpg")),
            "Geschäft.jpg");
  EXPECT_EQ(name(Declared("windows-1252", "5\x80.jpg")), "5€.jpg");
  EXPECT_EQ(name(Declared("UTF-8", "脸.jpg")), "脸.jpg");
  EXPECT_EQ(name(Declared("utf-16", "脸.jpg")), "脸.jpg") << "a declaration that its own letters belie";
  EXPECT_EQ(name("\xef\xbb\xbf" + Declared("GBK", "脸.jpg")), "脸.jpg") << "the mark counts";
}

TEST(VocFromXmlTest, EncodingsThatAreNotSoOrNotKnownAreErrors) {
  const auto errors = [](const std::string& xml) { return VocFromXml(xml, "a.xml", VocBoxes::kEdges).errors; };
  EXPECT_THAT(errors(Declared("GBK", "\xff\xff.jpg")), ElementsAre(HasSubstr("none of its characters")));
  EXPECT_THAT(errors(Declared("klingon", "a.jpg")),
              ElementsAre(AllOf(HasSubstr("a.xml"), HasSubstr("klingon"), HasSubstr("does not know"))));
  EXPECT_THAT(errors(Declared("UTF-8", "\xc1\xb3.jpg")), ElementsAre(HasSubstr("is not UTF-8")));
}

TEST(OpenVocTest, HiddenFilesAreNoAnnotations) {
  const std::string folder = ::testing::TempDir() + "/voc_hidden";
  ASSERT_TRUE(WriteFileAtomically(folder + "/a.xml", kXml).ok());
  ASSERT_TRUE(WriteFileAtomically(folder + "/._a.xml", "Mac OS X").ok());
  EXPECT_EQ((*OpenVoc(folder, VocBoxes::kEdges))->size(), 1);
}

TEST(OpenVocTest, ReadsAFolderInOrderOrOneFile) {
  const std::string folder = ::testing::TempDir() + "/voc_test";
  ASSERT_TRUE(WriteFileAtomically(folder + "/b.xml", kXml).ok());
  ASSERT_TRUE(WriteFileAtomically(folder + "/a.xml", "<annotation/>").ok());
  auto source = OpenVoc(folder, VocBoxes::kEdges);
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ((*source)->size(), 2);
  AnnotatedImage image;
  ASSERT_TRUE(*(*source)->Next(&image));
  EXPECT_EQ(image.candidates[0], "a.jpg") << "no <filename>: named like the XML";
  ASSERT_TRUE(*(*source)->Next(&image));
  EXPECT_EQ(image.candidates[0], "photo.jpg");
  EXPECT_FALSE(*(*source)->Next(&image));
  EXPECT_EQ((*OpenVoc(folder + "/b.xml", VocBoxes::kEdges))->size(), 1);
  EXPECT_THAT(std::string(OpenVoc(::testing::TempDir() + "/no_voc", VocBoxes::kEdges).status().message()),
              HasSubstr("no_voc"));
}

TEST(OpenVocTest, FindsTheImagesOfAStandardDataSet) {
  const std::string root = ::testing::TempDir() + "/voc_standard";
  const std::string year = root + "/VOC2007";
  ASSERT_TRUE(WriteFileAtomically(year + "/Annotations/a.xml", kXml).ok());
  ASSERT_TRUE(WriteFileAtomically(year + "/JPEGImages/photo.jpg", "x").ok());
  EXPECT_EQ(VocImages(year + "/Annotations"), year + "/JPEGImages");
  EXPECT_EQ(VocImages(year + "/Annotations/"), year + "/JPEGImages");
  EXPECT_EQ(VocImages(year + "/Annotations/a.xml"), year + "/JPEGImages");
  EXPECT_EQ(VocImages(root), root);
  EXPECT_EQ(VocImages("a.xml"), ".");
  for (const std::string& input : {root, year}) {
    auto source = OpenVoc(input, VocBoxes::kEdges);
    AnnotatedImage image;
    ASSERT_TRUE(*(*source)->Next(&image));
    const std::string under_root = (input == root ? "VOC2007/" : "") + std::string("JPEGImages/photo.jpg");
    EXPECT_THAT(image.candidates, ::testing::Contains(under_root));
  }
}

}  // namespace
}  // namespace hardface::data
