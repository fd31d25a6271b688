// A face detector run on an image pyramid (paper section 4.2 and its code).
#ifndef HARDFACE_INFER_FACE_DETECTOR_H_
#define HARDFACE_INFER_FACE_DETECTOR_H_

#include <functional>
#include <memory>
#include <opencv2/core/mat.hpp>
#include <vector>

#include "absl/status/statusor.h"
#include "data_tools/dataset/box.h"
#include "data_tools/dataset/detections.h"
#include "infer/cuda_face_detector.h"
#include "infer/decode.h"
#include "infer/level_plan.h"
#include "infer/level_runner.h"
#include "infer/nms.h"
#include "model/cuda/precision.h"
#include "model/execution/device.h"
#include "model/ops/conv2d.h"
#include "model/weights/model_file.h"
#include "model/weights/parameters.h"

namespace hardface::infer {

enum class Merge { kVote, kNms };

// How much of the pyramid is run. kAccurate: all of it, as published. The others run the levels in rising size, and of
// the larger ones only the regions that can add a face (SpeedStep).
enum class Speed { kAccurate, kBalanced, kFast };

// How kBalanced or kFast run levels up to UP_TO: whole, or only the surroundings of small candidates.
// These are boxes that a smaller level found with a score of MIN_SCORE or more, and whose side (the root of the area)
// is at most MAX_SIDE pixels on the level before. The surroundings are the box, its width and height multiplied by
// REACH about its centre. Small faces come in crowds, which is why a weak candidate is worth a look at its
// neighbourhood; what no smaller level suspects stays unseen. The effect on AP and time: docs/RESULTS.md.
struct SpeedStep {
  int up_to;
  bool whole;
  float min_score = 0;
  float max_side = 0;
  float reach = 1;
  bool mirrored = false;  // the mirror images, too: of the level, or of its regions
  // Pixels of the level around a region that are computed for its sake. 0: the network's receptive radius, with which
  // the region's detections are those of the whole level up to rounding. A smaller overlap is cheaper and lets a face
  // at the region's edge differ a little.
  int overlap = 0;
};
// In rising UP_TO; larger levels than the last are left out, except when the pyramid begins with one. The first level
// is always run whole, and mirrored only where its step is whole and says so. Not of kAccurate. Where a detector's
// tiles are no cut-outs of the level (DetectorSpec::tiles), what would be run in regions is run whole.
const std::vector<SpeedStep>& SpeedSteps(Speed speed);

struct DetectOptions {
  // Level k resizes the image by base scale * k / 800 (BaseScale below); empty: the model's own pyramid.
  std::vector<int> pyramid;
  // A CUDA device runs whole what the CPU would run in regions.
  Speed speed = Speed::kAccurate;
  bool flip = true;  // run mirror images, too
  DecodeOptions decode;
  // Of all passes together, before merging: of the network's own scores (ModelInfo::NetworkScore).
  float score_threshold = 0.05f;
  Merge merge = Merge::kVote;
  VoteOptions vote;
  float nms_threshold = 0.4f;  // IoU, of Merge::kNms
  model::Device device;
  model::Precision precision = model::Precision::kBf16;        // of a CUDA device
  model::Conv2dEngine engine = model::Conv2dEngine::kFastest;  // of the CPU
  // Bytes (0: no limit): on the CPU of the memory that this process may use, on a CUDA device of that device's. Levels
  // that need more are run in tiles (level_plan.h).
  int64_t memory_limit = 0;
  // Levels are padded to a multiple of so many pixels, and of the detector's own; 0: the latter. Fewer sizes then
  // occur, each of which a CUDA device plans for.
  int pad_to = 0;
};

// 800 / short side, unless that takes the long side beyond 1200; then 1200 / long side.
double BaseScale(int width, int height);

// Not thread-safe; a call uses all OpenMP threads of the thread that makes it.
class FaceDetector {
 public:
  FaceDetector(model::Model model, DetectOptions options);

  // The faces of an 8-bit BGR image, pixels of it, in falling score, which is told as the model's calibration says.
  // ResourceExhausted when the memory limit is too
  // low, or a CUDA device's memory too small, saying what is needed.
  //
  // UPCOMING, where given, may be called once, while a CUDA device computes; it returns the image that the next call
  // will be for, which then goes there meanwhile and must not change, or an empty one where that is not known.
  absl::StatusOr<std::vector<data::Detection>> Detect(const cv::Mat& image,
                                                      const std::function<cv::Mat()>& upcoming = nullptr);

  // Of a CUDA device: goes on with other PARAMETERS of the same network, and keeps what was planned and recorded.
  absl::Status SetParameters(const model::ParameterSet& parameters);
  // Of a CUDA device: gives the memory of activations back until the next image.
  absl::Status ReleaseMemory();

 private:
  // What the levels run so far found, pixels of the image.
  struct Found {
    std::vector<ScoredBox> boxes;       // above the score threshold
    std::vector<ScoredBox> candidates;  // that may ask for a look at a larger level; none with kAccurate
  };

  // A level of the pyramid and how it is run; null: whole, with kAccurate.
  struct PlannedLevel {
    int level;
    const SpeedStep* step;
    bool whole() const { return step == nullptr || step->whole; }
  };
  // In the order in which they are run.
  std::vector<PlannedLevel> Levels() const;
  absl::StatusOr<std::vector<data::Detection>> DetectOnCpu(const cv::Mat& image);
  absl::StatusOr<std::vector<data::Detection>> DetectOnDevice(const cv::Mat& image,
                                                              const std::function<cv::Mat()>& upcoming);
  absl::Status StartDevice();

  // Adds boxes of a level, pixels of it, to FOUND.
  void Add(const std::vector<ScoredBox>& boxes, double scale, bool mirrored, float image_width, Found* found) const;
  // Adds the boxes of one level to FOUND.
  absl::Status DetectAtScale(const cv::Mat& image, double scale, bool flip, Found* found);
  // The same of the level's regions that may add a face, by STEP. COARSER: the scale of the level before it.
  absl::Status DetectInRegions(const cv::Mat& image, double scale, double coarser, const SpeedStep& step, Found* found);
  // One pass over regions around WANTED, pixels of the image. RULES: of the tiles.
  absl::Status RunRegions(const cv::Mat& image, double scale, const std::vector<data::EdgeBox>& wanted,
                          const TileRules& rules, bool mirrored, Found* found);

  // What the memory limit leaves for activations while IMAGE and its resized LEVEL are held.
  absl::StatusOr<int64_t> ActivationBytes(const cv::Mat& image, const cv::Mat& level) const;

  model::Model model_;
  const DetectOptions options_;
  std::unique_ptr<LevelRunner> runner_;     // of the CPU
  std::unique_ptr<CudaFaceDetector> cuda_;  // made for the first image, so that its errors can be returned
};

}  // namespace hardface::infer

#endif  // HARDFACE_INFER_FACE_DETECTOR_H_
