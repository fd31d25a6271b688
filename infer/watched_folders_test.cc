#include "infer/watched_folders.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/atomic_output.h"

namespace hardface::infer {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(WatchedFoldersTest, GivesEachPictureOnceWhenNobodyWritesItAnyMore) {
  const std::string folder = ::testing::TempDir() + "/watched";
  fs::remove_all(folder);
  fs::create_directories(folder);
  const std::string a = folder + "/a.png", b = folder + "/sub/b.jpg";
  WatchedFolders watched({folder});
  watched.Know(folder + "/known.png");
  ASSERT_TRUE(WriteFileAtomically(folder + "/known.png", "x").ok());
  ASSERT_TRUE(WriteFileAtomically(folder + "/notes.txt", "x").ok());
  ASSERT_TRUE(WriteFileAtomically(a, "x").ok());
  EXPECT_THAT(*watched.Look(), IsEmpty()) << "it may still grow";
  ASSERT_TRUE(WriteFileAtomically(a, "xx").ok());
  EXPECT_THAT(*watched.Look(), IsEmpty()) << "it did";
  ASSERT_TRUE(WriteFileAtomically(b, "x").ok());
  EXPECT_THAT(*watched.Look(), ElementsAre(a));
  EXPECT_THAT(*watched.Look(), ElementsAre(b));
  ASSERT_TRUE(WriteFileAtomically(a, "changed").ok());
  for (int i = 0; i < 3; ++i) EXPECT_THAT(*watched.Look(), IsEmpty());
  fs::remove_all(folder);
  EXPECT_FALSE(watched.Look().ok()) << "a folder that is gone is an error, not the end of all pictures";
}

}  // namespace
}  // namespace hardface::infer
