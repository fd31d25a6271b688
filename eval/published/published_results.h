// What others have published about their detectors, as results.csv beside this file has it.
#ifndef HARDFACE_EVAL_PUBLISHED_PUBLISHED_RESULTS_H_
#define HARDFACE_EVAL_PUBLISHED_PUBLISHED_RESULTS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace hardface::eval {

struct PublishedResult {
  std::string method;           // "S3FD"
  std::string dataset, subset;  // "WIDER FACE", "val hard"; the subset may be empty
  std::string metric;           // "AP"
  std::string percent;          // as published, with its digits: "85.2"
  std::string protocol;
  std::string source;  // where it was read
};

// Lines of a file whose first line, comments (#) apart, names these seven columns. The last may hold commas. Errors
// name file and line: another header, a missing field, a number that is none or not from 0 to 100.
absl::StatusOr<std::vector<PublishedResult>> ReadPublishedResults(const std::string& path);

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_PUBLISHED_PUBLISHED_RESULTS_H_
