#include "data_tools/formats/yolo_labels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/atomic_output.h"
#include "base/fresh_folder.h"

namespace hardface::data {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
namespace fs = std::filesystem;

class YoloLabelIndexTest : public ::testing::Test {
 protected:
  YoloLabelIndexTest() : root_(FreshFolder()) {}

  void Make(const std::vector<std::string>& names, const std::string& text = "0 0.5 0.5 0.2 0.4\n") {
    for (const std::string& name : names) ASSERT_TRUE(WriteFileAtomically(root_ + "/" + name, text).ok());
  }

  std::string Find(YoloLabelIndex* index, const std::string& labels, const std::string& images,
                   const std::string& file) {
    bool again = false;
    return index->Find(labels, images, file, &again);
  }

  const std::string root_;
};

TEST(YoloLabelPathTest, TheLastFolderImagesBecomesLabels) {
  EXPECT_EQ(YoloLabelPath("images/train/images/a.b.jpg"), "images/train/labels/a.b.txt");
  EXPECT_EQ(YoloLabelPath("b/c.png"), "b/c.txt");
  EXPECT_EQ(YoloLabelPath("Images/a.jpg"), "Images/a.txt");
}

TEST_F(YoloLabelIndexTest, FindsTheUsualPlaces) {
  Make({"train/labels/a.txt", "flat/b.txt", "apart/c.txt", "images/d.txt"});
  auto index = YoloLabelIndex::Create({root_});
  ASSERT_TRUE(index.ok()) << index.status();
  EXPECT_EQ(Find(&*index, root_, root_, "train/images/a.jpg"), root_ + "/train/labels/a.txt");
  EXPECT_EQ(Find(&*index, root_, root_, "flat/b.png"), root_ + "/flat/b.txt");
  EXPECT_EQ(Find(&*index, root_ + "/apart", root_ + "/pictures", "c.jpg"), root_ + "/apart/c.txt");
  EXPECT_EQ(Find(&*index, root_, root_, "images/d.jpg"), root_ + "/images/d.txt") << "beside the image";
  EXPECT_EQ(Find(&*index, root_, root_ + "/train/images", "a.jpg"), root_ + "/train/labels/a.txt")
      << "the user named the folder of images itself";
  EXPECT_EQ(Find(&*index, root_, root_, "none.jpg"), "");
  EXPECT_THAT(index->Unused(), IsEmpty());
}

TEST_F(YoloLabelIndexTest, NamesInAnyCase) {
  Make({"Labels/A.TXT"});
  auto index = YoloLabelIndex::Create({root_});
  EXPECT_EQ(Find(&*index, root_, root_, "Images/a.jpg"), root_ + "/Labels/A.TXT");
  EXPECT_EQ(Find(&*index, root_, root_, "images/A.jpg"), root_ + "/Labels/A.TXT");
}

TEST_F(YoloLabelIndexTest, TwoImagesOfOneLabelFileAreTold) {
  Make({"a.txt"});
  auto index = YoloLabelIndex::Create({root_});
  bool again = true;
  index->Find(root_, root_, "a.jpg", &again);
  EXPECT_FALSE(again);
  index->Find(root_, root_, "a.png", &again);
  EXPECT_TRUE(again);
}

TEST_F(YoloLabelIndexTest, UnusedAreThoseThatHoldLabels) {
  Make({"labels/a.txt", "labels/sub/b.txt"});
  Make({"classes.txt", "README.txt", "train.txt"}, "face\n");
  fs::create_directory_symlink(root_ + "/labels", root_ + "/labels_again");
  auto index = YoloLabelIndex::Create({root_, root_ + "/labels", root_ + "/labels_again"});
  ASSERT_TRUE(index.ok());
  Find(&*index, root_, root_, "images/a.jpg");
  EXPECT_THAT(index->Unused(), ElementsAre(root_ + "/labels/sub/b.txt")) << "once, though a link leads to it";
  Find(&*index, root_, root_, "images/sub/b.jpg");
  EXPECT_THAT(index->Unused(), IsEmpty());
}

}  // namespace
}  // namespace hardface::data
