// How long scoring takes, from files on disk to figures: bazel run -c opt //eval:score_benchmark -- (with
// HARDFACE_DATA_DIR set to the folder of the real data; the detections' archive is unpacked into a temporary folder
// first, and each run reads its text files anew).
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/atomic_output.h"
#include "eval/common/result_tree.h"
#include "eval/protocols/fddb/fddb_data.h"
#include "eval/protocols/fddb/fddb_score.h"
#include "eval/protocols/wider/wider_detections.h"
#include "eval/protocols/wider/wider_ground_truth.h"
#include "eval/protocols/wider/wider_score.h"

namespace hardface::eval {
namespace {

std::string DataFolder(benchmark::State& state) {
  const char* folder = std::getenv("HARDFACE_DATA_DIR");
  if (folder == nullptr) state.SkipWithError("HARDFACE_DATA_DIR is not set");
  return folder == nullptr ? "" : folder;
}

// Unpacks the archive into text files once.
std::string UnpackedResults(const std::string& archive) {
  const std::string folder = (std::filesystem::temp_directory_path() / "hardface_score_benchmark").string();
  if (std::filesystem::exists(folder)) return folder;
  const auto tree = ReadResultTree(archive, 1);
  for (const ResultFile& file : tree->files) {
    if (!WriteFileAtomically(folder + "/" + file.name, file.bytes).ok()) std::abort();
  }
  return folder;
}

void BM_WiderFromTextFiles(benchmark::State& state) {
  const std::string data = DataFolder(state);
  if (data.empty()) return;
  const std::string results = UnpackedResults(data + "/wider_face/detections_res18_refinedet.tar.zst");
  for (auto _ : state) {
    const auto truth = ReadWiderGroundTruth(data + "/wider_face", /*with_labels=*/false);
    const auto detections = ReadWiderDetections(results, *truth, {}, /*threads=*/0);
    const auto matches = MatchWider(*truth, *detections, WiderMatching::kOfficial, /*threads=*/0);
    for (int s = 0; s < 3; ++s) benchmark::DoNotOptimize(ScoreWiderSubset(*truth, *matches, s).ap);
  }
}
BENCHMARK(BM_WiderFromTextFiles)->Unit(benchmark::kMillisecond)->UseRealTime()->Repetitions(5);

void BM_FddbFromTextFiles(benchmark::State& state) {
  const std::string data = DataFolder(state);
  if (data.empty()) return;
  const std::string fddb = data + "/fddb";
  for (auto _ : state) {
    LayoutReport layout;
    const auto annotations = ReadFddbAnnotations(fddb + "/FDDB-folds");
    const auto sizes = ReadFddbSizesCsv(fddb + "/image_sizes.csv");
    const auto detections = ReadFddbDetections(fddb + "/detections/s3fd.txt.zst", *annotations, &layout);
    const auto rankings = RankFddb(annotations->images, *detections, *sizes, FddbMatching::kOfficial, /*threads=*/0);
    benchmark::DoNotOptimize(MakeCurve(rankings->discrete, Ties::kTogether));
    benchmark::DoNotOptimize(MakeCurve(rankings->continuous, Ties::kTogether));
  }
}
BENCHMARK(BM_FddbFromTextFiles)->Unit(benchmark::kMillisecond)->UseRealTime()->Repetitions(5);

}  // namespace
}  // namespace hardface::eval

BENCHMARK_MAIN();
