// In which of the forms that the scorers read results are written.
#ifndef HARDFACE_EVAL_COMMON_RESULT_FORM_H_
#define HARDFACE_EVAL_COMMON_RESULT_FORM_H_

#include <string>

namespace hardface::eval {

enum class ResultForm {
  kJsonl,  // detections.jsonl, or a folder with one
  kCoco,   // COCO's results: a JSON list
  kTree,   // a folder of EVENT/IMAGE.txt, or such a tree packed
};

// Told by what a file begins with, whatever its name is; what is neither there nor known is taken for a tree, whose
// reader says what is wrong.
ResultForm FormOfResults(const std::string& path);

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_COMMON_RESULT_FORM_H_
