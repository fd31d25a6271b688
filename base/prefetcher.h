// Computes results in worker threads ahead of their use and hands them out in order, whatever the number of threads.
#ifndef HARDFACE_BASE_PREFETCHER_H_
#define HARDFACE_BASE_PREFETCHER_H_

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"

namespace hardface {

// Next() returns make(0), make(1), ... make(count - 1). MAKE runs on THREADS threads at once, at most AHEAD results
// before their use; an exception of make(i) is thrown by the Next() whose turn it is. Destroying it early waits for the
// calls under way.
template <typename Result>
class Prefetcher {
 public:
  Prefetcher(int64_t count, int threads, int64_t ahead, std::function<Result(int64_t)> make)
      : count_(count), ahead_(ahead), make_(std::move(make)) {
    HARDFACE_CHECK(threads >= 1 && ahead >= 1);
    try {
      for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
    } catch (const std::system_error&) {
      // The system has no more threads to give: those at hand do the work.
      if (threads_.empty()) throw;
    }
  }

  ~Prefetcher() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  Result Next() {
    std::unique_lock<std::mutex> lock(mutex_);
    HARDFACE_CHECK(given_ < count_);
    changed_.wait(lock, [this] { return ready_.count(given_) != 0; });
    auto node = ready_.extract(given_++);
    changed_.notify_all();
    if (node.mapped().failure != nullptr) std::rethrow_exception(node.mapped().failure);
    return std::move(*node.mapped().result);
  }

 private:
  struct Made {
    std::optional<Result> result;
    std::exception_ptr failure;  // set where there is no result
  };

  Made Make(int64_t index) const {
    Made made;
    try {
      made.result.emplace(make_(index));
    } catch (...) {
      made.failure = std::current_exception();
    }
    return made;
  }

  void Work() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return stop_ || taken_ == count_ || taken_ < given_ + ahead_; });
      if (stop_ || taken_ == count_) return;
      const int64_t mine = taken_++;
      lock.unlock();
      Made made = Make(mine);
      lock.lock();
      ready_.emplace(mine, std::move(made));
      changed_.notify_all();
    }
  }

  const int64_t count_;
  const int64_t ahead_;
  const std::function<Result(int64_t)> make_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<int64_t, Made> ready_;
  int64_t taken_ = 0;
  int64_t given_ = 0;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace hardface

#endif  // HARDFACE_BASE_PREFETCHER_H_
