#include "mining/ledger_history.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"

namespace hardface::mining {
namespace {

constexpr size_t kRecentScores = 3;

enum class Kind { kNotVisited, kHard, kEasy, kWithoutPositives };

class HistoryBuilder {
 public:
  explicit HistoryBuilder(const HardImageOptions& options) : options_(options) {}

  void Add(const LedgerLine& line) {
    const int64_t iteration = line.difficulty.iteration;
    if (history_.visits == 0) history_.first_iteration = history_.last_iteration = iteration;
    if (iteration > history_.last_iteration) EndIteration(iteration);
    EntryHistory& entry = EntryOf(line);
    const Kind before = KindOf(entry.standing);
    Record({/*sample=*/history_.visits, /*entry=*/0, line.scale, line.difficulty}, options_, &entry.standing);
    --Count(before);
    ++Count(KindOf(entry.standing));
    ++history_.visits;
    ++entry.visits;
    if (line.difficulty.wpas.has_value()) entry.scores.push_back({iteration, *line.difficulty.wpas});
  }

  LedgerHistory Take() {
    EndIteration(history_.last_iteration);
    return std::move(history_);
  }

 private:
  EntryHistory& EntryOf(const LedgerLine& line) {
    const auto [place, fresh] = indices_.try_emplace({line.image, line.flip}, history_.entries.size());
    if (fresh) {
      EntryHistory& entry = history_.entries.emplace_back();
      entry.image = line.image;
      entry.flip = line.flip;
    }
    return history_.entries[place->second];
  }

  Kind KindOf(const LedgerEntry& entry) const {
    if (!entry.visited) return Kind::kNotVisited;
    if (!entry.difficulty.wpas.has_value()) return Kind::kWithoutPositives;
    return IsEasy(entry, options_) ? Kind::kEasy : Kind::kHard;
  }

  int64_t& Count(Kind kind) { return counts_[static_cast<size_t>(kind)]; }

  void EndIteration(int64_t next) {
    const auto iteration = static_cast<double>(history_.last_iteration);
    history_.hard.emplace_back(iteration, Count(Kind::kHard));
    history_.easy.emplace_back(iteration, Count(Kind::kEasy));
    history_.without_positives.emplace_back(iteration, Count(Kind::kWithoutPositives));
    history_.last_iteration = next;
  }

  const HardImageOptions options_;
  LedgerHistory history_;
  absl::flat_hash_map<std::pair<std::string, bool>, size_t> indices_;
  int64_t counts_[4] = {};
};

float BestFrom(const std::vector<EntryHistory::Score>& scores, size_t first) {
  float best = 0;
  for (size_t i = first; i < scores.size(); ++i) best = std::max(best, scores[i].wpas);
  return best;
}

// The first COUNT of CANDIDATES by KEY, smallest first; equal ones in the order of their first visits.
template <typename Key>
std::vector<size_t> FirstBy(const std::vector<size_t>& candidates, size_t count, const Key& key) {
  std::vector<std::pair<double, size_t>> ranked;
  ranked.reserve(candidates.size());
  for (const size_t index : candidates) ranked.emplace_back(key(index), index);
  std::sort(ranked.begin(), ranked.end());
  std::vector<size_t> first;
  for (size_t i = 0; i < std::min(count, ranked.size()); ++i) first.push_back(ranked[i].second);
  return first;
}

template <typename Condition>
std::vector<size_t> EntriesWhere(const LedgerHistory& history, const Condition& condition) {
  std::vector<size_t> indices;
  for (size_t i = 0; i < history.entries.size(); ++i) {
    if (condition(history.entries[i])) indices.push_back(i);
  }
  return indices;
}

}  // namespace

float EntryHistory::RecentWpas() const {
  HARDFACE_CHECK(!scores.empty());
  const size_t count = std::min(kRecentScores, scores.size());
  const float sum = std::accumulate(scores.end() - static_cast<std::ptrdiff_t>(count), scores.end(), 0.0f,
                                    [](float so_far, const Score& score) { return so_far + score.wpas; });
  return sum / static_cast<float>(count);
}

float EntryHistory::BestWpas() const { return BestFrom(scores, 0); }

float EntryHistory::LateBestWpas() const { return BestFrom(scores, scores.size() / 2); }

int EntryHistory::Turns(float threshold) const {
  int turns = 0;
  for (size_t i = 1; i < scores.size(); ++i) {
    turns += (scores[i - 1].wpas >= threshold) != (scores[i].wpas >= threshold);
  }
  return turns;
}

absl::StatusOr<LedgerHistory> ReadLedgerHistory(const std::string& ledger, const HardImageOptions& options) {
  ASSIGN_OR_RETURN(const auto reader, LedgerReader::Open(ledger));
  HistoryBuilder builder(options);
  LedgerLine line;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, reader->Next(&line));
    if (!more) break;
    builder.Add(line);
  }
  LedgerHistory history = builder.Take();
  if (history.visits > 0) return history;
  return absl::InvalidArgumentError(
      absl::StrCat(reader->path(), ": holds no visit yet; a training writes them when it plans an epoch"));
}

std::vector<size_t> HardestEntries(const LedgerHistory& history, size_t count) {
  const auto scored = EntriesWhere(history, [](const EntryHistory& entry) { return !entry.scores.empty(); });
  return FirstBy(scored, count, [&](size_t i) { return history.entries[i].RecentWpas(); });
}

std::vector<size_t> NeverLearntEntries(const LedgerHistory& history, const NeverLearntOptions& options) {
  const double all_time = static_cast<double>(history.last_iteration - history.first_iteration);
  const auto never = EntriesWhere(history, [&](const EntryHistory& entry) {
    if (static_cast<int64_t>(entry.scores.size()) < std::max<int64_t>(1, options.min_scores)) return false;
    const auto time = static_cast<double>(entry.scores.back().iteration - entry.scores.front().iteration);
    return time >= options.min_time_share * all_time && entry.BestWpas() < options.threshold;
  });
  return FirstBy(never, never.size(), [&](size_t i) { return history.entries[i].LateBestWpas(); });
}

std::vector<size_t> UnsteadyEntries(const LedgerHistory& history, float threshold, size_t count) {
  // Two turns at least: every image that is learnt turns once.
  const auto unsteady = EntriesWhere(history, [&](const EntryHistory& entry) { return entry.Turns(threshold) >= 2; });
  return FirstBy(unsteady, count, [&](size_t i) { return -history.entries[i].Turns(threshold); });
}

}  // namespace hardface::mining
