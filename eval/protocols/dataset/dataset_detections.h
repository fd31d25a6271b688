// The detections that eval:dataset scores, in whichever form they were written.
#ifndef HARDFACE_EVAL_PROTOCOLS_DATASET_DATASET_DETECTIONS_H_
#define HARDFACE_EVAL_PROTOCOLS_DATASET_DATASET_DETECTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/dataset/detections.h"
#include "eval/common/coco_results.h"
#include "eval/common/layout_report.h"

namespace hardface::eval {

// Where an image's detections stand.
struct ResultPlace {
  std::string file;
  std::string unit = ":";          // what stands between the file and a line's number
  int64_t line = 0;                // of the image, from 1
  std::vector<int64_t> box_lines;  // of each box; empty: all stand in `line`
};

struct DatasetDetections {
  std::vector<data::ImageDetections> images;
  std::vector<ResultPlace> places;  // of each
  // The form has no word for an image in which nothing was found, so an image that is not there may have been searched.
  bool lists_only_found = false;
  LayoutReport layout;
  std::string input, hash;  // what was read, and its SHA-256
};

// Reads PATH for the images of DATASET: a detections.jsonl or a folder with one; a folder of EVENT/IMAGE.txt as
// RetinaFace and others write them for WIDER FACE, or such a tree packed; or COCO's results form. Images of the last
// two forms are found by the ends of their paths and bear the dataset's names here. Errors name file and line or
// element.
absl::StatusOr<DatasetDetections> ReadDatasetDetections(const std::string& path, const data::Dataset& dataset,
                                                        const CocoResultOptions& coco);

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_PROTOCOLS_DATASET_DATASET_DETECTIONS_H_
