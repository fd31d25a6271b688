// The face detector on a CUDA device: the image goes there once, the faces come back; resizing, the network, decoding
// and merging happen there. face_detector.h is the reference and the way to it (DetectOptions::device).
#ifndef HARDFACE_INFER_CUDA_FACE_DETECTOR_H_
#define HARDFACE_INFER_CUDA_FACE_DETECTOR_H_

#include <memory>
#include <opencv2/core/mat.hpp>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "infer/device_detections.h"
#include "infer/nms.h"
#include "model/cuda_executor.h"
#include "model/model_file.h"

namespace hardface {

struct CudaFaceDetectorOptions {
  int device = 0;
  Precision precision = Precision::kBf16;
  bool flip = true;  // run each level's mirror image, too
  DeviceDetectionsOptions detections;
};

// Not thread-safe.
class CudaFaceDetector {
 public:
  // MODEL must outlive this. FailedPrecondition without CUDA, a driver or that device.
  static absl::StatusOr<std::unique_ptr<CudaFaceDetector>> Create(const Model& model,
                                                                  const CudaFaceDetectorOptions& options);

  // An 8-bit BGR image; then its levels, resized by SCALE each; then its faces, pixels of the image, in falling score.
  absl::Status Start(const cv::Mat& image);
  // ResourceExhausted when the device has too little memory even for one pass at a time.
  absl::Status RunLevel(double scale);
  // Whether the last level had a candidate that a finer level may see better. Waits.
  absl::StatusOr<bool> SmallCandidates() { return detections_->SmallCandidates(options_.flip ? 2 : 1); }
  absl::StatusOr<std::vector<ScoredBox>> Finish() { return detections_->Finish(); }

 private:
  CudaFaceDetector(const Model& model, const CudaFaceDetectorOptions& options) : model_(model), options_(options) {}
  absl::Status RunPasses(double scale, int first_pass, int passes);

  const Model& model_;
  const CudaFaceDetectorOptions options_;
  std::shared_ptr<CudaContext> context_;
  std::unique_ptr<CudaExecutorCache> executors_;
  DeviceParameters parameters_;
  std::unique_ptr<DeviceDetections> detections_;
  PinnedMemory staging_;
  DeviceMemory image_;
  int rows_ = 0, columns_ = 0;  // of the image
};

}  // namespace hardface

#endif  // HARDFACE_INFER_CUDA_FACE_DETECTOR_H_
