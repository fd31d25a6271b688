// A page about hard image mining, from a training's ledger.
#ifndef HARDFACE_MINING_EXPLORE_PAGE_H_
#define HARDFACE_MINING_EXPLORE_PAGE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "mining/ledger_history.h"

namespace hardface::mining {

struct ExploreOptions {
  std::string title;
  std::string dataset;  // whose images the ledger speaks of; empty: a page without pictures
  NeverLearntOptions never_learnt;
  int images = 24;           // in each list
  int thumbnail_side = 240;  // pixels that a picture's longer side is scaled down to
};

struct ExplorePage {
  std::string html;                   // one file that needs no other
  std::vector<std::string> warnings;  // pictures that cannot be read, entries that the dataset lacks; in the page, too
  int64_t never_learnt = 0;           // entries
  int pictures = 0;
};

// Errors: the dataset cannot be read, gnuplot is missing or fails.
absl::StatusOr<ExplorePage> MakeExplorePage(const LedgerHistory& history, const ExploreOptions& options);

}  // namespace hardface::mining

#endif  // HARDFACE_MINING_EXPLORE_PAGE_H_
