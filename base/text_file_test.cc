#include "base/text_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/atomic_output.h"
#include "base/text_lines.h"

namespace hardface {
namespace {

using ::testing::HasSubstr;

std::string Written(const std::string& name, const std::string& bytes) {
  const std::string path = ::testing::TempDir() + "/text_file_test_" + name;
  EXPECT_TRUE(WriteFileAtomically(path, bytes).ok());
  return path;
}

TEST(ReadTextFileTest, PassesOverAByteOrderMarkAtTheStartOnly) {
  EXPECT_EQ(*ReadTextFile(Written("bom",
                                  "\xef\xbb\xbf"
                                  "ap >= 0.5\n")),
            "ap >= 0.5\n");
  EXPECT_EQ(*ReadTextFile(Written("plain", "a\xef\xbb\xbf")), "a\xef\xbb\xbf");
  EXPECT_EQ(*ReadTextFile(Written("only", "\xef\xbb\xbf")), "");
}

TEST(ReadTextFileTest, Utf16AndUtf32AreErrorsThatSaySo) {
  using namespace std::string_literals;  // NOLINT: for texts with zero bytes
  for (const std::string& bytes : {"\xff\xfe"
                                   "a\0"s,
                                   "\xfe\xff\0a"s, "\xff\xfe\0\0a\0\0\0"s, "\0\0\xfe\xff\0\0\0a"s}) {
    const std::string path = Written("utf16", bytes);
    EXPECT_THAT(std::string(ReadTextFile(path).status().message()), HasSubstr("utf16: is text in UTF-16 or UTF-32"));
    const auto lines = LineReader::Open(path, "");
    EXPECT_THAT(std::string((*lines)->Next().status().message()), HasSubstr("Save it as UTF-8"));
  }
}

TEST(TextLinesTest, PassOverAByteOrderMark) {
  TextLines lines(
      "\xef\xbb\xbf"
      "one\r\ntwo");
  ASSERT_TRUE(lines.Next());
  EXPECT_EQ(lines.line(), "one");
  ASSERT_TRUE(lines.Next());
  EXPECT_EQ(lines.line(), "two");
  EXPECT_EQ(lines.number(), 2);
  EXPECT_FALSE(TextLines("\xef\xbb\xbf").Next());
}

TEST(LineReaderTest, GivesFilledLinesWithTheirNumbers) {
  const auto lines = LineReader::Open(Written("lines",
                                              "\xef\xbb\xbf"
                                              "a\r\n\n\r\nb\nhalf"),
                                      "");
  ASSERT_TRUE(lines.ok()) << lines.status();
  ASSERT_TRUE(*(*lines)->Next());
  EXPECT_EQ((*lines)->line(), "a");
  ASSERT_TRUE(*(*lines)->Next());
  EXPECT_EQ((*lines)->line(), "b");
  EXPECT_THAT((*lines)->place(), HasSubstr("lines:4"));
  EXPECT_TRUE((*lines)->is_complete());
  ASSERT_TRUE(*(*lines)->Next());
  EXPECT_EQ((*lines)->line(), "half");
  EXPECT_FALSE((*lines)->is_complete());
  EXPECT_FALSE(*(*lines)->Next());
}

TEST(LineReaderTest, MissingFilesAndFoldersAreErrorsThatSayWhatWritesThem) {
  for (const std::string& path : {std::string("/no/such/file"), ::testing::TempDir()}) {
    EXPECT_THAT(std::string(LineReader::Open(path, "train writes it").status().message()),
                HasSubstr("train writes it"));
  }
}

}  // namespace
}  // namespace hardface
