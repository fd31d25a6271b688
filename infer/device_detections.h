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
#include "infer/level_plan.h"
#include "infer/nms.h"
#include "model/cuda/cuda_context.h"
#include "model/detectors/anchors.h"
#include "model/ops/tensor.h"

namespace hardface::infer {

struct DeviceDetectionsOptions {
  DecodeOptions decode;
  int max_passes = 10;            // of an image
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
                                                                  std::shared_ptr<model::CudaContext> context);
  virtual ~DeviceDetections() = default;

  // Forgets the passes but the first KEPT.
  virtual void Start(int kept) = 0;
  virtual int passes() const = 0;
  // Queues the decoding of a pass. PLANES point into device memory, which may change once the stream got so far.
  virtual absl::Status AddPass(const std::vector<model::AnchorPlane>& planes, const PassGeometry& geometry) = 0;
  // Whether the last PASSES passes have a candidate that counts as small. Waits.
  virtual absl::StatusOr<bool> SmallCandidates(int passes) = 0;
  // The merged boxes in falling score. Waits.
  virtual absl::StatusOr<std::vector<ScoredBox>> Finish() = 0;

  // Bytes of device memory held, that of merging included. A level of more anchors than any before adds
  // kRankingBytes for each of them.
  virtual int64_t bytes() const = 0;
  static constexpr int64_t kRankingBytes = 3 * sizeof(uint64_t);  // keys, sorted keys, CUB's copy
};

// Queues the copy of a tile's core, ROWS and COLUMNS of the level, from its output map to the level's; cells of STRIDE
// pixels, block 1, image 0, device memory.
absl::Status CopyCore(const model::TensorView& tile, const TileSpan& rows, const TileSpan& columns, int stride,
                      const model::TensorView& level, model::CudaStreamHandle stream);

}  // namespace hardface::infer

#endif  // HARDFACE_INFER_DEVICE_DETECTIONS_H_
