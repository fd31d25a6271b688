// Scores detections on any dataset of ours.
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/flag_values.h"
#include "base/provenance.h"
#include "base/status_macros.h"
#include "base/tool_main.h"
#include "data_tools/dataset/dataset.h"
#include "eval/common/attribution.h"
#include "eval/common/coco_flags.h"
#include "eval/common/confidence_flags.h"
#include "eval/common/layout_report.h"
#include "eval/common/metrics.h"
#include "eval/common/outcome_set.h"
#include "eval/common/ranking.h"
#include "eval/protocols/dataset/dataset_detections.h"
#include "eval/protocols/dataset/dataset_layout.h"
#include "eval/protocols/dataset/dataset_score.h"

ABSL_FLAG(std::string, dataset, "", "Dataset with the ground truth. Required.");
ABSL_FLAG(std::string, detections, "",
          "Results to score: a detections.jsonl or a folder with one (infer:detect --format=jsonl); a folder of "
          "EVENT/IMAGE.txt as RetinaFace writes them, or the same as .tar, .tar.gz, .tar.zst or .zip; or a JSON file "
          "in COCO's results form. Required.");
ABSL_FLAG(std::string, output, "", "Folder to write metrics.json, pr.csv and provenance.json into. Required.");
ABSL_FLAG(std::string, false_positives_per_image, "0.1,1,10",
          "Rates of false positives per image at which recall is given: numbers of at least 0, separated by commas.");
ABSL_FLAG(int, refits, 0,
          "Number of times, from 0 to 1000, that the detections are moved and scaled to the annotations' style before "
          "they are scored, by the mean offset and size ratio of the true positives. 0 scores them as they are. "
          "(eval:face_eval counts scorings: its 5 refit 4 times.)");
ABSL_FLAG(int, refit_folds, 0,
          "Applies with --refits. Divides the images into this many folds, from 2 to 1000, and moves each fold as the "
          "others say, so that no image's annotations take part in its own score. 0 moves all of them together, as "
          "eval:face_eval does.");
ABSL_FLAG(bool, attribution, false,
          "Writes attribution.csv, which says how much AP is lost to misses, poor boxes, duplicates and false alarms.");
ABSL_FLAG(bool, strict, false, "Makes what the layout check finds an error instead of a warning.");

