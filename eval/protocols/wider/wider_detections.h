// The detections that WIDER FACE scoring takes, from a result tree or a detections.jsonl, and the check of their
// layout.
#ifndef HARDFACE_EVAL_PROTOCOLS_WIDER_WIDER_DETECTIONS_H_
#define HARDFACE_EVAL_PROTOCOLS_WIDER_WIDER_DETECTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "eval/common/coco_results.h"
#include "eval/common/layout_report.h"
#include "eval/common/result_boxes.h"
#include "eval/protocols/wider/wider_ground_truth.h"

namespace hardface::eval {

struct WiderDetections {
  std::vector<std::vector<ResultBox>> images;  // in the ground truth's order; falling score, ties in the file's order
  int64_t missing = 0;                         // images without a result file, or without a detection in COCO's form
  int64_t boxes = 0;
  LayoutReport layout;
  std::string hash;  // SHA-256 of what was read
};

// Reads the results for TRUTH's images. PATH: a folder of EVENT/IMAGE.txt, such a tree packed (.tar, .tar.gz, .tar.zst,
// .zip), a detections.jsonl or a folder with one, or COCO's results form, which COCO says how to read.
//
// Errors, always: a file that does not have the form (name, count, that many lines of x y w h score), numbers that are
// not finite, an image with two files, and nothing in common with the ground truth. Entered into the layout report:
// missing and extra files, folders named .txt, files whose first line names another image, more lines than announced
// (those are left out, as the official tool does), boxes of no extent, a ground truth without a face that counts, and
// what result_check.h tells: corners, the score in the first column, fractions, another scale of scores, doubled rows.
absl::StatusOr<WiderDetections> ReadWiderDetections(const std::string& path, const WiderGroundTruth& truth,
                                                    const CocoResultOptions& coco, int threads);

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_PROTOCOLS_WIDER_WIDER_DETECTIONS_H_
