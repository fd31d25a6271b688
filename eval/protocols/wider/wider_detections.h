// The detections that WIDER FACE scoring takes, from a result tree or a detections.jsonl, and the check of their
// layout.
#ifndef HARDFACE_EVAL_PROTOCOLS_WIDER_WIDER_DETECTIONS_H_
#define HARDFACE_EVAL_PROTOCOLS_WIDER_WIDER_DETECTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "eval/common/layout_report.h"
#include "eval/protocols/wider/wider_ground_truth.h"

namespace hardface::eval {

struct ScoredBox {
  double x = 0, y = 0, w = 0, h = 0, score = 0;  // as in the file
};

struct WiderDetections {
  std::vector<std::vector<ScoredBox>> images;  // in the ground truth's order; falling score, ties in the file's order
  int64_t missing = 0;                         // images without a result file
  int64_t boxes = 0;
  LayoutReport layout;
  std::string hash;  // SHA-256 of what was read
};

// Reads the results for TRUTH's images. PATH: a folder of EVENT/IMAGE.txt, such a tree packed (.tar, .tar.gz, .tar.zst,
// .zip), a detections.jsonl or a folder with one.
//
// Errors, always: a file that does not have the form (name, count, that many lines of x y w h score), numbers that are
// not finite, an image with two files, and nothing in common with the ground truth. Entered into the layout report:
// missing and extra files, folders named .txt, files whose first line names another image, more lines than announced
// (those are left out, as the official tool does), boxes of no extent, and what result_check.h tells: files of corners
// x1 y1 x2 y2, files on another scale of scores, doubled rows.
absl::StatusOr<WiderDetections> ReadWiderDetections(const std::string& path, const WiderGroundTruth& truth,
                                                    int threads);

// Parses one result file; PLACE stands before errors. EXTRA_LINES, BAD_EXTENT: the first such line's number, 0: none.
struct ParsedResultFile {
  std::string image;             // the first line
  std::vector<ScoredBox> boxes;  // in the file's order
  std::vector<int64_t> lines;    // of each box
  int64_t extra_line = 0;
  int64_t bad_extent_line = 0;
};
absl::StatusOr<ParsedResultFile> ParseWiderResult(absl::string_view text, const std::string& place);

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_PROTOCOLS_WIDER_WIDER_DETECTIONS_H_
