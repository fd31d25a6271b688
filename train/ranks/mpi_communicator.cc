#include "train/ranks/mpi_communicator.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <climits>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "train/ranks/mpi_library.h"

namespace hardface::train {
namespace {

using Clock = std::chrono::steady_clock;

// MPI's counts are ints; larger arrays go in parts.
constexpr int64_t kLargestPart = int64_t{1} << 28;
constexpr int kArrivalTag = 1;
// These ranks are told of every arrival and can name who is missing; two, so that one of them may be the missing one.
constexpr int kMonitors = 2;
// Until these exchanges are over the ranks read their data, which may take long.
constexpr int64_t kStartExchanges = 8;
constexpr double kStartFactor = 10;
// A rank that waits says so this often, so that one that fell silent within an exchange can be told from the others.
constexpr double kSecondsBetweenSigns = 1;

double SecondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

int IntOfEnvironment(const char* name, int otherwise) {
  const char* const text = std::getenv(name);
  int value = 0;
  return text != nullptr && absl::SimpleAtoi(text, &value) ? value : otherwise;
}

class MpiCommunicator : public Communicator {
 public:
  MpiCommunicator(const MpiLibrary& mpi, const MpiOptions& options) : mpi_(mpi), options_(options) {
    thread_ = std::thread([this] { Work(); });
  }

  ~MpiCommunicator() override {
    Enqueue([this] { Finish(); });
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  // Waits until the ranks have met.
  absl::Status Join() {
    Enqueue([this] { Initialize(); });
    RETURN_IF_ERROR(Wait());
    char host[256] = "";
    gethostname(host, sizeof(host) - 1);
    ASSIGN_OR_RETURN(names_, GatherTexts(absl::StrCat(host, ", process ", getpid())));
    return absl::OkStatus();
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }

  void StartSum(float* values, int64_t count) override {
    Enqueue([this, values, count] {
      for (int64_t done = 0; done < count; done += kLargestPart) {
        const int part = static_cast<int>(std::min(count - done, kLargestPart));
        Exchange([&](MPI_Request* request) {
          mpi_.Iallreduce(MPI_IN_PLACE, values + done, part, mpi_.type_float, mpi_.sum, mpi_.world, request);
        });
      }
    });
  }

  void StartGather(const float* values, int64_t count, float* all) override {
    HARDFACE_CHECK(count <= INT_MAX);
    Enqueue([this, values, count, all] {
      Exchange([&](MPI_Request* request) {
        mpi_.Iallgather(values, static_cast<int>(count), mpi_.type_float, all, static_cast<int>(count), mpi_.type_float,
                        mpi_.world, request);
      });
    });
  }

  absl::Status Wait() override {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return work_.empty() && !working_; });
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<std::string>> GatherTexts(const std::string& text) override {
    HARDFACE_CHECK(text.size() <= INT_MAX);
    const int mine = static_cast<int>(text.size());
    std::vector<int> sizes(static_cast<size_t>(size_)), starts(static_cast<size_t>(size_));
    std::string all;
    Enqueue([&] {
      Exchange([&](MPI_Request* request) {
        mpi_.Iallgather(&mine, 1, mpi_.type_int, sizes.data(), 1, mpi_.type_int, mpi_.world, request);
      });
      int64_t total = 0;
      for (size_t i = 0; i < sizes.size(); ++i) {
        starts[i] = static_cast<int>(total);
        total += sizes[i];
      }
      HARDFACE_CHECK(total <= INT_MAX);
      all.resize(static_cast<size_t>(total));
      Exchange([&](MPI_Request* request) {
        mpi_.Iallgatherv(text.data(), mine, mpi_.type_char, all.data(), sizes.data(), starts.data(), mpi_.type_char,
                         mpi_.world, request);
      });
    });
    RETURN_IF_ERROR(Wait());
    std::vector<std::string> texts;
    for (size_t i = 0; i < sizes.size(); ++i) {
      texts.push_back(all.substr(static_cast<size_t>(starts[i]), static_cast<size_t>(sizes[i])));
    }
    return texts;
  }

  double PatienceSeconds() const override {
    if (exchanges_ <= kStartExchanges) return kStartFactor * options_.rank_timeout_seconds;
    return std::max(options_.rank_timeout_seconds, 10 * longest_gap_);
  }

