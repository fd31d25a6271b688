#include "base/output_guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/fresh_folder.h"

namespace hardface {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

void MakeFile(const std::string& path) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path) << "x";
}

TEST(CheckSparesTest, NoticesInputsUnderAnyName) {
  const std::string folder = FreshFolder("spares");
  MakeFile(folder + "/data/images/a.jpg");
  fs::create_directory_symlink("data", folder + "/link");
  for (const char* output : {"data", "data/", "link", "data/../link/", "."}) {
    for (const char* input : {"data", "data/images/", "data/images/a.jpg", "link/images"}) {
      const absl::Status spared = CheckSpares(folder + "/" + output, folder + "/" + input);
      EXPECT_THAT(std::string(spared.message()), HasSubstr("would replace " + folder + "/" + input)) << output;
    }
  }
  for (const char* output : {"data2", "data/out", "data/images/a", "new/data"}) {
    EXPECT_TRUE(CheckSpares(folder + "/" + output, folder + "/data").ok()) << output;
  }
}

class InputKindTest : public ::testing::Test {
 protected:
  InputKindTest() : folder_(FreshFolder(::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    MakeFile(folder_ + "/data/images/a.jpg");
    MakeFile(folder_ + "/labels.csv");
    fs::create_directory_symlink("data", folder_ + "/link");
    fs::create_hard_link(folder_ + "/labels.csv", folder_ + "/hard");
    DeclareOutput(folder_);
  }

  // What is said of OUTPUT after INPUT was noted; "" where it is fine.
  std::string Check(const std::string& output, const std::string& input, InputKind kind) {
    const ToolScope scope;
    DeclareOutput(folder_);
    ProtectInput(folder_ + "/" + input, kind);
    return std::string(CheckOutput(folder_ + "/" + output).message());
  }

  const std::string folder_;
};

TEST_F(InputKindTest, NothingLiesInAFolderThatIsRead) {
  for (const char* output : {"data/out", "data/images/out", "link/out", "data/new/../out", "./data/a/b/c", "data/"}) {
    EXPECT_THAT(Check(output, "data", InputKind::kFolder), HasSubstr("would ")) << output;
    EXPECT_THAT(Check(output, "link/", InputKind::kFolder), HasSubstr("would ")) << output;
  }
  EXPECT_THAT(Check("data/images", "data", InputKind::kFolder), HasSubstr("would replace a part of"));
  for (const char* output : {"data2", "dat", "out/data"}) EXPECT_EQ(Check(output, "data", InputKind::kFolder), "");
}

TEST_F(InputKindTest, BesideAFileThatIsReadIsFine) {
  EXPECT_EQ(Check("out", "labels.csv", InputKind::kFile), "");
  EXPECT_EQ(Check("out", "labels.csv", InputKind::kFolder), "") << "a file is no folder";
  for (const char* output : {"labels.csv", "data/../labels.csv", "none/../labels.csv", "hard", ""}) {
    EXPECT_THAT(Check(output, "labels.csv", InputKind::kFile), HasSubstr("would replace")) << output;
  }
}

TEST_F(InputKindTest, TheFolderOfImagesMayBeTheOneWhereEverythingLies) {
  EXPECT_THAT(Check("data/images/out", "data/images", InputKind::kImages), HasSubstr("would lie in"));
  const fs::path before = fs::current_path();
  fs::current_path(folder_ + "/data/images");
  EXPECT_EQ(Check("data/images/out", "data/images", InputKind::kImages), "") << "the current folder";
  EXPECT_THAT(Check("data/images", "data/images", InputKind::kImages), HasSubstr("would replace"));
  fs::current_path(before);
  const ToolScope scope;
  DeclareOutput(folder_);
  ProtectInput(folder_, InputKind::kImages);
  EXPECT_FALSE(CheckOutput(folder_ + "/out").ok());
  ProtectInput(folder_ + "/labels.csv", InputKind::kFile);
  EXPECT_TRUE(CheckOutput(folder_ + "/out").ok()) << "it holds the annotations, too";
}

TEST_F(InputKindTest, AnInputMayHaveAFurtherCheckThatIsAskedOnceWhereSomethingWouldBeReplaced) {
  const ToolScope scope;
  DeclareOutput(folder_);
  fs::create_directories(folder_ + "/out");
  int asked = 0;
  ProtectInput(folder_ + "/data", InputKind::kFolder, [&](const std::string&) {
    ++asked;
    return absl::OkStatus();
  });
  EXPECT_TRUE(CheckOutput(folder_ + "/new").ok());
  EXPECT_EQ(asked, 0);
  EXPECT_TRUE(CheckOutput(folder_ + "/out").ok());
  EXPECT_TRUE(CheckOutput(folder_ + "/out").ok());
  EXPECT_EQ(asked, 1);
}

TEST(ClaimedFolderTest, KnowsWhatLiesInIt) {
  ClaimFolder("/x/run/");
  EXPECT_TRUE(IsInClaimedFolder("/x/run/a/b"));
  for (const char* path : {"/x/run", "/x/run2/a", "/x/run/../a", "/x/run/a/../../b"}) {
    EXPECT_FALSE(IsInClaimedFolder(path)) << path;
  }
  ReleaseFolder("/x/run");
  EXPECT_FALSE(IsInClaimedFolder("/x/run/a"));
}

}  // namespace
}  // namespace hardface
