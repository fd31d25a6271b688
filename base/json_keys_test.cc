#include "base/json_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace hardface {
namespace {

using ::testing::HasSubstr;

std::string MessageOf(const nlohmann::json& object) {
  return std::string(CheckNoMisspeltKey(object, {"box", "flip", "height", "ignore"}, "m:2").message());
}

TEST(CheckNoMisspeltKey, NamesTheKeyThatWasMeant) {
  for (const char* key : {"ignored", "Ignore", "ignor", "IGNORE", "ingore"}) {
    EXPECT_EQ(MessageOf({{key, true}}),
              "m:2: the key \"" + std::string(key) + "\" has no meaning here; did you mean \"ignore\"?");
  }
  EXPECT_THAT(MessageOf({{"flipped", true}}), HasSubstr("did you mean \"flip\"?"));
  EXPECT_THAT(MessageOf({{"boxes", true}}), HasSubstr("did you mean \"box\"?"));
}

TEST(CheckNoMisspeltKey, PassesOverOtherKeys) {
  for (const char* key : {"weight", "clip", "id", "", "b", "score", "origin"})
    EXPECT_EQ(MessageOf({{key, 1}}), "") << key;
  EXPECT_EQ(MessageOf({{"ignore", true}, {"ignored_by", "me"}, {"box", 1}, {"boxes", 2}}), "")
      << "the known ones are there";
  EXPECT_EQ(MessageOf(nlohmann::json::object()), "");
}

}  // namespace
}  // namespace hardface
