#include "train/ranks/gradient_exchange.h"

#include <algorithm>

#include "base/check.h"
#include "base/status_macros.h"

namespace hardface::train {
namespace {

void SetToZero(model::ParameterSet* parameters) {
  for (auto& [name, array] : *parameters) std::fill(array.values.begin(), array.values.end(), 0.0f);
}

}  // namespace

GradientExchange::GradientExchange(const std::vector<model::ParameterSpec>& specs,
                                   const GradientExchangeOptions& options, Communicator* communicator)
    : options_(options), communicator_(communicator), sums_(model::ZeroParameters(specs)) {
  if (options_.reduction == Reduction::kOrdered) {
    of_passes_.assign(static_cast<size_t>(options_.itersize), model::ZeroParameters(specs));
  }
}

void GradientExchange::BeginStep() {
  SetToZero(&sums_);
  for (model::ParameterSet& of_pass : of_passes_) SetToZero(&of_pass);
  for (Bucket& bucket : buckets_) {
    bucket.names.clear();
    bucket.count = 0;
  }
  open_ = 0;
}

model::ParameterSet* GradientExchange::pass_gradients(int pass) {
  return of_passes_.empty() ? &sums_ : &of_passes_[static_cast<size_t>(pass)];
}

void GradientExchange::Complete(const std::string& layer) {
  if (!exchanges()) return;
  if (open_ == buckets_.size()) buckets_.emplace_back();
  Bucket& bucket = buckets_[open_];
  for (const char* const part : {".weight", ".bias"}) {
    bucket.names.push_back(layer + part);
    bucket.count += static_cast<int64_t>(sums_.at(bucket.names.back()).values.size());
  }
  if (bucket.count * static_cast<int64_t>(sizeof(float)) < options_.bucket_bytes) return;
  StartBucket(&bucket);
  ++open_;
}

void GradientExchange::StartBucket(Bucket* bucket) {
  const bool ordered = options_.reduction == Reduction::kOrdered;
  const int64_t sent = bucket->count * (ordered ? options_.itersize : 1);
  bucket->sent.resize(static_cast<size_t>(sent));
  auto end = bucket->sent.begin();
  const auto append = [&](const model::ParameterSet& from) {
    for (const std::string& name : bucket->names) {
      const std::vector<float>& values = from.at(name).values;
      end = std::copy(values.begin(), values.end(), end);
    }
  };
  if (!ordered) {
    append(sums_);
    communicator_->StartSum(bucket->sent.data(), sent);
    return;
  }
  for (const model::ParameterSet& of_pass : of_passes_) append(of_pass);
  bucket->received.resize(static_cast<size_t>(sent * communicator_->size()));
  communicator_->StartGather(bucket->sent.data(), sent, bucket->received.data());
}

void GradientExchange::FinishBucket(Bucket* bucket) {
  if (options_.reduction == Reduction::kFast) {
    auto from = bucket->sent.cbegin();
    for (const std::string& name : bucket->names) {
      std::vector<float>& values = sums_.at(name).values;
      const auto to = from + static_cast<int64_t>(values.size());
      std::copy(from, to, values.begin());
      from = to;
    }
    return;
  }
  // The addends lie in the order rank, pass: that of one rank's passes.
  const int64_t addends = int64_t{communicator_->size()} * options_.itersize;
  for (int64_t addend = 0; addend < addends; ++addend) {
    const float* from = bucket->received.data() + addend * bucket->count;
    for (const std::string& name : bucket->names) {
      for (float& value : sums_.at(name).values) value += *from++;
    }
  }
}

absl::Status GradientExchange::Finish() {
  if (!exchanges()) return absl::OkStatus();
  if (open_ < buckets_.size() && buckets_[open_].count > 0) StartBucket(&buckets_[open_++]);
  RETURN_IF_ERROR(communicator_->Wait());
  for (size_t i = 0; i < open_; ++i) FinishBucket(&buckets_[i]);
  return absl::OkStatus();
}

}  // namespace hardface::train
