// Runs a detector on images, on the CPU or a CUDA device: resizes and pads them, makes the network's input, runs it
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

// An image of a batch.
struct RunnerImage {
  cv::Mat pixels;       // 8-bit BGR
  bool mirror = false;  // show the mirror image
};

// Not thread-safe. cpu_detector_runner.h and cuda_detector_runner.h show the steps of it, for tiles, batches, gradients
// and what goes on with the planes on the device.
class DetectorRunner {
 public:
  virtual ~DetectorRunner() = default;

  // IMAGES, all of one size, are resized by SCALE, as LevelGeometryOf says, and run as one batch. The planes, those of
  // each image, lie in host memory and are valid until the next call.
  //
  // UPCOMING, where given, may be called once, while a CUDA device computes; it returns the images that the next call
  // will be for, which then go there meanwhile and must not change, or none where that is not known.
  virtual absl::StatusOr<std::vector<std::vector<AnchorPlane>>> Run(
      const std::vector<RunnerImage>& images, double scale, const std::function<std::vector<cv::Mat>()>& upcoming) = 0;
  // Of a single image.
  absl::StatusOr<std::vector<AnchorPlane>> Run(const cv::Mat& image, double scale, bool mirror);
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
