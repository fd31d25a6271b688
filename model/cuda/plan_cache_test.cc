#include "model/cuda/plan_cache.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/atomic_output.h"
#include "base/read_file.h"

namespace hardface::model {
namespace {

std::string NewPath(const std::string& name) { return ::testing::TempDir() + "/plan_cache_test/" + name; }

TEST(PlanCacheTest, FindsWhatAnEarlierProcessInserted) {
  const std::string path = NewPath("kept.txt");
  {
    const auto first = PlanCache::Open(path);
    EXPECT_FALSE(first->Find("conv a").has_value());
    EXPECT_EQ(first->Insert("conv a", "engine 57", std::nullopt), "engine 57");
    EXPECT_EQ(first->Insert("conv b", "engine 41", std::nullopt), "engine 41");
    EXPECT_EQ(first->Insert("conv a", "engine 58", "engine 57"), "engine 58");
  }  // saves
  const auto second = PlanCache::Open(path);
  EXPECT_EQ(second->Find("conv a"), "engine 58");
  EXPECT_EQ(second->Find("conv b"), "engine 41");
}

TEST(PlanCacheTest, NothingIsWrittenBeforeSaveAndNothingTwice) {
  const std::string path = NewPath("once.txt");
  const auto cache = PlanCache::Open(path);
  for (int i = 0; i < 70; ++i) cache->Insert(absl::StrCat("conv ", i), "engine 1", std::nullopt);
  EXPECT_FALSE(std::filesystem::exists(path));
  cache->Save();
  EXPECT_TRUE(std::filesystem::exists(path));
  std::filesystem::remove(path);
  cache->Save();
  EXPECT_FALSE(std::filesystem::exists(path)) << "there was nothing new";
}

TEST(PlanCacheTest, KeepsWhatAnotherProcessWroteMeanwhile) {
  const std::string path = NewPath("shared.txt");
  const auto one = PlanCache::Open(path), other = PlanCache::Open(path);
  one->Insert("x", "1", std::nullopt);
  one->Save();
  other->Insert("y", "2", std::nullopt);
  other->Save();
  const auto both = PlanCache::Open(path);
  EXPECT_EQ(both->Find("x"), "1");
  EXPECT_EQ(both->Find("y"), "2");
}

TEST(PlanCacheTest, SavingAtTheSameTimeLosesNothing) {
  const std::string path = NewPath("together.txt");
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&path, t] {
      const auto cache = PlanCache::Open(path);
      for (int i = 0; i < 10; ++i) {
        cache->Insert(absl::StrCat(t, " ", i), "1", std::nullopt);
        cache->Save();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto all = PlanCache::Open(path);
  for (int t = 0; t < 8; ++t) {
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(all->Find(absl::StrCat(t, " ", i)).has_value()) << t << " " << i;
  }
}

TEST(PlanCacheTest, OfSeveralThreadsThatTimedTheFirstToInsertIsFollowed) {
  const auto one = PlanCache::Shared(NewPath("threads.txt")), other = PlanCache::Shared(NewPath("threads.txt"));
  ASSERT_EQ(one, other);
  EXPECT_NE(one, PlanCache::Shared(""));
  EXPECT_EQ(one->Insert("conv", "engine 1", std::nullopt), "engine 1");
  EXPECT_EQ(other->Insert("conv", "engine 9", std::nullopt), "engine 1");
  // One that could not be used after all is replaced.
  EXPECT_EQ(other->Insert("conv", "engine 9", "engine 1"), "engine 9");
}

TEST(PlanCacheTest, WithoutAPathNothingIsWritten) {
  const auto cache = PlanCache::Open("");
  cache->Insert("x", "1", std::nullopt);
  cache->Save();
  EXPECT_EQ(cache->Find("x"), "1");
}

// What OPEN and a choice of "x" tell on stderr.
std::string Told(const std::string& path) {
  ::testing::internal::CaptureStderr();
  {
    const auto cache = PlanCache::Open(path);
    cache->Insert("x", "1", std::nullopt);
    cache->Save();
    cache->Insert("y", "1", std::nullopt);
    EXPECT_EQ(cache->Find("x"), "1");
  }
  return ::testing::internal::GetCapturedStderr();
}

TEST(PlanCacheTest, AFileOfAnotherFormIsLeftAloneWithAWarningThatNamesIt) {
  const std::string path = NewPath("broken.txt");
  for (const char* text : {"something else\n", "hardface.cudnn_plans 2\nno tab\n"}) {
    ASSERT_TRUE(WriteFileAtomically(path, text).ok());
    const std::string told = Told(path);
    EXPECT_NE(told.find(path), std::string::npos) << told;
    EXPECT_EQ(told.find("warning"), told.rfind("warning")) << "twice: " << told;
    EXPECT_EQ(*ReadFile(path), text);
  }
}

TEST(PlanCacheTest, AnEarlierVersionIsReplaced) {
  const std::string path = NewPath("old.txt");
  ASSERT_TRUE(WriteFileAtomically(path, "hardface.cudnn_plans 1\nconv\ta3:engine57\n").ok());
  EXPECT_EQ(Told(path), "");
  const auto cache = PlanCache::Open(path);
  EXPECT_FALSE(cache->Find("conv").has_value());
  EXPECT_EQ(cache->Find("x"), "1");
}

TEST(PlanCacheTest, AFolderThatCannotBeWrittenIsAWarningNoError) {
  // In place of a folder there is a file: neither a user nor root can write below it.
  ASSERT_TRUE(WriteFileAtomically(NewPath("file"), "").ok());
  const std::string path = NewPath("file") + "/plans.txt";
  const std::string told = Told(path);
  EXPECT_NE(told.find("engines are timed again"), std::string::npos) << told;
  EXPECT_NE(told.find(path), std::string::npos) << told;
  EXPECT_EQ(told.find("warning"), told.rfind("warning")) << "twice: " << told;
}

}  // namespace
}  // namespace hardface::model
