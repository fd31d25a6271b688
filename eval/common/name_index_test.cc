#include "eval/common/name_index.h"

#include <gtest/gtest.h>

namespace hardface::eval {
namespace {

NameIndex Index(const std::vector<std::string>& names) {
  NameIndex index;
  for (const std::string& name : names) index.Add(name);
  return index;
}

TEST(NameIndex, FindsPathsThatStartElsewhereAndLackExtensions) {
  const NameIndex index = Index({"0--A/one.jpg", "0--A/two.JPG", "im.v2.png"});
  EXPECT_EQ(index.Find("0--A/one.jpg"), 0);
  EXPECT_EQ(index.Find("0--A/two"), 1);
  EXPECT_EQ(index.Find("data/images/0--A/one.txt"), 0);
  EXPECT_EQ(index.Find("one"), 0);
  EXPECT_EQ(index.Find("./im.v2.png"), 2);
  EXPECT_EQ(index.Find("im.v2"), 2);
  EXPECT_EQ(index.Find("im"), NameIndex::kNone);
  EXPECT_EQ(index.Find("1--B/one.jpg"), NameIndex::kNone);
  EXPECT_EQ(index.Find("x0--A/one.jpg"), NameIndex::kNone);
}

TEST(NameIndex, WhatCouldBeSeveralIsNoneOfThem) {
  const NameIndex index = Index({"a/one.jpg", "b/one.jpg", "two.jpg", "c/two.jpg", "d/three.png", "d/three.jpg"});
  EXPECT_EQ(index.Find("one"), NameIndex::kSeveral);
  EXPECT_EQ(index.Find("b/one"), 1);
  EXPECT_EQ(index.Find("two"), 2);  // exactly
  EXPECT_EQ(index.Find("d/three"), NameIndex::kSeveral);
}

TEST(NameIndex, FindsNumbersWithOrWithoutLeadingZeros) {
  const NameIndex index = Index({"val/000000000139.jpg", "val/42.jpg", "a/7.jpg", "b/07.jpg", "img_9.jpg"});
  EXPECT_EQ(index.FindNumber(139), 0);
  EXPECT_EQ(index.FindNumber(42), 1);
  EXPECT_EQ(index.FindNumber(7), NameIndex::kSeveral);
  EXPECT_EQ(index.FindNumber(9), NameIndex::kNone);
}

}  // namespace
}  // namespace hardface::eval
