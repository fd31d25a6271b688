// Targets, sampling, loss and its gradient on a CUDA device, for one image after the other: nothing but the loss itself
// and the faces' scores go to the host. anchor_targets.h and losses.h are the reference. Without --config=cuda there is
// a stub.
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

// Not thread-safe; work is queued in the context's stream.
class DeviceDetectionLoss {
 public:
  // OPTIONS: all but the share of hard negatives, which may change. MAX_IMAGES are added between two calls of
  // Outcomes().
  static absl::StatusOr<std::unique_ptr<DeviceDetectionLoss>> Create(const mining::TargetOptions& options,
                                                                     int max_images,
                                                                     std::shared_ptr<model::CudaContext> context);
  virtual ~DeviceDetectionLoss() = default;

  // TargetOptions::hard_negative_share from now on.
  virtual void SetHardNegativeShare(float share) = 0;

  // Queues the loss of an image and adds SCALE times its gradient to GRADIENTS, planes that mirror PLANES; both point
  // into device memory, as the TEACHER's planes do. FACES are copied. SEED decides which negatives are drawn at random,
  // where some are.
  virtual absl::Status Add(const std::vector<model::AnchorPlane>& planes, const std::vector<mining::FaceBox>& faces,
                           int image_width, int image_height, uint64_t seed, float scale,
                           const std::vector<model::AnchorPlane>& gradients, const TeacherView& teacher = {}) = 0;
  // Of the images added since the last call. Waits.
  virtual absl::StatusOr<std::vector<DeviceOutcome>> Outcomes() = 0;
};

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_STEP_DEVICE_LOSS_H_
