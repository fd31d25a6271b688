#include "data_tools/formats/yolo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "base/atomic_output.h"

namespace hardface::data {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// All images of a data set that opens.
std::vector<AnnotatedImage> Read(absl::StatusOr<YoloDataSet> data_set) {
  EXPECT_TRUE(data_set.ok()) << data_set.status();
  std::vector<AnnotatedImage> images;
  AnnotatedImage image;
  while (data_set.ok() && *data_set->source->Next(&image)) images.push_back(image);
  return images;
}

std::string ErrorOf(const YoloOptions& options) { return std::string(OpenYolo(options).status().message()); }

// A folder of its own for each test.
std::string Make(const std::map<std::string, std::string>& files) {
  const std::string root =
      ::testing::TempDir() + "/yolo_" + ::testing::UnitTest::GetInstance()->current_test_info()->name();
  const std::string plain = std::filesystem::path(root).lexically_normal().string();
  std::filesystem::remove_all(root);
  for (const auto& [name, text] : files) EXPECT_TRUE(WriteFileAtomically(root + "/" + name, text).ok());
  return plain;
}

constexpr char kBox[] = "0 0.5 0.5 0.2 0.4\n";

TEST(OpenYoloTest, FindsLabelsBesideTheFolderImages) {
  const std::string root = ::testing::TempDir() + "/yolo_test";
  ASSERT_TRUE(WriteFileAtomically(root + "/train/images/b.png", "x").ok());
  ASSERT_TRUE(WriteFileAtomically(root + "/train/images/a.jpg", "x").ok());
  ASSERT_TRUE(WriteFileAtomically(root + "/train/labels/a.txt", "1 0.5 0.5 0.2 0.2\n").ok());
  ASSERT_TRUE(WriteFileAtomically(root + "/data.yaml", "names: [zero, one]").ok());
  for (const std::string& labels : {root, root + "/data.yaml"}) {
    const auto images = Read(OpenYolo({labels, root, ""}));
    ASSERT_THAT(images, SizeIs(2));
    EXPECT_EQ(images[0].candidates[0], "train/images/a.jpg");
    EXPECT_EQ(images[0].reference_width, 1);
    EXPECT_FALSE(images[0].unlabelled);
    ASSERT_THAT(images[0].faces, SizeIs(1));
    EXPECT_EQ(images[0].faces[0].class_name, "one");
    EXPECT_THAT(images[1].faces, IsEmpty()) << "no label file: no faces";
    EXPECT_TRUE(images[1].unlabelled);
  }
}

TEST(OpenYoloTest, LabelsInAFolderOfTheirOwn) {
  const std::string root = ::testing::TempDir() + "/yolo_test_apart";
  ASSERT_TRUE(WriteFileAtomically(root + "/jpg/a.jpg", "x").ok());
  ASSERT_TRUE(WriteFileAtomically(root + "/txt/a.txt", "0 0.5 0.5 0.2 0.2\n").ok());
  ASSERT_TRUE(WriteFileAtomically(root + "/names.txt", "head\n").ok());
  const auto images = Read(OpenYolo({root + "/txt", root + "/jpg", root + "/names.txt"}));
  ASSERT_THAT(images, SizeIs(1));
  ASSERT_THAT(images[0].faces, SizeIs(1));
  EXPECT_EQ(images[0].faces[0].class_name, "head");
  EXPECT_EQ(OpenYolo({root, root + "/txt", ""}).status().code(), absl::StatusCode::kNotFound) << "no images there";
}

TEST(OpenYoloTest, AnEmptyLineAmongTheNamesIsAClassWithoutName) {
  const std::string root =
      Make({{"a.jpg", "x"}, {"a.txt", "2 0.5 0.5 0.2 0.2\n"}, {"classes.txt", "person\r\n\r\nface\r\n\r\n"}});
  const auto images = Read(OpenYolo({root, "", ""}));
  ASSERT_THAT(images, SizeIs(1));
  ASSERT_THAT(images[0].faces, SizeIs(1)) << images[0].errors[0];
  EXPECT_EQ(images[0].faces[0].class_name, "face");
}

TEST(OpenYoloTest, WhatIsNoFolderOfLabelsIsAnError) {
  const std::string root = Make({{"a.jpg", "x"}});
  for (const std::string& labels : {root + "/none", root + "/" + std::string(300, 'l'), root + "/a.jpg"}) {
    EXPECT_THAT(ErrorOf({labels, root, ""}), AllOf(HasSubstr(labels), HasSubstr("no folder and no data.yaml")));
  }
}

TEST(OpenYoloTest, ThatNoImageHasALabelFileIsAnError) {
  const std::string root = Make({{"images/a.jpg", "x"}, {"images/b.jpg", "x"}, {"labels/train/a.txt", kBox}});
  EXPECT_THAT(ErrorOf({root, root, ""}),
              AllOf(HasSubstr("none of its 2 images has a label file"), HasSubstr(root + "/labels/a.txt"),
                    HasSubstr("1 label files lie elsewhere, such as " + root + "/labels/train/a.txt"),
                    HasSubstr("--format=none")));
}

TEST(OpenYoloTest, UnlabelledImagesAndUnusedLabelFilesAreTold) {
  const std::string root = Make({{"images/a.jpg", "x"},
                                 {"images/b.jpg", "x"},
                                 {"labels/a.txt", kBox},
                                 {"labels/B2.txt", kBox},
                                 {"classes.txt", "face\n"}});
  const auto data_set = OpenYolo({root, "", ""});
  const auto images = Read(OpenYolo({root, "", ""}));
  ASSERT_THAT(images, SizeIs(2));
  EXPECT_FALSE(images[0].unlabelled);
  EXPECT_TRUE(images[1].unlabelled);
  const auto findings = data_set->source->findings();
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].kind, "unused_file");
  EXPECT_THAT(findings[0].message, HasSubstr("labels/B2.txt"));
}

