// What a rank does in mpi_communicator_test.sh: thousands of exchanges of every kind, each checked.
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "train/ranks/mpi_communicator.h"

namespace hardface::train {
namespace {

// Beyond what the messages about arrivals once kept buffers for.
constexpr int kExchanges = 6000;

// Sums, gathers and texts of exchange number I; an error says which was wrong.
absl::Status CheckExchange(int i, Communicator* communicator) {
  const int ranks = communicator->size(), rank = communicator->rank();
  std::vector<float> sum(7, static_cast<float>(i % 1000 + rank));
  std::vector<float> mine = {static_cast<float>(rank), static_cast<float>(i % 1000)}, all(2 * ranks);
  communicator->StartSum(sum.data(), 7);
  communicator->StartGather(mine.data(), 2, all.data());
  const absl::Status waited = communicator->Wait();
  if (!waited.ok()) return waited;
  const float expected = static_cast<float>(ranks * (i % 1000) + ranks * (ranks - 1) / 2);
  if (sum[0] != expected || sum[6] != expected) {
    return absl::InternalError(absl::StrCat("exchange ", i, ": the sum is ", sum[0], ", expected ", expected));
  }
  for (int r = 0; r < ranks; ++r) {
    if (all[2 * r] == static_cast<float>(r) && all[2 * r + 1] == mine[1]) continue;
    return absl::InternalError(absl::StrCat("exchange ", i, ": rank ", r, "'s part is wrong"));
  }
  if (i % 100 != 0) return absl::OkStatus();
  const absl::StatusOr<std::vector<std::string>> texts =
      communicator->GatherTexts(absl::StrCat(std::string(rank, 'x'), i));
  if (!texts.ok()) return texts.status();
  for (int r = 0; r < ranks; ++r) {
    if ((*texts)[r] == absl::StrCat(std::string(r, 'x'), i)) continue;
    return absl::InternalError(absl::StrCat("exchange ", i, ": rank ", r, "'s text is ", (*texts)[r]));
  }
  return absl::OkStatus();
}

absl::Status Run() {
  absl::StatusOr<std::unique_ptr<Communicator>> communicator = JoinMpi({});
  if (!communicator.ok()) return communicator.status();
  for (int i = 0; i < kExchanges; ++i) {
    const absl::Status status = CheckExchange(i, communicator->get());
    if (status.ok()) continue;
    (*communicator)->Abort(status);
    return status;
  }
  std::printf("rank %d of %d: %d exchanges are right\n", (*communicator)->rank(), (*communicator)->size(), kExchanges);
  return absl::OkStatus();
}

}  // namespace
}  // namespace hardface::train

int main() {
  const absl::Status status = hardface::train::Run();
  if (status.ok()) return 0;
  std::fprintf(stderr, "Error: %s\n", std::string(status.message()).c_str());
  return 1;
}
