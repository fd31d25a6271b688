// Targets, sampling, loss and its gradient on a CUDA device, for the images of a pass one after the other: nothing but
// the loss itself and the faces' scores go to the host. anchor_targets.h and losses.h are the reference. Without
// --config=cuda there is a stub.
#ifndef HARDFACE_TRAIN_STEP_DEVICE_LOSS_H_
#define HARDFACE_TRAIN_STEP_DEVICE_LOSS_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "mining/anchor_targets.h"
#include "mining/face_score.h"
#include "model/cuda/cuda_context.h"
#include "model/detectors/anchors.h"
#include "train/step/losses.h"
#include "train/step/step_kernels.h"

namespace hardface::train {

struct DeviceOutcome {
  DeviceLoss loss;
  std::vector<mining::FaceScore> faces;  // as they were given
};

// What the loss must know of an image of a pass, beside what the network says of it.
struct LossImage {
  std::vector<mining::FaceBox> faces;
  int width = 0, height = 0;  // pixels
  uint64_t seed = 0;          // decides which negatives are drawn at random, where some are
};

// Of each pass: Begin(), Add() for each of its images, End(). Not thread-safe; work is queued in the context's stream.
class DeviceDetectionLoss {
 public:
  // OPTIONS: all but the share of hard negatives, which may change. A pass has MAX_IMAGES at most.
  static absl::StatusOr<std::unique_ptr<DeviceDetectionLoss>> Create(const mining::TargetOptions& options,
                                                                     int max_images,
                                                                     std::shared_ptr<model::CudaContext> context);
  virtual ~DeviceDetectionLoss() = default;

  // TargetOptions::hard_negative_share from now on.
  virtual void SetHardNegativeShare(float share) = 0;

  // Copies what is known of IMAGES to the device. PLANES have the sizes of their planes; what they point to is not
  // read.
  virtual absl::Status Begin(const std::vector<LossImage>& images, const std::vector<model::AnchorPlane>& planes) = 0;
  // Queues the loss of image N and adds SCALE times its gradient to GRADIENTS, planes that mirror PLANES; both point
  // into device memory, as the TEACHER's planes do. May be recorded as a graph: the same arguments queue the same calls
  // as long as Key() stays, whatever the images are.
  virtual absl::Status Add(int n, const std::vector<model::AnchorPlane>& planes, float scale,
                           const std::vector<model::AnchorPlane>& gradients, const TeacherView& teacher = {}) = 0;
  virtual std::vector<int64_t> Key() const = 0;
  // Queues the way of the images' outcomes to the host.
  virtual absl::Status End() = 0;
  // Of the images of all passes since the last call. Waits.
  virtual absl::StatusOr<std::vector<DeviceOutcome>> Outcomes() = 0;
};

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_STEP_DEVICE_LOSS_H_
