// A face detector run on an image pyramid (paper section 4.2 and its code).
#ifndef HARDFACE_INFER_FACE_DETECTOR_H_
#define HARDFACE_INFER_FACE_DETECTOR_H_

#include <functional>
#include <memory>
#include <opencv2/core/mat.hpp>
#include <vector>

#include "absl/status/statusor.h"
#include "infer/cuda_face_detector.h"
#include "infer/decode.h"
#include "infer/level_runner.h"
#include "infer/nms.h"
#include "model/cuda/precision.h"
#include "model/execution/device.h"
#include "model/ops/conv2d.h"
#include "model/weights/model_file.h"

namespace hardface::infer {

enum class Merge { kVote, kNms };

struct DetectOptions {
  // Level k resizes the image by base scale * k / 800 (BaseScale below); empty: the model's own pyramid.
  std::vector<int> pyramid;
  bool flip = true;  // run each level's mirror image, too
  // Leaves out levels that hardly can add a face: levels are run in rising size, and one of up to 2.5 times the size of
  // the last one run is left out when that one had no candidate of score 0.5 and at most 32 pixels, the sizes that a
  // finer level sees better. Its effect on AP and time: docs/RESULTS.md.
  bool adaptive = false;
  DecodeOptions decode;
  float score_threshold = 0.05f;  // of all passes together, before merging
  Merge merge = Merge::kVote;
  VoteOptions vote;
  float nms_threshold = 0.4f;  // IoU, of Merge::kNms
  model::Device device;
  model::Precision precision = model::Precision::kBf16;        // of a CUDA device
  model::Conv2dEngine engine = model::Conv2dEngine::kFastest;  // of the CPU
  // Bytes (0: no limit): on the CPU of the memory that this process may use, on a CUDA device of that device's. Levels
  // that need more are run in tiles (level_plan.h).
  int64_t memory_limit = 0;
};

// 800 / short side, unless that takes the long side beyond 1200; then 1200 / long side.
double BaseScale(int width, int height);

// Not thread-safe; a call uses all OpenMP threads of the thread that makes it.
class FaceDetector {
 public:
  FaceDetector(model::Model model, DetectOptions options);

  // The faces of an 8-bit BGR image, pixels of it, in falling score. ResourceExhausted when the memory limit is too
  // low, or a CUDA device's memory too small, saying what is needed.
  //
  // UPCOMING, where given, may be called once, while a CUDA device computes; it returns the image that the next call
  // will be for, which then goes there meanwhile and must not change, or an empty one where that is not known.
  absl::StatusOr<std::vector<ScoredBox>> Detect(const cv::Mat& image,
                                                const std::function<cv::Mat()>& upcoming = nullptr);

 private:
  // Calls RUN(scale, &finer_may_add) for each level in turn.
  absl::Status ForEachLevel(const cv::Mat& image, const std::function<absl::Status(double, bool*)>& run) const;

  absl::StatusOr<std::vector<ScoredBox>> DetectOnDevice(const cv::Mat& image, const std::function<cv::Mat()>& upcoming);
  absl::Status StartDevice();

  // Adds the boxes of one level to ALL, in pixels of the image. SMALL_CANDIDATES: whether a finer level may add faces.
  absl::Status DetectAtScale(const cv::Mat& image, double scale, std::vector<ScoredBox>* all, bool* small_candidates);

  // What the memory limit leaves for activations while IMAGE and its resized LEVEL are held.
  absl::StatusOr<int64_t> ActivationBytes(const cv::Mat& image, const cv::Mat& level) const;

  const model::Model model_;
  const DetectOptions options_;
  std::unique_ptr<LevelRunner> runner_;     // of the CPU
  std::unique_ptr<CudaFaceDetector> cuda_;  // made for the first image, so that its errors can be returned
};

}  // namespace hardface::infer

#endif  // HARDFACE_INFER_FACE_DETECTOR_H_
