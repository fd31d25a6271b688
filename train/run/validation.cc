#include "train/run/validation.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "base/prefetcher.h"
#include "base/status_macros.h"
#include "data_tools/dataset/detections.h"
#include "data_tools/dataset/entry_image.h"
#include "eval/protocols/dataset/dataset_score.h"
#include "opencv2/core.hpp"

namespace hardface::train {
namespace {

absl::StatusOr<data::ImageDetections> DetectOn(const data::DatasetEntry& entry, const cv::Mat& image,
                                               infer::FaceDetector* detector) {
  cv::Mat shown = image;
  if (entry.flip) cv::flip(image, shown, /*flipCode=*/1);
  ASSIGN_OR_RETURN(std::vector<data::Detection> boxes, detector->Detect(shown));
  return data::ImageDetections{entry.image, entry.flip, std::move(boxes)};
}

}  // namespace

absl::Status Validator::PrepareDetector(const model::Model& model) {
  if (detector_ != nullptr) return detector_->SetParameters(model.parameters);
  detector_ = std::make_unique<infer::FaceDetector>(model, options_.detect);
  return absl::OkStatus();
}

absl::Status Validator::PutDetectorAway() {
  if (options_.detect.device.cuda()) return detector_->ReleaseMemory();
  detector_.reset();
  return absl::OkStatus();
}

absl::StatusOr<double> Validator::Run(const model::Model& model, const data::Dataset& dataset,
                                      Communicator* communicator) {
  const auto all = static_cast<int64_t>(dataset.entries.size());
  const int64_t count = options_.images > 0 ? std::min(options_.images, all) : all;
  const int64_t first = communicator->rank(), stride = communicator->size();
  const int64_t own = count > first ? (count - first + stride - 1) / stride : 0;
  RETURN_IF_ERROR(PrepareDetector(model));
  Prefetcher<absl::StatusOr<cv::Mat>> images(own, /*threads=*/1, /*ahead=*/4, [&](int64_t i) {
    const auto entry = static_cast<size_t>(first + i * stride);
    return data::ReadEntryImage(dataset.entries[entry], dataset.image_paths[entry]);
  });
  std::string lines;
  absl::Status last_error;
  int64_t unread = 0;
  for (int64_t i = 0; i < own; ++i) {
    const data::DatasetEntry& entry = dataset.entries[static_cast<size_t>(first + i * stride)];
    const absl::StatusOr<cv::Mat> image = images.Next();
    data::ImageDetections found{entry.image, entry.flip, {}};
    if (image.ok()) {
      ASSIGN_OR_RETURN(found, DetectOn(entry, *image, detector_.get()));
    } else {
      ++unread;
      last_error = image.status();
      absl::FPrintF(stderr, "\ntrain: validation: %s\n", last_error.message());
    }
    absl::StrAppend(&lines, data::DetectionsToJson(found), "\n");
  }
  RETURN_IF_ERROR(PutDetectorAway());
  ASSIGN_OR_RETURN(const std::vector<std::string> of_ranks,
                   communicator->GatherTexts(absl::StrCat(unread, "\n", lines)));
  std::vector<data::ImageDetections> detections;
  int64_t unread_by_all = 0;
  for (const std::string& text : of_ranks) {
    const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(text, absl::MaxSplits('\n', 1));
    int64_t unread_by_rank = 0;
    if (absl::SimpleAtoi(parts.first, &unread_by_rank)) unread_by_all += unread_by_rank;
    for (const absl::string_view line : absl::StrSplit(parts.second, '\n', absl::SkipEmpty())) {
      ASSIGN_OR_RETURN(detections.emplace_back(), data::DetectionsFromJson(line, "validation"));
    }
  }
  // An image that cannot be read counts as one without detections; of such ones alone an AP would say nothing.
  if (count > 0 && unread_by_all == count) {
    return absl::InvalidArgumentError(
        absl::StrCat(dataset.manifest_path, ": none of the ", count, " images for validation could be read",
                     last_error.ok() ? "" : absl::StrCat("; the last error: ", last_error.message()),
                     ". Mend the dataset (data_tools:doctor lists what is wrong), or train with --validate_every=0"));
  }
  data::Dataset judged;
  judged.manifest_path = dataset.manifest_path;
  judged.entries.assign(dataset.entries.begin(), dataset.entries.begin() + count);
  ASSIGN_OR_RETURN(const eval::JoinedDetections joined,
                   eval::JoinDetections(judged, std::move(detections), "validation"));
  return eval::ScoreDataset(joined, {}).metrics.at("ap");
}

}  // namespace hardface::train
