// How the processes of one training, its ranks, exchange gradients and notes. Implementations: a world of one, which
// needs nothing; MPI (mpi_communicator.h); NCCL for gradients on GPUs (nccl_communicator.h).
#ifndef HARDFACE_TRAIN_RANKS_COMMUNICATOR_H_
#define HARDFACE_TRAIN_RANKS_COMMUNICATOR_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace hardface::train {

// Every rank makes the same calls in the same order, from one thread. An error means that the exchange is over for all
// ranks; it names the rank that failed where that is known.
class Communicator {
 public:
  virtual ~Communicator() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;

  // Starts to sum VALUES over the ranks, in place; every rank gets the same bits. VALUES must stay until Wait().
  virtual void StartSum(float* values, int64_t count) = 0;
  // Starts to copy each rank's VALUES to all: ALL (size(), COUNT), by rank. Both must stay until Wait().
  virtual void StartGather(const float* values, int64_t count, float* all) = 0;
  // Returns when everything started has happened.
  virtual absl::Status Wait() = 0;

  // Each rank's text, by rank.
  virtual absl::StatusOr<std::vector<std::string>> GatherTexts(const std::string& text) = 0;

  // How long a rank may take to do its part before it is taken for lost.
  virtual double PatienceSeconds() const { return 60; }

  // Ends the processes of all ranks, after a line on stderr that names this one and WHY. Returns only in a world of
  // one.
  virtual void Abort(const absl::Status& why) = 0;
};

class WorldOfOne : public Communicator {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  void StartSum(float*, int64_t) override {}
  void StartGather(const float* values, int64_t count, float* all) override;
  absl::Status Wait() override { return absl::OkStatus(); }
  absl::StatusOr<std::vector<std::string>> GatherTexts(const std::string& text) override {
    return std::vector<std::string>{text};
  }
  void Abort(const absl::Status&) override {}
};

// The error of a run whose ranks do not say the same TEXT of WHAT ("settings"): names the first rank that differs from
// rank 0.
absl::Status RequireSameOnAllRanks(const std::string& what, const std::string& text, Communicator* communicator);

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_RANKS_COMMUNICATOR_H_
