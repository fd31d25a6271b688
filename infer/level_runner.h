// Runs a detector over one level of an image pyramid: whole or, to keep to a memory limit, in overlapping tiles.
#ifndef HARDFACE_INFER_LEVEL_RUNNER_H_
#define HARDFACE_INFER_LEVEL_RUNNER_H_

#include <cstdint>
#include <functional>
#include <opencv2/core/mat.hpp>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "infer/level_plan.h"
#include "model/detectors/anchors.h"
#include "model/execution/cpu_detector_runner.h"
#include "model/execution/executor.h"
#include "model/ops/tensor.h"
#include "model/weights/model_file.h"

namespace hardface::infer {

// Not thread-safe; a call uses all OpenMP threads.
class LevelRunner {
 public:
  // MODEL must outlive this.
  LevelRunner(const model::Model& model, const model::ExecutorOptions& options);
  LevelRunner(const LevelRunner&) = delete;
  LevelRunner& operator=(const LevelRunner&) = delete;

  // Receives a pass's output planes, which are valid during the call.
  using Visitor = std::function<void(bool mirrored, const std::vector<model::AnchorPlane>& planes)>;

  // LEVEL: float BGR (0..255) of the level's size. Runs it as it is and, with FLIP, mirrored. ACTIVATION_BYTES limits
  // what the network's activations take (0: no limit); tiles overlap by the network's receptive radius, so that their
  // outputs are those of the whole level up to the rounding of floats. ResourceExhausted when no tile is small enough,
  // naming the need.
  absl::Status Run(const cv::Mat& level, bool flip, int64_t activation_bytes, const Visitor& visit);

  // Runs a tile: float BGR of its part of the level, without padding; SHAPE (1, 3, height, width) with it. MIRRORED
  // shows the network TILE's mirror image. The planes are valid until the next call.
  absl::StatusOr<std::vector<model::AnchorPlane>> RunTile(const cv::Mat& tile, const model::Shape& shape,
                                                          bool mirrored);

  const TileRules& rules() const { return rules_; }

  // PlanLevel by what this network's activations take on the CPU.
  absl::StatusOr<LevelPlan> Plan(int height, int width, bool flip, int64_t activation_bytes) const {
    return PlanLevel(rules_, height, width, flip, activation_bytes);
  }

 private:
  absl::Status RunWhole(const cv::Mat& level, const LevelPlan& plan, const model::Shape& padded, bool flip,
                        const Visitor& visit);
  absl::Status RunTiles(const cv::Mat& level, const LevelPlan& plan, const model::Shape& padded, bool mirrored,
                        const Visitor& visit);

  const model::Model& model_;
  model::CpuDetectorRunner runner_;
  const TileRules rules_;
};

}  // namespace hardface::infer

#endif  // HARDFACE_INFER_LEVEL_RUNNER_H_
