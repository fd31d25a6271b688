// Targets, sampling, loss and its gradient on a CUDA device, for one image after the other: nothing but the loss itself
// goes to the host. anchor_targets.h and losses.h are the reference. Without --config=cuda there is a stub.
#ifndef HARDFACE_TRAIN_DEVICE_LOSS_H_
#define HARDFACE_TRAIN_DEVICE_LOSS_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "mining/anchor_targets.h"
#include "model/anchors.h"
#include "model/cuda/cuda_context.h"
#include "train/step_kernels.h"

namespace hardface {

// Not thread-safe; work is queued in the context's stream.
class DeviceDetectionLoss {
 public:
  // MOST_IMAGES are added between two calls of Losses().
  static absl::StatusOr<std::unique_ptr<DeviceDetectionLoss>> Create(const TargetOptions& options, int most_images,
                                                                     std::shared_ptr<CudaContext> context);
  virtual ~DeviceDetectionLoss() = default;

  // Queues the loss of an image and adds SCALE times its gradient to GRADIENTS, planes that mirror PLANES; both point
  // into device memory. FACES are copied. SEED decides which negatives are drawn at random, where some are.
  virtual absl::Status Add(const std::vector<AnchorPlane>& planes, const std::vector<FaceBox>& faces, int image_width,
                           int image_height, uint64_t seed, float scale, const std::vector<AnchorPlane>& gradients) = 0;
  // The losses of the images added since the last call. Waits.
  virtual absl::StatusOr<std::vector<DeviceLoss>> Losses() = 0;
};

}  // namespace hardface

#endif  // HARDFACE_TRAIN_DEVICE_LOSS_H_
