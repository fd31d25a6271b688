// Charts of curves and histograms, drawn by gnuplot.
#ifndef HARDFACE_BASE_CHART_H_
#define HARDFACE_BASE_CHART_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace hardface {

using ChartPoints = std::vector<std::pair<double, double>>;

struct ChartCurve {
  std::string title;
  ChartPoints points;                    // (x, y), x not falling; what is not finite is a gap
  std::vector<std::string> labels = {};  // one beside each point, or none at all
};

struct ChartRange {
  std::optional<double> low, high;  // nothing: the data's
};

enum class ChartStyle {
  kLines,
  kMarkedLines,  // a mark at every point, for few points
  kBars,         // x: the bars' middles, equally far apart
  kOutlines,     // the bars' outlines only, so that several histograms can be compared
};

struct ChartOptions {
  std::string title;
  std::string x_label, y_label;
  int width = 900, height = 600;  // pixels
  ChartStyle style = ChartStyle::kLines;
  ChartRange x, y;
  // Logarithmic y axis, where every value is above 0 and they are far enough apart to need it.
  bool log_y = false;
  bool log_x = false;                 // the same of the x axis
  std::string key = "top right";      // where the titles stand, in gnuplot's words; "above": clear of the curves; "off"
  std::optional<double> x_mark = {};  // a dashed vertical line
};

// The gnuplot program that draws CURVES to its stdout; EXTENSION: ".svg" or ".png". A curve without a point is left
// out; the others keep the colours of their places, so that a run has one colour in several charts.
std::string ChartProgram(const std::vector<ChartCurve>& curves, const ChartOptions& options,
                         absl::string_view extension);

// The picture as SVG. Draws thinned curves (ThinOut). NotFound when there is no gnuplot, InvalidArgument when no curve
// has a finite point.
absl::StatusOr<std::string> DrawChart(const std::vector<ChartCurve>& curves, const ChartOptions& options);

// At most LIMIT points that look like POINTS: of equally long stretches of x the lowest and the highest, so that no
// spike is lost. Gaps close.
ChartPoints ThinOut(const ChartPoints& points, size_t limit);

// Counts of values in equal bins, as a curve of bars. Values must lie in [low, high]; HIGH counts in the last bin.
class Histogram {
 public:
  Histogram(double low, double high, int bins) : low_(low), high_(high), counts_(static_cast<size_t>(bins)) {}
  void Add(double value);
  double total() const;
  // (the bin's middle, its share of TOTAL); TOTAL 0: of all values.
  ChartPoints Shares(double total = 0) const;

 private:
  double low_, high_;
  std::vector<double> counts_;
};

}  // namespace hardface

#endif  // HARDFACE_BASE_CHART_H_
