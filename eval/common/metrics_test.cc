#include "eval/common/metrics.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/atomic_output.h"
#include "base/read_file.h"

namespace hardface::eval {
namespace {

std::string TempFile(const std::string& name, const std::string& text) {
  const std::string path = testing::TempDir() + "/" + name;
  EXPECT_TRUE(WriteFileAtomically(path, text).ok());
  return path;
}

TEST(Metrics, LineHasSixDecimalsAndNanForTheUndefined) {
  const Metrics metrics = {
      {"ap", 1.0 / 3}, {"faces", 12}, {"hard", std::numeric_limits<double>::quiet_NaN()}, {"matching", "official"}};
  // NaN survives in memory only; from JSON it comes back as null. Both print as nan.
  EXPECT_EQ(MetricsLine(metrics), "ap=0.333333 faces=12 hard=nan matching=official");
  EXPECT_EQ(MetricsLine(Metrics::parse(metrics.dump())), "ap=0.333333 faces=12 hard=nan matching=official");
}

TEST(Metrics, FilesKeepFullPrecision) {
  const std::string folder = testing::TempDir() + "/score";
  auto output = ScoreOutput::Create(folder);
  ASSERT_TRUE(output.ok());
  ASSERT_TRUE((*output)->Commit({{"ap", 1.0 / 3}}, Provenance()).ok());
  const auto metrics = ReadMetrics(folder);
  ASSERT_TRUE(metrics.ok()) << metrics.status();
  EXPECT_EQ((*metrics)["ap"].get<double>(), 1.0 / 3);
  EXPECT_TRUE(ReadFile(folder + "/provenance.json").ok());
}

TEST(Metrics, ReadingRejectsWhatIsNotFlatJson) {
  EXPECT_FALSE(ReadMetrics(testing::TempDir() + "/nothing.json").ok());
  EXPECT_FALSE(ReadMetrics(TempFile("garbage.json", "\x01\x02{{{")).ok());
  EXPECT_FALSE(ReadMetrics(TempFile("list.json", "[1,2]")).ok());
  EXPECT_FALSE(ReadMetrics(TempFile("nested.json", R"({"a":{"b":1}})")).ok());
}

TEST(Metrics, TextsThatAreNotUtf8AndPathsTooLongDoNotThrow) {
  const Metrics metrics = {{"name", "lat\xe9in"}};
  const std::string folder = testing::TempDir() + "/latin";
  const auto output = ScoreOutput::Create(folder);
  ASSERT_TRUE(output.ok()) << output.status();
  EXPECT_TRUE((*output)->Commit(metrics, Provenance()).ok());
  EXPECT_TRUE(ReadMetrics(folder).ok());
  EXPECT_FALSE(ReadMetrics(std::string(300, 'x')).ok());
}

}  // namespace
}  // namespace hardface::eval
