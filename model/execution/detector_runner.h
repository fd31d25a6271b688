// Runs a detector on an image, on the CPU or a CUDA device: resizes and pads it, makes the network's input, runs it
// forward and gives the output planes.
#ifndef HARDFACE_MODEL_EXECUTION_DETECTOR_RUNNER_H_
#define HARDFACE_MODEL_EXECUTION_DETECTOR_RUNNER_H_

#include <functional>
#include <memory>
#include <opencv2/core/mat.hpp>
#include <vector>

#include "absl/status/statusor.h"
#include "model/cuda/precision.h"
#include "model/detectors/anchors.h"
#include "model/detectors/detector.h"
#include "model/execution/device.h"
#include "model/ops/conv2d.h"
#include "model/ops/tensor.h"
#include "model/weights/model_file.h"

namespace hardface::model {

// Not thread-safe. cpu_detector_runner.h and cuda_detector_runner.h show the steps of it, for tiles, batches, gradients
// and what goes on with the planes on the device.
class DetectorRunner {
 public:
  virtual ~DetectorRunner() = default;

  // IMAGE (8-bit BGR) is resized by SCALE, as LevelGeometryOf says, and mirrored on request. The planes lie in host
  // memory and are valid until the next call.
  //
  // UPCOMING, where given, may be called once, while a CUDA device computes; it returns the image that the next call
  // will be for, which then goes there meanwhile and must not change, or an empty one where that is not known.
  virtual absl::StatusOr<std::vector<AnchorPlane>> Run(const cv::Mat& image, double scale, bool mirror,
                                                       const std::function<cv::Mat()>& upcoming) = 0;
  absl::StatusOr<std::vector<AnchorPlane>> Run(const cv::Mat& image, double scale, bool mirror) {
    return Run(image, scale, mirror, nullptr);
  }
};

struct DetectorRunnerOptions {
  Device device;
  Conv2dEngine engine = Conv2dEngine::kFastest;  // of the CPU
  Precision precision = Precision::kBf16;        // of a CUDA device
};

// MODEL must outlive the runner. FailedPrecondition without that device, ResourceExhausted where its memory is too
// small.
absl::StatusOr<std::unique_ptr<DetectorRunner>> MakeDetectorRunner(const Model& model,
                                                                   const DetectorRunnerOptions& options);

// The input for an image of ROWS x COLUMNS pixels: each side rounded up to a multiple of the detector's.
Shape PaddedShape(const DetectorSpec& detector, int rows, int columns);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_EXECUTION_DETECTOR_RUNNER_H_
