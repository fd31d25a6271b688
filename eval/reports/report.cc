#include "eval/reports/report.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <iterator>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/chart.h"
#include "base/html_page.h"
#include "base/provenance.h"
#include "base/status_macros.h"
#include "data_tools/images/image_io.h"
#include "data_tools/images/thumbnail.h"

namespace hardface::eval {
namespace {

// Up to so many points of a curve are marked one by one.
constexpr size_t kFewPoints = 60;
// mining's default, for runs that do not say.
constexpr double kEasyFrom = 0.85;

// One chart of a training's curves.
struct ChartPlan {
  const char* title;
  std::vector<std::string> keys;  // of metrics.jsonl
  bool log_y = false;
  ChartRange y = {};
};

std::vector<ChartPlan> KnownCharts() {
  const ChartRange fraction = {0, 1};
  return {{"loss", {"loss", "classification", "regression"}, /*log_y=*/true},
          {"AP on the validation set", {"validation_ap"}},
          {"learning rate", {"learning_rate"}},
          {"share of hard images", {"hard_fraction"}, /*log_y=*/false, fraction},
          {"gradient norm", {"gradient_norm"}, /*log_y=*/true},
          // What is reached, and what the workers and the network alone would.
          {"images per second",
           {"images_per_second", "data_images_per_second", "compute_images_per_second"},
           /*log_y=*/false,
           {0, {}}},
          {"share of the time spent waiting for data", {"data_wait_fraction"}, /*log_y=*/false, fraction}};
}

// Shown as numbers only.
bool IsDull(const std::string& key) { return key == "epoch"; }

// The charts that RUNS have curves for: the known ones, then one for each other key. Where several runs overlay, each
// key has a chart of its own.
std::vector<ChartPlan> PlanCharts(const std::vector<RunRecord>& runs) {
  std::vector<ChartPlan> plans;
  std::set<std::string> planned;
  for (const ChartPlan& known : KnownCharts()) {
    planned.insert(known.keys.begin(), known.keys.end());
    if (runs.size() == 1) plans.push_back(known);
    for (const std::string& key : known.keys) {
      if (runs.size() == 1) break;
      plans.push_back({known.keys.size() == 1 ? known.title : nullptr, {key}, known.log_y, known.y});
    }
  }
  for (const RunRecord& run : runs) {
    if (!run.log.has_value()) continue;
    for (const ChartCurve& curve : run.log->curves) {
      if (!IsDull(curve.title) && planned.insert(curve.title).second) plans.push_back({nullptr, {curve.title}});
    }
  }
  return plans;
}

std::string Number(double value) {
  if (std::isnan(value)) return "not defined";
  if (value == std::floor(value) && std::abs(value) < 1e15) return absl::StrFormat("%.0f", value);
  const bool plain = std::abs(value) >= 1e-3 && std::abs(value) < 1e6;
  return plain ? absl::StrFormat("%.4f", value) : absl::StrFormat("%.3g", value);
}

class ReportBuilder {
 public:
  ReportBuilder(const std::vector<RunRecord>& runs, const ReportOptions& options) : runs_(runs), options_(options) {}

  absl::StatusOr<Report> Build();

 private:
  // Adds a chart where a curve has a point.
  absl::Status AddChart(const std::vector<ChartCurve>& curves, ChartOptions options, Html* charts);
  absl::Status AddTrainingCharts(Html* body);
  absl::Status AddScoreCharts(Html* body);
  absl::Status AddDifficulty(Html* body);
  void AddOverview(Html* body) const;
  void AddScores(Html* body) const;
  void AddPublished(Html* body) const;
  void AddPictures(Html* body);
  void AddSettings(Html* body) const;
  void AddInputs(Html* body) const;

  // A table of the runs, side by side: NAMES' rows of CELL(run, name). Rows and runs without any text are left out.
  Html RunTable(const std::vector<std::string>& names,
                const std::function<std::string(const RunRecord&, const std::string&)>& cell) const;
  std::vector<std::string> SettingNames() const;
  // Whether runs that have this setting have it different.
  bool Differs(const std::string& setting) const;
  Html Picture(const std::string& path);

