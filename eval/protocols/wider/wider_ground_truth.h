// The ground truth of WIDER FACE scoring: faces of every image and which of them count in which subset.
#ifndef HARDFACE_EVAL_PROTOCOLS_WIDER_WIDER_GROUND_TRUTH_H_
#define HARDFACE_EVAL_PROTOCOLS_WIDER_WIDER_GROUND_TRUTH_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace hardface::eval {

// The labels that wider_face_val.mat gives each face.
inline constexpr int kWiderLabels = 6;
inline constexpr std::array<const char*, kWiderLabels> kWiderLabelNames = {"blur",    "expression", "illumination",
                                                                           "invalid", "occlusion",  "pose"};

struct WiderFace {
  double x = 0, y = 0, w = 0, h = 0;  // as in the file; WIDER's rules add x2 = x + w and then count pixels with "+1"
  uint8_t subsets = 0;                // bit s: the face counts in subset s; otherwise it is ignored there
  std::array<int8_t, kWiderLabels> labels{-1, -1, -1, -1, -1, -1};  // -1: not known
};

struct WiderImage {
  std::string event;  // "0--Parade"
  std::string name;   // without folder and extension
  std::vector<WiderFace> faces;
};

struct WiderGroundTruth {
  std::vector<WiderImage> images;
  std::vector<std::string> subsets;  // "easy", "medium", "hard"; of a dataset "all" unless its faces name these
  bool integer_boxes = false;        // int32 in the .mat file: MATLAB then rounds every IoU
  std::vector<std::string> files;    // that were read
};

// PATH is the folder of wider_{easy,medium,hard}_val.mat (and wider_face_val.mat, needed only for the labels, which are
// read when WITH_LABELS), or a dataset of ours. The three must speak of the same images and boxes.
//
// A dataset: image paths end in EVENT/IMAGE.jpg. A face counts in the subset "all" when it is not ignored; where faces
// have a list attribute "subsets" (["easy","medium","hard"]) those are used. Boxes that are whole numbers throughout
// are taken for int32, as in the current files.
absl::StatusOr<WiderGroundTruth> ReadWiderGroundTruth(const std::string& path, bool with_labels);

// "0--Parade/0_Parade_x" of any path to an image or result file of WIDER.
std::string WiderKey(const std::string& path);

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_PROTOCOLS_WIDER_WIDER_GROUND_TRUTH_H_
