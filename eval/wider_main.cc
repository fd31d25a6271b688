// Scores detections on WIDER FACE.
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/atomic_output.h"
#include "base/provenance.h"
#include "base/status_macros.h"
#include "base/tool_main.h"
#include "eval/common/attribution.h"
#include "eval/common/coco_flags.h"
#include "eval/common/confidence_flags.h"
#include "eval/common/metrics.h"
#include "eval/common/outcome_set.h"
#include "eval/protocols/wider/wider_detections.h"
#include "eval/protocols/wider/wider_ground_truth.h"
#include "eval/protocols/wider/wider_score.h"

ABSL_FLAG(std::string, ground_truth, "", "Folder of wider_{easy,medium,hard}_val.mat, or a dataset. Required.");
ABSL_FLAG(std::string, detections, "",
          "Results to score: a folder of EVENT/IMAGE.txt, the same as .tar, .tar.gz, .tar.zst or .zip, a "
          "detections.jsonl, or a JSON file in COCO's results form. Required.");
ABSL_FLAG(std::string, output, "", "Folder to write metrics.json, pr.csv and provenance.json into. Required.");
ABSL_FLAG(std::string, matching, "official",
          "How detections are matched with faces: official (the MATLAB toolkit to the digit, including its int32 "
          "arithmetic) or best_iou (the face of highest IoU).");
ABSL_FLAG(std::string, list_differences, "",
          "CSV file to write the faces and boxes to that the two matchings judge differently. Empty writes none.");
ABSL_FLAG(bool, attribution, false,
          "Writes attribution.csv, which says how much AP is lost to misses, poor boxes, duplicates and false alarms, "
          "and to faces of each label and event.");
ABSL_FLAG(bool, strict, false, "Makes what the layout check finds an error instead of a warning.");
ABSL_FLAG(int, threads, 0, "Number of threads that compute. 0 uses all processors.");

