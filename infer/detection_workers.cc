#include "infer/detection_workers.h"

#include <utility>

#include "base/check.h"

namespace hardface::infer {
namespace {

// Images that a worker may have taken before the oldest is given: an image that takes one worker long must not hold up
// the others.
constexpr int64_t kOutPerWorker = 8;

}  // namespace

DetectionWorkers::DetectionWorkers(std::vector<DetectFunction> detectors, int64_t count, int loaders, int64_t ahead,
                                   LoadFunction load)
    : count_(count),
      max_out_(kOutPerWorker * static_cast<int64_t>(detectors.size())),
      loaded_(count, loaders * static_cast<int>(detectors.size()), ahead * static_cast<int64_t>(detectors.size()),
              std::move(load)) {
  HARDFACE_CHECK(!detectors.empty());
  for (DetectFunction& detect : detectors) workers_.push_back({std::move(detect), std::nullopt});
  if (workers_.size() == 1) return;
  for (Worker& worker : workers_) {
    threads_.emplace_back([this, &worker] {
      while (Step(&worker)) {
      }
    });
  }
}

DetectionWorkers::~DetectionWorkers() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

std::optional<DetectionWorkers::Taken> DetectionWorkers::Take(bool wait) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (wait) changed_.wait(lock, [this] { return MayTake(); });
  if (stop_ || taken_ == count_ || !MayTake()) return std::nullopt;
  Taken taken{taken_++, cv::Mat(), nullptr};
  changed_.wait(lock, [&] { return loading_ == taken.index; });
  lock.unlock();
  try {
    taken.pixels = loaded_.Next();
  } catch (...) {
    taken.failure = std::current_exception();
  }
  lock.lock();
  ++loading_;
  changed_.notify_all();
  return taken;
}

DetectionWorkers::Made DetectionWorkers::Make(Worker* worker, Taken taken) {
  if (taken.failure != nullptr) return {std::nullopt, taken.failure};
  DetectedImage image{std::move(taken.pixels), std::vector<data::Detection>()};
  if (!image.pixels.ok()) return {std::move(image), nullptr};
  const auto upcoming = [this, worker] {
    // Waiting for others to finish would keep them waiting for this image.
    if (!worker->upcoming.has_value()) worker->upcoming = Take(/*wait=*/false);
    const bool there = worker->upcoming.has_value() && worker->upcoming->failure == nullptr;
    return there && worker->upcoming->pixels.ok() ? *worker->upcoming->pixels : cv::Mat();
  };
  try {
    image.boxes = worker->detect(*image.pixels, upcoming);
  } catch (...) {
    return {std::nullopt, std::current_exception()};
  }
  return {std::move(image), nullptr};
}

bool DetectionWorkers::Step(Worker* worker) {
  std::optional<Taken> taken = std::exchange(worker->upcoming, std::nullopt);
  if (!taken.has_value()) taken = Take(/*wait=*/true);
  if (!taken.has_value()) return false;
  const int64_t index = taken->index;
  Made made = Make(worker, *std::move(taken));
  const std::lock_guard<std::mutex> lock(mutex_);
  ready_.emplace(index, std::move(made));
  changed_.notify_all();
  return !stop_;
}

DetectedImage DetectionWorkers::Next() {
  if (threads_.empty()) Step(&workers_[0]);
  std::unique_lock<std::mutex> lock(mutex_);
  HARDFACE_CHECK(given_ < count_);
  changed_.wait(lock, [this] { return ready_.count(given_) != 0; });
  auto node = ready_.extract(given_++);
  changed_.notify_all();
  if (node.mapped().failure != nullptr) std::rethrow_exception(node.mapped().failure);
  return *std::move(node.mapped().result);
}

}  // namespace hardface::infer
