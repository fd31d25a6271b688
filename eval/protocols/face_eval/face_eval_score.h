// AFW and PASCAL faces scoring, as face-eval (Mathias et al., "Face detection without bells and whistles") does it.
//
// The rules. A face is ignored when it is marked so or when its width or height (x2 - x1, y2 - y1) is under 30 pixels.
// Detections of width and height both up to 21 (= int(sqrt(0.5 * 30 * 30))) are left out first. Detections are taken in
// falling score over all images (ties in the file's order). IoU counts pixels with "+1"; boxes that only touch do not
// overlap. A detection's match is the face of highest IoU (of equal ones the last); with IoU > 0.5 on a counted face it
// is a true positive the first time and a false positive after that, on an ignored face it is dropped; all others are
// false positives. AP is VOC's all-point area.
// Annotation styles differ, so detections are refitted: the mean offset of centres and the mean ratio of sizes over the
// true positives, x and y apart, move and scale all detections, which are then scored again. `refits` counts the
// scorings, as the published figures do: N scorings have N - 1 refits before the last. 0 and 1: as they are.
#ifndef HARDFACE_EVAL_PROTOCOLS_FACE_EVAL_FACE_EVAL_SCORE_H_
#define HARDFACE_EVAL_PROTOCOLS_FACE_EVAL_FACE_EVAL_SCORE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "eval/common/judged.h"
#include "eval/common/layout_report.h"
#include "eval/common/ranking.h"

namespace hardface::eval {

struct CornerBox {
  double x1 = 0, y1 = 0, x2 = 0, y2 = 0;
};

struct FaceEvalFace {
  CornerBox box;
  bool ignore = false;
};

struct FaceEvalImage {
  std::string name;  // without extension
  std::vector<FaceEvalFace> faces;
};

struct FaceEvalDetection {
  int32_t image = 0;
  double score = 0;
  CornerBox box;
};

// PATH: a .mat with the struct array Annotations (imgname, objects = rows of x1 y1 x2 y2 pose ignore).
absl::StatusOr<std::vector<FaceEvalImage>> ReadFaceEvalAnnotations(const std::string& path);

// Lines "name score x1 y1 x2 y2"; blank lines are passed over. LAYOUT gets images that the annotations lack,
// images without a detection where they are more than 1 in 50, images on another scale of scores and doubled rows.
// Errors name PLACE and line.
absl::StatusOr<std::vector<FaceEvalDetection>> ParseFaceEvalDetections(absl::string_view text, const std::string& place,
                                                                       const std::vector<FaceEvalImage>& images,
                                                                       LayoutReport* layout);

// Lowers the top edge by FRACTION of the height (y2 - y1 + 1): the published detector's adjustment, with 0.2.
void ShiftTopEdges(double fraction, std::vector<FaceEvalDetection>* detections);

struct FaceEvalResult {
  Ranking ranking;
  std::vector<double> aps;  // after each scoring; the last counts
};
FaceEvalResult ScoreFaceEval(const std::vector<FaceEvalImage>& images, std::vector<FaceEvalDetection> detections,
                             int refits);

// One scoring without refits or leaving out; judged[i] is DETECTIONS[i], which must be in falling score.
std::vector<JudgedDetection> JudgeFaceEval(const std::vector<FaceEvalImage>& images,
                                           const std::vector<FaceEvalDetection>& detections);

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_PROTOCOLS_FACE_EVAL_FACE_EVAL_SCORE_H_
