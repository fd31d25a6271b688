#include "eval/reports/plot.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/atomic_output.h"
#include "base/gnuplot.h"
#include "base/status_macros.h"
#include "base/text_file.h"
#include "base/text_lines.h"

namespace hardface::eval {
namespace {

namespace fs = std::filesystem;

constexpr char kCsvStart[] = "curve,score,recall,precision,";
constexpr char kTimesStart[] = "set,detector,variant,seconds,ap,ap_low,ap_high";

absl::Status BadLine(const std::string& path, const TextLines& lines) {
  return absl::InvalidArgumentError(absl::StrCat(path, ":", lines.number(), ": \"", lines.line().substr(0, 60),
                                                 "\" is no line of pr.csv, roc.csv, times.csv or an FDDB ROC file"));
}

struct TimedVariant {
  std::string name;
  double seconds = 0, ap = 0;
};

ChartCurve* CurveOf(const std::string& title, PlotFile* file) {
  if (file->curves.empty() || file->curves.back().title != title) file->curves.push_back({title, {}});
  return &file->curves.back();
}

absl::StatusOr<PlotFile> ReadCsv(const std::string& path, TextLines lines, const std::string& curve) {
  PlotFile file;
  const bool is_roc = absl::EndsWith(path, "roc.csv");
  file.kind = is_roc ? PlotKind::kRoc : PlotKind::kPrecisionRecall;
  while (lines.NextFilled()) {
    const std::vector<absl::string_view> fields = absl::StrSplit(lines.line(), ',');
    if (fields.size() != 6) return BadLine(path, lines);
    if (!curve.empty() && fields[0] != curve) continue;
    double x, y;
    const absl::string_view x_text = is_roc ? fields[5] : fields[2], y_text = is_roc ? fields[2] : fields[3];
    ChartCurve* target = CurveOf(std::string(fields[0]), &file);
    if (y_text == "nan" || y_text == "-nan" || x_text == "nan") continue;  // thresholds above all detections
    if (!ParseNumber(x_text, &x) || !ParseNumber(y_text, &y)) return BadLine(path, lines);
    target->points.emplace_back(x, y);
  }
  return file;
}

absl::StatusOr<PlotFile> ReadRocText(const std::string& path, TextLines lines) {
  PlotFile file;
  file.kind = PlotKind::kRoc;
  file.curves.push_back({"", {}});
  while (lines.NextFilled()) {
    absl::string_view line = lines.line();
    double numbers[2];
    if (!TakeNumbers(&line, 2, numbers)) return BadLine(path, lines);
    file.curves[0].points.emplace_back(numbers[1], numbers[0]);
  }
  return file;
}

absl::StatusOr<PlotFile> ReadTimes(const std::string& path, TextLines lines, const std::string& set) {
  PlotFile file;
  file.kind = PlotKind::kTimes;
  std::string only = set;  // the set drawn
  std::map<std::string, std::vector<TimedVariant>> detectors;
  while (lines.NextFilled()) {
    const std::vector<std::string> fields = absl::StrSplit(lines.line(), ',');
    TimedVariant variant;
    if (fields.size() != 7 || !ParseNumber(fields[3], &variant.seconds) || !ParseNumber(fields[4], &variant.ap)) {
      return BadLine(path, lines);
    }
    if (!(variant.seconds > 0) || !(variant.ap >= 0 && variant.ap <= 1)) {
      return absl::InvalidArgumentError(absl::StrCat(path, ":", lines.number(), ": seconds ", fields[3], " and AP ",
                                                     fields[4], "; seconds are above 0 and an AP lies from 0 to 1"));
    }
    if (only.empty()) only = fields[0];
    if (fields[0] != only && set.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(path, ":", lines.number(), ": holds the sets ", only, " and ",
                                                     fields[0], "; choose one with --curve"));
    }
    if (fields[0] != only) continue;
    variant.name = fields[2];
    detectors[fields[1]].push_back(variant);
  }
  for (auto& [detector, variants] : detectors) {
    std::sort(variants.begin(), variants.end(), [](const auto& a, const auto& b) { return a.seconds < b.seconds; });
    ChartCurve curve{detector, {}};
    for (const TimedVariant& variant : variants) {
      curve.points.emplace_back(variant.seconds, variant.ap);
      curve.labels.push_back(variant.name);
    }
    file.curves.push_back(std::move(curve));
  }
  return file;
}

}  // namespace

absl::StatusOr<PlotFile> ReadPlotFile(const std::string& name, const std::string& path, const std::string& curve) {
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(path));
  TextLines lines(text);
  if (!lines.NextFilled())
    return absl::InvalidArgumentError(absl::StrCat(path, ": is empty; there is nothing to draw"));
  const bool is_csv = absl::StartsWith(lines.line(), kCsvStart);
  const bool is_times = lines.line() == kTimesStart;
  absl::StatusOr<PlotFile> file = is_csv     ? ReadCsv(path, lines, curve)
                                  : is_times ? ReadTimes(path, lines, curve)
                                             : ReadRocText(path, TextLines(text));
  if (!file.ok()) return file;
  if (file->curves.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": has no curve", curve.empty() ? "" : " named ", curve));
  }
  for (ChartCurve& read : file->curves) {
    if (is_times) {
      read.title = absl::StrCat(read.title, " (", name, ")");
      continue;
    }
    read.title = file->curves.size() == 1 ? name : absl::StrCat(name, " ", read.title);
  }
  return file;
}

ChartOptions PlotChart(PlotKind kind, const PlotOptions& options) {
  ChartOptions chart;
  chart.title = options.title;
  chart.width = options.width;
  chart.height = options.height;
  if (kind == PlotKind::kTimes) {
    chart.x_label = "processor-seconds a picture";
    chart.y_label = "AP";
    chart.style = ChartStyle::kMarkedLines;
    chart.log_x = true;
    chart.y = {0, 1};
    chart.key = "bottom right";
    return chart;
  }
  const bool is_roc = kind == PlotKind::kRoc;
  chart.x_label = is_roc ? "false positives" : "recall";
  chart.y_label = is_roc ? "true positive rate" : "precision";
  chart.x = {0, is_roc ? options.max_false_positives : 1};
  chart.y = {0, 1};
  chart.key = is_roc ? "bottom right" : "bottom left";
  return chart;
}

absl::Status DrawPlot(const std::vector<ChartCurve>& curves, PlotKind kind, const PlotOptions& options,
                      const std::string& output) {
  const std::string extension = fs::path(output).extension().string();
  if (extension != ".svg" && extension != ".png") {
    return absl::InvalidArgumentError(absl::StrCat(output, ": name the plot .svg or .png"));
  }
  absl::StatusOr<std::string> picture =
      RunGnuplot(ChartProgram(curves, PlotChart(kind, options), extension), extension);
  absl::Status status = picture.status();
  if (!status.ok()) return absl::Status(status.code(), absl::StrCat(output, ": not drawn: ", status.message()));
  return WriteFileAtomically(output, *picture);
}

}  // namespace hardface::eval
