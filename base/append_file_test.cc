#include "base/append_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/atomic_output.h"
#include "base/read_file.h"

namespace hardface {
namespace {

std::string Path(const std::string& name) { return ::testing::TempDir() + "/append_file_test_" + name; }

TEST(AppendFileTest, GrowsAndIsCutBack) {
  {
    auto file = AppendFile::Open(Path("log"), 0);
    ASSERT_TRUE(file.ok()) << file.status();
    ASSERT_TRUE((*file)->Append("one\n").ok());
    ASSERT_TRUE((*file)->Append("two\n").ok());
    EXPECT_EQ((*file)->size(), 8);
    ASSERT_TRUE((*file)->Sync().ok());
    EXPECT_EQ(*ReadFile(Path("log")), "one\ntwo\n");
  }
  auto file = AppendFile::Open(Path("log"), 4);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->Append("three\n").ok());
  ASSERT_TRUE((*file)->Flush().ok());
  EXPECT_EQ(*ReadFile(Path("log")), "one\nthree\n");
}

TEST(AppendFileTest, AFileShorterThanAskedStays) {
  ASSERT_TRUE(WriteFileAtomically(Path("short"), "abc").ok());
  EXPECT_EQ((*AppendFile::Open(Path("short"), 100))->size(), 3);
  EXPECT_EQ(*ReadFile(Path("short")), "abc");
}

TEST(AppendFileTest, ErrorsNameThePath) {
  EXPECT_THAT(std::string(AppendFile::Open("/no_such_folder/x", 0).status().message()),
              ::testing::HasSubstr("/no_such_folder/x"));
  auto full = AppendFile::Open("/dev/full", 0);  // a full disk
  if (full.ok()) {
    EXPECT_FALSE(((*full)->Append("x").ok() && (*full)->Flush().ok()));
  }
}

}  // namespace
}  // namespace hardface
