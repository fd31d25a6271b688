// The layout check of eval:dataset.
#ifndef HARDFACE_EVAL_DATASET_LAYOUT_H_
#define HARDFACE_EVAL_DATASET_LAYOUT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "data_tools/dataset.h"
#include "eval/dataset_score.h"
#include "eval/layout_report.h"

namespace hardface {

// Images missing or unknown, and what result_check.h tells. FILE: the detections.jsonl; LINES: of its entries.
LayoutReport CheckDatasetLayout(const Dataset& dataset, const JoinedDetections& joined, const std::string& file,
                                const std::vector<int64_t>& lines);

}  // namespace hardface

#endif  // HARDFACE_EVAL_DATASET_LAYOUT_H_
