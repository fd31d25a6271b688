// Scores detections on FDDB.
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "base/paths.h"
#include "base/progress.h"
#include "base/provenance.h"
#include "base/status_macros.h"
#include "base/tool_main.h"
#include "data_tools/dataset/detections.h"
#include "eval/common/confidence_flags.h"
#include "eval/common/layout_report.h"
#include "eval/common/metrics.h"
#include "eval/common/outcome_set.h"
#include "eval/common/ranking.h"
#include "eval/protocols/fddb/fddb_data.h"
#include "eval/protocols/fddb/fddb_score.h"

ABSL_FLAG(std::string, annotations, "",
          "Folder of the folds' FDDB-fold-*-ellipseList.txt, or one such list. Required.");
ABSL_FLAG(std::string, detections, "",
          "Results to score: a file with a line of the image's name, a line of the number of boxes and lines of x y w "
          "h score, plain or compressed (.gz, .xz, .zst); or a detections.jsonl. Required.");
ABSL_FLAG(std::string, image_sizes, "",
          "Sizes of the images: a CSV file of name,width,height, or a dataset. Give this or --images.");
ABSL_FLAG(std::string, images, "",
          "Folder of FDDB's images, from which their sizes are read. Give this or --image_sizes.");
ABSL_FLAG(std::string, output, "", "Folder to write metrics.json, roc.csv and provenance.json into. Required.");
ABSL_FLAG(std::string, false_positives, "1000",
          "Numbers of false positives at which the rates are given, above 0 and separated by commas.");
ABSL_FLAG(std::string, matching, "official",
          "How detections are assigned to faces: official (the official tool's assignment to the digit) or maximum "
          "(the assignment of truly greatest total IoU).");
ABSL_FLAG(bool, strict, false, "Makes what the layout check finds an error instead of a warning.");
ABSL_FLAG(int, threads, 0, "Number of threads that compute. 0 uses all processors.");

