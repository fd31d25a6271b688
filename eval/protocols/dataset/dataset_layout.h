// The layout check of eval:dataset.
#ifndef HARDFACE_EVAL_PROTOCOLS_DATASET_DATASET_LAYOUT_H_
#define HARDFACE_EVAL_PROTOCOLS_DATASET_DATASET_LAYOUT_H_

#include <vector>

#include "data_tools/dataset/dataset.h"
#include "eval/common/layout_report.h"
#include "eval/protocols/dataset/dataset_detections.h"
#include "eval/protocols/dataset/dataset_score.h"

namespace hardface::eval {

// What reading the detections showed, images missing or unknown, a dataset without a face that counts or with faces
// without area, detections of which none lies on a face, and what result_check.h tells. JOINED is of the images of
// DETECTIONS.
LayoutReport CheckDatasetLayout(const data::Dataset& dataset, const DatasetDetections& detections,
                                const JoinedDetections& joined);

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_PROTOCOLS_DATASET_DATASET_LAYOUT_H_