namespace hardface::eval {
namespace {

absl::StatusOr<std::vector<double>> ParseRates(const std::string& text) {
  std::vector<double> rates;
  for (absl::string_view part : absl::StrSplit(text, ',', absl::SkipWhitespace())) {
    double rate;
    if (!absl::SimpleAtod(part, &rate) || !std::isfinite(rate) || rate < 0) {
      return UsageError(absl::StrCat("--false_positives_per_image=", text, ": \"", part,
                                     "\" is not a rate; give numbers of at least 0, as in 0.1,1,10"));
    }
    rates.push_back(rate);
  }
  return rates;
}

Outcomes MakeOutcomes(const data::Dataset& dataset, const JoinedDetections& joined) {
  Outcomes outcomes;
  for (const data::DatasetEntry& entry : dataset.entries) {
    outcomes.images.push_back(absl::StrCat(entry.image, entry.flip ? " (flipped)" : ""));
  }
  outcomes.sets.push_back({"ap", Ties::kApart, 0, RankDataset(joined.images, kScoredIou)});
  return outcomes;
}

absl::Status WriteAttribution(const JoinedDetections& joined, ScoreOutput* output, Metrics* metrics) {
  AttributionInput input;
  input.judged = JudgeDataset(joined.images, kScoredIou);
  for (const ScoredImage& image : joined.images) {
    std::vector<bool>& counted = input.counted.emplace_back();
    for (const data::Face& face : image.faces) counted.push_back(!face.ignore);
  }
  const std::vector<ErrorShare> shares = AttributeLoss(input);
  for (const ErrorShare& share : shares) (*metrics)["ap_lost_to_" + share.cause] = share.ap_lost;
  return output->Write("attribution.csv", AttributionCsvHeader() + AttributionToCsv("all", shares));
}

absl::StatusOr<RefitOptions> RefitOptionsFromFlags() {
  const RefitOptions options{absl::GetFlag(FLAGS_refits), absl::GetFlag(FLAGS_refit_folds)};
  RETURN_IF_ERROR(RequireRange("refits", options.refits, 0, 1000));
  if (options.folds == 0) return options;
  RETURN_IF_ERROR(RequireRange("refit_folds", options.folds, 2, 1000));
  if (options.refits < 1) {
    return UsageError(absl::StrCat("--refit_folds=", options.folds,
                                   " has no effect without --refits; give --refits=4, or leave --refit_folds out"));
  }
  return options;
}

// What is read, and where it is from.
struct Inputs {
  data::Dataset dataset;
  DatasetDetections detections;
  JoinedDetections joined;
  LayoutReport layout;
};

absl::StatusOr<Inputs> ReadInputs(const CocoResultOptions& coco) {
  const std::string path = absl::GetFlag(FLAGS_detections);
  Inputs inputs;
  ASSIGN_OR_RETURN(inputs.dataset, data::ReadDataset(absl::GetFlag(FLAGS_dataset)));
  ASSIGN_OR_RETURN(inputs.detections, ReadDatasetDetections(path, inputs.dataset, coco));
  ASSIGN_OR_RETURN(inputs.joined, JoinDetections(inputs.dataset, std::move(inputs.detections.images), path));
  inputs.layout = CheckDatasetLayout(inputs.dataset, inputs.detections, inputs.joined);
  RETURN_IF_ERROR(inputs.layout.Resolve(absl::GetFlag(FLAGS_strict)));
  return inputs;
}

absl::Status WriteScores(const Inputs& inputs, DatasetScores scores, ScoreOutput* output) {
  Provenance provenance;
  RETURN_IF_ERROR(provenance.AddInput(inputs.dataset.manifest_path));
  provenance.AddHashedInput(inputs.detections.input, inputs.detections.hash);
  RETURN_IF_ERROR(AddCocoInput(&provenance));
  if (!inputs.layout.empty()) RETURN_IF_ERROR(output->Write("layout.csv", inputs.layout.Csv()));
  RETURN_IF_ERROR(output->Write("pr.csv", CurveCsvHeader() + CurveToCsv("all", scores.curve, CurvePoints::kCorners)));
  if (absl::GetFlag(FLAGS_attribution)) RETURN_IF_ERROR(WriteAttribution(inputs.joined, output, &scores.metrics));
  if (WantsConfidence()) {
    const Outcomes outcomes = MakeOutcomes(inputs.dataset, inputs.joined);
    RETURN_IF_ERROR(WriteConfidence(outcomes, /*threads=*/0, output, &scores.metrics));
  }
  return output->Commit(scores.metrics, provenance);
}

absl::Status Run(const std::vector<std::string>&) {
  RETURN_IF_ERROR(RequireFlag("dataset", absl::GetFlag(FLAGS_dataset)));
  RETURN_IF_ERROR(RequireFlag("detections", absl::GetFlag(FLAGS_detections)));
  RETURN_IF_ERROR(RequireFlag("output", absl::GetFlag(FLAGS_output)));
  ASSIGN_OR_RETURN(const std::vector<double> rates, ParseRates(absl::GetFlag(FLAGS_false_positives_per_image)));
  ASSIGN_OR_RETURN(const RefitOptions refit, RefitOptionsFromFlags());
  RETURN_IF_ERROR(CheckConfidenceFlags());
  ASSIGN_OR_RETURN(const CocoResultOptions coco, CocoOptionsFromFlags());
  ASSIGN_OR_RETURN(const auto output, ScoreOutput::Create(absl::GetFlag(FLAGS_output)));

  ASSIGN_OR_RETURN(Inputs inputs, ReadInputs(coco));
  const Metrics of_refit = Refit(refit, &inputs.joined);
  DatasetScores scores = ScoreDataset(inputs.joined, rates);
  scores.metrics.update(of_refit);
  return WriteScores(inputs, std::move(scores), output.get());
}

}  // namespace
}  // namespace hardface::eval

int main(int argc, char** argv) {
  return hardface::ToolMain(
      argc, argv,
      {"eval/dataset",
       "Scores detections on a dataset. It gives AP at IoU 0.5 (VOC, all points), AP averaged over IoU 0.5:0.95, AP by "
       "face height, and recall at fixed rates of false positives. docs/EVAL.md states the rules.",
       "",
       {{"dataset", hardface::kReadsDataset}, {"detections", hardface::kReadsFolder}, {"output", hardface::kWrites}}},
      &hardface::eval::Run);
}
