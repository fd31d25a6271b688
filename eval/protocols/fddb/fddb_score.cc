#include "eval/protocols/fddb/fddb_score.h"

#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/parallel.h"
#include "eval/common/assignment.h"
#include "eval/common/kuhn_assignment.h"
#include "eval/common/result_check.h"

namespace hardface::eval {
namespace {

constexpr size_t kProgressBundle = 256;  // detections
constexpr double kPi = 3.14159265358979323846;

// A row's pixels [begin, end) of a convex region.
struct Span {
  int begin = 0, end = 0;
};

// A convex set of pixels: one span a row.
struct PixelSet {
  int top = 0;
  std::vector<Span> rows;
  int64_t count = 0;
};

int ClampTo(double value, int limit) { return static_cast<int>(std::clamp<double>(value, 0, limit)); }

// Corners are rounded as OpenCV rounds points of floats: half to even, after going through float.
double RoundCorner(double value) { return std::nearbyint(static_cast<float>(value)); }

PixelSet RectanglePixels(const FddbRegion& region, PixelSize size) {
  // cvRectangle orders the corners itself.
  const double xa = RoundCorner(region.x), xb = RoundCorner(region.x + region.w);
  const double ya = RoundCorner(region.y), yb = RoundCorner(region.y + region.h);
  const Span span{ClampTo(std::min(xa, xb), size.width), ClampTo(std::max(xa, xb) + 1, size.width)};
  PixelSet pixels;
  pixels.top = ClampTo(std::min(ya, yb), size.height);
  const int bottom = ClampTo(std::max(ya, yb) + 1, size.height);
  if (span.end <= span.begin || bottom <= pixels.top) return pixels;
  pixels.rows.assign(bottom - pixels.top, span);
  pixels.count = static_cast<int64_t>(bottom - pixels.top) * (span.end - span.begin);
  return pixels;
}

// Draws ellipses on one canvas of the image's size, which is cleaned after each.
class EllipsePainter {
 public:
  explicit EllipsePainter(PixelSize size) : canvas_(size.height, size.width, CV_8UC1, cv::Scalar(0)) {}

  PixelSet Paint(const FddbRegion& region) {
    const double degrees = (kPi - region.angle) * 180 / kPi;
    const int center_y = static_cast<int>(RoundCorner(region.center_y));
    const cv::Point center(static_cast<int>(RoundCorner(region.center_x)), center_y);
    const cv::Size axes(static_cast<int>(region.major), static_cast<int>(region.minor));
    cv::ellipse(canvas_, center, axes, degrees, 0, 360, cv::Scalar(1), cv::FILLED);
    const int reach = std::max(axes.width, axes.height) + 2;
    PixelSet pixels;
    pixels.top = std::clamp(center_y - reach, 0, canvas_.rows);
    const int bottom = std::clamp(center_y + reach + 1, 0, canvas_.rows);
    for (int y = pixels.top; y < bottom; ++y) pixels.rows.push_back(TakeRow(y));
    for (const Span& row : pixels.rows) pixels.count += row.end - row.begin;
    return pixels;
  }

 private:
  // The painted pixels of a row, which are wiped off.
  Span TakeRow(int y) {
    uint8_t* const row = canvas_.ptr<uint8_t>(y);
    uint8_t* const end = row + canvas_.cols;
    uint8_t* const first = std::find(row, end, 1);
    uint8_t* last = end;
    while (last > first && last[-1] == 0) --last;
    std::fill(first, last, 0);
    return first == last ? Span{} : Span{static_cast<int>(first - row), static_cast<int>(last - row)};
  }

  cv::Mat canvas_;
};

std::vector<PixelSet> PaintAll(const std::vector<FddbRegion>& regions, PixelSize size) {
  std::vector<PixelSet> sets;
  sets.reserve(regions.size());
  const bool any_ellipse =
      std::any_of(regions.begin(), regions.end(), [](const FddbRegion& region) { return region.is_ellipse; });
  EllipsePainter painter(any_ellipse ? size : PixelSize{1, 1});
  for (const FddbRegion& region : regions) {
    sets.push_back(region.is_ellipse ? painter.Paint(region) : RectanglePixels(region, size));
  }
  return sets;
}

int64_t CommonPixels(const PixelSet& a, const PixelSet& b) {
  const int top = std::max(a.top, b.top);
  const int bottom = std::min(a.top + static_cast<int>(a.rows.size()), b.top + static_cast<int>(b.rows.size()));
  int64_t count = 0;
  for (int y = top; y < bottom; ++y) {
    const Span& p = a.rows[y - a.top];
    const Span& q = b.rows[y - b.top];
    count += std::max(0, std::min(p.end, q.end) - std::max(p.begin, q.begin));
  }
  return count;
}

// The two scores of an assignment.
struct Totals {
  double discrete = 0, continuous = 0;

