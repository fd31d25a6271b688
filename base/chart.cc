#include "base/chart.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/check.h"
#include "base/gnuplot.h"

namespace hardface {
namespace {

// More points than pixels are of no use; two a pixel show the lowest and the highest.
constexpr size_t kPointsDrawn = 1500;

bool IsFinite(const std::pair<double, double>& point) {
  return std::isfinite(point.first) && std::isfinite(point.second);
}

bool HasPoint(const ChartCurve& curve) { return std::any_of(curve.points.begin(), curve.points.end(), &IsFinite); }

struct Extent {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  void Include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool empty() const { return low > high; }
};

struct DataExtent {
  Extent x, y;
};

DataExtent ExtentOf(const std::vector<ChartCurve>& curves) {
  DataExtent extent;
  for (const ChartCurve& curve : curves) {
    for (const auto& point : curve.points) {
      if (!IsFinite(point)) continue;
      extent.x.Include(point.first);
      extent.y.Include(point.second);
    }
  }
  return extent;
}

// gnuplot complains of an axis without extent: a curve of one value gets some room.
std::string RangeLine(const char* axis, ChartRange range, const Extent& data) {
  const bool pointlike = !data.empty() && data.low == data.high;
  const double room = pointlike && data.low != 0 ? 0.1 * std::abs(data.low) : 1;
  if (pointlike && !range.low.has_value()) range.low = data.low - room;
  if (pointlike && !range.high.has_value()) range.high = data.high + room;
  const auto text = [](const std::optional<double>& end) {
    return end.has_value() ? absl::StrFormat("%.9g", *end) : std::string("*");
  };
  return absl::StrCat("set ", axis, "range [", text(range.low), ":", text(range.high), "]\n");
}

// A logarithmic axis from and to 1, 2 or 5 times a power of 10, with labels there: gnuplot labels the powers only, of
// which a loss may have none.
std::string LogAxisLines(const char* axis, const Extent& data) {
  std::vector<double> tics;
  for (int power = static_cast<int>(std::floor(std::log10(data.low))); tics.empty() || tics.back() < data.high;
       ++power) {
    for (const int digit : {1, 2, 5}) {
      const double tic = digit * std::pow(10.0, power);
      if (tic <= data.low) tics.clear();
      if (tics.empty() || tics.back() < data.high) tics.push_back(tic);
    }
  }
  std::string labels;
  for (const double tic : tics) absl::StrAppendFormat(&labels, "%s%.3g", labels.empty() ? "" : ", ", tic);
  return absl::StrFormat("set logscale %s\nset %srange [%.3g:%.3g]\nset %stics (%s)\n", axis, axis, tics.front(),
                         tics.back(), axis, labels);
}

std::string AxisLines(const char* axis, const ChartRange& range, bool logarithmic, const Extent& data) {
  // Within a factor of 3, a logarithmic axis looks like a linear one with odd labels.
  if (!logarithmic || data.low <= 0 || data.high <= 3 * data.low) return RangeLine(axis, range, data);
  // Beyond 6 powers of 10, gnuplot's own labels do well.
  if (data.high < 1e6 * data.low) return LogAxisLines(axis, data);
  return absl::StrCat("set logscale ", axis, "\nset format ", axis, " \"%g\"\n");
}

std::string AxesLines(const std::vector<ChartCurve>& curves, const ChartOptions& options) {
  const DataExtent extent = ExtentOf(curves);
  return absl::StrCat(AxisLines("x", options.x, options.log_x, extent.x),
                      AxisLines("y", options.y, options.log_y, extent.y));
}

// The points of CURVE, a line each.
std::string DataLines(const ChartCurve& curve) {
  std::string lines;
  for (size_t i = 0; i < curve.points.size(); ++i) {
    const auto& point = curve.points[i];
    if (IsFinite(point)) absl::StrAppendFormat(&lines, "%.9g %.9g", point.first, point.second);
    if (IsFinite(point) && !curve.labels.empty()) absl::StrAppend(&lines, " ", GnuplotText(curve.labels[i]));
    lines += "\n";
  }
  return lines;
}

const char* StyleText(ChartStyle style) {
  switch (style) {
    case ChartStyle::kLines:
      return "lines linewidth 2";
    case ChartStyle::kMarkedLines:
      return "linespoints linewidth 2 pointtype 7 pointsize 0.5";
    case ChartStyle::kBars:
      return "boxes fillstyle solid 0.4";
    case ChartStyle::kOutlines:
      return "histeps linewidth 2";
  }
  return "lines";
}

std::string TextLine(const char* what, const std::string& text) {
  return text.empty() ? "" : absl::StrCat("set ", what, " ", GnuplotText(text), "\n");
}

}  // namespace

std::string ChartProgram(const std::vector<ChartCurve>& curves, const ChartOptions& options,
                         absl::string_view extension) {
  std::string program = absl::StrFormat("set terminal %s size %d,%d noenhanced\nset grid\nset key %s\n",
                                        extension == ".png" ? "pngcairo" : "svg dynamic background rgb 'white'",
                                        options.width, options.height, options.key);
  absl::StrAppend(&program, TextLine("title", options.title), TextLine("xlabel", options.x_label),
                  TextLine("ylabel", options.y_label), AxesLines(curves, options));
  if (options.x_mark.has_value()) {
    absl::StrAppendFormat(&program, "set arrow from %.9g, graph 0 to %.9g, graph 1 nohead dashtype 2\n",
                          *options.x_mark, *options.x_mark);
  }
  std::string plot;
  for (size_t i = 0; i < curves.size(); ++i) {
    if (!HasPoint(curves[i])) continue;
    absl::StrAppendFormat(&program, "$curve%d << END\n%sEND\n", i, DataLines(curves[i]));
    absl::StrAppendFormat(&plot, "%s $curve%d using 1:2 with %s linetype %d title %s", plot.empty() ? "plot" : ",", i,
                          StyleText(options.style), i + 1, GnuplotText(curves[i].title));
    if (curves[i].labels.empty()) continue;
    absl::StrAppendFormat(&plot, ", $curve%d using 1:2:3 with labels offset 0,0.8 textcolor linetype %d notitle", i,
                          i + 1);
  }
  return absl::StrCat(program, plot, "\n");
}

absl::StatusOr<std::string> DrawChart(const std::vector<ChartCurve>& curves, const ChartOptions& options) {
  if (std::none_of(curves.begin(), curves.end(), &HasPoint)) {
    return absl::InvalidArgumentError(absl::StrCat(options.title, ": no curve has a point to draw"));
  }
  std::vector<ChartCurve> drawn;
  for (const ChartCurve& curve : curves) drawn.push_back({curve.title, ThinOut(curve.points, kPointsDrawn)});
  return RunGnuplot(ChartProgram(drawn, options, ".svg"), ".svg");
}

ChartPoints ThinOut(const ChartPoints& all_points, size_t limit) {
  if (all_points.size() <= limit || limit < 2) return all_points;
  ChartPoints points;
  std::copy_if(all_points.begin(), all_points.end(), std::back_inserter(points), &IsFinite);
  if (points.size() <= limit) return points;
  const double first = points.front().first, width = points.back().first - first;
  const size_t stretches = limit / 2;
  const auto by_value = [](const auto& a, const auto& b) { return a.second < b.second; };
  ChartPoints thin;
  auto begin = points.begin();
  for (size_t stretch = 1; stretch <= stretches; ++stretch) {
    const double bound = first + width * static_cast<double>(stretch) / static_cast<double>(stretches);
    auto end = points.end();
    if (stretch < stretches) end = std::find_if(begin, points.end(), [&](const auto& p) { return p.first >= bound; });
    if (begin == end) continue;
    const auto lowest = std::min_element(begin, end, by_value), highest = std::max_element(begin, end, by_value);
    thin.push_back(*std::min(lowest, highest));
    if (lowest != highest) thin.push_back(*std::max(lowest, highest));
    begin = end;
  }
  return thin;
}

void Histogram::Add(double value) {
  HARDFACE_CHECK(value >= low_ && value <= high_);
  const auto bins = static_cast<double>(counts_.size());
  const double bin = std::min(bins - 1, std::floor((value - low_) / (high_ - low_) * bins));
  ++counts_[static_cast<size_t>(bin)];
}

double Histogram::total() const { return std::accumulate(counts_.begin(), counts_.end(), 0.0); }

ChartPoints Histogram::Shares(double of_total) const {
  const double all = of_total > 0 ? of_total : std::max(1.0, total());
  const double width = (high_ - low_) / static_cast<double>(counts_.size());
  ChartPoints points;
  for (size_t i = 0; i < counts_.size(); ++i) {
    points.emplace_back(low_ + width * (static_cast<double>(i) + 0.5), counts_[i] / all);
  }
  return points;
}

}  // namespace hardface
