// The ledger of a training: every visit's WPAS on disk, and each entry's standing in hard image mining (paper section
// 3.3).
#ifndef HARDFACE_MINING_LEDGER_H_
#define HARDFACE_MINING_LEDGER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/random.h"
#include "base/text_file.h"
#include "mining/difficulty.h"

namespace hardface::mining {

// One dataset entry seen once in training.
struct Visit {
  int64_t sample = 0;  // number of the training sample that showed it: the order of visits
  int64_t entry = 0;   // index into the dataset
  double scale = 1;    // pixels of the sample per pixel of the image
  Difficulty difficulty;
};

// What is known of an entry so far.
struct LedgerEntry {
  bool visited = false;
  bool was_easy = false;  // at any visit
  // Of the latest visit that had a positive anchor; of the first one while none had. Its WPAS is the mean over
  // `recent`.
  Difficulty difficulty;
  std::vector<float> recent;  // WPAS of the latest HardImageOptions::visits visits that had one, oldest first
};

// Notes a visit. The latest options.visits scores decide, so that images become easy and hard again; a visit without
// positive anchors (a crop beside the faces) says nothing about an image that has had a score.
void Record(const Visit& visit, const HardImageOptions& options, LedgerEntry* entry);

// The rules of difficulty.h, with options.once_easy_always_easy. An entry not visited yet is hard.
bool IsEasy(const LedgerEntry& entry, const HardImageOptions& options);
bool IsNeverKept(const LedgerEntry& entry, const HardImageOptions& options);
bool KeepInEpoch(const LedgerEntry& entry, const HardImageOptions& options, Random* random);

// One line of a ledger file (docs/FORMATS.md), without the line break: a difficulty line with the visit's scale.
std::string VisitToJson(const std::string& image, bool flip, double scale, const Difficulty& difficulty);

struct LedgerLine {
  std::string image;
  bool flip = false;
  double scale = 1;
  Difficulty difficulty;
};

// Reads a ledger file line by line, in the order of the visits. Errors name file and line.
class LedgerReader {
 public:
  // PATH: the file, or the training's folder that holds it as ledger.jsonl.
  static absl::StatusOr<std::unique_ptr<LedgerReader>> Open(const std::string& path);
  // False at the end. A last line without its line break (a training that is writing) counts as the end.
  absl::StatusOr<bool> Next(LedgerLine* line);
  // The file.
  const std::string& path() const { return lines_->path(); }

 private:
  explicit LedgerReader(std::unique_ptr<LineReader> lines) : lines_(std::move(lines)) {}

  const std::unique_ptr<LineReader> lines_;
};

}  // namespace hardface::mining

#endif  // HARDFACE_MINING_LEDGER_H_