  void Add(double iou) {
    continuous += iou;
    discrete += iou > 0.5;
  }
};

// Takes an image's detections one after another and knows the scores of the assignment so far.
class RunningMatch {
 public:
  RunningMatch(int faces, FddbMatching matching)
      : matching_(matching), maximum_(faces), faces_(faces), rows_(faces), overlapped_(faces, false) {}

  // IOUS: with each face.
  void Add(std::vector<double> ious) {
    if (std::none_of(ious.begin(), ious.end(), [](double iou) { return iou > 0; })) return;  // changes nothing
    changed_ = true;
    if (matching_ == FddbMatching::kMaximum) {
      maximum_.Add(std::move(ious));
    } else {
      ++columns_;
      for (int face = 0; face < faces_; ++face) {
        rows_[face].push_back(ious[face]);
        if (ious[face] > 0) overlapped_[face] = true;
      }
    }
  }

  Totals Current() {
    if (!std::exchange(changed_, false)) return totals_;
    totals_ = {};
    if (matching_ == FddbMatching::kMaximum) {
      for (int face = 0; face < faces_; ++face) totals_.Add(maximum_.PairWeight(face));
    } else {
      for (double iou : KuhnPairWeights(OverlappedFaces(), columns_)) totals_.Add(iou);
    }
    return totals_;
  }

 private:
  // [face][detection], without faces that no detection overlaps.
  std::vector<const double*> OverlappedFaces() const {
    std::vector<const double*> rows;
    for (int face = 0; face < faces_; ++face) {
      if (overlapped_[face]) rows.push_back(rows_[face].data());
    }
    return rows;
  }

  const FddbMatching matching_;
  Assignment maximum_;
  const int faces_;
  std::vector<std::vector<double>> rows_;  // [face][detection], for kOfficial
  std::vector<bool> overlapped_;           // of each face, whether some detection overlaps it
  int columns_ = 0;
  bool changed_ = false;
  Totals totals_;
};

// The upright rectangle around a region: a cheap stand-in where pixels do not matter.
FaceRect BoundingBox(const FddbRegion& region) {
  if (!region.is_ellipse) return {region.x, region.y, region.w, region.h};
  const double cosine = std::cos(region.angle), sine = std::sin(region.angle);
  const double half_w = std::hypot(region.major * cosine, region.minor * sine);
  const double half_h = std::hypot(region.major * sine, region.minor * cosine);
  return {region.center_x - half_w, region.center_y - half_h, 2 * half_w, 2 * half_h};
}

void AppendSteps(const std::vector<FddbStep>& steps, int32_t image, FddbRankings* rankings) {
  for (const FddbStep& step : steps) {
    rankings->discrete.outcomes.push_back({step.score, image, step.discrete, step.false_positives});
    rankings->continuous.outcomes.push_back({step.score, image, step.continuous, step.false_positives});
  }
}

}  // namespace

std::vector<std::vector<double>> FddbIous(const std::vector<FddbRegion>& faces,
                                          const std::vector<FddbRegion>& detections, PixelSize size) {
  const std::vector<PixelSet> face_pixels = PaintAll(faces, size);
  const std::vector<PixelSet> detection_pixels = PaintAll(detections, size);
  std::vector<std::vector<double>> ious(faces.size(), std::vector<double>(detections.size(), 0));
  for (size_t i = 0; i < faces.size(); ++i) {
    for (size_t j = 0; j < detections.size(); ++j) {
      const int64_t common = CommonPixels(face_pixels[i], detection_pixels[j]);
      if (common == 0) continue;
      const int64_t all = face_pixels[i].count + detection_pixels[j].count - common;
      ious[i][j] = static_cast<double>(common) / static_cast<double>(all);
    }
  }
  return ious;
}

std::vector<FddbStep> ScoreFddbImage(const std::vector<FddbRegion>& faces, const std::vector<FddbRegion>& detections,
                                     PixelSize size, FddbMatching matching, Progress* progress) {
  const std::vector<std::vector<double>> ious = FddbIous(faces, detections, size);
  std::vector<size_t> order(detections.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return detections[a].score > detections[b].score; });
  RunningMatch match(static_cast<int>(faces.size()), matching);
  std::vector<FddbStep> steps;
  Totals before;
  size_t counted = 0;
  for (size_t begin = 0; begin < order.size();) {
    const double score = detections[order[begin]].score;
    size_t end = begin;
    for (; end < order.size() && detections[order[end]].score == score; ++end) {
      std::vector<double> weights(faces.size());
      for (size_t face = 0; face < faces.size(); ++face) weights[face] = ious[face][order[end]];
      match.Add(std::move(weights));
    }
    const Totals after = match.Current();
    const double discrete = after.discrete - before.discrete;
    steps.push_back(
        {score, discrete, after.continuous - before.continuous, static_cast<double>(end - begin) - discrete});
    before = after;
    // In bundles, as counting takes a lock.
    if (progress != nullptr && (end == order.size() || end / kProgressBundle != begin / kProgressBundle)) {
      progress->Advance(static_cast<int64_t>(end - counted));
      counted = end;
    }
    begin = end;
  }
  return steps;
}

