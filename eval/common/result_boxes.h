// Boxes as results and annotations write them: x y w h in pixels, the corner (x, y) being the top left one.
#ifndef HARDFACE_EVAL_COMMON_RESULT_BOXES_H_
#define HARDFACE_EVAL_COMMON_RESULT_BOXES_H_

#include <cstdint>

namespace hardface::eval {

struct FaceRect {
  double x = 0, y = 0, w = 0, h = 0;
};

// What was found: {x, y, w, h, score, line}.
struct ResultBox : FaceRect {
  double score = 0;
  int64_t line = 0;  // of the file, from 1
};

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_COMMON_RESULT_BOXES_H_
