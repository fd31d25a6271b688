#include "data_tools/dataset/relabel_dataset.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/atomic_output.h"
#include "base/progress.h"
#include "base/provenance.h"
#include "base/status_macros.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/dataset/detections.h"

namespace hardface::data {
namespace {

using DetectionsByImage = std::map<std::pair<std::string, bool>, std::vector<Detection>>;

// Of each image (and flip), in falling score.
absl::StatusOr<DetectionsByImage> ReadByImage(const std::string& path) {
  ASSIGN_OR_RETURN(std::vector<ImageDetections> images, ReadDetections(path));
  DetectionsByImage by_image;
  for (ImageDetections& image : images) {
    std::stable_sort(image.boxes.begin(), image.boxes.end(),
                     [](const Detection& a, const Detection& b) { return a.score > b.score; });
    by_image[{image.image, image.flip}] = std::move(image.boxes);
  }
  return by_image;
}

// The face that DETECTION stands for; null for none.
Face* FindFace(const Detection& detection, double min_iou, const std::vector<Face*>& free) {
  Face* best = nullptr;
  double best_iou = 0;
  for (Face* face : free) {
    const double iou = ContinuousIou(detection.box, face->box);
    if (iou < min_iou || iou <= best_iou) continue;
    best = face;
    best_iou = iou;
  }
  return best;
}

void Relabel(const std::vector<Detection>& detections, const RelabelOptions& options, DatasetEntry* entry,
             RelabelSummary* summary) {
  std::vector<Face*> free;
  for (Face& face : entry->faces) {
    if (!face.ignore) free.push_back(&face);
  }
  for (const Detection& detection : detections) {
    if (detection.score <= options.min_score) break;
    Face* const face = FindFace(detection, options.min_iou, free);
    if (face == nullptr) continue;
    free.erase(std::find(free.begin(), free.end(), face));
    face->box = detection.box;
    ++summary->relabelled;
  }
  summary->unmatched += static_cast<int64_t>(free.size());
  for (Face* face : free) face->ignore = options.unmatched == UnmatchedFaces::kIgnore;
}

}  // namespace

absl::StatusOr<RelabelSummary> RelabelDataset(const RelabelOptions& options) {
  const std::string detections_file = DetectionsFile(options.detections);
  RETURN_IF_ERROR(CheckSpares(options.output, detections_file));
  ASSIGN_OR_RETURN(const DetectionsByImage detections, ReadByImage(detections_file));
  ASSIGN_OR_RETURN(const std::unique_ptr<DatasetReader> reader, DatasetReader::Open(options.input));
  ASSIGN_OR_RETURN(const std::unique_ptr<DatasetWriter> writer,
                   DatasetWriter::Create(options.output, RebasedHeader(*reader, options.output), {options.input}));
  RelabelSummary summary;
  Progress progress("relabel", reader->CountEntries(), "images");
  DatasetEntry entry;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, reader->Next(&entry));
    if (!more) break;
    const auto found = detections.find({entry.image, entry.flip});
    if (found == detections.end()) {
      return absl::InvalidArgumentError(absl::StrCat(options.detections, ": has no line for ", entry.image,
                                                     entry.flip ? " (flipped)" : "", " of ", options.input,
                                                     "; run infer:detect --dataset=", options.input));
    }
    Relabel(found->second, options, &entry, &summary);
    RETURN_IF_ERROR(writer->Write(entry));
    progress.Advance(1);
  }
  Provenance provenance;
  RETURN_IF_ERROR(provenance.AddInput(reader->manifest_path()));
  RETURN_IF_ERROR(provenance.AddInput(detections_file));
  RETURN_IF_ERROR(writer->Commit(provenance));
  summary.images = writer->entries();
  summary.faces = writer->faces();
  return summary;
}

}  // namespace hardface::data
