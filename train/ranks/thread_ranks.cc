#include "train/ranks/thread_ranks.h"

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace hardface::train {
namespace {

struct World {
  explicit World(int count) : count(count), values(count), texts(count) {}

  void Barrier() {
    std::unique_lock<std::mutex> lock(mutex);
    const int64_t mine = round;
    if (++waiting == count) {
      waiting = 0;
      ++round;
      changed.notify_all();
      return;
    }
    changed.wait(lock, [&] { return round != mine; });
  }

  const int count;
  std::mutex mutex;
  std::condition_variable changed;
  int waiting = 0;
  int64_t round = 0;
  std::vector<const float*> values;
  std::vector<std::string> texts;
};

class ThreadRank : public Communicator {
 public:
  ThreadRank(int rank, World* world) : rank_(rank), world_(world) {}
  int rank() const override { return rank_; }
  int size() const override { return world_->count; }

  void StartSum(float* values, int64_t count) override {
    std::vector<float> all(static_cast<size_t>(count * size()));
    StartGather(values, count, all.data());
    std::fill_n(values, count, 0.0f);
    for (size_t i = 0; i < all.size(); ++i) values[i % static_cast<size_t>(count)] += all[i];
  }

  void StartGather(const float* values, int64_t count, float* all) override {
    world_->values[static_cast<size_t>(rank_)] = values;
    world_->Barrier();
    for (const float* const of_rank : world_->values) all = std::copy_n(of_rank, count, all);
    world_->Barrier();
  }

  absl::Status Wait() override { return absl::OkStatus(); }

  absl::StatusOr<std::vector<std::string>> GatherTexts(const std::string& text) override {
    world_->texts[static_cast<size_t>(rank_)] = text;
    world_->Barrier();
    std::vector<std::string> texts = world_->texts;
    world_->Barrier();
    return texts;
  }

  void Abort(const absl::Status&) override { std::abort(); }

 private:
  const int rank_;
  World* const world_;
};

}  // namespace

void RunRanks(int count, const std::function<void(Communicator*)>& work) {
  World world(count);
  std::vector<std::thread> threads;
  for (int rank = 0; rank < count; ++rank) {
    threads.emplace_back([rank, &world, &work] {
      ThreadRank communicator(rank, &world);
      work(&communicator);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace hardface::train
