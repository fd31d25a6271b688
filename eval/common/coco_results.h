// Detections in COCO's results form: a JSON list of {"image_id":42,"category_id":1,"bbox":[x,y,w,h],"score":0.9}.
#ifndef HARDFACE_EVAL_COMMON_COCO_RESULTS_H_
#define HARDFACE_EVAL_COMMON_COCO_RESULTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "eval/common/layout_report.h"
#include "eval/common/result_boxes.h"

namespace hardface::eval {

struct CocoResultOptions {
  // COCO annotations whose "images" say which file an image_id is. Empty: image_id is the image's path (text), or its
  // file name without extension (number), as YOLO's tools write it.
  std::string annotations;
  // Only detections of this category_id count; -1: there must be one category only.
  int64_t category = -1;
};

// What stands between the file and the element's number in places: "results.json: element 17".
inline constexpr char kCocoUnit[] = ": element ";

struct CocoResults {
  // Of each of the images asked for, in their order; `line` is the number of the list's element, from 1. The form has
  // no way to say that an image was searched and nothing was found.
  std::vector<std::vector<ResultBox>> images;
  int64_t elements = 0;        // of the list, those of other images included
  int64_t without_a_line = 0;  // images that have no detection
  LayoutReport layout;         // detections of images that were not asked for; images without any, beyond 1 in 50
};

// Reads the detections of the images named IMAGES. Errors name the file and the element: another form, numbers that are
// not finite, negative extents, several categories where none is chosen, an image_id that could be several images, and
// nothing in common with IMAGES.
absl::StatusOr<CocoResults> ReadCocoResults(const std::string& path, const CocoResultOptions& options,
                                            const std::vector<std::string>& images);

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_COMMON_COCO_RESULTS_H_