namespace hardface::eval {
namespace {

absl::StatusOr<WiderMatching> ParseMatching(const std::string& text) {
  if (text == "official") return WiderMatching::kOfficial;
  if (text == "best_iou") return WiderMatching::kBestIou;
  return UsageError(absl::StrCat("--matching=", text, ": give official or best_iou"));
}

absl::Status ListDifferences(const std::string& file, const WiderGroundTruth& truth, const WiderDetections& detections,
                             const Provenance& provenance, int threads) {
  ASSIGN_OR_RETURN(const WiderMatches official, MatchWider(truth, detections, WiderMatching::kOfficial, threads));
  ASSIGN_OR_RETURN(const WiderMatches best, MatchWider(truth, detections, WiderMatching::kBestIou, threads));
  RETURN_IF_ERROR(WriteFileAtomically(file, WiderDifferences(truth, detections, official, best)));
  return provenance.WriteBeside(file);
}

Outcomes MakeOutcomes(const WiderGroundTruth& truth, const WiderMatches& matches) {
  Outcomes outcomes;
  for (const WiderImage& image : truth.images) outcomes.images.push_back(absl::StrCat(image.event, "/", image.name));
  for (size_t s = 0; s < truth.subsets.size(); ++s) {
    outcomes.sets.push_back({truth.subsets[s], Ties::kTogether, 0, RankWider(truth, matches, static_cast<int>(s))});
  }
  return outcomes;
}

// The lines of one subset; the four causes also go to METRICS.
std::string AttributeSubset(const WiderGroundTruth& truth, const WiderDetections& detections,
                            const WiderMatches& matches, int subset, Metrics* metrics) {
  AttributionInput input;
  input.ties = Ties::kTogether;
  input.judged = JudgeWider(truth, detections, matches, subset);
  for (const WiderImage& image : truth.images) {
    std::vector<bool>& counted = input.counted.emplace_back();
    for (const WiderFace& face : image.faces) counted.push_back(face.subsets >> subset & 1);
  }
  const std::string& name = truth.subsets[subset];
  const std::vector<ErrorShare> causes = AttributeLoss(input);
  for (const ErrorShare& share : causes) (*metrics)[absl::StrCat(name, "_lost_to_", share.cause)] = share.ap_lost;
  std::string csv = AttributionToCsv(name, causes);
  for (int label = 0; label < kWiderLabels; ++label) {
    csv +=
        AttributionToCsv(name, AttributeMissesByLabel(input, kWiderLabelNames[label], [&](int32_t image, int32_t face) {
                           return absl::StrCat(truth.images[image].faces[face].labels[label]);
                         }));
  }
  return csv + AttributionToCsv(name, AttributeMissesByLabel(input, "event", [&](int32_t image, int32_t) {
                                  return truth.images[image].event;
                                }));
}

void AddCounts(const WiderGroundTruth& truth, const WiderDetections& detections, Metrics* metrics) {
  (*metrics)["matching"] = absl::GetFlag(FLAGS_matching);
  (*metrics)["arithmetic"] = truth.integer_boxes && absl::GetFlag(FLAGS_matching) == "official" ? "int32" : "double";
  (*metrics)["images"] = truth.images.size();
  (*metrics)["detections"] = detections.boxes;
  (*metrics)["images_without_detections"] = detections.missing;
}

absl::Status Run(const std::vector<std::string>&) {
  const std::string ground_truth = absl::GetFlag(FLAGS_ground_truth);
  const std::string detections_path = absl::GetFlag(FLAGS_detections);
  RETURN_IF_ERROR(RequireFlag("ground_truth", ground_truth));
  RETURN_IF_ERROR(RequireFlag("detections", detections_path));
  RETURN_IF_ERROR(RequireFlag("output", absl::GetFlag(FLAGS_output)));
  ASSIGN_OR_RETURN(const WiderMatching matching, ParseMatching(absl::GetFlag(FLAGS_matching)));
  const int threads = absl::GetFlag(FLAGS_threads);
  RETURN_IF_ERROR(CheckConfidenceFlags());
  ASSIGN_OR_RETURN(const CocoResultOptions coco, CocoOptionsFromFlags());
  ASSIGN_OR_RETURN(const auto output, ScoreOutput::Create(absl::GetFlag(FLAGS_output)));

  ASSIGN_OR_RETURN(const WiderGroundTruth truth, ReadWiderGroundTruth(ground_truth, absl::GetFlag(FLAGS_attribution)));
  ASSIGN_OR_RETURN(const WiderDetections detections, ReadWiderDetections(detections_path, truth, coco, threads));
  RETURN_IF_ERROR(detections.layout.Resolve(absl::GetFlag(FLAGS_strict)));
  Provenance provenance;
  for (const std::string& file : truth.files) RETURN_IF_ERROR(provenance.AddInput(file));
  provenance.AddHashedInput(detections_path, detections.hash);
  RETURN_IF_ERROR(AddCocoInput(&provenance));

  ASSIGN_OR_RETURN(const WiderMatches matches, MatchWider(truth, detections, matching, threads));
  Metrics metrics;
  std::string csv = CurveCsvHeader();
  for (size_t s = 0; s < truth.subsets.size(); ++s) {
    const WiderSubsetScore score = ScoreWiderSubset(truth, matches, static_cast<int>(s));
    metrics[truth.subsets[s]] = score.ap;
    metrics["faces_" + truth.subsets[s]] = score.faces;
    csv += CurveToCsv(truth.subsets[s], score.curve, CurvePoints::kAll);
  }
  AddCounts(truth, detections, &metrics);
  if (!detections.layout.empty()) RETURN_IF_ERROR(output->Write("layout.csv", detections.layout.Csv()));
  RETURN_IF_ERROR(output->Write("pr.csv", csv));
  if (absl::GetFlag(FLAGS_attribution)) {
    std::string attribution = AttributionCsvHeader();
    for (size_t s = 0; s < truth.subsets.size(); ++s) {
      attribution += AttributeSubset(truth, detections, matches, static_cast<int>(s), &metrics);
    }
    RETURN_IF_ERROR(output->Write("attribution.csv", attribution));
  }
  RETURN_IF_ERROR(WriteConfidence(MakeOutcomes(truth, matches), threads, output.get(), &metrics));
  if (!absl::GetFlag(FLAGS_list_differences).empty()) {
    RETURN_IF_ERROR(ListDifferences(absl::GetFlag(FLAGS_list_differences), truth, detections, provenance, threads));
  }
  return output->Commit(metrics, provenance);
}

}  // namespace
}  // namespace hardface::eval

int main(int argc, char** argv) {
  return hardface::ToolMain(argc, argv,
                            {"eval/wider",
                             "Scores detections on WIDER FACE: AP of the subsets easy, medium and hard by the official "
                             "rules, which docs/EVAL.md states.",
                             "",
                             {{"ground_truth", hardface::kReadsFolder},
                              {"detections", hardface::kReadsFolder},
                              {"output", hardface::kWrites},
                              {"list_differences", hardface::kWrites}}},
                            &hardface::eval::Run);
}
