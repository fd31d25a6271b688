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

absl::Status CheckRefitFolds(int folds, int refits) {
  if (folds == 0) return absl::OkStatus();
  RETURN_IF_ERROR(RequireRange("refit_folds", folds, 2, 1000));
  if (refits < 1) {
    return UsageError(absl::StrCat("--refit_folds=", folds,
                                   " has no effect without --refits; give --refits=4, or leave --refit_folds out"));
  }
  return absl::OkStatus();
}

absl::Status Run(const std::vector<std::string>&) {
  const std::string dataset_path = absl::GetFlag(FLAGS_dataset);
  const std::string detections_path = absl::GetFlag(FLAGS_detections);
  RETURN_IF_ERROR(RequireFlag("dataset", dataset_path));
  RETURN_IF_ERROR(RequireFlag("detections", detections_path));
  RETURN_IF_ERROR(RequireFlag("output", absl::GetFlag(FLAGS_output)));
  ASSIGN_OR_RETURN(const std::vector<double> rates, ParseRates(absl::GetFlag(FLAGS_false_positives_per_image)));
  RETURN_IF_ERROR(RequireRange("refits", absl::GetFlag(FLAGS_refits), 0, 1000));
  RETURN_IF_ERROR(CheckRefitFolds(absl::GetFlag(FLAGS_refit_folds), absl::GetFlag(FLAGS_refits)));
  RETURN_IF_ERROR(CheckConfidenceFlags());
  ASSIGN_OR_RETURN(const CocoResultOptions coco, CocoOptionsFromFlags());
  ASSIGN_OR_RETURN(const auto output, ScoreOutput::Create(absl::GetFlag(FLAGS_output)));

  ASSIGN_OR_RETURN(const data::Dataset dataset, data::ReadDataset(dataset_path));
  ASSIGN_OR_RETURN(DatasetDetections detections, ReadDatasetDetections(detections_path, dataset, coco));
  ASSIGN_OR_RETURN(JoinedDetections joined, JoinDetections(dataset, std::move(detections.images), detections_path));
  const LayoutReport layout = CheckDatasetLayout(dataset, detections, joined);
  RETURN_IF_ERROR(layout.Resolve(absl::GetFlag(FLAGS_strict)));

  const int refits = absl::GetFlag(FLAGS_refits), folds = absl::GetFlag(FLAGS_refit_folds);
  const double ap_without_refits =
      refits > 0 ? AveragePrecision(RankDataset(joined.images, kScoredIou), Ties::kApart) : 0;
  data::BoxStyle style;
  if (folds > 0) {
    RefitDetectionsByFolds(refits, static_cast<size_t>(folds), &joined.images);
  } else {
    style = RefitDetections(refits, &joined.images);
  }
  DatasetScores scores = ScoreDataset(joined, rates);
  if (refits > 0) {
    scores.metrics["refits"] = refits;
    if (folds > 0) {
      scores.metrics["refit_folds"] = folds;
    } else {
      scores.metrics["refit_dx"] = style.dx;
      scores.metrics["refit_dy"] = style.dy;
      scores.metrics["refit_width"] = style.width;
      scores.metrics["refit_height"] = style.height;
    }
    scores.metrics["ap_without_refits"] = ap_without_refits;
  }
  Provenance provenance;
  RETURN_IF_ERROR(provenance.AddInput(dataset.manifest_path));
  provenance.AddHashedInput(detections.input, detections.hash);
  RETURN_IF_ERROR(AddCocoInput(&provenance));
  if (!layout.empty()) RETURN_IF_ERROR(output->Write("layout.csv", layout.Csv()));
  RETURN_IF_ERROR(output->Write("pr.csv", CurveCsvHeader() + CurveToCsv("all", scores.curve, CurvePoints::kCorners)));
  if (absl::GetFlag(FLAGS_attribution)) RETURN_IF_ERROR(WriteAttribution(joined, output.get(), &scores.metrics));
  RETURN_IF_ERROR(WriteConfidence(MakeOutcomes(dataset, joined), /*threads=*/0, output.get(), &scores.metrics));
  return output->Commit(scores.metrics, provenance);
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
