#include "train/data/sample_stream.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/status_macros.h"
#include "train/data/random_stream.h"

namespace hardface::train {
namespace {

using Clock = std::chrono::steady_clock;

// How many samples the workers may be ahead of their use. A step takes all of its samples at once: meanwhile those of
// the next step are to be made, and each worker has one in hand that may take longer than the others.
int64_t SamplesAhead(const SampleStreamOptions& options) {
  constexpr int64_t kAtLeast = 16;
  return std::max<int64_t>(kAtLeast, 2 * options.samples_per_step + options.workers);
}

}  // namespace

SampleStream::SampleStream(const data::Dataset* dataset, const SampleStreamOptions& options)
    : dataset_(dataset),
      options_(options),
      epoch_options_(options.epoch),
      cache_(dataset->image_paths, options.image_cache_bytes) {
  const bool own_order = options_.sharing == Sharing::kReplicate && options_.rank > 0;
  epoch_options_.seed =
      own_order ? Random({options_.seed, kReplicaStream, static_cast<uint64_t>(options_.rank)}).Next() : options_.seed;
}

int64_t SampleStream::Offset(int64_t i) const {
  const int64_t per_step = options_.samples_per_step;
  if (options_.sharing == Sharing::kReplicate) return i;
  return i / per_step * StepSamples() + options_.rank * per_step + i % per_step;
}

int64_t SampleStream::Number(int64_t place) const {
  return options_.sharing == Sharing::kShard ? place : place * options_.ranks + options_.rank;
}

void SampleStream::Restore(DataPosition position) {
  prefetcher_.reset();
  peeked_.clear();
  position_ = std::move(position);
}

absl::Status SampleStream::Plan(const std::vector<mining::LedgerEntry>& ledger) {
  prefetcher_.reset();
  if (static_cast<int64_t>(position_.order.size()) - position_.next < StepSamples()) {
    RETURN_IF_ERROR(CheckSomeAreKept(ledger, epoch_options_));
    position_.order.erase(position_.order.begin(), position_.order.begin() + position_.next);
    position_.next = 0;
    while (static_cast<int64_t>(position_.order.size()) < StepSamples()) {
      const std::vector<int64_t> epoch =
          PlanEpoch(dataset_->entries, ledger, position_.epochs_planned++, epoch_options_);
      position_.order.insert(position_.order.end(), epoch.begin(), epoch.end());
    }
  }
  // Sorted: which partner a chance means depends on the set alone.
  partners_ = position_.order;
  std::sort(partners_.begin(), partners_.end());
  const int64_t steps = (static_cast<int64_t>(position_.order.size()) - position_.next) / StepSamples();
  segment_end_ = position_.next + steps * StepSamples();
  segment_samples_ = position_.samples;
  made_for_ = steps * options_.samples_per_step;
  taken_ = 0;
  peeked_.clear();
  const data::SampleSource source{
      [this](int64_t entry) { return cache_.Get(entry); },
      [this](int64_t entry) -> const data::DatasetEntry& { return dataset_->entries[static_cast<size_t>(entry)]; },
      &partners_};
  const std::vector<int64_t> entries(position_.order.begin() + position_.next, position_.order.begin() + segment_end_);
  const auto make = [this, source, entries](int64_t i) -> MaybeSample {
    const Clock::time_point start = Clock::now();
    const int64_t offset = Offset(i);
    Random random({options_.seed, kAugmentStream, static_cast<uint64_t>(Number(segment_samples_ + offset))});
    MaybeSample sample = data::MakeSample(source, entries[static_cast<size_t>(offset)], options_.augment, &random);
    ++made_;
    busy_nanoseconds_ += std::chrono::nanoseconds(Clock::now() - start).count();
    return sample;
  };
  prefetcher_ = std::make_unique<Prefetcher<MaybeSample>>(made_for_, options_.workers, SamplesAhead(options_), make);
  return absl::OkStatus();
}

NumberedSample SampleStream::FromWorkers() {
  const int64_t place = taken_ + static_cast<int64_t>(peeked_.size());
  return {Number(segment_samples_ + Offset(place)), prefetcher_->Next()};
}

const std::deque<NumberedSample>& SampleStream::Peek(int count) {
  if (prefetcher_ != nullptr && taken_ + count <= made_for_) {
    while (static_cast<int>(peeked_.size()) < count) peeked_.push_back(FromWorkers());
  }
  return peeked_;
}

NumberedSample SampleStream::Next() {
  if (peeked_.empty()) peeked_.push_back(FromWorkers());
  NumberedSample next = std::move(peeked_.front());
  peeked_.pop_front();
  if (++taken_ % options_.samples_per_step == 0) {
    position_.next += StepSamples();
    position_.samples += StepSamples();
  }
  return next;
}

}  // namespace hardface::train
