#include "mining/anchor_targets.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "mining/anchor_rules.h"
#include "model/ops/softmax.h"

namespace hardface::mining {
namespace {

// What is known of each anchor of one plane while the faces are gone through.
struct PlaneMatch {
  std::vector<float> best_iou;   // with a face that counts
  std::vector<int> best_face;    // the first of equal ones
  std::vector<bool> on_ignored;  // overlaps an ignored face too much to be background
};

// The cells whose anchors can meet BOX along one axis, [first, last].
std::pair<int, int> CellRange(float low, float high, const model::AnchorPlane& plane, int cells) {
  const float half = 0.5f * static_cast<float>(plane.size);
  const float stride = static_cast<float>(plane.stride), centre = plane.coding.first_centre;
  const int first = static_cast<int>(std::floor((low - centre - half) / stride)) - 1;
  const int last = static_cast<int>(std::ceil((high - centre + half) / stride)) + 1;
  return {std::clamp(first, 0, cells), std::clamp(last, -1, cells - 1)};
}

void MatchFace(const model::AnchorPlane& plane, const FaceBox& face, int index, const TargetOptions& options,
               PlaneMatch* match) {
  const auto [first_y, last_y] = CellRange(face.box.y1, face.box.y2, plane, plane.height);
  const auto [first_x, last_x] = CellRange(face.box.x1, face.box.x2, plane, plane.width);
  for (int y = first_y; y <= last_y; ++y) {
    for (int x = first_x; x <= last_x; ++x) {
      const data::Box anchor = plane.anchor(y, x);
      const int cell = plane.cell(y, x);
      const float iou = data::InclusiveIou(anchor, face.box);
      if (face.ignore) {
        if (LiesOnIgnored(anchor, face.box, iou, options.negative_iou)) match->on_ignored[cell] = true;
      } else if (iou > match->best_iou[cell]) {
        match->best_iou[cell] = iou;
        match->best_face[cell] = index;
      }
    }
  }
}

// Calls function(plane index, y, x) for the anchors that take part.
template <typename Function>
void ForEachUsableAnchor(const std::vector<model::AnchorPlane>& planes, int image_width, int image_height,
                         const Function& function) {
  int used = 0;
  for (const bool only_inside : {true, false}) {
    for (int p = 0; p < static_cast<int>(planes.size()); ++p) {
      for (int y = 0; y < planes[p].height; ++y) {
        for (int x = 0; x < planes[p].width; ++x) {
          if (only_inside && !InsideImage(planes[p].anchor(y, x), image_width, image_height)) continue;
          ++used;
          function(p, y, x);
        }
      }
    }
    if (used > 0) return;
  }
}

float MarginOf(const std::vector<model::AnchorPlane>& planes, const model::AnchorIndex& a) {
  const model::AnchorPlane& plane = planes[a.plane];
  return FaceMargin(plane, plane.cell(a.y, a.x));
}

bool InOrder(const model::AnchorIndex& a, const model::AnchorIndex& b) {
  if (a.plane != b.plane) return a.plane < b.plane;
  return a.y != b.y ? a.y < b.y : a.x < b.x;
}

// The COUNT anchors of smallest KEY (ties: the earlier), in their original order.
template <typename Key>
std::vector<model::AnchorIndex> Smallest(std::vector<model::AnchorIndex> anchors, size_t count, const Key& key) {
  if (anchors.size() <= count) return anchors;
  std::nth_element(anchors.begin(), anchors.begin() + static_cast<int64_t>(count), anchors.end(),
                   [&](const model::AnchorIndex& a, const model::AnchorIndex& b) {
                     const float key_a = key(a), key_b = key(b);
                     return key_a != key_b ? key_a < key_b : InOrder(a, b);
                   });
  anchors.resize(count);
  std::sort(anchors.begin(), anchors.end(), &InOrder);
  return anchors;
}

std::vector<model::AnchorIndex> SampleNegatives(const std::vector<model::AnchorPlane>& planes,
                                                const std::vector<model::AnchorIndex>& negatives, size_t count,
                                                float hard_share, Random* random) {
  const auto key = [&](const model::AnchorIndex& a) { return -MarginOf(planes, a); };
  const auto hard_count = static_cast<size_t>(std::lround(static_cast<float>(count) * hard_share));
  std::vector<model::AnchorIndex> sampled = Smallest(negatives, std::min(count, hard_count), key);
  if (sampled.size() == count || sampled.size() == negatives.size()) return sampled;
  std::vector<model::AnchorIndex> others;
  std::set_difference(negatives.begin(), negatives.end(), sampled.begin(), sampled.end(), std::back_inserter(others),
                      &InOrder);
  const size_t wanted = std::min(count - sampled.size(), others.size());
  for (size_t i = 0; i < wanted; ++i) {
    std::swap(others[i], others[i + random->Index(others.size() - i)]);
    sampled.push_back(others[i]);
  }
  std::sort(sampled.begin(), sampled.end(), &InOrder);
  return sampled;
}

}  // namespace

AnchorLabels LabelAnchors(const std::vector<model::AnchorPlane>& planes, const std::vector<FaceBox>& faces,
                          int image_width, int image_height, const TargetOptions& options) {
  std::vector<PlaneMatch> matches(planes.size());
  for (size_t p = 0; p < planes.size(); ++p) {
    const size_t cells = static_cast<size_t>(planes[p].height) * planes[p].width;
    matches[p] = {std::vector<float>(cells, 0.0f), std::vector<int>(cells, -1), std::vector<bool>(cells, false)};
    for (size_t f = 0; f < faces.size(); ++f) {
      if (faces[f].box.width() <= 0 || faces[f].box.height() <= 0) continue;
      MatchFace(planes[p], faces[f], static_cast<int>(f), options, &matches[p]);
    }
  }
  AnchorLabels labels;
  ForEachUsableAnchor(planes, image_width, image_height, [&](int p, int y, int x) {
    const int cell = planes[p].cell(y, x);
    const float iou = matches[p].best_iou[cell];
    const int face = matches[p].best_face[cell];
    const model::AnchorIndex anchor{p, y, x};
    if (iou >= options.positive_iou) {
      labels.positives.push_back({anchor, face});
    } else if (iou < options.negative_iou && !matches[p].on_ignored[cell]) {
      labels.negatives.push_back(anchor);
    }
    if (face >= 0 && iou >= options.regression_iou) {
      labels.regression.push_back({anchor, model::EncodeBox(planes[p].anchor(y, x), faces[face].box)});
    }
  });
  return labels;
}

SampledAnchors SampleAnchors(const std::vector<model::AnchorPlane>& planes, const AnchorLabels& labels,
                             const TargetOptions& options, Random* random) {
  const auto max_positives =
      static_cast<size_t>(static_cast<float>(options.sampled_anchors) * options.positive_fraction);
  std::vector<model::AnchorIndex> positives;
  positives.reserve(labels.positives.size());
  for (const LabelledAnchor& positive : labels.positives) positives.push_back(positive.anchor);
  SampledAnchors sampled;
  sampled.positives =
      Smallest(std::move(positives), max_positives, [&](const model::AnchorIndex& a) { return MarginOf(planes, a); });
  const size_t negatives = static_cast<size_t>(options.sampled_anchors) - sampled.positives.size();
  sampled.negatives = SampleNegatives(planes, labels.negatives, negatives, options.hard_negative_share, random);
  return sampled;
}

std::vector<FaceScore> FaceScores(const std::vector<model::AnchorPlane>& planes, const AnchorLabels& labels,
                                  size_t face_count) {
  std::vector<FaceScore> scores(face_count);
  for (const LabelledAnchor& positive : labels.positives) {
    const model::AnchorPlane& plane = planes[positive.anchor.plane];
    const int cell = plane.cell(positive.anchor.y, positive.anchor.x);
    scores[static_cast<size_t>(positive.face)].Add(
        {model::FaceProbability(plane.background[cell], plane.face[cell]), 1});
  }
  return scores;
}

std::optional<float> Wpas(const std::vector<model::AnchorPlane>& planes, const AnchorLabels& labels) {
  int faces = 0;
  for (const LabelledAnchor& positive : labels.positives) faces = std::max(faces, positive.face + 1);
  FaceScore image;
  for (const FaceScore& face : FaceScores(planes, labels, static_cast<size_t>(faces))) image.Add(face);
  return image.wpas();
}

}  // namespace hardface::mining
