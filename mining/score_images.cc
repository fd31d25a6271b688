#include "mining/score_images.h"

#include <omp.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/atomic_output.h"
#include "base/parallel.h"
#include "base/prefetcher.h"
#include "base/progress.h"
#include "base/status_macros.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/dataset/entry_image.h"
#include "mining/difficulty.h"
#include "model/detectors/detector.h"
#include "model/execution/image_input.h"

namespace hardface::mining {
namespace {

bool HasNoFace(const data::DatasetEntry& entry) {
  return std::all_of(entry.faces.begin(), entry.faces.end(), [](const data::Face& face) { return face.ignore; });
}

double ScaleOf(const cv::Mat& image, const ScoreImagesOptions& options) {
  const double to_short = static_cast<double>(options.short_side) / std::min(image.cols, image.rows);
  const double to_long = static_cast<double>(options.long_side) / std::max(image.cols, image.rows);
  return std::min(to_short, to_long);
}

absl::StatusOr<Difficulty> ScoreImage(const model::Model& model, const data::DatasetEntry& entry, const cv::Mat& image,
                                      const ScoreImagesOptions& options, const std::function<cv::Mat()>& upcoming,
                                      model::DetectorRunner* runner) {
  const double scale = ScaleOf(image, options);
  const model::LevelGeometry level = model::LevelGeometryOf(image.rows, image.cols, scale);
  ASSIGN_OR_RETURN(const auto planes, runner->Run(image, scale, entry.flip, upcoming));
  std::vector<FaceBox> faces;
  const auto s = static_cast<float>(scale);
  for (const data::Face& face : entry.faces) {
    if (face.box.w <= 0 || face.box.h <= 0) continue;
    faces.push_back({data::ToBox({face.box.x * s, face.box.y * s, face.box.w * s, face.box.h * s}), face.ignore});
  }
  const AnchorLabels labels = LabelAnchors(planes, faces, level.columns, level.rows, options.targets);
  return Difficulty{Wpas(planes, labels), static_cast<int>(labels.positives.size()), model.info.iterations};
}

// Images whose faces are too small or too large for every anchor: they stay "hard" for ever, and nobody may notice.
class WithoutPositiveAnchors {
 public:
  void Add(const data::DatasetEntry& entry, const Difficulty& difficulty, double scale) {
    if (HasNoFace(entry)) return;
    ++with_faces_;
    if (difficulty.positives > 0 || count_++ > 0) return;
    double smallest = 1e9, largest = 0;
    for (const data::Face& face : entry.faces) {
      if (face.ignore) continue;
      smallest = std::min(smallest, scale * std::min(face.box.w, face.box.h));
      largest = std::max(largest, scale * std::max(face.box.w, face.box.h));
    }
    first_ = absl::StrFormat("%s, whose faces are %.0f to %.0f pixels there", entry.image, smallest, largest);
  }

  void Print(const model::Model& model, const ScoreImagesOptions& options) const {
    if (count_ == 0) return;
    absl::FPrintF(stderr,
                  "score: %d of %d images with faces have no positive anchor at --short_side=%d --long_side=%d, so "
                  "their WPAS is null: no anchor is near their faces in size and place. The first is %s. Anchors are "
                  "%s pixels wide\n",
                  count_, with_faces_, options.short_side, options.long_side, first_,
                  absl::StrJoin(AnchorSizes(model.detector), ", "));
  }

 private:
  static std::vector<int> AnchorSizes(const model::DetectorSpec& detector) {
    std::vector<int> sizes;
    for (const model::DetectionHead& head : detector.heads) {
      sizes.insert(sizes.end(), head.anchor_sizes.begin(), head.anchor_sizes.end());
    }
    return sizes;
  }

  int64_t with_faces_ = 0, count_ = 0;
  std::string first_;
};

}  // namespace

absl::Status ScoreImages(const model::Model& model, const std::string& dataset_path, const std::string& output,
                         const ScoreImagesOptions& options) {
  omp_set_num_threads(ResolveThreads(options.threads));
  ASSIGN_OR_RETURN(const data::Dataset dataset, data::ReadDataset(dataset_path));
  if (std::all_of(dataset.entries.begin(), dataset.entries.end(), &HasNoFace)) {
    absl::FPrintF(stderr,
                  "score: %s: no entry has a face that counts, so no image gets a WPAS. Were the labels found?\n",
                  dataset.manifest_path);
  }
  ASSIGN_OR_RETURN(const auto file, AtomicFile::Create(output));
  ASSIGN_OR_RETURN(const auto runner, model::MakeDetectorRunner(model, options.runner));
  const auto count = static_cast<int64_t>(dataset.entries.size());
  Progress progress("score", count, "images");
  // One thread decodes pictures as fast as the CPU's network takes them; a GPU takes several threads' pictures.
  const int loaders = options.runner.device.cuda() ? std::min(4, ResolveThreads(options.threads)) : 1;
  Prefetcher<absl::StatusOr<cv::Mat>> images(count, loaders, /*ahead=*/8, [&](int64_t i) {
    const auto entry = static_cast<size_t>(i);
    return data::ReadEntryImage(dataset.entries[entry], dataset.image_paths[entry]);
  });
  WithoutPositiveAnchors without;
  std::optional<absl::StatusOr<cv::Mat>> ahead;  // the next image, which a device gets while it computes
  for (int64_t i = 0; i < count; ++i) {
    const data::DatasetEntry& entry = dataset.entries[static_cast<size_t>(i)];
    if (!ahead.has_value()) ahead = images.Next();
    ASSIGN_OR_RETURN(const cv::Mat image, *std::exchange(ahead, std::nullopt));
    const auto upcoming = [&] {
      if (i + 1 < count) ahead = images.Next();
      return ahead.has_value() && ahead->ok() ? **ahead : cv::Mat();
    };
    ASSIGN_OR_RETURN(const Difficulty difficulty, ScoreImage(model, entry, image, options, upcoming, runner.get()));
    without.Add(entry, difficulty, ScaleOf(image, options));
    RETURN_IF_ERROR(file->Write(DifficultyToJson(entry.image, entry.flip, difficulty) + "\n"));
    progress.Advance(1);
  }
  progress.Finish();
  without.Print(model, options);
  return file->Commit();
}

}  // namespace hardface::mining
