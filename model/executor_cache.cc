#include "model/executor_cache.h"

#include <algorithm>
#include <utility>

#include "data_tools/base/status_macros.h"

namespace hardface {
namespace {

// Beyond this, finding shapes again is unlikely and weights, which every executor has its own copy of, add up.
constexpr size_t kMaxEntries = 16;

}  // namespace

ExecutorCache::ExecutorCache(NetworkSpec network, ExecutorOptions options, int64_t max_bytes)
    : network_(std::move(network)), options_(std::move(options)), max_bytes_(max_bytes) {}

absl::StatusOr<Executor*> ExecutorCache::Get(const Shape& shape, const ParameterSet& parameters, int64_t version) {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.shape == shape; });
  if (found != entries_.end()) {
    entries_.splice(entries_.begin(), entries_, found);
  } else {
    ASSIGN_OR_RETURN(auto executor, Executor::Create(network_, shape, options_));
    entries_.push_front({shape, /*version=*/-1, std::move(executor)});
  }
  int64_t bytes = 0;
  size_t kept = 0;
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    bytes += entry->executor->activation_bytes();
    const bool keep = kept == 0 || (bytes <= max_bytes_ && kept < kMaxEntries);
    kept += keep;
    entry = keep ? std::next(entry) : entries_.erase(entry);
  }
  Entry& entry = entries_.front();
  if (entry.version != version) {
    entry.executor->SetParameters(parameters);
    entry.version = version;
  }
  return entry.executor.get();
}

}  // namespace hardface
