#include "eval/reports/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <opencv2/core.hpp>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/atomic_output.h"
#include "base/fresh_folder.h"
#include "data_tools/images/image_io.h"
#include "eval/reports/metrics_log.h"
#include "eval/reports/run_record.h"

namespace hardface::eval {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;

std::string Write(const std::string& path, const std::string& text) {
  EXPECT_TRUE(WriteFileAtomically(path, text).ok());
  return path;
}

RunRecord Read(const std::string& folder, const std::string& name = "run") {
  absl::StatusOr<RunRecord> run = ReadRun(folder, name);
  EXPECT_TRUE(run.ok()) << run.status();
  return run.ok() ? *std::move(run) : RunRecord();
}

Report Make(const std::vector<RunRecord>& runs, const ReportOptions& options = {}) {
  absl::StatusOr<Report> report = MakeReport(runs, options);
  EXPECT_TRUE(report.ok()) << report.status();
  return report.ok() ? *std::move(report) : Report();
}

MetricsLog Log(const std::string& text) {
  const auto log = ReadMetricsLog(Write(FreshFolder("log") + "/metrics.jsonl", text));
  EXPECT_TRUE(log.ok()) << log.status();
  return *log;
}

TEST(MetricsLog, EveryNumberIsACurve) {
  const MetricsLog log =
      Log("{\"iteration\":50,\"loss\":1.5,\"note\":\"x\"}\n\n{\"iteration\":100,\"loss\":1,\"new\":7}\n");
  ASSERT_EQ(log.curves.size(), 2u);
  EXPECT_EQ(log.curves[0].title, "loss");
  EXPECT_THAT(log.curves[0].points, ElementsAre(Pair(50, 1.5), Pair(100, 1)));
  EXPECT_THAT(log.Find("new")->points, ElementsAre(Pair(100, 7)));
  EXPECT_EQ(log.Find("note"), nullptr);
  EXPECT_EQ(log.last_iteration, 100);
  EXPECT_THAT(log.warnings, IsEmpty());
}

TEST(MetricsLog, IterationsDoneAgainCountOnce) {
  const MetricsLog log =
      Log("{\"iteration\":100,\"loss\":3,\"ap\":0.1}\n{\"iteration\":200,\"loss\":2,\"ap\":0.2}\n{\"iteration\":300,"
          "\"loss\":1}\n"
          "{\"iteration\":200,\"loss\":2.5}\n{\"iteration\":200,\"loss\":2.25}\n");
  EXPECT_EQ(log.restarts, 1);
  EXPECT_EQ(log.last_iteration, 200);
  EXPECT_THAT(log.Find("loss")->points, ElementsAre(Pair(100, 3), Pair(200, 2.25)));
  EXPECT_THAT(log.Find("ap")->points, ElementsAre(Pair(100, 0.1)));
}

TEST(MetricsLog, BrokenLinesAreNamedAndLeftOut) {
  std::string text = "{\"iteration\":1,\"loss\":1}\n{\"iteration\":\"2\"}\n[]\n{\"loss\":1}\n";
  for (int i = 0; i < 10; ++i) text += "x\n";
  const MetricsLog log = Log(text + "{\"iteration\":3,\"lo");
  EXPECT_THAT(log.Find("loss")->points, ElementsAre(Pair(1, 1)));
  ASSERT_EQ(log.warnings.size(), 6u);
  EXPECT_THAT(log.warnings[0], HasSubstr("metrics.jsonl:2: left out: expected an object"));
  EXPECT_THAT(log.warnings[1], HasSubstr("metrics.jsonl:3: "));
  EXPECT_THAT(log.warnings[5], HasSubstr("metrics.jsonl: 9 more lines"));
}

TEST(MetricsLog, HalfALineAtTheEndMayBeATrainingUnderWay) {
  const MetricsLog half = Log("{\"iteration\":1,\"loss\":1}\n{\"iteration\":2,\"lo");
  EXPECT_THAT(half.warnings, ElementsAre(HasSubstr("metrics.jsonl:2: half a line at the end")));
  const MetricsLog whole = Log("{\"iteration\":1,\"loss\":1}\n{\"iteration\":2,\"loss\":1}");
  EXPECT_THAT(whole.warnings, IsEmpty());
  EXPECT_EQ(whole.last_iteration, 2);
}

TEST(RunRecord, FoldersWithoutAnythingAreErrorsThatNameThem) {
  const std::string empty = FreshFolder("empty");
  const absl::Status status = ReadRun(empty, "run").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr(empty));
  EXPECT_THAT(std::string(status.message()), HasSubstr("metrics.jsonl"));
  EXPECT_THAT(std::string(ReadRun(empty + "/none", "run").status().message()), HasSubstr("none: is no folder"));
}