TEST(OpenYoloTest, LabelsInUtf16AreAnErrorOfTheirImage) {
  const std::string root = Make({{"a.jpg", "x"},
                                 {"a.txt", std::string("\xff\xfe"
                                                       "0\0 \0",
                                                       6)},
                                 {"b.jpg", "x"},
                                 {"b.txt", kBox}});
  const auto images = Read(OpenYolo({root, root, ""}));
  ASSERT_THAT(images, SizeIs(2));
  EXPECT_THAT(images[0].errors, testing::ElementsAre(AllOf(HasSubstr("a.txt"), HasSubstr("UTF-16"))));
  EXPECT_THAT(images[1].errors, SizeIs(0));
}

TEST(OpenYoloTest, FoldersAndFilesInAnyCase) {
  const std::string root = Make({{"images/a.jpg", "x"}, {"Labels/A.TXT", kBox}});
  EXPECT_THAT(Read(OpenYolo({root, root, ""}))[0].faces, SizeIs(1));
  EXPECT_THAT(Read(OpenYolo({root + "/images", "", ""}))[0].faces, SizeIs(1)) << "the folder of images alone";
}

TEST(OpenYoloTest, DataYamlSaysWhereTheImagesAre) {
  const std::string root =
      Make({{"cfg/data.yaml", "path: ../elsewhere\ntrain: images/train\nval: val.txt\nnames: {0: kopf}\n"},
            {"elsewhere/images/train/b.jpg", "x"},
            {"elsewhere/images/train/a.jpg", "x"},
            {"elsewhere/images/other/c.jpg", "x"},
            {"elsewhere/images/unlisted/d.jpg", "x"},
            {"elsewhere/val.txt", "./images/other/c.jpg\nimages/train/a.jpg\n"},
            {"elsewhere/labels/train/a.txt", kBox},
            {"elsewhere/labels/other/c.txt", kBox}});
  for (const std::string& input : {root + "/cfg/data.yaml", root + "/cfg"}) {
    auto data_set = OpenYolo({input, "", ""});
    ASSERT_TRUE(data_set.ok()) << data_set.status();
    EXPECT_EQ(data_set->images, root + "/elsewhere");
    std::vector<std::string> names;
    const auto images = Read(std::move(data_set));
    for (const AnnotatedImage& image : images) names.push_back(image.candidates[0]);
    EXPECT_THAT(names, ElementsAre("images/train/a.jpg", "images/train/b.jpg", "images/other/c.jpg"));
    ASSERT_THAT(images[0].faces, SizeIs(1));
    EXPECT_EQ(images[0].faces[0].class_name, "kopf");
    EXPECT_TRUE(images[1].unlabelled);
  }
  YoloOptions options{root + "/cfg/data.yaml", "", ""};
  options.splits = {"val"};
  EXPECT_THAT(Read(OpenYolo(options)), SizeIs(2));
  options.images = root;
  EXPECT_THAT(ErrorOf(options), HasSubstr("leave one of them out"));
}

// What one file shows holds for the rows of all.
TEST(OpenYoloTest, LandmarksAreToldByTheWholeSet) {
  const std::string root = Make({{"a.jpg", "x"},
                                 {"b.jpg", "x"},
                                 {"a.txt", "0 0.5 0.5 0.2 0.4 0.46 0.44 0.54 0.44 0.5 0.52 0.47 0.58 0.53 0.58\n"},
                                 {"b.txt", "0 0.1 0.3 0.08 0.2 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1\n"}});
  const auto images = Read(OpenYolo({root, "", ""}));
  ASSERT_THAT(images, SizeIs(2));
  EXPECT_THAT(images[0].errors, IsEmpty());
  EXPECT_DOUBLE_EQ(images[0].faces[0].w, 0.2);
}

TEST(OpenYoloTest, TwoImagesOfOneLabelFileAreAnError) {
  const std::string root = Make({{"a.jpg", "x"}, {"a.png", "x"}, {"a.txt", kBox}});
  const auto images = Read(OpenYolo({root, "", ""}));
  ASSERT_THAT(images, SizeIs(2));
  EXPECT_THAT(images[1].errors, ElementsAre(HasSubstr("belongs to two images")));
}

}  // namespace
}  // namespace hardface::data
