// Draws the curves of several results, or their AP against time, into one plot.
#include <cstdio>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/chart.h"
#include "base/provenance.h"
#include "base/status_macros.h"
#include "base/tool_main.h"
#include "eval/reports/plot.h"

ABSL_FLAG(
    std::string, inputs, "",
    "Files to draw, as NAME=FILE,NAME=FILE. Each is the pr.csv or roc.csv of a scorer, a ROC file of FDDB's tool, or "
    "a times.csv of AP and processor time by detector and variant; all must be of one kind. Required.");
ABSL_FLAG(std::string, output, "", "Picture to write: FILE.svg or FILE.png, or both with a comma between. Required.");
ABSL_FLAG(std::string, curve, "",
          "Name of the curves to draw, such as hard or discrete, or of the set of a times.csv. Empty draws all.");
ABSL_FLAG(std::string, title, "", "Title above the plot. Empty draws none.");
ABSL_FLAG(double, max_false_positives, 2000, "Number of false positives at the right end of a ROC plot, above 0.");

namespace hardface::eval {
namespace {

absl::Status Run(const std::vector<std::string>&) {
  RETURN_IF_ERROR(RequireFlag("inputs", absl::GetFlag(FLAGS_inputs)));
  RETURN_IF_ERROR(RequireFlag("output", absl::GetFlag(FLAGS_output)));
  PlotOptions options;
  options.title = absl::GetFlag(FLAGS_title);
  options.max_false_positives = absl::GetFlag(FLAGS_max_false_positives);
  if (!(options.max_false_positives > 0)) return UsageError("--max_false_positives must be above 0");
  std::vector<ChartCurve> curves;
  PlotKind kind = PlotKind::kPrecisionRecall;
  Provenance provenance;
  const std::vector<std::string> inputs = absl::StrSplit(absl::GetFlag(FLAGS_inputs), ',');
  for (const std::string& input : inputs) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(input, absl::MaxSplits('=', 1));
    if (parts.second.empty()) return UsageError(absl::StrCat("--inputs: \"", input, "\" is not NAME=FILE"));
    ASSIGN_OR_RETURN(PlotFile file, ReadPlotFile(parts.first, parts.second, absl::GetFlag(FLAGS_curve)));
    RETURN_IF_ERROR(provenance.AddInput(parts.second));
    if (!curves.empty() && file.kind != kind) {
      return UsageError(absl::StrCat("--inputs: ", parts.second,
                                     " is of another kind (precision-recall, ROC or times) than the "
                                     "files before it; draw them apart"));
    }
    kind = file.kind;
    std::move(file.curves.begin(), file.curves.end(), std::back_inserter(curves));
  }
  const std::vector<std::string> outputs = absl::StrSplit(absl::GetFlag(FLAGS_output), ',');
  for (const std::string& output : outputs) {
    RETURN_IF_ERROR(DrawPlot(curves, kind, options, output));
    RETURN_IF_ERROR(provenance.WriteBeside(output));
  }
  std::printf("curves=%zu plots=%zu\n", curves.size(), outputs.size());
  return absl::OkStatus();
}

}  // namespace
}  // namespace hardface::eval

int main(int argc, char** argv) {
  return hardface::ToolMain(
      argc, argv,
      {"eval/plot",
       "Draws precision-recall or ROC curves of several results, or AP against time, into one plot.",
       "",
       {{"inputs", hardface::kReadsFile, hardface::PathForm::kNamedList},
        {"output", hardface::kWrites, hardface::PathForm::kList}}},
      &hardface::eval::Run);
}
