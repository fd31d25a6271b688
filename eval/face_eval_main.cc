// Scores detections on AFW and PASCAL faces.
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/provenance.h"
#include "base/status_macros.h"
#include "base/tool_main.h"
#include "eval/common/confidence_flags.h"
#include "eval/common/layout_report.h"
#include "eval/common/metrics.h"
#include "eval/common/outcome_set.h"
#include "eval/common/ranking.h"
#include "eval/common/result_tree.h"
#include "eval/protocols/face_eval/face_eval_score.h"

ABSL_FLAG(std::string, annotations, "", "Annotations of AFW or PASCAL faces, as face-eval's .mat file. Required.");
ABSL_FLAG(std::string, detections, "",
          "File of lines \"name score x1 y1 x2 y2\", plain or compressed (.gz, .xz, .zst). Required.");
ABSL_FLAG(std::string, output, "", "Folder to write metrics.json, pr.csv and provenance.json into. Required.");
ABSL_FLAG(int, refits, 5,
          "Number of scorings, from 0 to 1000, as the published protocol counts them. Before each scoring but the "
          "first, the detections are refitted to the annotations' style, so that 5 refit 4 times. The last scoring "
          "counts. 0 and 1 refit nothing.");
ABSL_FLAG(double, top_edge_shift, 0,
          "Fraction of their height, from 0 to below 1, by which the detections' top edges are lowered. Detectors "
          "trained on WIDER FACE publish with 0.2.");
ABSL_FLAG(bool, strict, false, "Makes what the layout check finds an error instead of a warning.");

namespace hardface::eval {
namespace {

absl::Status CheckFlags() {
  RETURN_IF_ERROR(RequireFlag("annotations", absl::GetFlag(FLAGS_annotations)));
  RETURN_IF_ERROR(RequireFlag("detections", absl::GetFlag(FLAGS_detections)));
  RETURN_IF_ERROR(RequireFlag("output", absl::GetFlag(FLAGS_output)));
  if (absl::GetFlag(FLAGS_refits) < 0 || absl::GetFlag(FLAGS_refits) > 1000) {
    return UsageError(absl::StrCat("--refits=", absl::GetFlag(FLAGS_refits), ": give a number from 0 to 1000"));
  }
  const double shift = absl::GetFlag(FLAGS_top_edge_shift);
  if (!(shift >= 0 && shift < 1))
    return UsageError(absl::StrCat("--top_edge_shift=", shift, ": give a number from 0 to below 1"));
  return CheckConfidenceFlags();
}

absl::Status Run(const std::vector<std::string>&) {
  RETURN_IF_ERROR(CheckFlags());
  const std::string detections_path = absl::GetFlag(FLAGS_detections);
  ASSIGN_OR_RETURN(const auto output, ScoreOutput::Create(absl::GetFlag(FLAGS_output)));
  LayoutReport layout;
  ASSIGN_OR_RETURN(const std::vector<FaceEvalImage> images, ReadFaceEvalAnnotations(absl::GetFlag(FLAGS_annotations)));
  ASSIGN_OR_RETURN(const std::string text, ReadPossiblyCompressedFile(detections_path));
  ASSIGN_OR_RETURN(std::vector<FaceEvalDetection> detections,
                   ParseFaceEvalDetections(text, detections_path, images, &layout));
  RETURN_IF_ERROR(layout.Resolve(absl::GetFlag(FLAGS_strict)));
  ShiftTopEdges(absl::GetFlag(FLAGS_top_edge_shift), &detections);
  const size_t count = detections.size();
  std::set<int32_t> seen;
  for (const FaceEvalDetection& detection : detections) seen.insert(detection.image);
  const FaceEvalResult result = ScoreFaceEval(images, std::move(detections), absl::GetFlag(FLAGS_refits));

  Metrics metrics;
  metrics["ap"] = result.aps.back();
  metrics["ap_without_refits"] = result.aps.front();
  metrics["refits"] = absl::GetFlag(FLAGS_refits);
  metrics["top_edge_shift"] = absl::GetFlag(FLAGS_top_edge_shift);
  metrics["images"] = images.size();
  metrics["faces"] = result.ranking.total_faces();
  metrics["detections"] = count;
  metrics["images_without_detections"] = static_cast<int64_t>(images.size() - seen.size());
  Provenance provenance;
  RETURN_IF_ERROR(provenance.AddInput(absl::GetFlag(FLAGS_annotations)));
  RETURN_IF_ERROR(provenance.AddInput(detections_path));
  const std::vector<CurvePoint> curve = MakeCurve(result.ranking, Ties::kApart);
  if (!layout.empty()) RETURN_IF_ERROR(output->Write("layout.csv", layout.Csv()));
  RETURN_IF_ERROR(output->Write("pr.csv", CurveCsvHeader() + CurveToCsv("all", curve, CurvePoints::kCorners)));
  Outcomes outcomes;
  for (const FaceEvalImage& image : images) outcomes.images.push_back(image.name);
  outcomes.sets.push_back({"ap", Ties::kApart, 0, result.ranking});
  RETURN_IF_ERROR(WriteConfidence(outcomes, /*threads=*/0, output.get(), &metrics));
  return output->Commit(metrics, provenance);
}

}  // namespace
}  // namespace hardface::eval

int main(int argc, char** argv) {
  return hardface::ToolMain(
      argc, argv,
      {"eval/face_eval",
       "Scores detections on AFW or PASCAL faces by face-eval's rules, including its refits. docs/EVAL.md states the "
       "rules.",
       "",
       {{"annotations", hardface::kReadsFile}, {"detections", hardface::kReadsFile}, {"output", hardface::kWrites}}},
      &hardface::eval::Run);
}
