#include "base/folder_walk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/atomic_output.h"

namespace hardface {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

class FilesUnderTest : public ::testing::Test {
 protected:
  FilesUnderTest()
      : folder_(::testing::TempDir() + "/walk_" + ::testing::UnitTest::GetInstance()->current_test_info()->name()) {
    fs::remove_all(folder_);
  }

  void Make(const std::vector<std::string>& names) {
    for (const std::string& name : names) ASSERT_TRUE(WriteFileAtomically(folder_ + "/" + name, "x").ok());
  }

  std::vector<std::string> Walk() {
    const auto files = FilesUnder(folder_, {".jpg", ".jpeg", ".png"});
    EXPECT_TRUE(files.ok()) << files.status();
    return files.ok() ? *files : std::vector<std::string>();
  }

  const std::string folder_;
};

TEST_F(FilesUnderTest, IsSortedRecursiveAndTakesEndingsInAnyCase) {
  Make({"b.jpg", "a/z.JPEG", "a/y.txt", "c d/ü.png", "x.jpg.txt"});
  EXPECT_THAT(Walk(), ElementsAre("a/z.JPEG", "b.jpg", "c d/ü.png"));
  EXPECT_THAT(*FilesUnder(folder_ + "/a/", {".jpeg"}), ElementsAre("z.JPEG"));
}

TEST_F(FilesUnderTest, HiddenFilesAndFoldersArePassedOver) {
  Make({"a.jpg", "._a.jpg", ".git/b.jpg", "@eaDir/a.jpg/thumb.jpg", "x/.hidden.png"});
  EXPECT_THAT(Walk(), ElementsAre("a.jpg"));
}

TEST_F(FilesUnderTest, WhatHasSuchANameAndIsNoFileIsTold) {
  Make({"d.jpg/a.jpg"});
  ASSERT_EQ(mkfifo((folder_ + "/pipe.jpg").c_str(), 0644), 0);
  std::vector<std::string> not_files;
  EXPECT_THAT(*FilesUnder(folder_, {".jpg"}, &not_files), ElementsAre("d.jpg/a.jpg", "pipe.jpg"));
  EXPECT_THAT(not_files, ElementsAre("d.jpg", "pipe.jpg"));
}

// A folder that the user names himself is taken, whatever it is called.
TEST_F(FilesUnderTest, TheFolderItselfMayBeHidden) {
  Make({".photos/a.jpg"});
  EXPECT_THAT(*FilesUnder(folder_ + "/.photos", {".jpg"}), ElementsAre("a.jpg"));
}

TEST_F(FilesUnderTest, LinksAreFollowedAndEachRealFolderIsEnteredOnce) {
  Make({"real/a.jpg", "real/sub/b.jpg"});
  ASSERT_TRUE(WriteFileAtomically(folder_ + "_far/c.jpg", "x").ok());
  fs::create_directory_symlink(folder_, folder_ + "/real/sub/up");       // a loop
  fs::create_directory_symlink(folder_ + "/real", folder_ + "/a_link");  // the real name counts
  fs::create_directory_symlink(folder_ + "_far", folder_ + "/far_2");    // of two links the first
  fs::create_directory_symlink(folder_ + "_far", folder_ + "/far_1");
  fs::create_symlink(folder_ + "_far/c.jpg", folder_ + "/linked.jpg");
  EXPECT_THAT(Walk(), ElementsAre("far_1/c.jpg", "linked.jpg", "real/a.jpg", "real/sub/b.jpg"));
}

TEST_F(FilesUnderTest, ALinkThatLeadsNowhereIsListedSoThatOpeningItIsAnError) {
  Make({"a.jpg"});
  fs::create_symlink(folder_ + "/gone.jpg", folder_ + "/dangling.jpg");
  fs::create_symlink(folder_ + "/gone", folder_ + "/dangling_folder");
  EXPECT_THAT(Walk(), ElementsAre("a.jpg", "dangling.jpg"));
}

TEST_F(FilesUnderTest, WhatCannotBeListedIsAnErrorThatNamesIt) {
  Make({"a.jpg"});
  for (const std::string& path : {folder_ + "/none", folder_ + "/a.jpg"}) {
    EXPECT_THAT(std::string(FilesUnder(path, {".jpg"}).status().message()),
                AllOf(HasSubstr(path), HasSubstr("cannot list this folder")));
  }
}

}  // namespace
}  // namespace hardface
