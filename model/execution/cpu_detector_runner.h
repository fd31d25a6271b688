// The DetectorRunner of the CPU, and the steps that it consists of: what infer runs levels and tiles with, and train
// its passes, whose gradients go back through executor().
#ifndef HARDFACE_MODEL_EXECUTION_CPU_DETECTOR_RUNNER_H_
#define HARDFACE_MODEL_EXECUTION_CPU_DETECTOR_RUNNER_H_

#include <cstdint>
#include <functional>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/detectors/anchors.h"
#include "model/execution/detector_runner.h"
#include "model/execution/executor.h"
#include "model/execution/executor_cache.h"
#include "model/ops/tensor.h"
#include "model/weights/model_file.h"

namespace hardface::model {

// An image of a batch.
struct ShownImage {
  cv::Mat pixels;           // float BGR (0..255); empty: zeros, without a subtracted mean
  bool mirror = false;      // show the mirror image
  cv::Point from = {0, 0};  // the pixel of the (mirrored) image that the input begins with
};

// A call uses all OpenMP threads.
class CpuDetectorRunner : public DetectorRunner {
 public:
  // MODEL must outlive this.
  CpuDetectorRunner(const Model& model, const ExecutorOptions& options)
      : model_(model), executors_(model.detector.network, options) {}

  using DetectorRunner::Run;
  absl::StatusOr<std::vector<std::vector<AnchorPlane>>> Run(
      const std::vector<RunnerImage>& images, double scale,
      const std::function<std::vector<cv::Mat>()>& upcoming) override;

  // Runs IMAGES as one batch of SHAPE (as many, 3, H, W), which cuts off what lies outside. VERSION tells whether the
  // model's parameters have changed since the last call; start at 0 and count up.
  absl::Status Forward(const Shape& shape, const std::vector<ShownImage>& images, int64_t version = 0);

  // Of the last Forward(), valid until the next: the executor, an output (block 1), and the planes of image N.
  Executor* executor() const { return executor_; }
  TensorView output(const std::string& name) const { return executor_->output(name); }
  std::vector<AnchorPlane> planes(int n) const;

  const ExecutorResources& resources() const { return executors_.resources(); }

 private:
  const Model& model_;
  ExecutorCache executors_;
  Executor* executor_ = nullptr;
};

// Fills INPUT (images, 3, H, W; block 1) as MODEL wants it, and what no image covers with zeros.
void WriteShownImages(const Model& model, const std::vector<ShownImage>& images, const TensorView& input);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_EXECUTION_CPU_DETECTOR_RUNNER_H_
