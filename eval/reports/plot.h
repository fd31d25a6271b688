// Plots of precision-recall and ROC curves, drawn by gnuplot.
#ifndef HARDFACE_EVAL_REPORTS_PLOT_H_
#define HARDFACE_EVAL_REPORTS_PLOT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/chart.h"

namespace hardface::eval {

struct PlotFile {
  bool is_roc = false;
  std::vector<ChartCurve> curves;  // (recall, precision) or (false positives, rate)
};

// Reads pr.csv or roc.csv of a scorer (ROC: continuous or discrete curves are told by their names), or the text form of
// FDDB's tool ("rate false_positives ..." a line, ROC). IS_ROC: how a CSV is read. Titles are NAME, with the curve's
// name behind where the file has several. CURVE: only the curve of this name; empty: all.
absl::StatusOr<PlotFile> ReadPlotFile(const std::string& name, const std::string& path, const std::string& curve);

struct PlotOptions {
  std::string title;
  int width = 900, height = 600;      // pixels
  double max_false_positives = 2000;  // of a ROC
};

// Such curves' axes.
ChartOptions PlotChart(bool is_roc, const PlotOptions& options);

// Runs gnuplot and writes the picture to OUTPUT (.svg or .png) atomically, when it is complete: whatever fails, an
// older picture of this name stays as it is. NotFound when there is no gnuplot.
absl::Status DrawPlot(const std::vector<ChartCurve>& curves, bool is_roc, const PlotOptions& options,
                      const std::string& output);

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_REPORTS_PLOT_H_
