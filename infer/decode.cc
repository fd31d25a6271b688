#include "infer/decode.h"

#include <algorithm>

#include "model/ops/softmax.h"

namespace hardface::infer {
namespace {

struct Candidate {
  model::AnchorIndex anchor;
  float score = 0;
};

// Falling score; ties in the order y, x, anchor of the published flat lists.
bool Better(const Candidate& a, const Candidate& b) {
  if (a.score != b.score) return a.score > b.score;
  if (a.anchor.y != b.anchor.y) return a.anchor.y < b.anchor.y;
  return a.anchor.x != b.anchor.x ? a.anchor.x < b.anchor.x : a.anchor.plane < b.anchor.plane;
}

// The cells [begin, end) of COUNT whose pixels lie in the core, along one direction.
struct CellSpan {
  int begin, end;
};
CellSpan CellsOf(int core_begin, int core_end, int from, int stride, int count) {
  return {std::clamp((core_begin - from + stride - 1) / stride, 0, count),
          std::clamp((core_end - from + stride - 1) / stride, 0, count)};
}

std::vector<Candidate> Candidates(const std::vector<model::AnchorPlane>& planes, float min_score,
                                  const DecodeWindow* window) {
  std::vector<Candidate> candidates;
  Candidate best{{}, -1};
  for (int p = 0; p < static_cast<int>(planes.size()); ++p) {
    CellSpan rows{0, planes[p].height}, columns{0, planes[p].width};
    if (window != nullptr) {
      rows = CellsOf(window->core_y1, window->core_y2, window->y, planes[p].stride, planes[p].height);
      columns = CellsOf(window->core_x1, window->core_x2, window->x, planes[p].stride, planes[p].width);
    }
    for (int y = rows.begin; y < rows.end; ++y) {
      for (int x = columns.begin; x < columns.end; ++x) {
        const int cell = planes[p].cell(y, x);
        const Candidate candidate{{p, y, x}, model::FaceProbability(planes[p].background[cell], planes[p].face[cell])};
        if (candidate.score >= min_score) candidates.push_back(candidate);
        if (best.score < 0 || Better(candidate, best)) best = candidate;
      }
    }
  }
  if (candidates.empty() && best.score >= 0) candidates.push_back(best);
  return candidates;
}

data::EdgeBox Clip(const data::EdgeBox& box, int width, int height) {
  const float right = static_cast<float>(width - 1), bottom = static_cast<float>(height - 1);
  return {std::clamp(box.x1, 0.0f, right), std::clamp(box.y1, 0.0f, bottom), std::clamp(box.x2, 0.0f, right),
          std::clamp(box.y2, 0.0f, bottom)};
}

}  // namespace

std::vector<ScoredBox> DecodeDetections(const std::vector<model::AnchorPlane>& planes, int image_width,
                                        int image_height, const DecodeOptions& options, const DecodeWindow* window) {
  std::vector<Candidate> candidates = Candidates(planes, options.min_score, window);
  const float left = window == nullptr ? 0 : static_cast<float>(window->x);
  const float top = window == nullptr ? 0 : static_cast<float>(window->y);
  const size_t count = std::min(candidates.size(), static_cast<size_t>(options.max_boxes));
  std::partial_sort(candidates.begin(), candidates.begin() + static_cast<int64_t>(count), candidates.end(), &Better);
  candidates.resize(count);
  std::vector<ScoredBox> boxes;
  boxes.reserve(count);
  for (const auto& [anchor, score] : candidates) {
    const model::AnchorPlane& plane = planes[anchor.plane];
    const data::EdgeBox box = plane.box(anchor.y, anchor.x);
    const data::EdgeBox placed{box.x1 + left, box.y1 + top, box.x2 + left, box.y2 + top};
    boxes.push_back({Clip(placed, image_width, image_height), score});
  }
  return boxes;
}

}  // namespace hardface::infer
