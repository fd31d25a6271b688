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
  EXPECT_EQ(file->kind, PlotKind::kPrecisionRecall);
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
  EXPECT_EQ(csv->kind, PlotKind::kRoc);
  EXPECT_EQ(csv->curves[0].points.back(), (std::pair<double, double>(2, 0.5)));
  const auto text = ReadPlotFile("published", Write("DiscROC.txt", "0.98 28925 0.05\n0.1 0 1\n"), "");
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(text->curves[0].points[0], (std::pair<double, double>(28925, 0.98)));
}

constexpr char kTimes[] =
    "set,detector,variant,seconds,ap,ap_low,ap_high\n"
    "WIDER,ours,accurate,1.5,0.46,0.4,0.5\nWIDER,ours,fast,0.1,0.44,0.4,0.5\nWIDER,peer,640,0.2,0.41,0.3,0.5\n";

TEST(Plot, ADetectorsVariantsAreACurveInRisingTime) {
  const auto file = ReadPlotFile("Xeon", Write("times.csv", kTimes), "");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->kind, PlotKind::kTimes);
  ASSERT_EQ(file->curves.size(), 2u);
  EXPECT_EQ(file->curves[0].title, "ours (Xeon)");
  EXPECT_EQ(file->curves[0].points, (ChartPoints{{0.1, 0.44}, {1.5, 0.46}}));
  EXPECT_EQ(file->curves[0].labels, (std::vector<std::string>{"fast", "accurate"}));
  EXPECT_TRUE(PlotChart(file->kind, {}).log_x);
}

TEST(Plot, OfSeveralTimedSetsOneIsChosen) {
  const std::string path = Write("times.csv", std::string(kTimes) + "FDDB,ours,fast,0.05,0.9,0.8,1\n");
  EXPECT_NE(ReadPlotFile("x", path, "").status().message().find("WIDER and FDDB; choose one with --curve"),
            std::string::npos);
  const auto file = ReadPlotFile("x", path, "FDDB");
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_EQ(file->curves.size(), 1u);
  EXPECT_EQ(file->curves[0].points, (ChartPoints{{0.05, 0.9}}));
  EXPECT_FALSE(ReadPlotFile("x", path, "AFW").ok());
}

TEST(Plot, ImpossibleTimesAreErrors) {
  for (const char* line : {"WIDER,ours,fast,0,0.5,0,1\n", "WIDER,ours,fast,1,44,0,1\n", "WIDER,ours,fast,1\n"}) {
    const auto file = ReadPlotFile("x", Write("times.csv", std::string(kTimes) + line), "");
    ASSERT_FALSE(file.ok()) << line;
    EXPECT_NE(file.status().message().find("times.csv:5"), std::string::npos) << file.status();
  }
}

TEST(Plot, OtherFilesAreErrors) {
  EXPECT_FALSE(ReadPlotFile("x", Write("x.txt", "hello\n"), "").ok());
  EXPECT_FALSE(ReadPlotFile("x", Write("x.csv", std::string(kCsv) + "easy,1\n"), "").ok());
  EXPECT_FALSE(ReadPlotFile("x", Write("x.csv", ""), "").ok());
}

TEST(Plot, AxesAreThoseOfTheKindOfCurve) {
  const ChartOptions precision_recall = PlotChart(PlotKind::kPrecisionRecall, {});
  EXPECT_EQ(precision_recall.x_label, "recall");
  EXPECT_EQ(precision_recall.x.high, 1);
  const ChartOptions roc = PlotChart(PlotKind::kRoc, {});
  EXPECT_EQ(roc.x_label, "false positives");
  EXPECT_EQ(roc.x.high, 2000);
  EXPECT_EQ(roc.y.high, 1);
}

TEST(Plot, DrawsSvgAndPng) {
  if (std::system("command -v gnuplot > /dev/null") != 0) GTEST_SKIP() << "gnuplot is not installed";
  const std::vector<ChartCurve> curves = {{"some curve", {{0, 1}, {0.5, 0.75}, {1, 0.1}}}};
  for (const char* name : {"plot.svg", "plot.png"}) {
    const std::string path = testing::TempDir() + "/" + name;
    ASSERT_TRUE(DrawPlot(curves, PlotKind::kPrecisionRecall, {}, path).ok());
    const auto bytes = ReadFile(path);
    ASSERT_TRUE(bytes.ok());
    EXPECT_NE(bytes->find(path.back() == 'g' && path[path.size() - 3] == 's' ? "some curve" : "PNG"),
              std::string::npos);
  }
  EXPECT_FALSE(DrawPlot(curves, PlotKind::kPrecisionRecall, {}, testing::TempDir() + "/plot.gif").ok());
}

TEST(Plot, AFullDiskLeavesTheOldPicture) {
  if (std::system("command -v gnuplot > /dev/null") != 0) GTEST_SKIP() << "gnuplot is not installed";
  // A limit of file size stops writers in the middle of the picture, as a full disk does; gnuplot inherits it.
  const std::string program =
      ChartProgram({{"a", {{0, 1}, {1, 0}}}}, PlotChart(PlotKind::kPrecisionRecall, {}), ".svg");
  rlimit old_limit;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old_limit), 0);
  for (const char* name : {"full.svg", "full.png"}) {
    const std::string path = Write(name, "old picture");
    const rlimit limit = {program.size() + 1000, old_limit.rlim_max};
    const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    const absl::Status status = DrawPlot({{"a", {{0, 1}, {1, 0}}}}, PlotKind::kPrecisionRecall, {}, path);
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &old_limit), 0);
    std::signal(SIGXFSZ, old_handler);
    EXPECT_FALSE(status.ok());
    EXPECT_NE(status.message().find(name), std::string::npos) << status;
    EXPECT_EQ(*ReadFile(path), "old picture");
  }
}

}  // namespace
}  // namespace hardface::eval
