// Plots of precision-recall and ROC curves, and of AP against time, drawn by gnuplot.
#ifndef HARDFACE_EVAL_REPORTS_PLOT_H_
#define HARDFACE_EVAL_REPORTS_PLOT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/chart.h"

namespace hardface::eval {

enum class PlotKind {
  kPrecisionRecall,  // (recall, precision)
  kRoc,              // (false positives, true positive rate)
  kTimes,            // (processor-seconds a picture, AP), a point for each variant of a detector
};

struct PlotFile {
  PlotKind kind = PlotKind::kPrecisionRecall;
  std::vector<ChartCurve> curves;
};

// Reads pr.csv or roc.csv of a scorer (ROC: continuous or discrete curves are told by their names), or the text form of
// FDDB's tool ("rate false_positives ..." a line, ROC), or times.csv (docs/FORMATS.md). Titles are NAME, with the
// curve's name behind where the file has several. CURVE: only the curve of this name; empty: all. Of times.csv the
// curves are the detectors, CURVE is the set that they ran on and may be empty where there is one only, and titles are
// the detector's name with NAME behind in brackets.
absl::StatusOr<PlotFile> ReadPlotFile(const std::string& name, const std::string& path, const std::string& curve);

struct PlotOptions {
  std::string title;
  int width = 900, height = 600;      // pixels
  double max_false_positives = 2000;  // of a ROC
};

// Such curves' axes.
ChartOptions PlotChart(PlotKind kind, const PlotOptions& options);

// Runs gnuplot and writes the picture to OUTPUT (.svg or .png) atomically, when it is complete: whatever fails, an
// older picture of this name stays as it is. NotFound when there is no gnuplot.
absl::Status DrawPlot(const std::vector<ChartCurve>& curves, PlotKind kind, const PlotOptions& options,
                      const std::string& output);

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_REPORTS_PLOT_H_
