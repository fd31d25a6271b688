#include "base/json_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace hardface {
namespace {

using ::testing::HasSubstr;

std::string Message(absl::string_view text) { return std::string(ParseJson(text, "f:7").status().message()); }

TEST(ParseJsonTest, ReadsAndPassesOverAByteOrderMark) {
  EXPECT_EQ((*ParseJson("\xef\xbb\xbf{\"a\":[1,2]}", "f"))["a"][1], 2);
}

TEST(ParseJsonTest, ErrorsNamePlaceLineAndColumn) {
  EXPECT_THAT(Message("{\"a\":\n NaN}"), HasSubstr("f:7: not valid JSON"));
  EXPECT_THAT(Message("{\"a\":\n NaN}"), HasSubstr("line 2, column 2"));
  EXPECT_THAT(Message("[1e999]"), HasSubstr("f:7: "));
  EXPECT_THAT(Message(""), HasSubstr("f:7: "));
}

TEST(ParseJsonTest, NestingIsLimitedButNotWhatStringsHold) {
  const auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(ParseJson(nested(kMaxJsonDepth), "f").ok());
  EXPECT_THAT(Message(nested(kMaxJsonDepth + 1)), HasSubstr("f:7: lists and objects are nested more than 64 deep"));
  EXPECT_THAT(Message(std::string(10'000'000, '[')), HasSubstr("nested more than 64 deep"));
  std::string objects;
  for (int i = 0; i < 1'000'000; ++i) objects += "{\"a\":";
  EXPECT_THAT(Message(objects), HasSubstr("nested more than 64 deep"));
  EXPECT_TRUE(ParseJson("\"" + std::string(1000, '[') + "\"", "f").ok());
  EXPECT_TRUE(ParseJson("[\"\\\"" + std::string(1000, '[') + "\"]", "f").ok());
  // A string that ends in a backslash's escape does not hide what follows.
  EXPECT_THAT(Message("[\"\\\\\"," + nested(1000) + "]"), HasSubstr("nested more than 64 deep"));
  // Brackets that only close, before ones that open, do not make room.
  EXPECT_FALSE(ParseJson(std::string(1000, ']') + nested(1000), "f").ok());
}

}  // namespace
}  // namespace hardface
