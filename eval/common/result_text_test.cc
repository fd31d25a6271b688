#include "eval/common/result_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

namespace hardface::eval {
namespace {

using ::testing::HasSubstr;

TEST(ParseResultText, ReadsBoxes) {
  const auto file = ParseResultText("one\r\n2\r\n1 2 3 4 0.5\r\n1.5 2.5 3.5 4.5 1e-3\r\n\r\n", "one.txt");
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_EQ(file->boxes.size(), 2u);
  EXPECT_EQ(file->boxes[1].h, 4.5);
  EXPECT_EQ(file->boxes[1].score, 1e-3);
  EXPECT_EQ(file->extra_line, 0);
}

TEST(ParseResultText, ErrorsNameTheLine) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "one.txt:1"},
      {"one\n", "one.txt:2"},
      {"one\nmany\n", "one.txt:2"},
      {"one\n-1\n", "one.txt:2"},
      {"one\n1.5\n", "one.txt:2"},
      {"one\n10000000\n", "one.txt:2"},
      {"one\n2\n1 2 3 4 0.5\n", "one.txt:4"},
      {"one\n1\n1 2 3 4\n", "one.txt:3"},
      {"one\n1\n1 2 3 4 nan\n", "one.txt:3"},
      {"one\n1\n1 2 inf 4 0.5\n", "one.txt:3"},
      {"one\n1\n1 2 3 4 0.5x\n", "one.txt:3"},
  };
  for (const auto& [text, place] : cases) {
    const auto file = ParseResultText(text, "one.txt");
    ASSERT_FALSE(file.ok()) << text;
    EXPECT_NE(file.status().message().find(place), std::string::npos) << file.status();
  }
}

TEST(ParseResultText, NotesExtraLinesAndFlatBoxes) {
  const auto file = ParseResultText("one\n1\n1 2 0 4 0.5\n\n9 9 9 9 0.1\n", "one.txt");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->boxes.size(), 1u);
  EXPECT_EQ(file->bad_extent_line, 3);
  EXPECT_EQ(file->extra_line, 5);
}

TEST(ParseResultText, PassesOverAByteOrderMarkAndNamesUtf16) {
  const auto file = ParseResultText("\xef\xbb\xbfone\n1\n1 2 3 4 0.5\n", "one.txt");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->image, "one");
  EXPECT_EQ(file->boxes[0].line, 3);
  EXPECT_THAT(std::string(ParseResultText("\xff\xfeo", "one.txt").status().message()),
              HasSubstr("one.txt: is text in UTF-16"));
}

TEST(ParseResultText, TakesRetinaFacesRowsWithTheirLandmarks) {
  // A blank at each line's end, and five points behind the score.
  const auto file = ParseResultText("0_Parade_1\n2\n1 2 30 40 0.5 \n5 6 7 8 0.25 1 2 3 4 5 6 7 8 9 10 \n", "f");
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_EQ(file->boxes.size(), 2u);
  EXPECT_EQ(file->boxes[1].score, 0.25);
}

TEST(NoteFindings, NamesSwappedFilesExtraLinesAndExtents) {
  const auto file = ParseResultText("0--A/two.jpg\n1\n9 9 -4 4 0.5\n9 9 9 9 0.1\n", "one.txt");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->negative_extent_line, 3);
  LayoutReport layout, none;
  NoteFindings(*file, "one.txt", "0--A/one.jpg", &layout);
  for (const char* place : {"one.txt:1 (\"0--A/two.jpg\")", "one.txt:4", "one.txt:3"}) {
    EXPECT_THAT(layout.Text(), HasSubstr(place));
  }
  NoteFindings(*ParseResultText("one.jpg\n1\n9 9 4 4 0.5\n", "one.txt"), "one.txt", "0--A/one", &none);
  EXPECT_TRUE(none.empty()) << none.Text();
}

}  // namespace
}  // namespace hardface::eval
