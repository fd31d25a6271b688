// Detections in the forms that scorers and annotation programs read (docs/FORMATS.md).
#ifndef HARDFACE_INFER_RESULT_WRITERS_H_
#define HARDFACE_INFER_RESULT_WRITERS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "infer/result_journal.h"

namespace hardface::infer {

// Takes the images of a run in order, failed ones, too.
class ResultWriter {
 public:
  virtual ~ResultWriter() = default;
  virtual absl::Status Write(const ImageOutcome& image) = 0;
  // Completes the files. Nothing is complete before.
  virtual absl::Status Finish() = 0;
};

// Every form, in the order in which messages name them. "jsonl" is what a run's journal is (result_journal.h); each
// other one has a writer.
const std::vector<std::string>& ResultFormats();

// FORMAT: "csv" (FOLDER/detections.csv), "wider" (FOLDER/wider/EVENT/IMAGE.txt), "fddb" (FOLDER/fddb.txt), "face_eval"
// (FOLDER/face_eval.txt), "coco" (FOLDER/coco_results.json and coco_images.json), "yolo" (FOLDER/yolo) or "tracks"
// (FOLDER/tracks.csv, of videos); anything else is an error that lists these. All but jsonl leave mirrored entries out.
absl::StatusOr<std::unique_ptr<ResultWriter>> MakeResultWriter(const std::string& format, const std::string& folder);

}  // namespace hardface::infer

#endif  // HARDFACE_INFER_RESULT_WRITERS_H_
