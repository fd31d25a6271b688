#include "eval/layout_report.h"

#include <algorithm>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace hardface {
namespace {

constexpr size_t kPlacesShown = 5;

}  // namespace

void LayoutReport::Add(absl::string_view kind, absl::string_view place, absl::string_view advice) {
  auto found = std::find_if(kinds_.begin(), kinds_.end(), [&](const Kind& known) { return known.name == kind; });
  if (found == kinds_.end()) found = kinds_.insert(found, {std::string(kind), std::string(advice), 0, {}});
  if (++found->count <= static_cast<int64_t>(kPlacesShown)) found->places.emplace_back(place);
}

int64_t LayoutReport::count(absl::string_view kind) const {
  for (const Kind& known : kinds_) {
    if (known.name == kind) return known.count;
  }
  return 0;
}

std::string LayoutReport::Text() const {
  std::string text;
  for (const Kind& kind : kinds_) {
    absl::StrAppend(&text, text.empty() ? "" : "\n", kind.count, " ", kind.name, " (", kind.advice,
                    "): ", absl::StrJoin(kind.places, ", "),
                    kind.count > static_cast<int64_t>(kPlacesShown) ? ", ..." : "");
  }
  return text;
}

absl::Status LayoutReport::Resolve(bool strict) const {
  if (empty()) return absl::OkStatus();
  if (strict) return absl::InvalidArgumentError(absl::StrCat("--strict: the layout check found\n", Text()));
  std::fprintf(stderr, "Warning: the layout check found\n%s\n", Text().c_str());
  return absl::OkStatus();
}

void ScoreScaleCheck::Add(double score, absl::string_view place) {
  if (score >= 0 && score <= 1) {
    ++inside_;
  } else if (++outside_ == 1) {
    first_score_ = score;
    first_place_ = std::string(place);
  }
}

void ScoreScaleCheck::Report(LayoutReport* layout) const {
  if (outside_ == 0 || inside_ < 9 * outside_) return;
  layout->Add("results on two scales of scores", absl::StrCat(first_place_, " (score ", first_score_, ")"),
              absl::StrCat(inside_, " of ", inside_ + outside_,
                           " scores lie in 0..1, the others outside: one scale must serve all images"));
}

void CornerCheck::Add(bool as_extent, bool as_corners, absl::string_view place) {
  ++tried_;
  as_extent_ += as_extent;
  if (as_corners && as_corners_++ == 0) first_place_ = std::string(place);
}

void CornerCheck::Report(LayoutReport* layout) const {
  if (as_corners_ <= 2 * as_extent_) return;
  layout->Add("results of corners instead of extents", first_place_,
              absl::StrCat("read as x1 y1 x2 y2, ", as_corners_, " of the ", tried_,
                           " best boxes lie on faces, read as x y w h ", as_extent_,
                           ": columns 3 and 4 must hold width and height"));
}

}  // namespace hardface
