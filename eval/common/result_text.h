// One image's results in WIDER FACE's text form, which RetinaFace and its followers write, too.
#ifndef HARDFACE_EVAL_COMMON_RESULT_TEXT_H_
#define HARDFACE_EVAL_COMMON_RESULT_TEXT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "eval/common/layout_report.h"
#include "eval/common/result_boxes.h"

namespace hardface::eval {

struct ParsedResultFile {
  std::string image;             // the first line
  std::vector<ResultBox> boxes;  // in the file's order
  // The first such line's number; 0: there is none.
  int64_t extra_line = 0;            // behind the boxes that line 2 announces
  int64_t bad_extent_line = 0;       // a width or height that is not above 0
  int64_t negative_extent_line = 0;  // a width or height below 0
};

// Parses a file: the image's name, the number of boxes, and that many lines of x y w h score. More words may follow on
// a line, such as landmarks. PLACE stands before errors: another form, numbers that are not finite, too few lines.
absl::StatusOr<ParsedResultFile> ParseResultText(absl::string_view text, const std::string& place);

// Enters what is odd about FILE, the results of the image named IMAGE, into the report.
void NoteFindings(const ParsedResultFile& file, const std::string& place, absl::string_view image,
                  LayoutReport* layout);

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_COMMON_RESULT_TEXT_H_
