// Mistakes that read without complaint: boxes of corners x1 y1 x2 y2 where x y w h is expected, the score in the first
// column, boxes by their centre or row first, fractions of the image instead of pixels, negative extents, scores of
// another scale than other images', rows that stand twice. All are told image by image, as results are often put
// together from several runs.
#ifndef HARDFACE_EVAL_COMMON_RESULT_CHECK_H_
#define HARDFACE_EVAL_COMMON_RESULT_CHECK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "eval/common/layout_report.h"
#include "eval/common/result_boxes.h"

namespace hardface::eval {

// What one image's results look like.
struct ImageEvidence {
  std::string file;        // for the caller to fill in: where the results stand
  std::string unit = ":";  // the same: what stands between the file and the line's number
  std::string image;       // the same: shown beside the line where a file holds many images; may be empty
  int64_t boxes = 0;
  int64_t first_line = 0;
  // Of the best boxes, how many lie on a face read as extents, how many read as corners and not as extents, how many
  // read as score x y w h, how many read as centre x, centre y, w, h, and how many read as y x h w.
  int64_t as_extents = 0, as_corners = 0, as_score_first = 0, as_centres = 0, as_rows_first = 0;
  // Of the best boxes that lie on a face either way, how many overlap it more as extents, and how many as corners.
  int64_t better_as_extents = 0, better_as_corners = 0;
  bool could_be_corners = false;  // column 3 is above column 1 and column 4 above column 2 in every row
  bool has_score_form = false;    // column 1 is within 0..1 and column 5 above 1 in every row
  bool has_fractions = false;     // columns 1 to 4 are within 0..1, or hardly beyond, in every row
  double best_score = 0;
  double frequent_score = 0;        // the score that most boxes have, the greatest of these
  int64_t frequent_boxes = 0;       // so many have it
  int64_t inside = 0, outside = 0;  // scores within 0..1, and far from it
  int64_t outside_line = 0;         // of the first one outside
  double outside_score = 0;
  int64_t doubled_line = 0, doubled = 0;
  int64_t negative_line = 0, negative = 0;  // widths or heights
};
ImageEvidence ExamineImage(const std::vector<ResultBox>& boxes, const std::vector<FaceRect>& faces);

// Results of corners: no row contradicts it, and more of the best boxes lie on faces as corners than as extents. Where
// some image is sure, images are reported too whose rows all have the form of corners and whose best boxes overlap
// faces more as corners, however little, or lie on no face at all (ten or more rows). (Of a published detector's 3,226
// good files on WIDER FACE none has such a form from ten boxes on.)
void ReportCorners(const std::vector<ImageEvidence>& images, LayoutReport* layout);

// Results whose first column is the score. An image is sure where more of its best boxes lie on faces read as score x y
// w h than as x y w h, and either all its rows have the form (a first column within 0..1, a last one above 1) or all
// images together tell the same. Images of that form are reported too where another is sure, or where all images have
// it: boxes that all begin in the first pixel column do not occur.
void ReportScoreFirst(const std::vector<ImageEvidence>& images, LayoutReport* layout);

// Results whose boxes are given by their centre (YOLO's cx cy w h) or row first (y x h w): of all images' best boxes,
// hardly any lies on a face as x y w h, and most of them do read so. Few boxes say nothing: they may do so by chance.
void ReportOtherOrders(const std::vector<ImageEvidence>& images, LayoutReport* layout);

// Images all of whose boxes lie within 0..1: no face is a pixel wide.
void ReportFractions(const std::vector<ImageEvidence>& images, LayoutReport* layout);

// Boxes of negative width or height.
void ReportNegativeExtents(const std::vector<ImageEvidence>& images, LayoutReport* layout);

// Scores on two scales. Most detectors write probabilities; those that do not have images of every best score, so that
// many best scores in 0.5..1, none or few in 1..2 and some far outside mean a mixture. Also: at least nine tenths of
// all scores, but not all, are inside. Reported are the images outside. Slightly negative scores (sums of trees) pass.
void ReportScoreScales(const std::vector<ImageEvidence>& images, LayoutReport* layout);

// Ten or more scores that are all the same, as of annotations given as results, or a hundred or more of which most are:
// scores that were rounded, cut off at a limit or filled in. The ranking of equal scores is the order of the file.
void ReportEqualScores(const std::vector<ImageEvidence>& images, LayoutReport* layout);

// Rows that stand twice, score and all.
void ReportDoubledRows(const std::vector<ImageEvidence>& images, LayoutReport* layout);

// All of the above.
void ReportMistakes(const std::vector<ImageEvidence>& images, LayoutReport* layout);

// The numbers of FILE's lines that are not empty: those of a detections.jsonl's entries, in order.
absl::StatusOr<std::vector<int64_t>> FilledLines(const std::string& file);

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_COMMON_RESULT_CHECK_H_
