// The face detector on a CUDA device: the image goes there once, the faces come back; resizing, the network, decoding
// and merging happen there. face_detector.h is the reference and the way to it (DetectOptions::device).
#ifndef HARDFACE_INFER_CUDA_FACE_DETECTOR_H_
#define HARDFACE_INFER_CUDA_FACE_DETECTOR_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <opencv2/core/mat.hpp>
#include <opencv2/core/types.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "data_tools/dataset/detections.h"
#include "infer/device_detections.h"
#include "infer/level_plan.h"
#include "infer/nms.h"
#include "model/execution/cuda_detector_runner.h"
#include "model/execution/cuda_executor.h"
#include "model/execution/image_input.h"
#include "model/weights/model_file.h"

namespace hardface::infer {

struct CudaFaceDetectorOptions {
  int device = 0;
  model::Precision precision = model::Precision::kBf16;
  bool flip = true;  // run each level's mirror image, too
  // Bytes of the device's memory that this may take (0: what is free there). Levels that need more are run in tiles.
  int64_t memory_limit = 0;
  DeviceDetectionsOptions detections;
};

// One thread at a time, and one thread from Start() to Finish().
class CudaFaceDetector {
 public:
  // MODEL must outlive this. FailedPrecondition without CUDA, a driver or that device.
  static absl::StatusOr<std::unique_ptr<CudaFaceDetector>> Create(const model::Model& model,
                                                                  const CudaFaceDetectorOptions& options);
  // What is still queued after an error uses the memory that goes.
  ~CudaFaceDetector() { runner_->WaitForAll(); }
  CudaFaceDetector(const CudaFaceDetector&) = delete;
  CudaFaceDetector& operator=(const CudaFaceDetector&) = delete;

  // An 8-bit BGR image; then its levels, resized by SCALE each; then its faces, pixels of the image, in falling score.
  absl::Status Start(const cv::Mat& image);
  // ResourceExhausted when the device has too little memory even for the smallest tiles.
  absl::Status RunLevel(double scale);
  // Whether the last level had a candidate that a finer level may see better. Waits.
  absl::StatusOr<bool> SmallCandidates() { return detections_->SmallCandidates(options_.flip ? 2 : 1); }
  // Any time between Start() and Finish(): copies the image that the next Start() will be called with to the device,
  // beside what is being computed. IMAGE must not change until then. Where that fails, Start() copies it.
  void Preload(const cv::Mat& image) { runner_->Preload({image}); }
  absl::StatusOr<std::vector<data::Detection>> Finish();
  // Between two images: see CudaDetectorRunner.
  absl::Status UpdateParameters() { return runner_->UpdateParameters(); }
  absl::Status ReleaseMemory() { return runner_->ReleaseMemory(); }
  // How the last level was run.
  const LevelPlan& last_plan() const { return last_plan_; }

 private:
  CudaFaceDetector(const model::Model& model, const CudaFaceDetectorOptions& options,
                   std::unique_ptr<model::CudaDetectorRunner> runner)
      : model_(model), options_(options), runner_(std::move(runner)) {}
  absl::Status AddPass(const model::LevelGeometry& geometry, double scale, bool mirrored,
                       const std::function<model::TensorView(const std::string&)>& output, int n);
  absl::Status RunPlan(const model::LevelGeometry& geometry, double scale, const model::Shape& padded,
                       const LevelPlan& plan);
  absl::Status RunWhole(const model::LevelGeometry& geometry, double scale, const LevelPlan& plan, int first_pass);
  absl::Status RunTiles(const model::LevelGeometry& geometry, double scale, const model::Shape& padded,
                        const LevelPlan& plan, bool mirrored);
  // CudaDetectorRunner::Forward, within the memory limit.
  absl::StatusOr<const model::CudaExecutor*> Forward(const model::Shape& shape, const model::LevelGeometry& geometry,
                                                     bool mirror_first, cv::Point from = {0, 0});
  // A whole level's output maps, in memory of their own.
  absl::StatusOr<std::map<std::string, model::TensorView>> LevelMaps(const model::Shape& padded);
  // The pieces for which memory_limit, free memory and cuDNN's counting leave room.
  absl::StatusOr<LevelPlan> Plan(const model::Shape& padded) const;
  // What memory_limit leaves for activations of a level.
  absl::StatusOr<int64_t> BytesLeft(const model::Shape& padded) const;

  const model::Model& model_;
  const CudaFaceDetectorOptions options_;
  const std::unique_ptr<model::CudaDetectorRunner> runner_;
  std::unique_ptr<DeviceDetections> detections_;
  TileRules rules_;
  int64_t max_workspace_ = 0;  // of a convolution
  model::DeviceMemory maps_;   // of LevelMaps()
  LevelPlan last_plan_;
  // Activations for which there once was memory after more had failed: what fails is not tried again and again.
  int64_t max_activations_ = std::numeric_limits<int64_t>::max();
};

}  // namespace hardface::infer

#endif  // HARDFACE_INFER_CUDA_FACE_DETECTOR_H_
