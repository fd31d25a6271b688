// What a run of detection has done so far, on disk: complete up to the last finished image at any moment, whatever
// kills the process, so that others can read it meanwhile and a later process can go on.
//
// FOLDER/detections.jsonl has a line for every image that was detected; FOLDER/images.jsonl one for every image, with
// its size or why it failed (docs/FORMATS.md). A detection's line is written before its image's, which counts.
#ifndef HARDFACE_INFER_RESULT_JOURNAL_H_
#define HARDFACE_INFER_RESULT_JOURNAL_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/append_file.h"
#include "base/text_file.h"
#include "data_tools/dataset/detections.h"
#include "data_tools/images/image_size.h"

namespace hardface::infer {

inline constexpr char kImagesName[] = "images.jsonl";
inline constexpr char kDetectionsName[] = "detections.jsonl";

// What became of an image.
struct ImageOutcome {
  data::ImageDetections detections;  // with the image's name; no boxes where it failed
  data::ImageSize size;              // pixels of the image that the boxes are of
  std::string error;                 // why it failed; empty: it did not
};

// Reads a journal image by image. A last line that a killed process did not finish counts as not there.
class JournalReader {
 public:
  static absl::StatusOr<std::unique_ptr<JournalReader>> Open(const std::string& folder);
  // The next image; false behind the last one that is complete.
  absl::StatusOr<bool> Next(ImageOutcome* outcome);
  // Bytes of both files that were read so far.
  int64_t images_bytes() const { return images_bytes_; }
  int64_t detections_bytes() const { return detections_bytes_; }

 private:
  std::unique_ptr<LineReader> images_, detections_;
  int64_t images_bytes_ = 0, detections_bytes_ = 0;
};

class ResultJournal {
 public:
  // Makes the files, or opens those of an earlier process, cut back to the last complete image. SEEN, where given, is
  // told of each image that is there; its error is returned.
  static absl::StatusOr<std::unique_ptr<ResultJournal>> Open(
      const std::string& folder, const std::function<absl::Status(const ImageOutcome&)>& seen = nullptr);

  // Returns when other processes can read it. It outlives a crash of the machine after some further images.
  absl::Status Add(const ImageOutcome& outcome);
  // Makes all of it outlive a crash of the machine.
  absl::Status Sync();

  int64_t images() const { return detected_ + static_cast<int64_t>(failures_.size()); }
  int64_t detected() const { return detected_; }
  int64_t boxes() const { return boxes_; }
  const std::vector<std::string>& failures() const { return failures_; }

 private:
  ResultJournal() = default;
  void Count(const ImageOutcome& outcome);

  std::unique_ptr<AppendFile> images_file_, detections_file_;
  int64_t detected_ = 0, boxes_ = 0;
  std::vector<std::string> failures_;
};

}  // namespace hardface::infer

#endif  // HARDFACE_INFER_RESULT_JOURNAL_H_
