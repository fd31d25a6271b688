#include "eval/common/layout_report.h"

#include <algorithm>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace hardface::eval {
namespace {

constexpr size_t kPlacesShown = 5;

}  // namespace

void LayoutReport::Add(absl::string_view kind, absl::string_view place, absl::string_view advice) {
  auto found = std::find_if(kinds_.begin(), kinds_.end(), [&](const Kind& known) { return known.name == kind; });
  if (found == kinds_.end()) found = kinds_.insert(found, {std::string(kind), std::string(advice), {}});
  found->places.emplace_back(place);
}

int64_t LayoutReport::count(absl::string_view kind) const {
  for (const Kind& known : kinds_) {
    if (known.name == kind) return static_cast<int64_t>(known.places.size());
  }
  return 0;
}

std::string LayoutReport::Text() const {
  std::string text;
  for (const Kind& kind : kinds_) {
    const size_t shown = std::min(kind.places.size(), kPlacesShown);
    absl::StrAppend(&text, text.empty() ? "" : "\n", kind.places.size(), " ", kind.name, " (", kind.advice,
                    "): ", absl::StrJoin(kind.places.begin(), kind.places.begin() + shown, ", "),
                    shown < kind.places.size() ? ", ..." : "");
  }
  return text;
}

std::string LayoutReport::Csv() const {
  std::string csv = "kind,place\n";
  for (const Kind& kind : kinds_) {
    for (const std::string& place : kind.places) {
      absl::StrAppend(&csv, kind.name, ",\"", absl::StrReplaceAll(place, {{"\"", "\"\""}}), "\"\n");
    }
  }
  return csv;
}

absl::Status LayoutReport::Resolve(bool strict) const {
  if (empty()) return absl::OkStatus();
  if (strict) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--strict: the layout check found (all of it stands in layout.csv of a run without --strict)\n", Text()));
  }
  std::fprintf(stderr, "Warning: the layout check found\n%s\n", Text().c_str());
  return absl::OkStatus();
}

}  // namespace hardface::eval
