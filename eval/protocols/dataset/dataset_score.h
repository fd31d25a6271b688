// Scoring of any dataset of ours: AP at one IoU and over many, by face height, and recall at a rate of false positives.
//
// The rules. IoU is the continuous one of rectangles: a box [x, y, w, h] covers w x h, without the "+1" that some
// protocols add. Detections are taken in falling score over all images (equal scores: in the dataset's order of images,
// then in the file's order of boxes). A detection's match is the face of highest IoU (of equal ones the first); at IoU
// >= the threshold on a counted face that is not yet found it is a true positive, on a found one a false positive, on
// an ignored one it is dropped; all others are false positives. AP is VOC's all-point area. By face height: faces of
// other heights are ignored, and a detection on no face counts as a false positive only in the bin of its own height
// (as in COCO), so that each false alarm counts in one bin.
#ifndef HARDFACE_EVAL_PROTOCOLS_DATASET_DATASET_SCORE_H_
#define HARDFACE_EVAL_PROTOCOLS_DATASET_DATASET_SCORE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "data_tools/dataset/box.h"
#include "data_tools/dataset/box_style.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/dataset/detections.h"
#include "eval/common/judged.h"
#include "eval/common/metrics.h"

namespace hardface::eval {

// The IoU threshold of "ap".
inline constexpr double kScoredIou = 0.5;

// One image's faces and what was found on it (in the file's order).
struct ScoredImage {
  std::vector<data::Face> faces;
  std::vector<data::Detection> detections;
};

// What the join of a dataset with a file of detections showed.
struct JoinedDetections {
  std::vector<ScoredImage> images;          // in the dataset's order
  std::vector<size_t> without_detections;   // images that the detections do not name; they count, with nothing found
  std::vector<std::string> unknown_images;  // named by the detections, not in the dataset
  std::vector<size_t> unknown_entries;      // where: the entries of the detections, from 0
  std::vector<int64_t> entries;             // of each image, its entry in the detections; -1: none
};

// Joins by (image, flip). An error when the dataset is empty, names an image twice, or when no image of the detections
// is in the dataset. DETECTIONS_PATH stands in errors.
absl::StatusOr<JoinedDetections> JoinDetections(const data::Dataset& dataset,
                                                std::vector<data::ImageDetections> detections,
                                                const std::string& detections_path);

// Face heights [low, high) in pixels.
struct HeightBin {
  const char* name;
  float low;
  float high;
  bool Holds(float height) const { return height >= low && height < high; }
};
absl::Span<const HeightBin> HeightBins();  // "under_8", "8_16", ..., "128_up"

// Verdicts at one IoU threshold, image by image, falling score within each. BIN: only these faces count; null: all.
std::vector<JudgedDetection> JudgeDataset(const std::vector<ScoredImage>& images, double iou_threshold,
                                          const HeightBin* bin = nullptr);

// The ranking of those verdicts.
Ranking RankDataset(const std::vector<ScoredImage>& images, double iou_threshold, const HeightBin* bin = nullptr);

// REFITS times: moves and scales all detections by how the true positives at IoU 0.5 lie to their faces on average, x
// and y apart (axis_fit.h). What all of it came to; nothing changes where there is no true positive.
data::BoxStyle RefitDetections(int refits, std::vector<ScoredImage>* images);

// REFITS refits of which no image takes part in its own: images are dealt into FOLDS (at least 2) in turn, and each
// fold's detections move as the other folds' true positives say. What FDDB's protocol calls ten-fold cross-validation.
void RefitDetectionsByFolds(int refits, size_t folds, std::vector<ScoredImage>* images);

struct RefitOptions {
  int refits = 0;  // 0: the detections are scored as they are
  int folds = 0;   // 0: all images together
};

// Refits JOINED's detections as OPTIONS say. What metrics.json says of it (docs/EVAL.md): how often, in how many folds
// or by how much in all, and the AP before; nothing without refits.
Metrics Refit(const RefitOptions& options, JoinedDetections* joined);

struct DatasetScores {
  Metrics metrics;                // ap, ap_50_95, ap_height_*, recall_at_*_fp_per_image, counts
  std::vector<CurvePoint> curve;  // its corners (CurveCorners)
};

// FP_PER_IMAGE: the rates at which recall is given. Errors name wrong settings.
DatasetScores ScoreDataset(const JoinedDetections& joined, const std::vector<double>& fp_per_image);

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_PROTOCOLS_DATASET_DATASET_SCORE_H_
