#include "infer/nms.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace hardface::infer {
namespace {

std::vector<int> ByFallingScore(const std::vector<ScoredBox>& boxes) {
  std::vector<int> order(boxes.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return boxes[a].score > boxes[b].score; });
  return order;
}

ScoredBox WeightedMean(const std::vector<ScoredBox>& group) {
  double weight = 0, x1 = 0, y1 = 0, x2 = 0, y2 = 0;
  for (const auto& [box, score] : group) {
    weight += score;
    x1 += double{score} * box.x1;
    y1 += double{score} * box.y1;
    x2 += double{score} * box.x2;
    y2 += double{score} * box.y2;
  }
  if (weight <= 0) return group[0];
  const auto mean = [&](double sum) { return static_cast<float>(sum / weight); };
  return {{mean(x1), mean(y1), mean(x2), mean(y2)}, group[0].score};
}

}  // namespace

std::vector<data::Detection> ToDetections(const std::vector<ScoredBox>& boxes) {
  std::vector<data::Detection> detections;
  detections.reserve(boxes.size());
  for (const auto& [box, score] : boxes) {
    const data::Rect rect = data::ToRect(box);
    if (data::HasArea(rect)) detections.push_back({rect, score});
  }
  return detections;
}

std::vector<int> PlainNms(const std::vector<ScoredBox>& boxes, float iou_threshold) {
  std::vector<int> kept;
  for (const int candidate : ByFallingScore(boxes)) {
    const bool suppressed = std::any_of(kept.begin(), kept.end(), [&](int k) {
      return data::InclusiveIou(boxes[k].box, boxes[candidate].box) > iou_threshold;
    });
    if (!suppressed) kept.push_back(candidate);
  }
  return kept;
}

std::vector<ScoredBox> VoteBoxes(std::vector<ScoredBox> boxes, const VoteOptions& options) {
  std::stable_sort(boxes.begin(), boxes.end(),
                   [](const ScoredBox& a, const ScoredBox& b) { return a.score > b.score; });
  std::vector<ScoredBox> merged, group, rest;
  while (!boxes.empty()) {
    group.clear();
    rest.clear();
    for (size_t i = 0; i < boxes.size(); ++i) {
      // The first belongs to its own group whatever its area.
      const bool joins = i == 0 || data::InclusiveIou(boxes[0].box, boxes[i].box) >= options.iou_threshold;
      (joins ? group : rest).push_back(boxes[i]);
    }
    const bool dropped = options.drop_singletons && group.size() == 1 && !rest.empty();
    if (!dropped) merged.push_back(WeightedMean(group));
    std::swap(boxes, rest);
  }
  return merged;
}

}  // namespace hardface::infer
