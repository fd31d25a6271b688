// Shares images out over several detectors, such as one for each GPU, and hands the results on in the images' order.
#ifndef HARDFACE_INFER_DETECTION_WORKERS_H_
#define HARDFACE_INFER_DETECTION_WORKERS_H_

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <opencv2/core/mat.hpp>
#include <optional>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "base/prefetcher.h"
#include "data_tools/dataset/detections.h"

namespace hardface::infer {

// Finds the faces of an image. UPCOMING may be called once; it returns the image of this detector's next call, so that
// work on it can begin, or an empty one where there is none yet.
using DetectFunction = std::function<absl::StatusOr<std::vector<data::Detection>>(
    const cv::Mat& image, const std::function<cv::Mat()>& upcoming)>;

struct DetectedImage {
  absl::StatusOr<cv::Mat> pixels;                      // or why the image could not be read
  absl::StatusOr<std::vector<data::Detection>> boxes;  // where there are pixels
};

// Next() returns what became of images 0, 1, ... COUNT - 1. One detector works on the caller's thread, within Next();
// each of several on a thread of its own, on whichever image comes next. Images are loaded by threads of their own,
// AHEAD images for each detector before their use. An exception of LOAD or a detector is thrown by the Next()
// whose turn it is. Destroying it early waits for the images under way.
//
// LOADERS is the number of loading threads for each detector: a GPU takes less time for an image of moderate size than
// one thread takes to decode it.
class DetectionWorkers {
 public:
  using LoadFunction = std::function<absl::StatusOr<cv::Mat>(int64_t)>;

  DetectionWorkers(std::vector<DetectFunction> detectors, int64_t count, int loaders, int64_t ahead, LoadFunction load);
  ~DetectionWorkers();
  DetectionWorkers(const DetectionWorkers&) = delete;
  DetectionWorkers& operator=(const DetectionWorkers&) = delete;

  DetectedImage Next();

 private:
  // An image that a worker has taken.
  struct Taken {
    int64_t index = 0;
    absl::StatusOr<cv::Mat> pixels;
    std::exception_ptr failure;  // of loading
  };
  struct Made {
    std::optional<DetectedImage> result;
    std::exception_ptr failure;  // set where there is no result
  };
  struct Worker {
    DetectFunction detect;
    std::optional<Taken> upcoming;  // taken ahead of its turn
  };

  bool MayTake() const { return stop_ || taken_ == count_ || taken_ < given_ + max_out_; }
  // The next image, which waits until it is loaded; nothing when all are taken or the work is to end. Without WAIT
  // nothing, too, when results would run too far ahead of their use.
  std::optional<Taken> Take(bool wait);
  Made Make(Worker* worker, Taken taken);
  // Works on one image; false when there is none left.
  bool Step(Worker* worker);

  const int64_t count_;
  const int64_t max_out_;  // images taken and not yet given
  Prefetcher<absl::StatusOr<cv::Mat>> loaded_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<int64_t, Made> ready_;
  int64_t taken_ = 0;    // images, by workers
  int64_t loading_ = 0;  // the image whose taker may ask loaded_, which gives them in order
  int64_t given_ = 0;    // by Next()
  bool stop_ = false;
  std::vector<Worker> workers_;
  std::vector<std::thread> threads_;  // none for a single worker
};

}  // namespace hardface::infer

#endif  // HARDFACE_INFER_DETECTION_WORKERS_H_
