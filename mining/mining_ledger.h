// Hard image mining in a running training (paper section 3.3): what every visit found, and which images are hard by it.
#ifndef HARDFACE_MINING_MINING_LEDGER_H_
#define HARDFACE_MINING_MINING_LEDGER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "data_tools/augmentation/training_sample.h"
#include "data_tools/dataset/dataset.h"
#include "mining/difficulty.h"
#include "mining/face_score.h"
#include "mining/ledger.h"

namespace hardface::mining {

// What a training sample says of the entries that it shows, one visit each: the WPAS of an entry is the lowest of its
// faces' scores. FACES: of the sample's faces, in their order. NUMBER and ITERATION: of the sample, and of the network
// that gave the scores.
std::vector<Visit> VisitsOf(const data::TrainingSample& sample, const std::vector<FaceScore>& faces, int64_t number,
                            int64_t iteration);

// The standing of every entry, and the visits that have yet to count. Ranks note what they see; from time to time they
// exchange it, and all let the same visits count (train/ranks/visit_exchange.h).
class MiningLedger {
 public:
  MiningLedger(const HardImageOptions& options, size_t entries) : options_(options), entries_(entries) {}

  void Note(const std::vector<Visit>& visits) { pending_.insert(pending_.end(), visits.begin(), visits.end()); }
  // The visits noted since the last call.
  std::vector<Visit> TakePending() { return std::exchange(pending_, {}); }
  // Lets visits count, in their order.
  void Count(const std::vector<Visit>& visits);

  const std::vector<LedgerEntry>& entries() const { return entries_; }
  void Restore(std::vector<LedgerEntry> entries) { entries_ = std::move(entries); }
  // The share of the entries that are hard, 0..1; those without a visit are.
  double HardFraction() const;
  // A difficulty file (docs/FORMATS.md) of the entries that have been visited. DATASET has an entry for each.
  std::string DifficultyFile(const std::vector<data::DatasetEntry>& dataset) const;

 private:
  const HardImageOptions options_;
  std::vector<LedgerEntry> entries_;
  std::vector<Visit> pending_;
};

}  // namespace hardface::mining

#endif  // HARDFACE_MINING_MINING_LEDGER_H_