  void Abort(const absl::Status& why) override {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      abort_message_ = absl::StrCat("rank ", rank_, " of ", size_, " failed: ", why.message());
      work_.push_front([this] { AbortNow(abort_message_); });
    }
    aborting_ = true;
    changed_.notify_all();
    thread_.join();  // does not return: MPI_Abort ends the process
    std::abort();
  }

 private:
  // A message to a monitor: this rank has come to exchange `number`.
  struct Announcement {
    int64_t number = 0;
    MPI_Request request = nullptr;
  };

  void Enqueue(std::function<void()> task) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      work_.push_back(std::move(task));
    }
    changed_.notify_all();
  }

  void Work() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return stop_ || !work_.empty(); });
      if (work_.empty()) return;
      const std::function<void()> task = std::move(work_.front());
      work_.pop_front();
      working_ = true;
      lock.unlock();
      task();
      lock.lock();
      working_ = false;
      changed_.notify_all();
    }
  }

  void Initialize() {
    int provided = 0;
    mpi_.Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided);
    mpi_.Comm_rank(mpi_.world, &rank_);
    mpi_.Comm_size(mpi_.world, &size_);
    arrived_.assign(static_cast<size_t>(size_), 0);
    heard_.assign(static_cast<size_t>(size_), Clock::now());
    last_exchange_ = Clock::now();
  }

  // MPI wants every message received and every request completed before its end. Sends are synchronous, so that a rank
  // whose sends are complete has been heard; once all ranks say so in a barrier, nothing is under way any more (the
  // consensus of Hoefler et al., 2010).
  void Finish() {
    while (true) {
      ReceiveArrivals();
      DropDelivered();
      if (announcements_.empty()) break;
      std::this_thread::yield();
    }
    MPI_Request barrier = nullptr;
    mpi_.Ibarrier(mpi_.world, &barrier);
    for (int done = 0; done == 0;) {
      ReceiveArrivals();
      mpi_.Test(&barrier, &done, MPI_STATUS_IGNORE);
      if (done == 0) std::this_thread::yield();
    }
    mpi_.Finalize();
  }

  [[noreturn]] void AbortNow(const std::string& message) {
    std::fprintf(stderr, "\ntrain: %s\n", message.c_str());
    std::fflush(stderr);
    mpi_.Abort(mpi_.world, 1);
    std::abort();
  }

  // One collective call, begun by START, waited for with patience.
  void Exchange(const std::function<void(MPI_Request*)>& start) {
    ReceiveArrivals();  // also of exchanges that end before anybody waits
    AnnounceArrival();
    MPI_Request request = nullptr;
    start(&request);
    const Clock::time_point began = Clock::now();
    const double patience = PatienceSeconds();
    double next_sign = kSecondsBetweenSigns;
    int done = 0;
    while (true) {
      mpi_.Test(&request, &done, MPI_STATUS_IGNORE);
      if (done != 0) break;
      if (aborting_) AbortNow(WaitForAbortMessage());
      ReceiveArrivals();
      const double waited = SecondsSince(began);
      if (waited > next_sign) {
        AnnounceArrival();
        next_sign = waited + kSecondsBetweenSigns;
      }
      // The monitors speak first: they know who is missing.
      if (waited > patience + (rank_ < kMonitors ? 0 : 5)) AbortNow(DescribeHang(waited));
      // Long waits leave the processor to whoever works; short ones cost no latency.
      if (waited > 1e-3) std::this_thread::sleep_for(std::chrono::microseconds(waited > 0.1 ? 1000 : 100));
    }
    if (++exchanges_ > kStartExchanges) longest_gap_ = std::max(longest_gap_, SecondsSince(last_exchange_));
    last_exchange_ = Clock::now();
  }

  void AnnounceArrival() {
    const int64_t number = exchanges_ + 1;
    arrived_[static_cast<size_t>(rank_)] = number;
    DropDelivered();
    for (int monitor = 0; monitor < std::min(kMonitors, size_); ++monitor) {
      if (monitor == rank_) continue;
      Announcement& sent = announcements_.emplace_back();  // a deque keeps its elements' places
      sent.number = number;
      mpi_.Issend(&sent.number, 1, mpi_.type_int64, monitor, kArrivalTag, mpi_.world, &sent.request);
    }
  }

  // A message's buffer must stay until its request is complete. They complete in the order of sending, or nearly so.
  void DropDelivered() {
    while (!announcements_.empty()) {
      int delivered = 0;
      mpi_.Test(&announcements_.front().request, &delivered, MPI_STATUS_IGNORE);
      if (delivered == 0) return;
      announcements_.pop_front();
    }
  }

  void ReceiveArrivals() {
    if (rank_ >= kMonitors) return;
    while (true) {
      int there = 0;
      MPI_Status status;
      mpi_.Iprobe(MPI_ANY_SOURCE, kArrivalTag, mpi_.world, &there, &status);
      if (there == 0) return;
      int64_t number = 0;
      mpi_.Recv(&number, 1, mpi_.type_int64, status.MPI_SOURCE, kArrivalTag, mpi_.world, MPI_STATUS_IGNORE);
      arrived_[static_cast<size_t>(status.MPI_SOURCE)] = number;
      heard_[static_cast<size_t>(status.MPI_SOURCE)] = Clock::now();
    }
  }

  std::string DescribeHang(double waited) {
    ReceiveArrivals();
    std::vector<std::string> missing, silent;
    for (int rank = 0; rank < size_ && rank_ < kMonitors; ++rank) {
      const auto i = static_cast<size_t>(rank);
      const std::string name = absl::StrCat("rank ", rank, names_.empty() ? "" : absl::StrCat(" (", names_[i], ")"));
      if (arrived_[i] <= exchanges_) missing.push_back(name);
      if (rank != rank_ && SecondsSince(heard_[i]) > waited / 2) silent.push_back(name);
    }
    std::string what = "the ranks did not finish";
    if (!missing.empty()) {
      what = absl::StrCat(absl::StrJoin(missing, ", "), " did not come to");
    } else if (!silent.empty()) {
      what = absl::StrCat(absl::StrJoin(silent, ", "), " fell silent in");
    }
    return absl::StrCat(what, " exchange number ", exchanges_ + 1, " within ", static_cast<int>(waited),
                        " s and is taken for hung; the job ends (--rank_timeout sets the patience)");
  }

  std::string WaitForAbortMessage() {
    std::lock_guard<std::mutex> lock(mutex_);
    return abort_message_;
  }

  const MpiLibrary& mpi_;
  const MpiOptions options_;
  int rank_ = 0, size_ = 1;
  std::vector<std::string> names_;  // of the ranks: machine and process

  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> work_;
  bool working_ = false, stop_ = false;
  std::string abort_message_;
  std::atomic<bool> aborting_{false};

  // Of the MPI thread.
  int64_t exchanges_ = 0;
  std::vector<int64_t> arrived_;            // of each rank, the last exchange it has come to
  std::vector<Clock::time_point> heard_;    // of each rank, when it last said so
  std::deque<Announcement> announcements_;  // under way, oldest first
  Clock::time_point last_exchange_;
  double longest_gap_ = 0;
};

}  // namespace

bool StartedByMpi() {
  return IntOfEnvironment("OMPI_COMM_WORLD_SIZE", 0) > 0 || IntOfEnvironment("PMI_SIZE", 0) > 0 ||
         std::getenv("PMIX_RANK") != nullptr;
}

int RanksOnThisMachine() {
  return std::max(1, IntOfEnvironment("OMPI_COMM_WORLD_LOCAL_SIZE", IntOfEnvironment("MPI_LOCALNRANKS", 1)));
}

int LocalRank() {
  return std::max(0, IntOfEnvironment("OMPI_COMM_WORLD_LOCAL_RANK", IntOfEnvironment("MPI_LOCALRANKID", 0)));
}

absl::StatusOr<std::unique_ptr<Communicator>> JoinMpi(const MpiOptions& options) {
  ASSIGN_OR_RETURN(const MpiLibrary* const mpi, LoadMpi());
  auto communicator = std::make_unique<MpiCommunicator>(*mpi, options);
  RETURN_IF_ERROR(communicator->Join());
  return communicator;
}

}  // namespace hardface::train
