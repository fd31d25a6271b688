// A dataset of drawn scenes: something to learn from when there are no photographs.
#ifndef HARDFACE_DATA_TOOLS_SYNTH_SYNTHESIZE_DATASET_H_
#define HARDFACE_DATA_TOOLS_SYNTH_SYNTHESIZE_DATASET_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "data_tools/synth/scene.h"

namespace hardface::data {

struct SynthesizeOptions {
  std::string output;
  int64_t images = 0;
  uint64_t seed = 0;
  SceneOptions scene;
  int threads = 0;  // 0: all processors
};

struct SynthesizeSummary {
  int64_t images = 0;
  int64_t faces = 0;
};

// Writes OUTPUT/images/NNNNNN.jpg and the manifest. Image i depends on seed, i and the scene options only: the same
// bytes on every machine, whatever the number of images and threads. Faces carry the attributes blur, occlusion and
// pose on WIDER's scales.
absl::StatusOr<SynthesizeSummary> SynthesizeDataset(const SynthesizeOptions& options);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_SYNTH_SYNTHESIZE_DATASET_H_
