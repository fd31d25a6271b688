// FDDB scoring, as the official C++ tool does it.
//
// The rules. Faces and detections are sets of pixels: ellipses (centre rounded to a pixel, half axes cut to whole
// pixels, angle to whole degrees) and rectangles (corners (x, y) and (x + w, y + h) rounded, both included) are filled
// as OpenCV fills them, cut off at the image's border. IoU is that of the pixel sets. At each score threshold that some
// detection of an image has, the image's detections of at least this score are assigned to faces, one to one, with the
// greatest total IoU. The discrete score counts the pairs with IoU > 0.5; every other detection is a false positive.
// The continuous score adds the IoU of every pair, those up to 0.5 too (which still are false positives). The curves
// give, over all images together, the scores as fractions of the faces against the number of false positives.
//
// kOfficial finds the assignment by the official tool's algorithm (kuhn_assignment.h), which now and then stops short
// of the greatest total (for S3FD's detections in 2 of the 2,845 images, by up to 0.09 of IoU); kMaximum takes the true
// maximum, incrementally. The angle: (pi - angle) * 180 / pi degrees in OpenCV's sense, which gives the recorded
// official curves at every point; mirrors of the tool that turn it once more (180 - ...) do not.
#ifndef HARDFACE_EVAL_PROTOCOLS_FDDB_FDDB_SCORE_H_
#define HARDFACE_EVAL_PROTOCOLS_FDDB_FDDB_SCORE_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/progress.h"
#include "eval/common/layout_report.h"
#include "eval/common/ranking.h"
#include "eval/protocols/fddb/fddb_data.h"

namespace hardface::eval {

enum class FddbMatching { kOfficial, kMaximum };

// IoU[face][detection] of the pixel sets within an image of SIZE.
std::vector<std::vector<double>> FddbIous(const std::vector<FddbRegion>& faces,
                                          const std::vector<FddbRegion>& detections, PixelSize size);

// The changes that one image brings to the curves, in falling score: the state at a threshold is the sum of all changes
// down to it. Changes can be negative: a new detection can move others to faces with less overlap.
struct FddbStep {
  double score = 0;
  double discrete = 0, continuous = 0, false_positives = 0;
};
std::vector<FddbStep> ScoreFddbImage(const std::vector<FddbRegion>& faces, const std::vector<FddbRegion>& detections,
                                     PixelSize size, FddbMatching matching, Progress* progress = nullptr);

// Both rankings over all images: true_positives are the discrete or the continuous score.
struct FddbRankings {
  Ranking discrete;
  Ranking continuous;
};
// DETECTIONS in the order of ANNOTATIONS. Fails when a size is missing. PROGRESS counts detections.
absl::StatusOr<FddbRankings> RankFddb(const std::vector<FddbImage>& annotations,
                                      const std::vector<FddbImage>& detections,
                                      const std::map<std::string, PixelSize>& sizes, FddbMatching matching, int threads,
                                      Progress* progress = nullptr);

// Enters images whose detections look like corners x1 y1 x2 y2, have scores on another scale or rows twice into the
// report. PATH: the detections' file, for the report's places.
void CheckFddbDetections(const std::vector<FddbImage>& annotations, const std::vector<FddbImage>& detections,
                         const std::string& path, LayoutReport* layout);

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_PROTOCOLS_FDDB_FDDB_SCORE_H_