TEST(RunRecord, SettingsComeFromFlagsOrProvenance) {
  const std::string folder = FreshFolder("settings");
  Write(folder + "/provenance.json",
        R"({"tool":"train/train","version":"0.1.0","flags":{"seed":"1"},"inputs":{"set/manifest.jsonl":"6ec0"}})");
  EXPECT_EQ(Read(folder).Setting("seed"), "1");
  Write(folder + "/flags.txt", "# a comment\n--seed=2\n--data_note=a=b\n--init=\n");
  const RunRecord run = Read(folder);
  EXPECT_EQ(run.made_by, "train/train 0.1.0");
  EXPECT_THAT(run.settings, ElementsAre(Pair("seed", "2"), Pair("data_note", "a=b"), Pair("init", "")));
  EXPECT_THAT(run.inputs, ElementsAre(Pair("set/manifest.jsonl", "6ec0")));
}

TEST(RunRecord, BrokenFilesAreWarningsThatNameThem) {
  const std::string folder = FreshFolder("broken");
  Write(folder + "/metrics.json", "{");
  Write(folder + "/pr.csv", "curve,score,recall,precision,true_positives,false_positives\nall,1\n");
  Write(folder + "/provenance.json", "[]");
  Write(folder + "/difficulty.jsonl", "{\"wpas\":0.5}\n{\"wpas\":1.5}\n{\"wpas\":null}\n");
  const RunRecord run = Read(folder);
  EXPECT_THAT(run.warnings, ElementsAre(HasSubstr("difficulty.jsonl:2: "), HasSubstr("metrics.json: "),
                                        HasSubstr("pr.csv:2: "), HasSubstr("provenance.json: ")));
  EXPECT_FALSE(run.scores.has_value());
  EXPECT_THAT(run.wpas->scores, ElementsAre(0.5f));
  EXPECT_EQ(run.wpas->without_positives, 1);
}

TEST(RunRecord, NamesAreLastPartsWhereTheseDiffer) {
  EXPECT_THAT(RunNames({"runs/a", "runs/b/"}), ElementsAre("a", "b"));
  EXPECT_THAT(RunNames({"a/seed1", "b/seed1"}), ElementsAre("a/seed1", "b/seed1"));
  EXPECT_THAT(RunNames({"."}), ElementsAre("."));
}

// Below, pages with charts: these need gnuplot.
bool HasGnuplot() { return std::system("command -v gnuplot > /dev/null") == 0; }

std::string TrainingFolder(const std::string& name, double loss) {
  const std::string folder = FreshFolder(name);
  std::string lines;
  for (int i = 1; i <= 4; ++i) {
    absl::StrAppend(&lines, "{\"iteration\":", 50 * i, ",\"epoch\":1,\"loss\":", loss / i, ",\"hard_fraction\":0.5",
                    i % 2 == 0 ? absl::StrCat(",\"validation_ap\":", 0.9 - 0.1 * i) : "", ",\"extra\":", i, "}\n");
  }
  Write(folder + "/metrics.jsonl", lines);
  Write(folder + "/difficulty.jsonl", "{\"wpas\":0.9}\n{\"wpas\":0.8}\n{\"wpas\":0}\n{\"wpas\":null}\n");
  Write(folder + "/flags.txt", absl::StrCat("--iterations=400\n--him_threshold=0.75\n--loss=", loss, "\n"));
  return folder;
}

TEST(Report, ATrainingHasCurvesDifficultyAndSettings) {
  if (!HasGnuplot()) GTEST_SKIP() << "gnuplot is not installed";
  const Report report = Make({Read(TrainingFolder("training", 2), "training")});
  // loss, validation AP, hard share, the key that nobody knows, and the histogram.
  EXPECT_EQ(report.charts, 5);
  EXPECT_THAT(report.warnings, IsEmpty());
  EXPECT_THAT(report.html, HasSubstr("<td>iterations</td><td>200 of 400</td>"));
  EXPECT_THAT(report.html, HasSubstr("<td>loss, last</td><td>0.5000</td>"));
  EXPECT_THAT(report.html, HasSubstr("<td>validation AP, best</td><td>0.7000 at iteration 100</td>"));
  EXPECT_THAT(report.html, HasSubstr("<td>hard</td><td>1 (25.0 %)</td>"));
  EXPECT_THAT(report.html, HasSubstr("<td>easy</td><td>2 (50.0 %)</td>"));
  EXPECT_THAT(report.html, HasSubstr("<td>him_threshold</td><td>0.75</td>"));
  EXPECT_THAT(report.html, Not(HasSubstr("Where the runs differ")));
  EXPECT_THAT(report.html, Not(HasSubstr("http:")));  // nothing from elsewhere
}

TEST(Report, RunsStandSideBySide) {
  if (!HasGnuplot()) GTEST_SKIP() << "gnuplot is not installed";
  const Report report =
      Make({Read(TrainingFolder("side_a", 2), "side_a"), Read(TrainingFolder("side_b", 4), "side_b")});
  EXPECT_EQ(report.charts, 5);
  EXPECT_THAT(report.html, HasSubstr("<th>side_a</th><th>side_b</th>"));
  EXPECT_THAT(report.html, HasSubstr("<td>loss, last</td><td>0.5000</td><td>1</td>"));
  const size_t differ = report.html.find("Where the runs differ"), all = report.html.find("All settings");
  ASSERT_NE(differ, std::string::npos);
  const std::string different = report.html.substr(differ, all - differ);
  EXPECT_THAT(different, HasSubstr("<td>loss</td><td>2</td><td>4</td>"));
  EXPECT_THAT(different, Not(HasSubstr("him_threshold")));
}

