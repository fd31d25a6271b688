// Mistakes that read without complaint: boxes of corners x1 y1 x2 y2 where x y w h is expected, scores of another scale
// than other images', rows that stand twice. All are told image by image, as results are often put together from
// several runs.
#ifndef HARDFACE_EVAL_COMMON_RESULT_CHECK_H_
#define HARDFACE_EVAL_COMMON_RESULT_CHECK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "eval/common/layout_report.h"

namespace hardface::eval {

struct ResultBox {
  double x = 0, y = 0, w = 0, h = 0, score = 0;
  int64_t line = 0;  // of the file, from 1
};

struct FaceRect {
  double x = 0, y = 0, w = 0, h = 0;
};

// What one image's results look like.
struct ImageEvidence {
  std::string file;   // for the caller to fill in: where the results stand
  std::string image;  // the same: shown beside the line where a file holds many images; may be empty
  int64_t boxes = 0;
  int64_t first_line = 0;
  // Of the best boxes, how many lie on a face read as extents, and how many read as corners and not as extents.
  int64_t as_extents = 0, as_corners = 0;
  // Of the best boxes that lie on a face either way, how many overlap it more as extents, and how many as corners.
  int64_t better_as_extents = 0, better_as_corners = 0;
  bool could_be_corners = false;  // column 3 is above column 1 and column 4 above column 2 in every row
  double best_score = 0;
  int64_t inside = 0, outside = 0;  // scores within 0..1, and far from it
  int64_t outside_line = 0;         // of the first one outside
  double outside_score = 0;
  int64_t doubled_line = 0, doubled = 0;
};
ImageEvidence ExamineImage(const std::vector<ResultBox>& boxes, const std::vector<FaceRect>& faces);

// Results of corners: no row contradicts it, and more of the best boxes lie on faces as corners than as extents. Where
// some image is sure, images are reported too whose rows all have the form of corners and whose best boxes overlap
// faces more as corners, however little, or lie on no face at all (ten or more rows). (Of a published detector's 3,226
// good files on WIDER FACE none has such a form from ten boxes on.)
void ReportCorners(const std::vector<ImageEvidence>& images, LayoutReport* layout);

// Scores on two scales. Most detectors write probabilities; those that do not have images of every best score, so that
// many best scores in 0.5..1, none or few in 1..2 and some far outside mean a mixture. Also: at least nine tenths of
// all scores, but not all, are inside. Reported are the images outside. Slightly negative scores (sums of trees) pass.
void ReportScoreScales(const std::vector<ImageEvidence>& images, LayoutReport* layout);

// Rows that stand twice, score and all.
void ReportDoubledRows(const std::vector<ImageEvidence>& images, LayoutReport* layout);

// The numbers of FILE's lines that are not empty: those of a detections.jsonl's entries, in order.
absl::StatusOr<std::vector<int64_t>> FilledLines(const std::string& file);

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_COMMON_RESULT_CHECK_H_
