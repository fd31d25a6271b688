// AP of a model in training on a validation set: detection on the image pyramid, scored as eval:dataset does.
#ifndef HARDFACE_TRAIN_RUN_VALIDATION_H_
#define HARDFACE_TRAIN_RUN_VALIDATION_H_

#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "data_tools/dataset/dataset.h"
#include "infer/face_detector.h"
#include "model/weights/model_file.h"
#include "train/ranks/communicator.h"

namespace hardface::train {

struct ValidationOptions {
  infer::DetectOptions detect;
  int64_t images = 0;  // the dataset's first so many; 0: all
};

// Validates one model in training again and again. Not thread-safe.
class Validator {
 public:
  explicit Validator(ValidationOptions options) : options_(std::move(options)) {}

  // AP at IoU 0.5, the same on every rank; each rank detects on its part of the images. Images that cannot be read
  // count as images in which nothing was found, after a warning.
  absl::StatusOr<double> Run(const model::Model& model, const data::Dataset& dataset, Communicator* communicator);

 private:
  absl::Status PrepareDetector(const model::Model& model);
  // With its memory, but for a CUDA device's plans and recorded work, which cost more than they hold.
  absl::Status PutDetectorAway();

  const ValidationOptions options_;
  std::unique_ptr<infer::FaceDetector> detector_;
};

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_RUN_VALIDATION_H_