TEST(Report, AScoringHasATableAndItsCurve) {
  if (!HasGnuplot()) GTEST_SKIP() << "gnuplot is not installed";
  const std::string folder = FreshFolder("scoring");
  Write(folder + "/metrics.json",
        R"({"ap":0.75,"faces":120,"ap_small":null,"ap_low":0.7,"ap_high":0.8,"very_low":0.1,"matching":"official"})");
  Write(folder + "/pr.csv",
        "curve,score,recall,precision,true_positives,false_positives\nall,0.9,0.25,1,1,0\nall,0.5,0.5,0.5,2,2\n");
  const Report report = Make({Read(folder, "scoring")});
  EXPECT_EQ(report.charts, 1);
  EXPECT_THAT(report.html, HasSubstr("<td>ap</td><td>0.7500 (0.7000 to 0.8000)</td>"));
  EXPECT_THAT(report.html, HasSubstr("<td>ap_small</td><td>not defined</td>"));
  EXPECT_THAT(report.html, HasSubstr("<td>faces</td><td>120</td>"));
  EXPECT_THAT(report.html, HasSubstr("<td>very_low</td><td>0.1000</td>"));
  EXPECT_THAT(report.html, Not(HasSubstr("<td>ap_low</td>")));
}

TEST(Report, PicturesAreChosenEvenlyAndBrokenOnesNamed) {
  const std::string folder = FreshFolder("pictures");
  std::filesystem::create_directories(folder + "/drawn");
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(
        data::WritePng(absl::StrCat(folder, "/drawn/", i, ".png"), cv::Mat(30, 60, CV_8UC3, cv::Scalar(9, 9, 9))).ok());
  }
  Write(folder + "/drawn/4.png", "no picture");
  Write(folder + "/drawn/notes.txt", "x");
  ReportOptions options;
  options.pictures = 3;
  const Report report = Make({Read(folder)}, options);
  EXPECT_EQ(report.pictures, 2);
  EXPECT_THAT(report.html, HasSubstr("<figcaption>0.png</figcaption>"));
  EXPECT_THAT(report.html, HasSubstr("<figcaption>2.png</figcaption>"));
  EXPECT_THAT(report.html, Not(HasSubstr("<figcaption>1.png</figcaption>")));
  EXPECT_THAT(report.warnings, ElementsAre(HasSubstr("drawn/4.png")));
  EXPECT_THAT(report.html, HasSubstr("drawn/4.png: is neither a JPEG nor a PNG"));
  options.pictures = 0;
  EXPECT_EQ(Make({Read(folder)}, options).pictures, 0);
}

TEST(Report, NothingFromFilesIsMarkup) {
  if (!HasGnuplot()) GTEST_SKIP() << "gnuplot is not installed";
  const std::string evil = "<script>alert(1)</script>";
  const std::string folder = FreshFolder("evil");
  std::filesystem::create_directories(folder + "/drawn");
  ASSERT_TRUE(data::WritePng(folder + "/drawn/<b>.png", cv::Mat(5, 5, CV_8UC3, cv::Scalar(9, 9, 9))).ok());
  const std::string row = "\nall" + evil + ",1,0.5,0.5,1,1";
  Write(folder + "/pr.csv", "curve,score,recall,precision,true_positives,false_positives" + row + "x" + row + "\n");
  Write(folder + "/flags.txt", "--note=" + evil + "\xff\n--" + evil + "=1\n");
  Write(folder + "/metrics.json", "{\"" + evil + "\":\"" + evil + "\"}");
  Write(folder + "/metrics.jsonl", "{\"iteration\":1,\"" + evil + "\":1}\n" + evil + "\n");
  Write(folder + "/provenance.json",
        "{\"tool\":\"" + evil + "\",\"version\":{\"a\":1},\"inputs\":{\"" + evil + "\":\"" + evil + "\"}}");
  const Report report = Make({Read(folder, evil)});
  EXPECT_THAT(report.html, Not(HasSubstr("<script")));
  EXPECT_THAT(report.html, Not(HasSubstr("<b>.png")));
  EXPECT_THAT(report.html, HasSubstr("&lt;script&gt;alert(1)&lt;/script&gt;\xef\xbf\xbd"));
  EXPECT_EQ(report.charts, 2);
}

TEST(Report, ARunWithoutCurvesNeedsNoGnuplot) {
  const std::string folder = FreshFolder("provenance_only");
  Write(folder + "/provenance.json", "{\"tool\":\"infer/detect\",\"version\":\"0.1.0\"}");
  const Report report = Make({Read(folder)});
  EXPECT_EQ(report.charts, 0);
  EXPECT_THAT(report.html, HasSubstr("infer/detect 0.1.0"));
}

}  // namespace
}  // namespace hardface::eval
