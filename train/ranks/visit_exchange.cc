#include "train/ranks/visit_exchange.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/string_view.h"
#include "base/check.h"
#include "base/status_macros.h"

namespace hardface::train {
namespace {

// Ranks run the same program on machines of one kind: plain bytes will do.
struct PackedVisit {
  int64_t sample, entry, iteration;
  double scale;
  float wpas;  // negative: none
  int32_t positives;
};

std::string Pack(const std::vector<mining::Visit>& visits) {
  std::string bytes(visits.size() * sizeof(PackedVisit), '\0');
  char* to = bytes.data();
  for (const mining::Visit& visit : visits) {
    const mining::Difficulty& d = visit.difficulty;
    const PackedVisit packed{visit.sample, visit.entry, d.iteration, visit.scale, d.wpas.value_or(-1.0f), d.positives};
    std::memcpy(to, &packed, sizeof(packed));
    to += sizeof(packed);
  }
  return bytes;
}

void Unpack(absl::string_view bytes, std::vector<mining::Visit>* visits) {
  HARDFACE_CHECK(bytes.size() % sizeof(PackedVisit) == 0);
  for (; !bytes.empty(); bytes.remove_prefix(sizeof(PackedVisit))) {
    PackedVisit packed;
    std::memcpy(&packed, bytes.data(), sizeof(packed));
    mining::Visit visit{packed.sample, packed.entry, packed.scale, {std::nullopt, packed.positives, packed.iteration}};
    if (packed.wpas >= 0) visit.difficulty.wpas = packed.wpas;
    visits->push_back(visit);
  }
}

}  // namespace

absl::StatusOr<std::vector<mining::Visit>> GatherVisits(const std::vector<mining::Visit>& visits,
                                                        Communicator* communicator) {
  if (communicator->size() == 1) return visits;
  ASSIGN_OR_RETURN(const std::vector<std::string> of_ranks, communicator->GatherTexts(Pack(visits)));
  std::vector<mining::Visit> all;
  for (const std::string& bytes : of_ranks) Unpack(bytes, &all);
  std::stable_sort(all.begin(), all.end(),
                   [](const mining::Visit& a, const mining::Visit& b) { return a.sample < b.sample; });
  return all;
}

}  // namespace hardface::train