namespace hardface::eval {
namespace {

using Sizes = std::map<std::string, PixelSize>;

absl::StatusOr<std::vector<double>> ParseCounts(const std::string& text) {
  std::vector<double> counts;
  for (absl::string_view part : absl::StrSplit(text, ',', absl::SkipWhitespace())) {
    double count;
    if (!absl::SimpleAtod(part, &count) || !(count > 0) || !std::isfinite(count)) {
      return UsageError(absl::StrCat("--false_positives=", text, ": \"", part, "\" is not a number above 0"));
    }
    counts.push_back(count);
  }
  return counts;
}

absl::StatusOr<Sizes> ReadSizes(const FddbAnnotations& annotations, Provenance* provenance) {
  const std::string sizes = absl::GetFlag(FLAGS_image_sizes), images = absl::GetFlag(FLAGS_images);
  if (sizes.empty() == images.empty()) {
    return UsageError(
        "give the image sizes by --image_sizes=CSV, --image_sizes=DATASET or --images=FOLDER, but only one of them");
  }
  if (!images.empty()) return ReadFddbSizesOfImages(images, annotations, absl::GetFlag(FLAGS_threads));
  const std::string file = FileOrInFolder(sizes, "manifest.jsonl");
  if (!IsThere(file)) {
    return absl::NotFoundError(
        absl::StrCat("--image_sizes=", sizes, ": ", file,
                     " is not there; expected a CSV of name,width,height lines, or the folder of "
                     "a dataset (with a manifest.jsonl)"));
  }
  RETURN_IF_ERROR(provenance->AddInput(file));
  return absl::EndsWith(file, ".jsonl") ? ReadFddbSizesOfDataset(sizes) : ReadFddbSizesCsv(file);
}

absl::StatusOr<FddbMatching> ParseMatching(const std::string& text) {
  if (text == "official") return FddbMatching::kOfficial;
  if (text == "maximum") return FddbMatching::kMaximum;
  return UsageError(absl::StrCat("--matching=", text, ": give official or maximum"));
}

Metrics MakeMetrics(const std::vector<CurvePoint>& discrete, const std::vector<CurvePoint>& continuous,
                    const std::vector<double>& counts) {
  Metrics metrics;
  for (double count : counts) {
    metrics[absl::StrFormat("discrete_at_%g", count)] = RateAtFalsePositives(discrete, count);
    metrics[absl::StrFormat("continuous_at_%g", count)] = RateAtFalsePositives(continuous, count);
  }
  return metrics;
}

Outcomes MakeOutcomes(const FddbAnnotations& annotations, const FddbRankings& rankings,
                      const std::vector<double>& counts) {
  Outcomes outcomes;
  for (const FddbImage& image : annotations.images) outcomes.images.push_back(image.name);
  for (double count : counts) {
    outcomes.sets.push_back({absl::StrFormat("discrete_at_%g", count), Ties::kTogether, count, rankings.discrete});
    outcomes.sets.push_back({absl::StrFormat("continuous_at_%g", count), Ties::kTogether, count, rankings.continuous});
  }
  return outcomes;
}

absl::Status Run(const std::vector<std::string>&) {
  RETURN_IF_ERROR(RequireFlag("annotations", absl::GetFlag(FLAGS_annotations)));
  RETURN_IF_ERROR(RequireFlag("detections", absl::GetFlag(FLAGS_detections)));
  RETURN_IF_ERROR(RequireFlag("output", absl::GetFlag(FLAGS_output)));
  ASSIGN_OR_RETURN(const std::vector<double> counts, ParseCounts(absl::GetFlag(FLAGS_false_positives)));
  ASSIGN_OR_RETURN(const FddbMatching matching, ParseMatching(absl::GetFlag(FLAGS_matching)));
  RETURN_IF_ERROR(CheckConfidenceFlags());
  ASSIGN_OR_RETURN(const auto output, ScoreOutput::Create(absl::GetFlag(FLAGS_output)));

  Provenance provenance;
  LayoutReport layout;
  ASSIGN_OR_RETURN(const FddbAnnotations annotations, ReadFddbAnnotations(absl::GetFlag(FLAGS_annotations)));
  ASSIGN_OR_RETURN(const Sizes sizes, ReadSizes(annotations, &provenance));
  ASSIGN_OR_RETURN(const std::vector<FddbImage> detections,
                   ReadFddbDetections(absl::GetFlag(FLAGS_detections), annotations, &layout));
  const std::string detections_file = data::DetectionsFile(absl::GetFlag(FLAGS_detections));
  CheckFddbDetections(annotations.images, detections, detections_file, &layout);
  RETURN_IF_ERROR(layout.Resolve(absl::GetFlag(FLAGS_strict)));
  size_t boxes = 0;
  for (const FddbImage& image : detections) boxes += image.regions.size();
  Progress progress("score", static_cast<int64_t>(boxes), "detections");
  ASSIGN_OR_RETURN(const FddbRankings rankings,
                   RankFddb(annotations.images, detections, sizes, matching, absl::GetFlag(FLAGS_threads), &progress));
  progress.Finish();
  for (const std::string& file : annotations.files) RETURN_IF_ERROR(provenance.AddInput(file));
  RETURN_IF_ERROR(provenance.AddInput(detections_file));

  const std::vector<CurvePoint> discrete = MakeCurve(rankings.discrete, Ties::kTogether);
  const std::vector<CurvePoint> continuous = MakeCurve(rankings.continuous, Ties::kTogether);
  Metrics metrics = MakeMetrics(discrete, continuous, counts);
  metrics["matching"] = absl::GetFlag(FLAGS_matching);
  metrics["images"] = annotations.images.size();
  metrics["faces"] = rankings.discrete.total_faces();
  metrics["detections"] = boxes;
  if (!layout.empty()) RETURN_IF_ERROR(output->Write("layout.csv", layout.Csv()));
  RETURN_IF_ERROR(output->Write("roc.csv", CurveCsvHeader() + CurveToCsv("discrete", discrete, CurvePoints::kAll) +
                                               CurveToCsv("continuous", continuous, CurvePoints::kAll)));
  RETURN_IF_ERROR(WriteConfidence(MakeOutcomes(annotations, rankings, counts), absl::GetFlag(FLAGS_threads),
                                  output.get(), &metrics));
  return output->Commit(metrics, provenance);
}

}  // namespace
}  // namespace hardface::eval

int main(int argc, char** argv) {
  return hardface::ToolMain(
      argc, argv,
      {"eval/fddb",
       "Scores detections on FDDB: discrete and continuous ROC by the official rules, which docs/EVAL.md states.",
       "",
       {{"annotations", hardface::kReadsFolder},
        {"detections", hardface::kReadsFolder},
        {"image_sizes", hardface::kReadsFolder},
        {"images", hardface::kReadsImages},
        {"output", hardface::kWrites}}},
      &hardface::eval::Run);
}
