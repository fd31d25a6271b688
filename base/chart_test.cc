#include "base/chart.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>

namespace hardface {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

bool Has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(Chart, ProgramHoldsAxesAndPoints) {
  ChartOptions options;
  options.x_label = "iteration";
  options.x.low = 0;
  options.x_mark = 0.85;
  const std::string program = ChartProgram({{"loss", {{1, 2.5}, {2, kNan}, {3, 1.5}}}}, options, ".svg");
  EXPECT_TRUE(Has(program, "set xlabel \"iteration\"\n")) << program;
  EXPECT_TRUE(Has(program, "set xrange [0:*]\nset yrange [*:*]\n")) << program;
  EXPECT_TRUE(Has(program, "$curve0 << END\n1 2.5\n\n3 1.5\nEND\n")) << program;
  EXPECT_TRUE(Has(program, "set arrow from 0.85, graph 0")) << program;
}

TEST(Chart, LogarithmicOnlyWherePossibleAndUseful) {
  ChartOptions options;
  options.log_y = true;
  const std::string wide = ChartProgram({{"", {{0, 8}, {1, 0.3}}}}, options, ".svg");
  EXPECT_TRUE(Has(wide, "set logscale y\nset yrange [0.2:10]\nset ytics (0.2, 0.5, 1, 2, 5, 10)\n")) << wide;
  const std::string ends = ChartProgram({{"", {{0, 10}, {1, 1}}}}, options, ".svg");
  EXPECT_TRUE(Has(ends, "set ytics (1, 2, 5, 10)\n")) << ends;
  EXPECT_TRUE(
      Has(ChartProgram({{"", {{0, 1e9}, {1, 1}}}}, options, ".svg"), "set logscale y\nset format y \"%g\"\n$curve0"));
  EXPECT_FALSE(Has(ChartProgram({{"", {{0, 8}, {1, 0}}}}, options, ".svg"), "logscale"));
  EXPECT_FALSE(Has(ChartProgram({{"", {{0, 8}, {1, 7}}}}, options, ".svg"), "logscale"));
}

TEST(Chart, LogarithmicXAndLabelledPoints) {
  ChartOptions options;
  options.log_x = true;
  const std::string program = ChartProgram({{"a", {{0.1, 1}, {2, 3}}, {"fast", "slow"}}}, options, ".svg");
  EXPECT_TRUE(Has(program, "set logscale x\nset xrange [0.1:2]\nset xtics (0.1, 0.2, 0.5, 1, 2)\n")) << program;
  EXPECT_TRUE(Has(program, "0.1 1 \"fast\"\n2 3 \"slow\"\n")) << program;
  EXPECT_TRUE(Has(program, "$curve0 using 1:2:3 with labels")) << program;
}

TEST(Chart, CurvesKeepTheirColourWhereOthersAreEmpty) {
  const std::string program = ChartProgram({{"a", {}}, {"b", {{0, 1}, {1, 2}}}}, {}, ".svg");
  EXPECT_TRUE(Has(program, "plot $curve1 using 1:2 with lines linewidth 2 linetype 2 title \"b\"\n")) << program;
  EXPECT_FALSE(Has(program, "$curve0")) << program;
}

TEST(Chart, OneValueGetsAnAxis) {
  const std::string program = ChartProgram({{"", {{5, 2}}}}, {}, ".svg");
  EXPECT_TRUE(Has(program, "set xrange [4.5:5.5]\nset yrange [1.8:2.2]\n")) << program;
}

TEST(Chart, ThinningKeepsSpikes) {
  ChartPoints points;
  for (int i = 0; i < 60000; ++i) points.emplace_back(i, 1.0);
  points[31234].second = 50;
  points[41234].second = -50;
  points[51234].second = kNan;
  const ChartPoints thin = ThinOut(points, 1000);
  EXPECT_LE(thin.size(), 1000u);
  EXPECT_GE(thin.size(), 500u);
  double low = 0, high = 0, last = -1;
  for (const auto& [x, y] : thin) {
    EXPECT_GT(x, last);
    last = x;
    low = std::min(low, y);
    high = std::max(high, y);
  }
  EXPECT_EQ(low, -50);
  EXPECT_EQ(high, 50);
  EXPECT_EQ(ThinOut({{0, 1}, {1, kNan}, {2, 0}}, 3).size(), 3u);
  EXPECT_EQ(ThinOut(ChartPoints(5000, {7, 7}), 100), (ChartPoints{{7, 7}}));
}

TEST(Chart, HistogramCountsBothEnds) {
  Histogram histogram(0, 1, 4);
  for (const double value : {0.0, 0.2, 0.25, 1.0}) histogram.Add(value);
  EXPECT_EQ(histogram.total(), 4);
  EXPECT_EQ(histogram.Shares(), (ChartPoints{{0.125, 0.5}, {0.375, 0.25}, {0.625, 0}, {0.875, 0.25}}));
  EXPECT_EQ(histogram.Shares(8)[0].second, 0.25);
  EXPECT_EQ(Histogram(0, 1, 1).Shares(), (ChartPoints{{0.5, 0}}));
}

TEST(Chart, DrawsEveryStyle) {
  if (std::system("command -v gnuplot > /dev/null") != 0) GTEST_SKIP() << "gnuplot is not installed";
  for (const ChartStyle style :
       {ChartStyle::kLines, ChartStyle::kMarkedLines, ChartStyle::kBars, ChartStyle::kOutlines}) {
    ChartOptions options;
    options.style = style;
    options.log_y = true;
    options.x_mark = 1;
    const auto picture = DrawChart({{"some <curve>", {{0, 1}, {1, 100}, {2, kNan}, {3, 5}}}, {"none", {}}}, options);
    ASSERT_TRUE(picture.ok()) << picture.status();
    EXPECT_TRUE(Has(*picture, "some &lt;curve"));
    EXPECT_FALSE(Has(*picture, "none</text>"));
  }
}

TEST(Chart, NothingToDrawIsAnError) {
  EXPECT_EQ(DrawChart({}, {}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(DrawChart({{"a", {{1, kNan}}}}, {}).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace hardface
