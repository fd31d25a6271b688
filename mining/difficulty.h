// Image difficulty: WPAS of every dataset entry, on disk and in a running training, and hard image mining (paper
// section 3.3).
#ifndef HARDFACE_MINING_DIFFICULTY_H_
#define HARDFACE_MINING_DIFFICULTY_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/random.h"
#include "base/text_file.h"

namespace hardface::mining {

// The latest score of one dataset entry.
struct Difficulty {
  // The worst positive anchor's face probability, 0..1; nothing while no visit had a positive anchor.
  std::optional<float> wpas;
  int positives = 0;      // positive anchors of that visit
  int64_t iteration = 0;  // of the network that gave the score
};

// One line of a difficulty file (docs/FORMATS.md), without the line break.
std::string DifficultyToJson(const std::string& image, bool flip, const Difficulty& difficulty);

struct ScoredEntry {
  std::string image;
  bool flip = false;
  Difficulty difficulty;
};

// Reads one line. PLACE stands before errors ("difficulty.jsonl:7"). SCALE, where given, gets the scale that a ledger's
// line has (ledger.h), 1 where there is none.
absl::StatusOr<ScoredEntry> DifficultyFromJson(absl::string_view line, const std::string& place,
                                               double* scale = nullptr);

// (image, flip) -> its difficulty.
using DifficultyTable = absl::flat_hash_map<std::pair<std::string, bool>, Difficulty>;

// Reads a difficulty file. An entry that was scored several times (files put one behind the other, or a ledger) counts
// by its greatest iteration, wherever that line stands; of equal iterations the later line counts. So the whole file
// must be known before the first answer, about 100 bytes an entry. Errors name file and line.
absl::StatusOr<DifficultyTable> ReadDifficulty(const std::string& path);

// What becomes of images none of whose visits had a positive anchor: always sampled, left out like easy ones (the
// published code), or never sampled again.
enum class WithoutPositives { kKeep, kEasy, kLeaveOut };
inline std::vector<std::pair<std::string, WithoutPositives>> FlagChoices(WithoutPositives) {
  return {
      {"keep", WithoutPositives::kKeep}, {"easy", WithoutPositives::kEasy}, {"leave_out", WithoutPositives::kLeaveOut}};
}

// The paper's threshold: an image whose WPAS reaches it is easy.
inline constexpr double kEasyWpas = 0.85;

struct HardImageOptions {
  float threshold = kEasyWpas;
  double drop = 0.7;  // probability of an easy image being left out of an epoch, drawn anew each epoch
  WithoutPositives without_positives = WithoutPositives::kKeep;
  // How many visits an image's WPAS is the mean of: the latest ones that had a positive anchor. 1 is the paper's rule,
  // whose visits show whole images. A crop or a mosaic's tile shows some of the faces at one of many scales, and one
  // such visit says little about the next (docs/TRAINING.md). (Of ledgers only.)
  int visits = 1;
  // The published code: an image that has been easy once stays so, whatever its later scores. (Of ledgers only.)
  bool once_easy_always_easy = false;
};

// Whether an entry with this difficulty (null: not scored yet, so hard) counts as easy.
bool IsEasy(const Difficulty* difficulty, const HardImageOptions& options);

// Whether no epoch samples an entry with this difficulty, whatever chance says.
bool IsNeverKept(const Difficulty* difficulty, const HardImageOptions& options);

// One epoch's decision for an entry: false with probability `drop` for easy ones, and for images without positive
// anchors as options.without_positives says.
bool KeepInEpoch(const Difficulty* difficulty, const HardImageOptions& options, Random* random);

}  // namespace hardface::mining

#endif  // HARDFACE_MINING_DIFFICULTY_H_
