// metrics.jsonl of a training: its curves over the iterations.
#ifndef HARDFACE_EVAL_REPORTS_METRICS_LOG_H_
#define HARDFACE_EVAL_REPORTS_METRICS_LOG_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/chart.h"

namespace hardface::eval {

struct MetricsLog {
  std::vector<ChartCurve> curves;  // titled by their keys, in the order of appearance; x: the iteration
  int64_t last_iteration = 0;
  int restarts = 0;                   // iterations that were done again after an interruption: the last time counts
  std::vector<std::string> warnings;  // lines left out, by file and line number

  // Null where no line has this key.
  const ChartCurve* Find(const std::string& key) const;
};

// Any key with numbers becomes a curve; a null (a figure that is not finite) is a gap. Broken lines are warnings: the
// last one may be half written while a training goes on. An error: the file cannot be read.
absl::StatusOr<MetricsLog> ReadMetricsLog(const std::string& path);

// Warnings of which there may be as many as lines: the first few in words, the rest as a number.
class LineWarnings {
 public:
  explicit LineWarnings(std::string path) : path_(std::move(path)) {}
  void Add(int64_t line, const std::string& what);
  std::vector<std::string> Take();

 private:
  const std::string path_;
  int64_t count_ = 0;
  std::vector<std::string> first_;
};

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_REPORTS_METRICS_LOG_H_
