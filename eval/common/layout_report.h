// What a check of input files found: things that a scorer can pass over but that usually mean a mistake.
#ifndef HARDFACE_EVAL_COMMON_LAYOUT_REPORT_H_
#define HARDFACE_EVAL_COMMON_LAYOUT_REPORT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace hardface::eval {

// Collects problems by kind ("missing files"). Not thread-safe.
class LayoutReport {
 public:
  // KIND is a plural; PLACE is a file or "FILE:LINE"; ADVICE says what it means or what to do.
  void Add(absl::string_view kind, absl::string_view place, absl::string_view advice);

  int64_t count(absl::string_view kind) const;
  bool empty() const { return kinds_.empty(); }
  // Each kind with its number, the first places and the advice of the first.
  std::string Text() const;
  // All places, as lines of "kind,place".
  std::string Csv() const;
  // Prints Text() as warnings to stderr; an error instead when STRICT and something was found.
  absl::Status Resolve(bool strict) const;

 private:
  struct Kind {
    std::string name;
    std::string advice;
    std::vector<std::string> places;
  };
  std::vector<Kind> kinds_;
};

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_COMMON_LAYOUT_REPORT_H_
