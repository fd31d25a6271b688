#include "eval/common/result_check.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/text_file.h"

namespace hardface::eval {
namespace {

constexpr size_t kBoxesTried = 10;        // of an image, best first
constexpr int64_t kRowsForScoreForm = 3;  // of all images together: one or two boxes may begin at the border by chance
constexpr int64_t kBoxesForForm = 10;     // from so many on, the form of corners in every row is no chance
constexpr int64_t kHitsForOrder = 3;      // as many boxes lie on faces by chance in no other order of their numbers
constexpr int64_t kBoxesForSameScore = 10;
constexpr int64_t kBoxesForEqualScores = 100;  // a detector's scores may saturate at 1 for a few clear faces
constexpr double kMinIou = 0.5;
constexpr double kClearlyBetter = 0.2;  // in IoU: boxes close to the top left corner look alike both ways

double Iou(const FaceRect& a, const FaceRect& b) {
  const double w = std::min(a.x + a.w, b.x + b.w) - std::max(a.x, b.x);
  const double h = std::min(a.y + a.h, b.y + b.h) - std::max(a.y, b.y);
  return w <= 0 || h <= 0 ? 0 : w * h / (a.w * a.h + b.w * b.h - w * h);
}

double BestIou(const std::vector<FaceRect>& faces, const FaceRect& box) {
  double best = 0;
  for (const FaceRect& face : faces) best = std::max(best, Iou(face, box));
  return best;
}

// Detectors reach a little beyond the image's border.
bool IsFraction(const ResultBox& box) {
  const auto within = [](double value) { return value >= -0.5 && value <= 1.5; };
  return within(box.x) && within(box.y) && within(box.w) && within(box.h);
}

bool HasScoreForm(const ResultBox& box) { return box.x >= 0 && box.x <= 1 && box.score > 1; }

bool IsOutside(double score) { return score > 1 + 1e-6 || score < -1; }

void TryBestBoxes(const std::vector<ResultBox>& boxes, const std::vector<FaceRect>& faces, ImageEvidence* evidence) {
  std::vector<size_t> order(boxes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const size_t tried = std::min(boxes.size(), kBoxesTried);
  std::partial_sort(order.begin(), order.begin() + tried, order.end(), [&](size_t a, size_t b) {
    return boxes[a].score != boxes[b].score ? boxes[a].score > boxes[b].score : a < b;
  });
  for (size_t k = 0; k < tried; ++k) {
    const ResultBox& box = boxes[order[k]];
    const double as_extent = BestIou(faces, {box.x, box.y, box.w, box.h});
    const double as_corners = BestIou(faces, {box.x, box.y, box.w - box.x, box.h - box.y});
    evidence->as_extents += as_extent >= kMinIou;
    evidence->as_centres += BestIou(faces, {box.x - box.w / 2, box.y - box.h / 2, box.w, box.h}) >= kMinIou;
    evidence->as_rows_first += BestIou(faces, {box.y, box.x, box.h, box.w}) >= kMinIou;
    evidence->as_score_first += BestIou(faces, {box.y, box.w, box.h, box.score}) >= kMinIou;
    if (std::max(as_extent, as_corners) >= kMinIou) {
      ++(as_corners > as_extent ? evidence->better_as_corners : evidence->better_as_extents);
    }
    evidence->as_corners += as_corners >= kMinIou && as_corners > as_extent + kClearlyBetter;
  }
}

// Both are seen where the boxes stand in the order of their scores.
void FindEqualScoresAndDoubledRows(const std::vector<ResultBox>& boxes, ImageEvidence* evidence) {
  const auto key = [](const ResultBox& box) { return std::tie(box.score, box.x, box.y, box.w, box.h, box.line); };
  std::vector<ResultBox> sorted = boxes;
  std::sort(sorted.begin(), sorted.end(), [&](const ResultBox& a, const ResultBox& b) { return key(a) < key(b); });
  for (size_t begin = 0, i = 0; i < sorted.size(); ++i) {
    if (sorted[i].score != sorted[begin].score) begin = i;
    const auto count = static_cast<int64_t>(i - begin + 1);
    if (count < evidence->frequent_boxes) continue;
    evidence->frequent_boxes = count;
    evidence->frequent_score = sorted[i].score;
  }
  for (size_t i = 1; i < sorted.size(); ++i) {
    const ResultBox &a = sorted[i - 1], &b = sorted[i];
    if (std::tie(a.score, a.x, a.y, a.w, a.h) != std::tie(b.score, b.x, b.y, b.w, b.h)) continue;
    if (evidence->doubled++ == 0 || b.line < evidence->doubled_line) evidence->doubled_line = b.line;
  }
}

std::string PlaceOf(const ImageEvidence& image, int64_t line) {
  return absl::StrCat(image.file, image.unit, line, image.image.empty() ? "" : absl::StrCat(" (", image.image, ")"));
}

}  // namespace

ImageEvidence ExamineImage(const std::vector<ResultBox>& boxes, const std::vector<FaceRect>& faces) {
  ImageEvidence evidence;
  evidence.boxes = static_cast<int64_t>(boxes.size());
  if (boxes.empty()) return evidence;
  evidence.first_line = boxes[0].line;
  evidence.best_score = boxes[0].score;
  for (const ResultBox& box : boxes) {
    evidence.best_score = std::max(evidence.best_score, box.score);
    evidence.inside += box.score >= 0 && box.score <= 1;
    if ((box.w < 0 || box.h < 0) && evidence.negative++ == 0) evidence.negative_line = box.line;
    if (!IsOutside(box.score) || evidence.outside++ > 0) continue;
    evidence.outside_line = box.line;
    evidence.outside_score = box.score;
  }
  evidence.could_be_corners =
      std::all_of(boxes.begin(), boxes.end(), [](const ResultBox& box) { return box.w >= box.x && box.h >= box.y; });
  evidence.has_score_form = std::all_of(boxes.begin(), boxes.end(), &HasScoreForm);
  evidence.has_fractions = std::all_of(boxes.begin(), boxes.end(), &IsFraction);
  TryBestBoxes(boxes, faces, &evidence);
  FindEqualScoresAndDoubledRows(boxes, &evidence);
  return evidence;
}

void ReportCorners(const std::vector<ImageEvidence>& images, LayoutReport* layout) {
  const auto sure = [](const ImageEvidence& image) {
    return image.could_be_corners && image.as_corners > std::max(image.as_extents, image.as_score_first);
  };
  if (std::none_of(images.begin(), images.end(), sure)) return;
  for (const ImageEvidence& image : images) {
    const bool likely =
        image.better_as_corners > image.better_as_extents || (image.as_extents == 0 && image.boxes >= kBoxesForForm);
    if (!sure(image) && !(image.could_be_corners && likely)) continue;
    layout->Add("results of corners instead of extents", PlaceOf(image, image.first_line),
                "read as x1 y1 x2 y2 more of their best boxes lie on faces than read as x y w h, and every row has the "
                "form of corners: columns 3 and 4 must hold width and height");
  }
}

void ReportScoreFirst(const std::vector<ImageEvidence>& images, LayoutReport* layout) {
  int64_t as_extents = 0, as_score_first = 0, boxes = 0;
  bool all_have_form = true;
  for (const ImageEvidence& image : images) {
    as_extents += image.as_extents;
    as_score_first += image.as_score_first;
    boxes += image.boxes;
    all_have_form = all_have_form && (image.boxes == 0 || image.has_score_form);
  }
  const auto sure = [&](const ImageEvidence& image) {
    return image.as_score_first > image.as_extents && (image.has_score_form || as_score_first > as_extents);
  };
  const bool form_counts =
      (all_have_form && boxes >= kRowsForScoreForm) || std::any_of(images.begin(), images.end(), sure);
  for (const ImageEvidence& image : images) {
    if (!sure(image) && !(form_counts && image.has_score_form)) continue;
    layout->Add("results whose first column looks like scores", PlaceOf(image, image.first_line),
                "read as score x y w h they lie on faces, or all of them begin in the first pixel column: the columns "
                "must be x y w h score");
  }
}

void ReportOtherOrders(const std::vector<ImageEvidence>& images, LayoutReport* layout) {
  int64_t as_extents = 0, as_centres = 0, as_rows_first = 0;
  const ImageEvidence* first = nullptr;
  for (const ImageEvidence& image : images) {
    as_extents += image.as_extents;
    as_centres += image.as_centres;
    as_rows_first += image.as_rows_first;
    if (first == nullptr && image.boxes > 0) first = &image;
  }
  const auto is_clear = [&](int64_t hits) { return hits >= kHitsForOrder && hits > 2 * as_extents; };
  if (is_clear(as_centres) && as_centres >= as_rows_first) {
    layout->Add("results of boxes by their centres", PlaceOf(*first, first->first_line),
                absl::StrCat("read as centre x, centre y, w, h ", as_centres, " of the best boxes lie on faces, and ",
                             as_extents, " read as x y w h: x and y must be the top left corner"));
  } else if (is_clear(as_rows_first)) {
    layout->Add("results of boxes row first", PlaceOf(*first, first->first_line),
                absl::StrCat("read as y x h w ", as_rows_first, " of the best boxes lie on faces, and ", as_extents,
                             " read as x y w h: the columns must be x y w h score"));
  }
}

void ReportFractions(const std::vector<ImageEvidence>& images, LayoutReport* layout) {
  for (const ImageEvidence& image : images) {
    if (image.boxes == 0 || !image.has_fractions) continue;
    layout->Add("results of fractions instead of pixels", PlaceOf(image, image.first_line),
                "all boxes lie within 0..1: multiply x and width by the image's width, y and height by its height");
  }
}

void ReportNegativeExtents(const std::vector<ImageEvidence>& images, LayoutReport* layout) {
  for (const ImageEvidence& image : images) {
    if (image.negative == 0) continue;
    layout->Add("results of negative extent", PlaceOf(image, image.negative_line),
                "a width or height is below 0: were the corners subtracted the wrong way round?");
  }
}

void ReportMistakes(const std::vector<ImageEvidence>& images, LayoutReport* layout) {
  ReportFractions(images, layout);
  ReportScoreFirst(images, layout);
  ReportCorners(images, layout);
  ReportOtherOrders(images, layout);
  ReportNegativeExtents(images, layout);
  ReportScoreScales(images, layout);
  ReportEqualScores(images, layout);
  ReportDoubledRows(images, layout);
}

// A score that more than half of all boxes have is the most frequent one of some image, so that nothing else has to be
// counted. Images where it is not the most frequent one are left out of the sum: it is a lower bound.
void ReportEqualScores(const std::vector<ImageEvidence>& images, LayoutReport* layout) {
  std::map<double, std::pair<int64_t, const ImageEvidence*>> scores;  // how many boxes, and the first image
  int64_t boxes = 0;
  for (const ImageEvidence& image : images) {
    boxes += image.boxes;
    if (image.boxes == 0) continue;
    auto& [count, first] = scores[image.frequent_score];
    count += image.frequent_boxes;
    if (first == nullptr) first = &image;
  }
  for (const auto& [score, found] : scores) {
    const auto& [count, first] = found;
    const std::string place = absl::StrCat(first->file, " (", score, ")");
    if (count == boxes && boxes >= kBoxesForSameScore) {
      layout->Add(
          "results whose scores are all the same", place,
          "AP and thresholds are made by the order of scores; write the detector's own. Are these annotations?");
    } else if (2 * count > boxes && boxes >= kBoxesForEqualScores) {
      layout->Add("results most of whose scores are equal", place,
                  absl::StrCat(count, " of ", boxes,
                               " boxes have this score, and nothing ranks them. Were the scores "
                               "rounded, cut off or filled in? Write them with six digits or more"));
    }
  }
}

void ReportScoreScales(const std::vector<ImageEvidence>& images, LayoutReport* layout) {
  int64_t probabilities = 0, just_above_one = 0, outside = 0, scores = 0, scores_inside = 0;
  for (const ImageEvidence& image : images) {
    scores += image.boxes;
    scores_inside += image.inside;
    if (image.outside > 0) {
      ++outside;
      just_above_one += image.best_score > 1 && image.best_score <= 2;
    } else {
      probabilities += image.best_score >= 0.5;
    }
  }
  const bool mixture = 2 * probabilities >= outside && 10 * just_above_one <= probabilities;
  const bool a_few_outside = scores_inside >= 9 * (scores - scores_inside);
  if (outside == 0 || !(mixture || a_few_outside)) return;
  for (const ImageEvidence& image : images) {
    if (image.outside == 0) continue;
    layout->Add("results on two scales of scores",
                absl::StrCat(PlaceOf(image, image.outside_line), " (score ", image.outside_score, ")"),
                absl::StrCat(scores_inside, " of ", scores,
                             " scores lie in 0..1, these images' outside: one scale must serve all images"));
  }
}

void ReportDoubledRows(const std::vector<ImageEvidence>& images, LayoutReport* layout) {
  for (const ImageEvidence& image : images) {
    if (image.doubled == 0) continue;
    layout->Add("images with doubled rows",
                absl::StrCat(PlaceOf(image, image.doubled_line),
                             image.doubled > 1 ? absl::StrCat(" and ", image.doubled - 1, " more") : ""),
                "the same box and score stand before; the second hit counts as a false positive");
  }
}

absl::StatusOr<std::vector<int64_t>> FilledLines(const std::string& file) {
  ASSIGN_OR_RETURN(const auto lines, LineReader::Open(file, "expected a detections.jsonl"));
  std::vector<int64_t> numbers;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, lines->Next());
    if (!more) return numbers;
    numbers.push_back(lines->number());
  }
}

}  // namespace hardface::eval
