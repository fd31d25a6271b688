// The DetectorRunner of a CUDA device, and the steps that it consists of, for those who go on with the planes there:
// the image is copied to the device as it is; resizing, mirroring and the network happen there.
#ifndef HARDFACE_MODEL_EXECUTION_CUDA_DETECTOR_RUNNER_H_
#define HARDFACE_MODEL_EXECUTION_CUDA_DETECTOR_RUNNER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <opencv2/core/mat.hpp>
#include <opencv2/core/types.hpp>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/detectors/anchors.h"
#include "model/execution/cuda_executor.h"
#include "model/execution/detector_runner.h"
#include "model/execution/device_image.h"
#include "model/execution/image_input.h"
#include "model/ops/tensor.h"
#include "model/weights/model_file.h"

namespace hardface::model {

struct CudaDetectorRunnerOptions {
  int device = 0;
  Precision precision = Precision::kBf16;
  int64_t max_workspace = kMaxConvWorkspace;  // bytes, of a convolution
};

// One thread at a time, and one thread from Start() on.
class CudaDetectorRunner : public DetectorRunner {
 public:
  // MODEL must outlive this. FailedPrecondition without CUDA, a driver or that device.
  static absl::StatusOr<std::unique_ptr<CudaDetectorRunner>> Create(const Model& model,
                                                                    const CudaDetectorRunnerOptions& options);
  ~CudaDetectorRunner() override;
  CudaDetectorRunner(const CudaDetectorRunner&) = delete;
  CudaDetectorRunner& operator=(const CudaDetectorRunner&) = delete;

  using DetectorRunner::Run;
  absl::StatusOr<std::vector<std::vector<AnchorPlane>>> Run(
      const std::vector<RunnerImage>& images, double scale,
      const std::function<std::vector<cv::Mat>()>& upcoming) override;

  // Goes on with the model's parameters as they are now. Plans and recorded work stay.
  absl::Status UpdateParameters();
  // Gives the memory of activations back until the next pass.
  absl::Status ReleaseMemory();

  // Copies IMAGES (8-bit BGR, one or several of one size), which the forward passes until the next Start() are about,
  // to the device.
  absl::Status Start(const std::vector<cv::Mat>& images);
  // Any time after Start(): copies the images that the next Start() will be called with to the device, beside what is
  // being computed. They must not change until then. Where that fails, Start() copies them.
  void Preload(const std::vector<cv::Mat>& images);

  // Queues a forward pass over SHAPE (1 or 2, 3, H, W): the first image resized to LEVEL from its pixel FROM on,
  // mirrored with MIRROR_FIRST; image 1 of the batch is it mirrored. The executor's outputs, in device memory, are
  // valid until the next pass.
  absl::StatusOr<const CudaExecutor*> Forward(const Shape& shape, const LevelGeometry& level, bool mirror_first,
                                              cv::Point from = {0, 0});
  // Whether Forward(SHAPE) need make no executor, for which engines may be timed.
  bool Has(const Shape& shape) const { return executors_->Has(shape); }

  // Waits for all that is queued, whose memory then may go. Errors are left to others.
  void WaitForAll() const;

  const std::shared_ptr<CudaContext>& context() const { return resources_->context; }
  CudaExecutorResources& resources() const { return *resources_; }
  const DeviceParameters& parameters() const { return parameters_; }
  int rows() const { return rows_; }  // of each image
  int columns() const { return columns_; }

 private:
  // Images' way to the device; there are two, so that one can be filled while the other is read.
  struct ImageSlot {
    std::vector<cv::Mat> images;  // what was preloaded: held, so that no other image gets its address
    PinnedMemory staging;         // read until COPIED
    DeviceMemory pixels;          // (rows, columns, 3) each
    CudaEvent copied;
  };

  explicit CudaDetectorRunner(const Model& model) : model_(model) {}
  absl::Status Upload(const std::vector<cv::Mat>& images, ImageSlot* slot) const;
  DeviceLevel OnDevice(const LevelGeometry& level) const;
  // Queues a forward pass over the images, as LEVEL and mirrored as IMAGES say.
  absl::StatusOr<const CudaExecutor*> ForwardBatch(const std::vector<RunnerImage>& images, const LevelGeometry& level);

  const Model& model_;
  std::shared_ptr<CudaExecutorResources> resources_;
  CudaStream copies_;  // images' way to the device
  std::unique_ptr<CudaExecutorCache> executors_;
  DeviceParameters parameters_;
  int64_t updates_ = 0;  // of the parameters
  ImageSlot slots_[2];
  int current_ = 0;             // the slot of the images that are being worked on
  int rows_ = 0, columns_ = 0;  // of each of them
  PinnedMemory outputs_;        // of Run()
};

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_EXECUTION_CUDA_DETECTOR_RUNNER_H_
