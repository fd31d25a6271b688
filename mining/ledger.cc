#include "mining/ledger.h"

#include <numeric>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/paths.h"
#include "base/status_macros.h"

namespace hardface::mining {

void Record(const Visit& visit, const HardImageOptions& options, LedgerEntry* entry) {
  if (!visit.difficulty.wpas.has_value() && entry->visited) return;
  entry->visited = true;
  entry->difficulty = visit.difficulty;
  if (visit.difficulty.wpas.has_value()) {
    std::vector<float>& recent = entry->recent;
    recent.push_back(*visit.difficulty.wpas);
    if (static_cast<int>(recent.size()) > options.visits) recent.erase(recent.begin(), recent.end() - options.visits);
    entry->difficulty.wpas = std::accumulate(recent.begin(), recent.end(), 0.0f) / static_cast<float>(recent.size());
  }
  entry->was_easy |= IsEasy(&entry->difficulty, options);
}

bool IsEasy(const LedgerEntry& entry, const HardImageOptions& options) {
  if (options.once_easy_always_easy && entry.was_easy) return true;
  return entry.visited && IsEasy(&entry.difficulty, options);
}

bool IsNeverKept(const LedgerEntry& entry, const HardImageOptions& options) {
  if (options.once_easy_always_easy && entry.was_easy) return options.drop >= 1;
  return IsNeverKept(entry.visited ? &entry.difficulty : nullptr, options);
}

bool KeepInEpoch(const LedgerEntry& entry, const HardImageOptions& options, Random* random) {
  if (options.once_easy_always_easy && entry.was_easy) return !random->Chance(options.drop);
  return KeepInEpoch(entry.visited ? &entry.difficulty : nullptr, options, random);
}

std::string VisitToJson(const std::string& image, bool flip, double scale, const Difficulty& difficulty) {
  std::string line = DifficultyToJson(image, flip, difficulty);
  line.pop_back();
  absl::StrAppendFormat(&line, ",\"scale\":%.6g}", scale);
  return line;
}

absl::StatusOr<std::unique_ptr<LedgerReader>> LedgerReader::Open(const std::string& path) {
  ASSIGN_OR_RETURN(auto lines, LineReader::Open(FileOrInFolder(path, "ledger.jsonl"),
                                                "train writes OUTPUT/ledger.jsonl when its checkpoints are saved"));
  return std::unique_ptr<LedgerReader>(new LedgerReader(std::move(lines)));
}

absl::StatusOr<bool> LedgerReader::Next(LedgerLine* line) {
  ASSIGN_OR_RETURN(const bool more, lines_->Next());
  if (!more || !lines_->is_complete()) return false;
  double scale = 1;
  ASSIGN_OR_RETURN(const ScoredEntry scored, DifficultyFromJson(lines_->line(), lines_->place(), &scale));
  *line = {scored.image, scored.flip, scale, scored.difficulty};
  return true;
}

}  // namespace hardface::mining
