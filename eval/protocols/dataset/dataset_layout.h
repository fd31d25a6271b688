// The layout check of eval:dataset.
#ifndef HARDFACE_EVAL_PROTOCOLS_DATASET_DATASET_LAYOUT_H_
#define HARDFACE_EVAL_PROTOCOLS_DATASET_DATASET_LAYOUT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "data_tools/dataset/dataset.h"
#include "eval/common/layout_report.h"
#include "eval/protocols/dataset/dataset_score.h"

namespace hardface::eval {

// Images missing or unknown, and what result_check.h tells. FILE: the detections.jsonl; LINES: of its entries.
LayoutReport CheckDatasetLayout(const data::Dataset& dataset, const JoinedDetections& joined, const std::string& file,
                                const std::vector<int64_t>& lines);

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_PROTOCOLS_DATASET_DATASET_LAYOUT_H_
