// From a network's outputs on a CUDA device to detections: decode, filter, rank and merge there, so that only the faces
// are copied to the host. decode.h and nms.h are the reference. Without --config=cuda there is a stub.
#ifndef HARDFACE_INFER_DEVICE_DETECTIONS_H_
#define HARDFACE_INFER_DEVICE_DETECTIONS_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "infer/decode.h"
#include "infer/detection_kernels.h"
#include "infer/nms.h"
#include "model/anchors.h"
#include "model/cuda/cuda_context.h"

namespace hardface {

struct DeviceDetectionsOptions {
  DecodeOptions decode;
  int most_passes = 10;           // of an image
  float score_threshold = 0.05f;  // of all passes together
  bool vote = true;               // else NMS
  VoteOptions voting;
  float nms_threshold = 0.4f;
  // What SmallCandidates() counts.
  float small_score = 0.5f, small_area = 1024;  // pixels of the level
};

// The detections of one image after the other. Not thread-safe; work is queued in the context's stream.
class DeviceDetections {
 public:
  static absl::StatusOr<std::unique_ptr<DeviceDetections>> Create(const DeviceDetectionsOptions& options,
                                                                  std::shared_ptr<CudaContext> context);
  virtual ~DeviceDetections() = default;

  // Forgets the passes.
  virtual void Start() = 0;
  // Queues the decoding of a pass. PLANES point into device memory, which may change once the stream got so far.
  virtual absl::Status AddPass(const std::vector<AnchorPlane>& planes, const PassGeometry& geometry) = 0;
  // Whether the last PASSES passes have a candidate that counts as small. Waits.
  virtual absl::StatusOr<bool> SmallCandidates(int passes) = 0;
  // The merged boxes in falling score. Waits.
  virtual absl::StatusOr<std::vector<ScoredBox>> Finish() = 0;
};

}  // namespace hardface

#endif  // HARDFACE_INFER_DEVICE_DETECTIONS_H_
