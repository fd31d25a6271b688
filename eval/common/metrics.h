// Metrics: the flat list of named numbers that every scorer ends in, and the output folder that holds them.
#ifndef HARDFACE_EVAL_COMMON_METRICS_H_
#define HARDFACE_EVAL_COMMON_METRICS_H_

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/atomic_output.h"
#include "base/provenance.h"

namespace hardface::eval {

// name -> number or text, in the order of writing. A number that is not defined (the AP of a set without faces) is NaN
// in memory, null in metrics.json and "nan" in the printed line.
using Metrics = nlohmann::ordered_json;

// "ap=0.812345 faces=120 matching=official": fractions with six decimals, whole numbers and texts as they are.
std::string MetricsLine(const Metrics& metrics);

// PATH is a metrics.json or a folder with one. Errors: not there, not JSON, not flat.
absl::StatusOr<Metrics> ReadMetrics(const std::string& path);

// A scorer's output folder: metrics.json, provenance.json and whatever else it writes. It appears complete or not at
// all. Example:
//   ASSIGN_OR_RETURN(auto output, ScoreOutput::Create(folder));
//   RETURN_IF_ERROR(output->Write("pr.csv", csv));
//   RETURN_IF_ERROR(output->Commit(metrics, provenance));   // also prints the metrics line, last, on stdout
class ScoreOutput {
 public:
  static absl::StatusOr<std::unique_ptr<ScoreOutput>> Create(const std::string& folder);

  absl::Status Write(absl::string_view name, absl::string_view bytes);
  absl::Status Commit(const Metrics& metrics, const Provenance& provenance);

 private:
  explicit ScoreOutput(std::unique_ptr<AtomicFolder> folder) : folder_(std::move(folder)) {}

  std::unique_ptr<AtomicFolder> folder_;
};

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_COMMON_METRICS_H_