absl::StatusOr<FddbRankings> RankFddb(const std::vector<FddbImage>& annotations,
                                      const std::vector<FddbImage>& detections,
                                      const std::map<std::string, PixelSize>& sizes, FddbMatching matching, int threads,
                                      Progress* progress) {
  std::vector<PixelSize> size_of(annotations.size());
  for (size_t i = 0; i < annotations.size(); ++i) {
    const auto found = sizes.find(annotations[i].name);
    if (found == sizes.end() || found->second.width <= 0 || found->second.height <= 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(annotations[i].name,
                       ": the size of this image is not known; FDDB cuts regions off at the "
                       "image's border, so all sizes must be given"));
    }
    size_of[i] = found->second;
  }
  const auto count = static_cast<int64_t>(annotations.size());
  std::vector<std::vector<FddbStep>> steps(count);
  constexpr int64_t kChunk = 16;
  ParallelFor((count + kChunk - 1) / kChunk, threads, [&](int64_t chunk) {
    for (int64_t i = chunk * kChunk; i < std::min(count, (chunk + 1) * kChunk); ++i) {
      steps[i] = ScoreFddbImage(annotations[i].regions, detections[i].regions, size_of[i], matching, progress);
    }
  });
  FddbRankings rankings;
  for (int64_t i = 0; i < count; ++i) {
    AppendSteps(steps[i], static_cast<int32_t>(i), &rankings);
    for (Ranking* ranking : {&rankings.discrete, &rankings.continuous}) {
      ranking->faces.push_back(static_cast<int64_t>(annotations[i].regions.size()));
    }
  }
  rankings.discrete.Sort();
  rankings.continuous.Sort();
  return rankings;
}

void CheckFddbDetections(const std::vector<FddbImage>& annotations, const std::vector<FddbImage>& detections,
                         const std::string& path, LayoutReport* layout) {
  std::vector<ImageEvidence> evidence;
  for (size_t i = 0; i < annotations.size(); ++i) {
    std::vector<FaceRect> faces;
    for (const FddbRegion& face : annotations[i].regions) faces.push_back(BoundingBox(face));
    std::vector<ResultBox> boxes;
    bool any_ellipse = false;
    for (const FddbRegion& region : detections[i].regions) {
      any_ellipse = any_ellipse || region.is_ellipse;
      boxes.push_back({BoundingBox(region), region.score, region.line});
    }
    evidence.push_back(ExamineImage(boxes, faces));
    if (any_ellipse) {  // of six numbers: no column stands in another's place
      evidence.back().could_be_corners = evidence.back().has_score_form = false;
      evidence.back().as_score_first = 0;
    }
    evidence.back().file = path;
    evidence.back().image = detections[i].name;
  }
  ReportMistakes(evidence, layout);
}

}  // namespace hardface::eval
