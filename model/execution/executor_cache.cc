#include "model/execution/executor_cache.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"

namespace hardface::model {
namespace {

// Plans are small; beyond this, finding shapes again is unlikely.
constexpr size_t kMaxEntries = 64;

ExecutorOptions WithResources(ExecutorOptions options) {
  if (options.resources == nullptr) options.resources = std::make_shared<ExecutorResources>();
  return options;
}

}  // namespace

ExecutorCache::ExecutorCache(NetworkSpec network, ExecutorOptions options)
    : network_(std::move(network)), options_(WithResources(std::move(options))) {}

absl::StatusOr<Executor*> ExecutorCache::Get(const Shape& shape, const ParameterSet& parameters, int64_t version) {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.shape == shape; });
  if (found != entries_.end()) {
    entries_.splice(entries_.begin(), entries_, found);
  } else {
    ASSIGN_OR_RETURN(auto executor, Executor::Create(network_, shape, options_));
    entries_.push_front({shape, std::move(executor)});
    if (entries_.size() > kMaxEntries) entries_.pop_back();
  }
  Executor* const executor = entries_.front().executor.get();
  if (version_ != version) {
    executor->SetParameters(parameters);
    version_ = version;
  }
  executor->Bind();
  return executor;
}

}  // namespace hardface::model
