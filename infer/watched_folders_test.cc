#include "infer/watched_folders.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>

#include "base/atomic_output.h"
#include "base/fresh_folder.h"

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
  int64_t now = 0;
  WatchedFolders watched({folder}, [&now] { return now; });
  const auto look = [&] {
    now += 1000;
    return watched.Look();
  };
  watched.Know(folder + "/known.png");
  ASSERT_TRUE(WriteFileAtomically(folder + "/known.png", "x").ok());
  ASSERT_TRUE(WriteFileAtomically(folder + "/notes.txt", "x").ok());
  ASSERT_TRUE(WriteFileAtomically(a, "x").ok());
  EXPECT_THAT(*look(), IsEmpty()) << "it may still grow";
  ASSERT_TRUE(WriteFileAtomically(a, "xx").ok());
  EXPECT_THAT(*look(), IsEmpty()) << "it did";
  now += 999;
  EXPECT_THAT(*watched.Look(), IsEmpty()) << "not for a second";
  ASSERT_TRUE(WriteFileAtomically(b, "x").ok());
  now += 1;
  EXPECT_THAT(*watched.Look(), ElementsAre(a));
  EXPECT_THAT(*look(), ElementsAre(b));
  ASSERT_TRUE(WriteFileAtomically(a, "changed").ok());
  for (int i = 0; i < 3; ++i) EXPECT_THAT(*look(), IsEmpty());
  fs::remove_all(folder);
  EXPECT_FALSE(watched.Look().ok()) << "a folder that is gone is an error, not the end of all pictures";
}

TEST(WatchedFoldersTest, WaitsForAPictureThatAProgramHasOpenForWriting) {
  const std::string folder = FreshFolder();
  int64_t now = 0;
  WatchedFolders watched({folder}, [&now] { return now; });
  const auto look = [&] {
    now += 5000;
    return watched.Look();
  };
  std::ofstream writer(folder + "/slow.png");
  writer << "half" << std::flush;
  const int opened = open((folder + "/slow.png").c_str(), O_RDONLY);
  const bool leases = fcntl(opened, F_SETLEASE, F_RDLCK) != 0 && errno == EAGAIN;
  close(opened);
  if (!leases) GTEST_SKIP() << "this file system does not tell who writes";
  for (int i = 0; i < 3; ++i) EXPECT_THAT(*look(), IsEmpty());
  writer << "whole" << std::flush;
  writer.close();
  EXPECT_THAT(*look(), IsEmpty()) << "it has just changed";
  EXPECT_THAT(*look(), ElementsAre(folder + "/slow.png"));
}

}  // namespace
}  // namespace hardface::infer
