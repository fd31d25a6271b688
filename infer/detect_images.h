// Detection over a dataset or over image files, with every output of the tool.
#ifndef HARDFACE_INFER_DETECT_IMAGES_H_
#define HARDFACE_INFER_DETECT_IMAGES_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/progress.h"
#include "data_tools/dataset/box_style.h"
#include "infer/detection_workers.h"
#include "infer/face_detector.h"
#include "infer/images_to_detect.h"
#include "infer/picture_outputs.h"
#include "infer/result_journal.h"
#include "model/execution/device.h"
#include "model/weights/model_file.h"

namespace hardface::infer {

struct DetectImagesOptions {
  DetectOptions detect;
  // Several GPUs, which share the images; empty: detect.device alone. The results are those of one, where they are of
  // one kind.
  std::vector<model::Device> devices;
  // Images that each GPU works on at a time: while one waits for the processor, or runs levels too small for the whole
  // GPU, the others go on. Each takes memory of its own, and its part of detect.memory_limit.
  int workers_per_gpu = 1;
  std::vector<std::string> formats = {"jsonl"};
  data::BoxStyle style;  // of the results' boxes and of pictures, from the style that the model was trained on
  PictureOptions pictures;
  int threads = 0;
  // Asked between images: whether to leave the rest undone. Empty: never.
  std::function<bool()> stop;
};

struct DetectionCounts {
  int64_t images = 0;
  int64_t boxes = 0;
  std::vector<std::string> failures;  // one message for each image that failed
  std::vector<std::string> undrawn;   // one for each video of which a copy could not be written (drawn_videos.h)
};

// A run of detection that writes into a folder as it goes on: what is done is on disk at any moment (result_journal.h),
// and a later run on the same folder goes on behind it. Its files are then, byte for byte, those of a run that nobody
// interrupted. However many images there are, memory is taken for the few that are worked on, and for messages.
//
// An image that cannot be read, that is not of the size its manifest says, or that the memory does not suffice for gets
// no result; it is noted with the reason, and the work goes on. Other failures of a detector (a GPU that is lost) and
// of writing (a full disk) end the run.
class DetectionRun {
 public:
  // SEEN is told of every image that an earlier run on FOLDER has done; its error is returned.
  static absl::StatusOr<std::unique_ptr<DetectionRun>> Start(
      model::Model model, const std::string& folder, const DetectImagesOptions& options,
      const std::function<absl::Status(const ImageOutcome&)>& seen = nullptr);

  // Images done, the failed ones and those of earlier runs included.
  int64_t done() const { return journal_->images(); }
  // Works on IMAGES, the next ones of the run. Their names must have been taken by ResultNames. LOAD gives the pixels
  // of IMAGES[i], on another thread; without it they are read from their files.
  absl::Status Detect(absl::Span<const ImageToDetect> images, Progress* progress,
                      const DetectionWorkers::LoadFunction& load = nullptr);
  // Notes that an image will have no result.
  absl::Status Fail(const ImageToDetect& image, const std::string& error);
  // Writes what is made of all results together. Call once, last.
  absl::StatusOr<DetectionCounts> Finish();

 private:
  DetectionRun(const std::string& folder, const DetectImagesOptions& options)
      : folder_(folder), options_(options), pictures_(folder, options.pictures) {}
  absl::Status Note(const ImageToDetect& image, const DetectedImage& detected);
  absl::Status WriteForms() const;

  const std::string folder_;
  const DetectImagesOptions options_;
  const PictureOutputs pictures_;
  std::vector<std::unique_ptr<FaceDetector>> detectors_;
  std::unique_ptr<ResultJournal> journal_;
};

// A whole run over IMAGES; those that are videos by their names (video_frames.h) frame by frame. Where FOLDER holds the
// work of an earlier one on the same images, it is gone on with; FailedPrecondition where those images were others.
absl::StatusOr<DetectionCounts> DetectImages(model::Model model, const std::vector<ImageToDetect>& images,
                                             const std::string& folder, const DetectImagesOptions& options);

}  // namespace hardface::infer

#endif  // HARDFACE_INFER_DETECT_IMAGES_H_
