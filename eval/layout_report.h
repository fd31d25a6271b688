// What a check of input files found: things that a scorer can pass over but that usually mean a mistake.
#ifndef HARDFACE_EVAL_LAYOUT_REPORT_H_
#define HARDFACE_EVAL_LAYOUT_REPORT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace hardface {

// Collects problems by kind ("missing files"). Not thread-safe.
class LayoutReport {
 public:
  // KIND is a plural; PLACE is a file or "FILE:LINE"; ADVICE says what it means or what to do.
  void Add(absl::string_view kind, absl::string_view place, absl::string_view advice);

  int64_t count(absl::string_view kind) const;
  bool empty() const { return kinds_.empty(); }
  // Each kind with its number, the first places and the advice of the first.
  std::string Text() const;
  // Prints Text() as warnings to stderr; an error instead when STRICT and something was found.
  absl::Status Resolve(bool strict) const;

 private:
  struct Kind {
    std::string name;
    std::string advice;
    int64_t count = 0;
    std::vector<std::string> places;  // the first few
  };
  std::vector<Kind> kinds_;
};

// Most detectors write probabilities; a few results on another scale spoil the ranking of all. Sees scores one by one.
class ScoreScaleCheck {
 public:
  void Add(double score, absl::string_view place);
  // Reports when at least nine tenths of the scores, but not all, lie in 0..1.
  void Report(LayoutReport* layout) const;

 private:
  int64_t inside_ = 0, outside_ = 0;
  double first_score_ = 0;
  std::string first_place_;  // of a score outside
};

// Results of corners x1 y1 x2 y2 where x y w h is expected read without complaint and score close to 0. Takes some
// boxes of each image, tried both ways.
class CornerCheck {
 public:
  // Whether the box lies on a face when read as x y w h, and when read as corners.
  void Add(bool as_extent, bool as_corners, absl::string_view place);
  // Reports when more than twice as many lie on faces as corners.
  void Report(LayoutReport* layout) const;

 private:
  int64_t tried_ = 0, as_extent_ = 0, as_corners_ = 0;
  std::string first_place_;  // of a box that fits as corners
};

}  // namespace hardface

#endif  // HARDFACE_EVAL_LAYOUT_REPORT_H_
