#include "base/json_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

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

TEST(ParseJsonTest, AZeroByteIsNoEnd) {
  using namespace std::string_literals;  // NOLINT(build/namespaces): strings with zero bytes
  EXPECT_THAT(Message("{\"a\":1}\0{\"a\":2}"s), HasSubstr("f:7: not valid JSON: byte 7 is zero"));
  EXPECT_THAT(Message("{}\0"s), HasSubstr("byte 2 is zero"));
  EXPECT_TRUE(ParseJson("[\"\\u0000\"]", "f").ok());
}

TEST(ParseJsonTest, AKeyThatStandsTwiceIsAnError) {
  EXPECT_THAT(Message("{\"a\":1,\n\"a\":1}"), HasSubstr("f:7: the key \"a\" stands twice in one object (line 2"));
  EXPECT_THAT(Message("[{\"b\":{\"a\":1}},\n\n{\"c\":[{\"a\":[],\"b\":2,\"\\u0061\":0}]}]"),
              HasSubstr("the key \"a\" stands twice in one object (line 3"));
  EXPECT_THAT(Message("{\"\\\"\":1,\"\\\"\":2}"), HasSubstr("stands twice"));
  // Not in one object; in strings; as values.
  EXPECT_TRUE(ParseJson("{\"a\":{\"a\":[{\"a\":\"a\"},{\"a\":\":\"}]},\"b\":\"a\",\"\":\":{:\\\":\"}", "f").ok());
  EXPECT_TRUE(ParseJson<nlohmann::ordered_json>("{\"a\":1,\"b\":{}}", "f").ok());
  EXPECT_FALSE(ParseJson<nlohmann::ordered_json>("{\"a\":1,\"a\":{}}", "f").ok());
}

TEST(ParseJsonListTest, AKeyThatStandsTwiceInAnElementIsAnError) {
  const auto take = [](nlohmann::json, int64_t) { return absl::OkStatus(); };
  EXPECT_TRUE(ParseJsonList("[{\"a\":1},{\"a\":{\"a\":2}}]", "f", "things", take).ok());
  EXPECT_THAT(std::string(ParseJsonList("[{\"a\":1},\n{\"a\":1,\"a\":2}]", "f", "things", take).message()),
              HasSubstr("f: the key \"a\" stands twice in one object (line 2"));
}

TEST(ParseJsonListTest, HandsOutElementsOneByOne) {
  std::vector<std::string> seen;
  const auto take = [&](nlohmann::json element, int64_t number) {
    seen.push_back(absl::StrCat(number, element.dump()));
    return element == 13 ? absl::InvalidArgumentError("thirteen") : absl::OkStatus();
  };
  ASSERT_TRUE(ParseJsonList("\xef\xbb\xbf [ {\"a\":[1,{}]}, 2, [[3]], \"x\", null ]", "f", "things", take).ok());
  EXPECT_THAT(seen, ::testing::ElementsAre("1{\"a\":[1,{}]}", "22", "3[[3]]", "4\"x\"", "5null"));
  seen.clear();
  EXPECT_TRUE(ParseJsonList("[]", "f", "things", take).ok());
  EXPECT_TRUE(seen.empty());
  EXPECT_EQ(ParseJsonList("[1,13,2]", "f", "things", take).message(), "thirteen");
  EXPECT_EQ(seen.size(), 2u);  // nothing is taken behind an error
}

TEST(ParseJsonListTest, WhatIsNoListIsAnError) {
  const auto take = [](const nlohmann::json&, int64_t) { return absl::OkStatus(); };
  for (const char* text : {"{\"a\":[1]}", "7", "\"x\"", "null", "{}"}) {
    EXPECT_THAT(std::string(ParseJsonList(text, "f:7", "a list of things", take).message()),
                HasSubstr("f:7: is no JSON list; expected a list of things"))
        << text;
  }
  EXPECT_THAT(std::string(ParseJsonList("[1,", "f:7", "", take).message()), HasSubstr("f:7: not valid JSON"));
  EXPECT_THAT(std::string(ParseJsonList(std::string(1000, '['), "f:7", "", take).message()), HasSubstr("nested more"));
}

TEST(JsonIdTextTest, ComparesNumbersByValueAndTextsWhole) {
  EXPECT_EQ(JsonIdText(42), JsonIdText(42.0));
  EXPECT_NE(JsonIdText(42), JsonIdText("42"));
  EXPECT_NE(JsonIdText(42), JsonIdText(42.5));
  const std::string folder(100, 'f');
  EXPECT_NE(JsonIdText(folder + "/1.jpg"), JsonIdText(folder + "/2.jpg"));
  EXPECT_EQ(ShowJson(folder).size(), 80u);
}

TEST(JsonMemberTest, IsNullWhereThereIsNone) {
  const nlohmann::json object = {{"a", 1}};
  EXPECT_EQ(JsonMember(object, "a"), 1);
  EXPECT_TRUE(JsonMember(object, "b").is_null());
  EXPECT_TRUE(JsonMember(nlohmann::json("text"), "a").is_null());
}

}  // namespace
}  // namespace hardface
