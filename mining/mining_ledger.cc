#include "mining/mining_ledger.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace hardface::mining {

std::vector<Visit> VisitsOf(const data::TrainingSample& sample, const std::vector<FaceScore>& faces, int64_t number,
                            int64_t iteration) {
  std::vector<FaceScore> of_sources(sample.sources.size());
  for (size_t f = 0; f < sample.faces.size(); ++f) {
    of_sources[static_cast<size_t>(sample.faces[f].source)].Add(faces[f]);
  }
  std::vector<Visit> visits;
  for (size_t s = 0; s < of_sources.size(); ++s) {
    visits.push_back({number, sample.sources[s], sample.scales[s],
                      Difficulty{of_sources[s].wpas(), of_sources[s].positives, iteration}});
  }
  return visits;
}

void MiningLedger::Count(const std::vector<Visit>& visits) {
  for (const Visit& visit : visits) Record(visit, options_, &entries_[static_cast<size_t>(visit.entry)]);
}

double MiningLedger::HardFraction() const {
  const auto hard =
      std::count_if(entries_.begin(), entries_.end(), [&](const LedgerEntry& e) { return !IsEasy(e, options_); });
  return static_cast<double>(hard) / static_cast<double>(entries_.size());
}

std::string MiningLedger::DifficultyFile(const std::vector<data::DatasetEntry>& dataset) const {
  std::string text;
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (!entries_[i].visited) continue;
    absl::StrAppend(&text, DifficultyToJson(dataset[i].image, dataset[i].flip, entries_[i].difficulty), "\n");
  }
  return text;
}

}  // namespace hardface::mining
