#include "base/text_lines.h"

#include <gtest/gtest.h>

namespace hardface {
namespace {

TEST(ParseNumberTest, TakesWholeFiniteNumbersOnly) {
  double value = 0;
  EXPECT_TRUE(ParseNumber("-12.5", &value));
  EXPECT_EQ(value, -12.5);
  EXPECT_TRUE(ParseNumber("1e3", &value));
  EXPECT_TRUE(ParseNumber("+7", &value));
  EXPECT_EQ(value, 7);
  for (const char* text : {"", "+", "12a", "a", "nan", "inf", "1e999", "1 2", " 1", "+-5", "0x10", "10,5"})
    EXPECT_FALSE(ParseNumber(text, &value)) << text;
}

TEST(TextLinesTest, EndsOfLinesAndNumbers) {
  TextLines lines("a\r\n\n  \nb");
  ASSERT_TRUE(lines.NextFilled());
  EXPECT_EQ(lines.line(), "a");
  ASSERT_TRUE(lines.NextFilled());
  EXPECT_EQ(lines.line(), "b");
  EXPECT_EQ(lines.number(), 4);
  EXPECT_FALSE(lines.Next());
}

TEST(WithoutByteOrderMarkTest, TakesOneMarkAway) {
  EXPECT_EQ(WithoutByteOrderMark("\xef\xbb\xbf"
                                 "a.jpg"),
            "a.jpg");
  EXPECT_EQ(WithoutByteOrderMark("a\xef\xbb\xbf"), "a\xef\xbb\xbf");
  EXPECT_EQ(WithoutByteOrderMark(""), "");
}

}  // namespace
}  // namespace hardface
