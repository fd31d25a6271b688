// The samples of a training in order: epochs planned from the ledger, samples made ahead in worker threads, each rank
// its part. The sequence depends on the seed alone, not on the number of threads.
#ifndef HARDFACE_TRAIN_DATA_SAMPLE_STREAM_H_
#define HARDFACE_TRAIN_DATA_SAMPLE_STREAM_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/prefetcher.h"
#include "data_tools/augmentation/training_sample.h"
#include "data_tools/dataset/dataset.h"
#include "mining/ledger.h"
#include "train/data/epoch_plan.h"
#include "train/data/image_cache.h"

namespace hardface::train {

// How ranks share the data.
enum class Sharing {
  kShard,      // one sequence of samples for all; of each step's samples a rank takes its consecutive part
  kReplicate,  // the published code: every rank visits the whole dataset in an order of its own
};

inline std::vector<std::pair<std::string, Sharing>> FlagChoices(Sharing) {
  return {{"shard", Sharing::kShard}, {"replicate", Sharing::kReplicate}};
}

// Where in the data a sequence stands. Samples are numbered through all epochs; a sample's number seeds its
// augmentation.
struct DataPosition {
  int64_t epochs_planned = 0;
  std::vector<int64_t> order;  // entries of the stretch being visited
  int64_t next = 0;            // index into `order`: the next step's first sample
  int64_t samples = 0;         // of the sequence, taken so far
};

struct SampleStreamOptions {
  uint64_t seed = 1;
  data::AugmentOptions augment;
  EpochOptions epoch;                            // its seed is set from `seed`
  int samples_per_step = 1;                      // of one rank
  int workers = 1;                               // threads that read and augment images
  int64_t image_cache_bytes = int64_t{2} << 30;  // of decoded images
  Sharing sharing = Sharing::kShard;
  int rank = 0, ranks = 1;
};

struct NumberedSample {
  int64_t number = 0;  // unique among all ranks; the order in which one rank alone would visit
  absl::StatusOr<data::TrainingSample> sample;
};

class SampleStream {
 public:
  // DATASET must outlive it.
  SampleStream(const data::Dataset* dataset, const SampleStreamOptions& options);

  // To be asked before each step. Under kShard all ranks give the same answer, and must plan from equal ledgers.
  bool NeedsPlan() const { return prefetcher_ == nullptr || position_.next == segment_end_; }
  // FailedPrecondition where LEDGER leaves out every entry (epoch_plan.h).
  absl::Status Plan(const std::vector<mining::LedgerEntry>& ledger);

  // This rank's next sample.
  NumberedSample Next();
  // The COUNT samples that Next() will give, unless a plan comes before: then none. They stay the next ones. Waits
  // until they are made.
  const std::deque<NumberedSample>& Peek(int count);

  // Between two steps.
  const DataPosition& position() const { return position_; }
  void Restore(DataPosition position);

  // Samples that the workers have made so far, ahead of their use, and the seconds of work spent on them.
  int64_t samples_made() const { return made_; }
  double busy_seconds() const { return static_cast<double>(busy_nanoseconds_) * 1e-9; }

 private:
  using MaybeSample = absl::StatusOr<data::TrainingSample>;

  // Samples of the sequence that a step takes.
  int64_t StepSamples() const {
    return int64_t{options_.samples_per_step} * (options_.sharing == Sharing::kShard ? options_.ranks : 1);
  }
  // Of this rank's sample I of the stretch (counted from 0): its place after the stretch's start.
  int64_t Offset(int64_t i) const;
  int64_t Number(int64_t place) const;
  NumberedSample FromWorkers();

  const data::Dataset* const dataset_;
  const SampleStreamOptions options_;
  EpochOptions epoch_options_;
  ImageCache cache_;
  std::vector<int64_t>
      partners_;  // what mosaics draw from: the entries of the stretch, so that mining holds for them, too
  DataPosition position_;
  int64_t segment_end_ = 0;      // index into the order at which the prefetcher's samples end
  int64_t segment_samples_ = 0;  // position_.samples at the prefetcher's start
  int64_t made_for_ = 0;         // samples that the prefetcher makes
  int64_t taken_ = 0;            // of these, by Next()
  std::deque<NumberedSample> peeked_;
  std::atomic<int64_t> made_{0}, busy_nanoseconds_{0};
  std::unique_ptr<Prefetcher<MaybeSample>> prefetcher_;  // last: its threads use what stands above
};

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_DATA_SAMPLE_STREAM_H_