  const std::vector<RunRecord>& runs_;
  const ReportOptions& options_;
  Report report_;
};

absl::Status ReportBuilder::AddChart(const std::vector<ChartCurve>& curves, ChartOptions options, Html* charts) {
  size_t max_points = 0;
  std::string alt = options.title + ":";
  for (const ChartCurve& curve : curves) {
    max_points = std::max(max_points, curve.points.size());
    absl::StrAppend(&alt, " ", curve.title);
  }
  options.width = 600;
  options.height = 360;
  options.key = curves.size() == 1 ? "off" : "above";
  if (options.style == ChartStyle::kLines && max_points <= kFewPoints) options.style = ChartStyle::kMarkedLines;
  const absl::StatusOr<std::string> picture = DrawChart(curves, options);
  if (absl::IsInvalidArgument(picture.status())) return absl::OkStatus();  // nothing to draw
  if (!picture.ok()) return picture.status();
  *charts += HtmlFigure(HtmlPicture("image/svg+xml", *picture, alt), {});
  ++report_.charts;
  return absl::OkStatus();
}

Html ReportBuilder::RunTable(const std::vector<std::string>& names,
                             const std::function<std::string(const RunRecord&, const std::string&)>& cell) const {
  std::vector<std::vector<std::string>> columns;
  std::vector<bool> row_filled(names.size(), false);
  HtmlRow head = {Html()};
  for (const RunRecord& run : runs_) {
    std::vector<std::string> column;
    for (const std::string& name : names) column.push_back(cell(run, name));
    if (std::all_of(column.begin(), column.end(), [](const auto& text) { return text.empty(); })) continue;
    for (size_t i = 0; i < names.size(); ++i) row_filled[i] = row_filled[i] || !column[i].empty();
    head.push_back(HtmlText(run.name));
    columns.push_back(std::move(column));
  }
  std::vector<HtmlRow> rows;
  for (size_t i = 0; i < names.size(); ++i) {
    if (!row_filled[i]) continue;
    HtmlRow& row = rows.emplace_back(HtmlRow{HtmlText(names[i])});
    for (const auto& column : columns) row.push_back(HtmlText(column[i]));
  }
  return rows.empty() ? Html() : HtmlTable(head, rows);
}

std::string LastValue(const MetricsLog& log, const std::string& key) {
  const ChartCurve* curve = log.Find(key);
  return curve == nullptr || curve->points.empty() ? "" : Number(curve->points.back().second);
}

std::string BestValidation(const MetricsLog& log) {
  const ChartCurve* curve = log.Find("validation_ap");
  if (curve == nullptr || curve->points.empty()) return "";
  const auto best = std::max_element(curve->points.begin(), curve->points.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  return absl::StrCat(Number(best->second), " at iteration ", Number(best->first));
}

std::string MeanOf(const MetricsLog& log, const std::string& key) {
  const ChartCurve* curve = log.Find(key);
  if (curve == nullptr || curve->points.empty()) return "";
  double sum = 0;
  for (const auto& [iteration, value] : curve->points) sum += value;
  return absl::StrFormat("%.1f", sum / static_cast<double>(curve->points.size()));
}

std::string TrainingFact(const RunRecord& run, const std::string& name) {
  const MetricsLog& log = *run.log;
  const std::string planned = run.Setting("iterations");
  if (name == "iterations") return absl::StrCat(log.last_iteration, planned.empty() ? "" : " of ", planned);
  if (name == "interruptions") return log.restarts == 0 ? "" : absl::StrCat(log.restarts);
  if (name == "loss, last") return LastValue(log, "loss");
  if (name == "validation AP, last") return LastValue(log, "validation_ap");
  if (name == "validation AP, best") return BestValidation(log);
  if (name == "share of hard images, last") return LastValue(log, "hard_fraction");
  return name == "images per second, mean" ? MeanOf(log, "images_per_second") : "";
}

void ReportBuilder::AddOverview(Html* body) const {
  *body += RunTable({"folder", "made by", "iterations", "interruptions", "loss, last", "validation AP, last",
                     "validation AP, best", "share of hard images, last", "images per second, mean"},
                    [](const RunRecord& run, const std::string& name) {
                      if (name == "folder") return run.folder;
                      if (name == "made by") return run.made_by;
                      return run.log.has_value() ? TrainingFact(run, name) : "";
                    });
}

std::string ScoreText(const Metrics& value) {
  if (value.is_null()) return "not defined";
  if (value.is_number()) return Number(value.get<double>());
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// A bound of NAME's confidence interval, where both are there.
bool IsBound(const Metrics& scores, absl::string_view name) {
  for (const char* suffix : {"_low", "_high"}) {
    if (!absl::EndsWith(name, suffix)) continue;
    const std::string base(name.substr(0, name.size() - std::string(suffix).size()));
    return scores.contains(base) && scores.contains(base + "_low") && scores.contains(base + "_high");
  }
  return false;
}

std::string ScoreWithInterval(const Metrics& scores, const std::string& name) {
  if (!scores.contains(name)) return "";
  const std::string text = ScoreText(scores[name]);
  if (!IsBound(scores, name + "_low")) return text;
  return absl::StrCat(text, " (", ScoreText(scores[name + "_low"]), " to ", ScoreText(scores[name + "_high"]), ")");
}

void ReportBuilder::AddScores(Html* body) const {
  std::vector<std::string> names;
  std::set<std::string> known;
  for (const RunRecord& run : runs_) {
    if (!run.scores.has_value()) continue;
    for (const auto& [name, value] : run.scores->items()) {
      if (!IsBound(*run.scores, name) && known.insert(name).second) names.push_back(name);
    }
  }
  if (names.empty()) return;
  *body += HtmlElement("h2", "Scores");
  *body += RunTable(names, [](const RunRecord& run, const std::string& name) {
    return run.scores.has_value() ? ScoreWithInterval(*run.scores, name) : "";
  });
}

void ReportBuilder::AddPublished(Html* body) const {
  if (options_.published.empty()) return;
  std::vector<HtmlRow> rows;
  for (const PublishedResult& result : options_.published) {
    rows.push_back(
        HtmlTextRow({result.method, absl::StrCat(result.dataset, result.subset.empty() ? "" : ", ", result.subset),
                     result.metric, absl::StrCat(result.percent, " %"), result.protocol, result.source}));
  }
  *body += HtmlElement("h2", "Published results");
  *body += HtmlElement(
      "p", "As their sources give them. Protocols differ; scores above are fractions, these are per cent.", "note");
  *body += HtmlTable(HtmlTextRow({"method", "scored on", "metric", "result", "protocol", "source"}), rows);
}

absl::Status ReportBuilder::AddTrainingCharts(Html* body) {
  Html charts;
  for (const ChartPlan& plan : PlanCharts(runs_)) {
    ChartOptions options;
    options.title = plan.title == nullptr ? plan.keys[0] : plan.title;
    options.x_label = "iteration";
    options.x.low = 0;
    options.y = plan.y;
    options.log_y = plan.log_y;
    std::vector<ChartCurve> curves;
    for (const RunRecord& run : runs_) {
      for (const std::string& key : plan.keys) {
        const ChartCurve* curve = run.log.has_value() ? run.log->Find(key) : nullptr;
        curves.push_back({runs_.size() == 1 ? key : run.name, curve == nullptr ? ChartPoints() : curve->points});
      }
    }
    RETURN_IF_ERROR(AddChart(curves, options, &charts));
  }
  if (!charts.code.empty()) *body += HtmlElement("h2", "Training") + HtmlElement("div", charts, "gallery charts");
  return absl::OkStatus();
}

absl::Status ReportBuilder::AddScoreCharts(Html* body) {
  std::vector<ChartCurve> pr, roc;
  for (const RunRecord& run : runs_) {
    if (run.pr.has_value()) std::copy(run.pr->curves.begin(), run.pr->curves.end(), std::back_inserter(pr));
    if (run.roc.has_value()) std::copy(run.roc->curves.begin(), run.roc->curves.end(), std::back_inserter(roc));
  }
  PlotOptions options;
  Html charts;
  options.title = "precision and recall";
  RETURN_IF_ERROR(AddChart(pr, PlotChart(PlotKind::kPrecisionRecall, options), &charts));
  options.title = "ROC";
  RETURN_IF_ERROR(AddChart(roc, PlotChart(PlotKind::kRoc, options), &charts));
  if (!charts.code.empty()) *body += HtmlElement("h2", "Score curves") + HtmlElement("div", charts, "gallery charts");
  return absl::OkStatus();
}

double EasyFrom(const RunRecord& run) {
  double threshold;
  return absl::SimpleAtod(run.Setting("him_threshold"), &threshold) ? threshold : kEasyFrom;
}

std::string DifficultyFact(const RunRecord& run, const std::string& name) {
  if (!run.wpas.has_value()) return "";
  const auto& scores = run.wpas->scores;
  const double total = static_cast<double>(scores.size()) + static_cast<double>(run.wpas->without_positives);
  const double threshold = EasyFrom(run);
  const auto easy = std::count_if(scores.begin(), scores.end(), [&](float wpas) { return wpas >= threshold; });
  const auto share = [&](double count) { return absl::StrFormat("%.0f (%.1f %%)", count, 100 * count / total); };
  if (name == "images with a score") return Number(total);
  if (total == 0) return "";
  if (name == "hard") return share(static_cast<double>(scores.size()) - static_cast<double>(easy));
  if (name == "easy") return share(static_cast<double>(easy));
  if (name == "without positive anchors") return share(static_cast<double>(run.wpas->without_positives));
  return name == "easy from WPAS" ? Number(threshold) : "";
}

absl::Status ReportBuilder::AddDifficulty(Html* body) {
  std::vector<ChartCurve> curves;
  double threshold = kEasyFrom;
  for (const RunRecord& run : runs_) {
    ChartCurve& curve = curves.emplace_back(ChartCurve{run.name, {}});
    if (!run.wpas.has_value() || run.wpas->scores.empty()) continue;
    Histogram histogram(0, 1, 20);
    for (const float wpas : run.wpas->scores) histogram.Add(wpas);
    curve.points = histogram.Shares();
    threshold = EasyFrom(run);
  }
  ChartOptions options;
  options.title = "difficulty of the training's images";
  options.x_label = "WPAS of the latest visit (low: hard)";
  options.y_label = "share of the images with positive anchors";
  options.style = runs_.size() == 1 ? ChartStyle::kBars : ChartStyle::kOutlines;
  options.x = {0, 1};
  options.y.low = 0;
  options.x_mark = threshold;
  Html charts;
  RETURN_IF_ERROR(AddChart(curves, options, &charts));
  const Html table =
      RunTable({"images with a score", "hard", "easy", "without positive anchors", "easy from WPAS"}, &DifficultyFact);
  if (table.code.empty()) return absl::OkStatus();
  *body += HtmlElement("h2", "Difficulty") + table + HtmlElement("div", charts, "gallery charts");
  return absl::OkStatus();
}

Html ReportBuilder::Picture(const std::string& path) {
  const absl::StatusOr<cv::Mat> image = data::ReadImage(path);
  absl::StatusOr<std::string> bytes =
      image.ok() ? data::EncodeJpeg(data::Thumbnail(*image, options_.picture_side), /*quality=*/85) : image.status();
  if (!bytes.ok()) {
    report_.warnings.emplace_back(bytes.status().message());
    return {};
  }
  ++report_.pictures;
  const std::string name = std::filesystem::path(path).filename().string();
  return HtmlFigure(HtmlPicture("image/jpeg", *bytes, name), HtmlText(name));
}

void ReportBuilder::AddPictures(Html* body) {
  for (const RunRecord& run : runs_) {
    const size_t count = std::min<size_t>(run.drawn.size(), static_cast<size_t>(options_.pictures));
    Html pictures;
    for (size_t i = 0; i < count; ++i) pictures += Picture(run.drawn[i * run.drawn.size() / count]);
    if (pictures.code.empty()) continue;
    *body += HtmlElement(
        "h2", absl::StrCat("Detections", runs_.size() == 1 ? "" : " of ", runs_.size() == 1 ? "" : run.name));
    *body += HtmlElement("p", absl::StrCat(count, " of ", run.drawn.size(), " pictures"), "note");
    *body += HtmlElement("div", pictures, "gallery");
  }
}

std::vector<std::string> ReportBuilder::SettingNames() const {
  std::vector<std::string> names;
  std::set<std::string> known;
  for (const RunRecord& run : runs_) {
    for (const auto& [name, value] : run.settings) {
      if (known.insert(name).second) names.push_back(name);
    }
  }
  return names;
}

bool ReportBuilder::Differs(const std::string& setting) const {
  std::set<std::string> values;
  for (const RunRecord& run : runs_) {
    for (const auto& [name, value] : run.settings) {
      if (name == setting) values.insert(value);
    }
  }
  return values.size() > 1;
}

void ReportBuilder::AddSettings(Html* body) const {
  const auto setting = [](const RunRecord& run, const std::string& name) { return run.Setting(name); };
  const std::vector<std::string> names = SettingNames();
  if (names.empty()) return;
  *body += HtmlElement("h2", "Settings");
  std::vector<std::string> different;
  std::copy_if(names.begin(), names.end(), std::back_inserter(different),
               [&](const std::string& name) { return Differs(name); });
  if (!different.empty()) *body += HtmlElement("p", "Where the runs differ:") + RunTable(different, setting);
  *body += HtmlFold(absl::StrCat("All settings (", names.size(), ")"), RunTable(names, setting));
}

void ReportBuilder::AddInputs(Html* body) const {
  std::vector<HtmlRow> rows;
  for (const RunRecord& run : runs_) {
    for (const auto& [path, hash] : run.inputs) rows.push_back(HtmlTextRow({run.name, path, hash}));
  }
  if (!rows.empty()) {
    *body += HtmlFold("What the runs were made from", HtmlTable(HtmlTextRow({"run", "file", "SHA-256"}), rows));
  }
}

absl::StatusOr<Report> ReportBuilder::Build() {
  for (const RunRecord& run : runs_) {
    report_.warnings.insert(report_.warnings.end(), run.warnings.begin(), run.warnings.end());
  }
  const std::string title = runs_.size() == 1 ? runs_[0].name : absl::StrCat(runs_.size(), " runs");
  Html body;
  AddScores(&body);
  AddPublished(&body);
  RETURN_IF_ERROR(AddTrainingCharts(&body));
  RETURN_IF_ERROR(AddScoreCharts(&body));
  RETURN_IF_ERROR(AddDifficulty(&body));
  AddPictures(&body);
  AddSettings(&body);
  AddInputs(&body);
  Html top = HtmlElement("h1", title) + HtmlWarnings(report_.warnings);
  AddOverview(&top);
  const Html bottom = HtmlElement("p", absl::StrCat("Made by hardface ", kVersion, ", eval/report."), "note");
  report_.html = HtmlPage(title, top + body + bottom);
  return std::move(report_);
}

}  // namespace

absl::StatusOr<Report> MakeReport(const std::vector<RunRecord>& runs, const ReportOptions& options) {
  return ReportBuilder(runs, options).Build();
}

}  // namespace hardface::eval
