#include "base/atomic_output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace hardface {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::string TestFolder(const std::string& name) {
  const std::string folder = ::testing::TempDir() + "/atomic_output_test_" + name;
  fs::remove_all(folder);
  fs::create_directories(folder);
  return folder;
}

size_t EntryCount(const std::string& folder) {
  return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
}

TEST(AtomicFileTest, AppearsOnlyOnCommit) {
  const std::string folder = TestFolder("commit");
  const std::string path = folder + "/made/on/the/way.txt";
  auto file = AtomicFile::Create(path);
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_TRUE((*file)->Write("hello").ok());
  EXPECT_FALSE(fs::exists(path));
  ASSERT_TRUE((*file)->Commit().ok());
  EXPECT_EQ(*ReadFile(path), "hello");
}

TEST(AtomicFileTest, WithoutCommitTheOldContentStaysAndNothingIsLeftBehind) {
  const std::string folder = TestFolder("rollback");
  const std::string path = folder + "/file";
  ASSERT_TRUE(WriteFileAtomically(path, "old").ok());
  {
    auto file = AtomicFile::Create(path);
    ASSERT_TRUE((*file)->Write("new, half").ok());
  }
  EXPECT_EQ(*ReadFile(path), "old");
  EXPECT_EQ(EntryCount(folder), 1u);
}

TEST(AtomicFileTest, LongUtf8NamesWithSpacesWork) {
  const std::string path =
      TestFolder("long") + "/" + std::string(60, 'a') + " \xc3\xa9t\xc3\xa9 " + std::string(180, 'b');
  ASSERT_TRUE(WriteFileAtomically(path, "x").ok());
  EXPECT_EQ(*ReadFile(path), "x");
}

TEST(AtomicFolderTest, ReplacesAnEarlierOutputWhole) {
  const std::string path = TestFolder("replace") + "/out";
  for (const char* name : {"first", "second"}) {
    auto folder = AtomicFolder::Create(path + "/");
    ASSERT_TRUE(folder.ok()) << folder.status();
    ASSERT_TRUE(WriteFileAtomically((*folder)->temporary_path() + "/provenance.json", "{}").ok());
    ASSERT_TRUE(WriteFileAtomically((*folder)->temporary_path() + "/" + name, name).ok());
    ASSERT_TRUE((*folder)->Commit().ok());
  }
  EXPECT_FALSE(fs::exists(path + "/first"));
  EXPECT_TRUE(fs::exists(path + "/second"));
  EXPECT_EQ(EntryCount(fs::path(path).parent_path()), 1u);
}

TEST(AtomicFolderTest, RefusesAFolderThatIsNotOurs) {
  const std::string path = TestFolder("foreign");
  ASSERT_TRUE(WriteFileAtomically(path + "/thesis.tex", "years of work").ok());
  const auto folder = AtomicFolder::Create(path);
  ASSERT_FALSE(folder.ok());
  EXPECT_THAT(std::string(folder.status().message()), HasSubstr(path));
  EXPECT_TRUE(fs::exists(path + "/thesis.tex"));
}

TEST(AtomicFolderTest, WithoutCommitNothingIsLeftBehind) {
  const std::string parent = TestFolder("folder_rollback");
  { auto folder = AtomicFolder::Create(parent + "/out"); }
  EXPECT_EQ(EntryCount(parent), 0u);
}

TEST(ReadFileTest, NamesTheMissingFile) {
  const auto text = ReadFile("/no/such/file");
  EXPECT_EQ(text.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(text.status().message()), HasSubstr("/no/such/file"));
}

TEST(CheckSparesTest, NoticesInputsUnderAnyName) {
  const std::string folder = TestFolder("spares");
  ASSERT_TRUE(WriteFileAtomically(folder + "/data/images/a.jpg", "a").ok());
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

TEST(PathExistsTest, TellsMissingFromUnknown) {
  const std::string folder = TestFolder("exists");
  EXPECT_TRUE(*PathExists(folder));
  EXPECT_FALSE(*PathExists(folder + "/none/at/all"));
  const std::string long_name = folder + "/" + std::string(300, 'x');
  EXPECT_THAT(std::string(PathExists(long_name).status().message()), HasSubstr(long_name));
}

TEST(ReadFileTest, NamesThatAreTooLongAreErrors) {
  const std::string long_name = TestFolder("too_long") + "/" + std::string(300, 'x');
  EXPECT_THAT(std::string(ReadFile(long_name).status().message()), HasSubstr(long_name));
  EXPECT_FALSE(WriteFileAtomically(long_name + "/y", "z").ok());
  EXPECT_FALSE(AtomicFolder::Create(long_name + "/y").ok());
}

}  // namespace
}  // namespace hardface
