#include "model/cuda/plan_cache.h"

#include <gtest/gtest.h>

#include "data_tools/base/atomic_output.h"

namespace hardface {
namespace {

std::string NewPath(const std::string& name) { return ::testing::TempDir() + "/plan_cache_test/" + name; }

TEST(PlanCacheTest, FindsWhatAnEarlierProcessInserted) {
  const std::string path = NewPath("kept.txt");
  auto first = PlanCache::Open(path);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_FALSE(first->Find("conv a").has_value());
  ASSERT_TRUE(first->Insert("conv a", "a3:engine57").ok());
  ASSERT_TRUE(first->Insert("conv b", "a0:engine41").ok());
  ASSERT_TRUE(first->Insert("conv a", "a1:engine57").ok());
  const auto second = PlanCache::Open(path);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->Find("conv a"), "a1:engine57");
  EXPECT_EQ(second->Find("conv b"), "a0:engine41");
}

TEST(PlanCacheTest, KeepsWhatAnotherProcessWroteMeanwhile) {
  const std::string path = NewPath("shared.txt");
  auto one = PlanCache::Open(path), other = PlanCache::Open(path);
  ASSERT_TRUE(one->Insert("x", "1").ok());
  ASSERT_TRUE(other->Insert("y", "2").ok());
  const auto both = PlanCache::Open(path);
  EXPECT_EQ(both->Find("x"), "1");
  EXPECT_EQ(both->Find("y"), "2");
}

TEST(PlanCacheTest, WithoutAPathNothingIsWritten) {
  auto cache = PlanCache::Open("");
  ASSERT_TRUE(cache.ok()) << cache.status();
  ASSERT_TRUE(cache->Insert("x", "1").ok());
  EXPECT_EQ(cache->Find("x"), "1");
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
}  // namespace hardface
