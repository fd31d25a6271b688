// What //pipelines:torture found, as a table.
#ifndef HARDFACE_PIPELINES_TORTURE_REPORT_H_
#define HARDFACE_PIPELINES_TORTURE_REPORT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace hardface {

struct TortureRow {
  std::string part;     // "kills"
  std::string subject;  // the tool, or the hostile file
  std::string trial;    // what was done: "100 kills at random moments"
  std::string result;   // what came of it, in figures
  bool holds = true;
  double seconds = 0;     // of the longest run
  int64_t max_bytes = 0;  // of the greatest
};

class TortureReport {
 public:
  // Prints the row at once.
  void Add(const TortureRow& row);
  // What could not be tried here, and why.
  void Skip(const std::string& part, const std::string& why);
  int64_t failures() const { return failures_; }
  int64_t size() const { return static_cast<int64_t>(rows_.size()); }
  // FOLDER/torture.jsonl and torture.md.
  absl::Status Write(const std::string& folder, const std::string& command) const;

 private:
  std::string Markdown(const std::string& command) const;

  std::vector<TortureRow> rows_;
  std::vector<std::string> skipped_;
  int64_t failures_ = 0;
};

}  // namespace hardface

#endif  // HARDFACE_PIPELINES_TORTURE_REPORT_H_
