#include "model/cuda/plan_cache.h"

#include <gtest/gtest.h>

#include <optional>

#include "base/atomic_output.h"

namespace hardface::model {
namespace {

std::string NewPath(const std::string& name) { return ::testing::TempDir() + "/plan_cache_test/" + name; }

TEST(PlanCacheTest, FindsWhatAnEarlierProcessInserted) {
  const std::string path = NewPath("kept.txt");
  const auto first = PlanCache::Open(path);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_FALSE((*first)->Find("conv a").has_value());
  EXPECT_EQ(*(*first)->Insert("conv a", "a3:engine57", std::nullopt), "a3:engine57");
  EXPECT_EQ(*(*first)->Insert("conv b", "a0:engine41", std::nullopt), "a0:engine41");
  EXPECT_EQ(*(*first)->Insert("conv a", "a1:engine57", "a3:engine57"), "a1:engine57");
  const auto second = PlanCache::Open(path);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ((*second)->Find("conv a"), "a1:engine57");
  EXPECT_EQ((*second)->Find("conv b"), "a0:engine41");
}

TEST(PlanCacheTest, KeepsWhatAnotherProcessWroteMeanwhile) {
  const std::string path = NewPath("shared.txt");
  const auto one = PlanCache::Open(path), other = PlanCache::Open(path);
  ASSERT_TRUE((*one)->Insert("x", "1", std::nullopt).ok());
  ASSERT_TRUE((*other)->Insert("y", "2", std::nullopt).ok());
  const auto both = PlanCache::Open(path);
  EXPECT_EQ((*both)->Find("x"), "1");
  EXPECT_EQ((*both)->Find("y"), "2");
}

TEST(PlanCacheTest, OfSeveralThreadsThatTimedTheFirstToInsertIsFollowed) {
  const auto one = PlanCache::Shared(NewPath("threads.txt")), other = PlanCache::Shared(NewPath("threads.txt"));
  ASSERT_TRUE(one.ok()) << one.status();
  ASSERT_EQ(one->get(), other->get());
  EXPECT_NE(one->get(), PlanCache::Shared("")->get());
  EXPECT_EQ(*(*one)->Insert("conv", "a0:engine1", std::nullopt), "a0:engine1");
  EXPECT_EQ(*(*other)->Insert("conv", "a4:engine9", std::nullopt), "a0:engine1");
  EXPECT_EQ((*PlanCache::Open(NewPath("threads.txt")))->Find("conv"), "a0:engine1");
  // One that could not be used after all is replaced.
  EXPECT_EQ(*(*other)->Insert("conv", "a4:engine9", "a0:engine1"), "a4:engine9");
}

TEST(PlanCacheTest, WithoutAPathNothingIsWritten) {
  const auto cache = PlanCache::Open("");
  ASSERT_TRUE(cache.ok()) << cache.status();
  ASSERT_TRUE((*cache)->Insert("x", "1", std::nullopt).ok());
  EXPECT_EQ((*cache)->Find("x"), "1");
}

TEST(PlanCacheTest, AFileOfAnotherFormIsAnErrorThatNamesIt) {
  const std::string path = NewPath("broken.txt");
  for (const char* text : {"something else\n", "hardface.cudnn_plans 1\nno tab\n", "hardface.cudnn_plans 9\nx\t1\n"}) {
    ASSERT_TRUE(WriteFileAtomically(path, text).ok());
    const auto cache = PlanCache::Open(path);
    ASSERT_EQ(cache.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_NE(cache.status().message().find(path), std::string::npos) << cache.status();
  }
}

}  // namespace
}  // namespace hardface::model
