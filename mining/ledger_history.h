// What a ledger tells of every image: its scores over the whole training, in memory that a long training's ledger fits
// into (16 bytes a visit).
#ifndef HARDFACE_MINING_LEDGER_HISTORY_H_
#define HARDFACE_MINING_LEDGER_HISTORY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/chart.h"
#include "mining/difficulty.h"
#include "mining/ledger.h"

namespace hardface::mining {

// One dataset entry's visits.
struct EntryHistory {
  struct Score {
    int64_t iteration = 0;
    float wpas = 0;
  };

  std::string image;
  bool flip = false;
  int64_t visits = 0;
  std::vector<Score> scores;  // of the visits with positive anchors, in their order
  LedgerEntry standing;       // after the last visit

  // Mean WPAS of the last three scores: single visits depend on the crop that was drawn. Needs a score.
  float RecentWpas() const;
  float BestWpas() const;
  // Of the later half of the scores: a fresh network gives every anchor about one half.
  float LateBestWpas() const;
  // How often it became easy, or hard again.
  int Turns(float threshold) const;
};

struct LedgerHistory {
  std::vector<EntryHistory> entries;  // in the order of their first visits
  int64_t visits = 0;
  int64_t first_iteration = 0, last_iteration = 0;
  // Entries of each kind after each iteration.
  ChartPoints hard, easy, without_positives;
};

// LEDGER: a ledger file, or a training's folder. Errors: a broken line, by file and line, or no visit at all.
absl::StatusOr<LedgerHistory> ReadLedgerHistory(const std::string& ledger, const HardImageOptions& options);

// Indices into history.entries. COUNT: at most so many.

// Lowest recent WPAS first.
std::vector<size_t> HardestEntries(const LedgerHistory& history, size_t count);

struct NeverLearntOptions {
  float threshold = kEasyWpas;
  int64_t min_scores = 5;       // fewer visits with positive anchors say little
  double min_time_share = 0.5;  // from the first to the last score, of the ledger's iterations
};
// Entries that had their chances, but whose WPAS was always below the threshold: the lowest late best WPAS first. They
// may be wrong labels: faces marked that are none, or boxes beside the faces.
std::vector<size_t> NeverLearntEntries(const LedgerHistory& history, const NeverLearntOptions& options);

// Entries that turned from easy to hard and back most often.
std::vector<size_t> UnsteadyEntries(const LedgerHistory& history, float threshold, size_t count);

}  // namespace hardface::mining

#endif  // HARDFACE_MINING_LEDGER_HISTORY_H_
