#include "eval/reports/plot.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdlib>

#include "base/atomic_output.h"
#include "base/read_file.h"

namespace hardface::eval {
namespace {

constexpr char kCsv[] =
    "curve,score,recall,precision,true_positives,false_positives\n"
    "easy,1,nan,nan,0,0\neasy,0.9,0.25,1,1,0\neasy,0.5,0.5,0.5,2,2\nhard,0.9,0.1,0.75,1,0\n";

std::string Write(const std::string& name, const std::string& text) {
  const std::string path = testing::TempDir() + "/" + name;
  EXPECT_TRUE(WriteFileAtomically(path, text).ok());
  return path;
}

TEST(Plot, ReadsCurvesOfACsv) {
  const auto file = ReadPlotFile("ours", Write("pr.csv", kCsv), "");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_FALSE(file->is_roc);
  ASSERT_EQ(file->curves.size(), 2u);
  EXPECT_EQ(file->curves[0].title, "ours easy");
  ASSERT_EQ(file->curves[0].points.size(), 2u);
  EXPECT_EQ(file->curves[0].points[1], (std::pair<double, double>(0.5, 0.5)));
  const auto hard = ReadPlotFile("ours", Write("pr.csv", kCsv), "hard");
  ASSERT_TRUE(hard.ok()) << hard.status();
  EXPECT_EQ(hard->curves[0].title, "ours");
  EXPECT_FALSE(ReadPlotFile("ours", Write("pr.csv", kCsv), "none").ok());
}

TEST(Plot, RocHasFalsePositivesOnTheXAxis) {
  const auto csv = ReadPlotFile("ours", Write("roc.csv", kCsv), "easy");
  ASSERT_TRUE(csv.ok()) << csv.status();
  EXPECT_TRUE(csv->is_roc);
  EXPECT_EQ(csv->curves[0].points.back(), (std::pair<double, double>(2, 0.5)));
  const auto text = ReadPlotFile("published", Write("DiscROC.txt", "0.98 28925 0.05\n0.1 0 1\n"), "");
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(text->curves[0].points[0], (std::pair<double, double>(28925, 0.98)));
}

TEST(Plot, OtherFilesAreErrors) {
  EXPECT_FALSE(ReadPlotFile("x", Write("x.txt", "hello\n"), "").ok());
  EXPECT_FALSE(ReadPlotFile("x", Write("x.csv", std::string(kCsv) + "easy,1\n"), "").ok());
  EXPECT_FALSE(ReadPlotFile("x", Write("x.csv", ""), "").ok());
}

TEST(Plot, AxesAreThoseOfTheKindOfCurve) {
  const ChartOptions precision_recall = PlotChart(false, {});
  EXPECT_EQ(precision_recall.x_label, "recall");
  EXPECT_EQ(precision_recall.x.high, 1);
  const ChartOptions roc = PlotChart(true, {});
  EXPECT_EQ(roc.x_label, "false positives");
  EXPECT_EQ(roc.x.high, 2000);
  EXPECT_EQ(roc.y.high, 1);
}

TEST(Plot, DrawsSvgAndPng) {
  if (std::system("command -v gnuplot > /dev/null") != 0) GTEST_SKIP() << "gnuplot is not installed";
  const std::vector<ChartCurve> curves = {{"some curve", {{0, 1}, {0.5, 0.75}, {1, 0.1}}}};
  for (const char* name : {"plot.svg", "plot.png"}) {
    const std::string path = testing::TempDir() + "/" + name;
    ASSERT_TRUE(DrawPlot(curves, false, {}, path).ok());
    const auto bytes = ReadFile(path);
    ASSERT_TRUE(bytes.ok());
    EXPECT_NE(bytes->find(path.back() == 'g' && path[path.size() - 3] == 's' ? "some curve" : "PNG"),
              std::string::npos);
  }
  EXPECT_FALSE(DrawPlot(curves, false, {}, testing::TempDir() + "/plot.gif").ok());
}

TEST(Plot, AFullDiskLeavesTheOldPicture) {
  if (std::system("command -v gnuplot > /dev/null") != 0) GTEST_SKIP() << "gnuplot is not installed";
  // A limit of file size stops writers in the middle of the picture, as a full disk does; gnuplot inherits it.
  const std::string program = ChartProgram({{"a", {{0, 1}, {1, 0}}}}, PlotChart(false, {}), ".svg");
  rlimit old_limit;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old_limit), 0);
  for (const char* name : {"full.svg", "full.png"}) {
    const std::string path = Write(name, "old picture");
    const rlimit limit = {program.size() + 1000, old_limit.rlim_max};
    const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    const absl::Status status = DrawPlot({{"a", {{0, 1}, {1, 0}}}}, false, {}, path);
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &old_limit), 0);
    std::signal(SIGXFSZ, old_handler);
    EXPECT_FALSE(status.ok());
    EXPECT_NE(status.message().find(name), std::string::npos) << status;
    EXPECT_EQ(*ReadFile(path), "old picture");
  }
}

}  // namespace
}  // namespace hardface::eval
