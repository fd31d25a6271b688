// Difficulty of every image of a dataset under a given model: the worst positive anchor's face probability (WPAS).
#ifndef HARDFACE_MINING_SCORE_IMAGES_H_
#define HARDFACE_MINING_SCORE_IMAGES_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "mining/anchor_targets.h"
#include "model/execution/detector_runner.h"
#include "model/weights/model_file.h"

namespace hardface::mining {

struct ScoreImagesOptions {
  // Images are resized to this short side, unless the long one would exceed its limit: the middle of the training
  // scales.
  int short_side = 800;  // pixels
  int long_side = 2000;  // pixels
  int threads = 0;       // of computation on the CPU; 0: all processors
  model::DetectorRunnerOptions runner;
  TargetOptions targets;
};

// Writes one difficulty line an entry of DATASET, in its order, to OUTPUT. An image that cannot be read is an error
// that names it, before anything appears under the output's name.
absl::Status ScoreImages(const model::Model& model, const std::string& dataset, const std::string& output,
                         const ScoreImagesOptions& options);

}  // namespace hardface::mining

#endif  // HARDFACE_MINING_SCORE_IMAGES_H_
