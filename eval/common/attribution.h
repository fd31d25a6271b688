// Where AP is lost: what it would be without each kind of error (after Bolya et al., "TIDE", 2020). Each figure is for
// mending this kind alone, so they do not add up to what is missing to 1.
#ifndef HARDFACE_EVAL_COMMON_ATTRIBUTION_H_
#define HARDFACE_EVAL_COMMON_ATTRIBUTION_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "eval/common/judged.h"
#include "eval/common/metrics.h"
#include "eval/common/ranking.h"

namespace hardface::eval {

// A false positive with at least this IoU with a counted face is a poor box of it; below, a false alarm.
inline constexpr float kPoorBoxIou = 0.1f;

struct AttributionInput {
  std::vector<JudgedDetection> judged;     // falling score within each image
  std::vector<std::vector<bool>> counted;  // [image][face]
  Ties ties = Ties::kApart;
};

struct ErrorShare {
  std::string cause;  // "misses", "poor_boxes", "duplicates", "false_alarms"; or a label of faces
  std::string value;  // of a label: "2"; otherwise empty
  int64_t count = 0;  // errors of this kind; of a label: its missed faces
  int64_t faces = 0;  // of a label: its counted faces; otherwise all counted faces
  double ap_lost = 0;
};

// The four causes:
//  misses: faces that no box finds, not even a poor one; mended: they do not count.
//  poor_boxes: false positives with IoU 0.1 or more to a counted face; mended: the best one of a face that is not found
//    becomes right, the others vanish.
//  duplicates, false_alarms: mended: they vanish.
std::vector<ErrorShare> AttributeLoss(const AttributionInput& input);

// For each value of a label of faces: what its missed faces (found by no true positive) cost. VALUE_OF(image, face).
std::vector<ErrorShare> AttributeMissesByLabel(const AttributionInput& input, const std::string& label,
                                               const std::function<std::string(int32_t image, int32_t face)>& value_of);

// "curve,cause,value,count,faces,ap_lost" and the lines of one curve.
std::string AttributionCsvHeader();
std::string AttributionToCsv(const std::string& curve, const std::vector<ErrorShare>& shares);

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_COMMON_ATTRIBUTION_H_
