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
#include "model/detectors/anchors.h"
#include "model/detectors/detector.h"
#include "model/execution/image_input.h"
#include "model/ops/tensor.h"

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

Difficulty DifficultyOf(const model::Model& model, const data::DatasetEntry& entry,
                        const std::vector<model::AnchorPlane>& planes, const model::LevelGeometry& level, double scale,
                        const ScoreImagesOptions& options) {
  std::vector<FaceBox> faces;
  const auto s = static_cast<float>(scale);
  for (const data::Face& face : entry.faces) {
    if (face.box.w <= 0 || face.box.h <= 0) continue;
    faces.push_back({data::ToBox({face.box.x * s, face.box.y * s, face.box.w * s, face.box.h * s}), face.ignore});
  }
  const AnchorLabels labels = LabelAnchors(planes, faces, level.columns, level.rows, options.targets);
  return Difficulty{Wpas(planes, labels), static_cast<int>(labels.positives.size()), model.info.iterations};
}

// An entry of the dataset with its image.
struct LoadedEntry {
  const data::DatasetEntry* entry = nullptr;
  absl::StatusOr<cv::Mat> image;
};

// The dataset's images in their order, those of one size that follow each other in one batch on a GPU.
class Batches {
 public:
  // Of a GPU: images of a batch, pixels that the network sees of them, and pixels of the images themselves, since two
  // batches and what is read ahead lie in memory. What is larger keeps a GPU busy by itself.
  static constexpr int kMostImages = 8;
  static constexpr int64_t kMostPixels = int64_t{1} << 21, kMostImagePixels = int64_t{1} << 24;

  Batches(const model::DetectorSpec& detector, const data::Dataset& dataset, const ScoreImagesOptions& options)
      : detector_(detector),
        dataset_(dataset),
        options_(options),
        cuda_(options.runner.device.cuda()),
        // One thread decodes pictures as fast as the CPU's network takes them; a GPU takes several threads' pictures.
        images_(static_cast<int64_t>(dataset.entries.size()), cuda_ ? std::min(4, ResolveThreads(options.threads)) : 1,
                /*ahead=*/kMostImages, [&dataset](int64_t i) {
                  const auto entry = static_cast<size_t>(i);
                  return data::ReadEntryImage(dataset.entries[entry], dataset.image_paths[entry]);
                }) {}

  // From now on each image is a batch.
  void OneByOne() { one_by_one_ = true; }

  // Empty at the end. An image that could not be read is alone.
  std::vector<LoadedEntry> Next() {
    std::vector<LoadedEntry> batch;
    while (const LoadedEntry* const next = Peek()) {
      if (!batch.empty() && !Joins(*next, batch)) break;
      batch.push_back(*std::exchange(peeked_, std::nullopt));
      if (!batch[0].image.ok()) break;
    }
    return batch;
  }

 private:
  const LoadedEntry* Peek() {
    if (!peeked_.has_value() && taken_ < dataset_.entries.size()) {
      peeked_ = LoadedEntry{&dataset_.entries[taken_++], images_.Next()};
    }
    return peeked_.has_value() ? &*peeked_ : nullptr;
  }

  bool Joins(const LoadedEntry& next, const std::vector<LoadedEntry>& batch) const {
    if (!cuda_ || one_by_one_ || batch.size() == kMostImages || !next.image.ok()) return false;
    const cv::Mat& image = *batch[0].image;
    if (next.image->size() != image.size()) return false;
    const model::LevelGeometry level = model::LevelGeometryOf(image.rows, image.cols, ScaleOf(image, options_));
    const model::Shape shape = model::PaddedShape(detector_, level.rows, level.columns);
    const auto images = static_cast<int64_t>(batch.size()) + 1;
    return images * shape.h * shape.w <= kMostPixels && images * image.rows * image.cols <= kMostImagePixels;
  }

  const model::DetectorSpec& detector_;
  const data::Dataset& dataset_;
  const ScoreImagesOptions& options_;
  const bool cuda_;
  bool one_by_one_ = false;
  size_t taken_ = 0;  // of the entries
  std::optional<LoadedEntry> peeked_;
  Prefetcher<absl::StatusOr<cv::Mat>> images_;
};

// The difficulties of a batch's images. UPCOMING as DetectorRunner::Run has it.
absl::StatusOr<std::vector<Difficulty>> ScoreBatch(const model::Model& model, const std::vector<LoadedEntry>& batch,
                                                   const ScoreImagesOptions& options,
                                                   const std::function<std::vector<cv::Mat>()>& upcoming,
                                                   model::DetectorRunner* runner) {
  std::vector<model::RunnerImage> images;
  for (const LoadedEntry& loaded : batch) images.push_back({*loaded.image, loaded.entry->flip});
  const double scale = ScaleOf(*batch[0].image, options);
  const model::LevelGeometry level = model::LevelGeometryOf(batch[0].image->rows, batch[0].image->cols, scale);
  ASSIGN_OR_RETURN(const auto planes, runner->Run(images, scale, upcoming));
  std::vector<Difficulty> difficulties(batch.size());
  // A GPU waits for it. An image alone may be the CPU's, whose threads it has to itself.
#pragma omp parallel for schedule(dynamic) if (batch.size() > 1)
  for (size_t n = 0; n < batch.size(); ++n) {
    difficulties[n] = DifficultyOf(model, *batch[n].entry, planes[n], level, scale, options);
  }
  return difficulties;
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
  Progress progress("score", static_cast<int64_t>(dataset.entries.size()), "images");
  Batches batches(model.detector, dataset, options);
  WithoutPositiveAnchors without;
  std::vector<LoadedEntry> batch = batches.Next(), ahead;
  for (; !batch.empty(); batch = ahead.empty() ? batches.Next() : std::exchange(ahead, {})) {
    RETURN_IF_ERROR(batch[0].image.status());
    // The next batch, which a device gets while it computes this one.
    const auto upcoming = [&] {
      ahead = batches.Next();
      std::vector<cv::Mat> pixels;
      for (const LoadedEntry& next : ahead) {
        if (next.image.ok()) pixels.push_back(*next.image);
      }
      return pixels;
    };
    auto difficulties = ScoreBatch(model, batch, options, upcoming, runner.get());
    if (absl::IsResourceExhausted(difficulties.status()) && batch.size() > 1) {
      batches.OneByOne();
      difficulties = std::vector<Difficulty>();
      for (const LoadedEntry& alone : batch) {
        ASSIGN_OR_RETURN(const auto of_one, ScoreBatch(model, {alone}, options, nullptr, runner.get()));
        difficulties->push_back(of_one[0]);
      }
    }
    RETURN_IF_ERROR(difficulties.status());
    for (size_t n = 0; n < batch.size(); ++n) {
      const data::DatasetEntry& entry = *batch[n].entry;
      without.Add(entry, (*difficulties)[n], ScaleOf(*batch[n].image, options));
      RETURN_IF_ERROR(file->Write(DifficultyToJson(entry.image, entry.flip, (*difficulties)[n]) + "\n"));
      progress.Advance(1);
    }
  }
  progress.Finish();
  without.Print(model, options);
  return file->Commit();
}

}  // namespace hardface::mining
