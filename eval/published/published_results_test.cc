#include "eval/published/published_results.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "base/atomic_output.h"

namespace hardface::eval {
namespace {

using ::testing::HasSubstr;

TEST(PublishedResultsTest, TheCommittedFileHasEveryMethod) {
  const auto results = ReadPublishedResults("eval/published/results.csv");
  ASSERT_TRUE(results.ok()) << results.status();
  for (const char* const method : {"SSH", "S3FD", "PyramidBox", "SmallHardFace (the paper)"}) {
    int on_wider = 0;
    for (const PublishedResult& result : *results)
      on_wider += result.method == method && result.dataset == "WIDER FACE";
    EXPECT_EQ(on_wider, 3) << method;
  }
  EXPECT_EQ(results->front().percent, "93.123");
  EXPECT_THAT(results->back().source, HasSubstr("github.com/"));
}

std::string ErrorOf(const std::string& text) {
  const std::string path = ::testing::TempDir() + "/published.csv";
  EXPECT_TRUE(WriteFileAtomically(path, text).ok());
  return std::string(ReadPublishedResults(path).status().message());
}

TEST(PublishedResultsTest, BadLinesAreNamed) {
  const std::string header = "# a comment\nmethod,dataset,subset,metric,percent,protocol,source\n";
  EXPECT_THAT(ErrorOf("a,b\n"), HasSubstr("published.csv:1: the first line must be"));
  EXPECT_THAT(ErrorOf(header + "SSH,WIDER,easy,AP,93\n"), HasSubstr(":3: has 5 fields"));
  EXPECT_THAT(ErrorOf(header + "SSH,WIDER,easy,AP,930,p,s\n"), HasSubstr(":3: \"930\" is no percentage"));
  EXPECT_THAT(ErrorOf(header + "SSH,WIDER,easy,AP,93,p,\n"), HasSubstr(":3: field 7 is empty"));
  EXPECT_THAT(ErrorOf(header), HasSubstr("holds no result"));
  EXPECT_EQ(ErrorOf(header + "SSH,WIDER,,AP,93,,here, and there\n"), "");
}

}  // namespace
}  // namespace hardface::eval
