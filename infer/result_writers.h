// Detections in the forms that the scorers of the field read (docs/FORMATS.md).
#ifndef HARDFACE_INFER_RESULT_WRITERS_H_
#define HARDFACE_INFER_RESULT_WRITERS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "data_tools/dataset/detections.h"

namespace hardface::infer {

class ResultWriter {
 public:
  virtual ~ResultWriter() = default;
  virtual absl::Status Write(const data::ImageDetections& detections) = 0;
  // Completes the files. Nothing is complete before.
  virtual absl::Status Finish() = 0;
};

// FORMAT: "jsonl" (FOLDER/detections.jsonl), "wider" (FOLDER/wider/EVENT/IMAGE.txt), "fddb" (FOLDER/fddb.txt) or
// "face_eval" (FOLDER/face_eval.txt); anything else is an error that lists these.
absl::StatusOr<std::unique_ptr<ResultWriter>> MakeResultWriter(const std::string& format, const std::string& folder);

}  // namespace hardface::infer

#endif  // HARDFACE_INFER_RESULT_WRITERS_H_
