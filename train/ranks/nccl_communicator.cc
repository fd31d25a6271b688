#include "train/ranks/nccl_communicator.h"

#include <nccl.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "model/cuda/cuda_memory.h"
#include "model/cuda/nccl_status.h"
#include "train/ranks/await.h"
#include "train/ranks/nccl_id.h"
#include "train/ranks/rank_device.h"

namespace hardface::train {
namespace {

// Seconds that a communicator that is to go waits for its last work.
constexpr double kFarewell = 5;

// NCCL's calls do not block (its configuration says so): they return ncclInProgress, and what becomes of them is asked
// for. A rank that is gone is then found by this rank's own patience, wherever it is missing.
class NcclCommunicator : public Communicator {
 public:
  NcclCommunicator(std::shared_ptr<model::CudaContext> context, Communicator* host)
      : context_(std::move(context)), host_(host) {}

  // Destroying waits for the other ranks. After an error, or where sums are under way that nobody has waited for, they
  // may be gone, and aborting does not wait.
  ~NcclCommunicator() override {
    if (communicator_ == nullptr) return;
    context_->MakeCurrent().IgnoreError();
    const bool idle = status_.ok() && Idle(kFarewell).ok();
    if (idle && Settled(ncclCommFinalize(communicator_), "leaving NCCL", kFarewell).ok()) {
      ncclCommDestroy(communicator_);
    } else {
      ncclCommAbort(communicator_);
    }
  }

  absl::Status Join() {
    RETURN_IF_ERROR(context_->MakeCurrent());
    ASSIGN_OR_RETURN(stream_, model::CudaStream::Create());
    ASSIGN_OR_RETURN(queued_, model::CudaEvent::Create(/*timed=*/false));
    ASSIGN_OR_RETURN(done_, model::CudaEvent::Create(/*timed=*/false));
    ASSIGN_OR_RETURN(const std::vector<std::string> gpus, host_->GatherTexts(context_->device().id));
    RETURN_IF_ERROR(RequireOwnGpus(gpus));
    ncclUniqueId id = {};
    std::string text;
    if (host_->rank() == 0) {
      NCCL_RETURN_IF_ERROR(ncclGetUniqueId(&id), "making NCCL's unique id");
      text = EncodeId(id.internal, sizeof id.internal);
    }
    ASSIGN_OR_RETURN(const std::vector<std::string> texts, host_->GatherTexts(text));
    RETURN_IF_ERROR(DecodeId(texts.at(0), sizeof id.internal, id.internal));
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.blocking = 0;
    status_ = Settled(ncclCommInitRankConfig(&communicator_, host_->size(), id, host_->rank(), &config),
                      absl::StrCat("joining ", host_->size(), " ranks by NCCL as rank ", host_->rank()),
                      host_->PatienceSeconds());
    return status_;
  }

  int rank() const override { return host_->rank(); }
  int size() const override { return host_->size(); }
  double PatienceSeconds() const override { return host_->PatienceSeconds(); }

  void StartSum(float* values, int64_t count) override {
    Keep(Start([&] {
      return Settled(ncclAllReduce(values, values, static_cast<size_t>(count), ncclFloat32, ncclSum, communicator_,
                                   stream_.handle()),
                     absl::StrCat("summing ", count, " gradients over the ranks"), PatienceSeconds());
    }));
  }

  void StartGather(const float* values, int64_t count, float* all) override {
    Keep(Start([&] {
      return Settled(
          ncclAllGather(values, all, static_cast<size_t>(count), ncclFloat32, communicator_, stream_.handle()),
          absl::StrCat("gathering ", count, " numbers of each rank"), PatienceSeconds());
    }));
  }

  // After an error the communicator is aborted at once: its kernels wait on the device for ranks that may be gone, and
  // everything that waits for the device would wait with them.
  absl::Status Wait() override {
    if (status_.ok()) status_ = Idle(PatienceSeconds());
    if (!status_.ok() && communicator_ != nullptr) ncclCommAbort(std::exchange(communicator_, nullptr));
    RETURN_IF_ERROR(status_);
    return done_.HoldBack(context_->stream().handle());
  }

  absl::StatusOr<std::vector<std::string>> GatherTexts(const std::string& text) override {
    return host_->GatherTexts(text);
  }

  void Abort(const absl::Status& why) override { host_->Abort(why); }

 private:
  // Runs QUEUE with the stream behind what the context's stream has so far.
  template <typename Queue>
  absl::Status Start(const Queue& queue) {
    RETURN_IF_ERROR(status_);
    RETURN_IF_ERROR(queued_.Record(context_->stream().handle()));
    RETURN_IF_ERROR(queued_.HoldBack(stream_.handle()));
    return queue();
  }
  // The first error is what Wait() tells.
  void Keep(absl::Status status) {
    if (status_.ok()) status_ = std::move(status);
  }

  // Of a call that began with RESULT: until it is no longer in progress.
  absl::Status Settled(ncclResult_t result, const std::string& what, double patience) const {
    if (result != ncclInProgress) {
      NCCL_RETURN_IF_ERROR(result, what);
      return absl::OkStatus();
    }
    return Await(
        [&]() -> absl::StatusOr<bool> {
          ncclResult_t state = ncclSuccess;
          NCCL_RETURN_IF_ERROR(ncclCommGetAsyncError(communicator_, &state), what);
          if (state == ncclInProgress) return false;
          NCCL_RETURN_IF_ERROR(state, what);
          return true;
        },
        [] { return absl::OkStatus(); }, patience, what);
  }

  // Until all that was started has happened. NCCL's own threads find broken connections meanwhile.
  absl::Status Idle(double patience) const {
    RETURN_IF_ERROR(done_.Record(stream_.handle()));
    return Await([this] { return done_.Reached(); },
                 [this]() -> absl::Status {
                   ncclResult_t found = ncclSuccess;
                   NCCL_RETURN_IF_ERROR(ncclCommGetAsyncError(communicator_, &found), "asking NCCL for errors");
                   if (found == ncclInProgress) return absl::OkStatus();
                   NCCL_RETURN_IF_ERROR(found, "exchanging gradients");
                   return absl::OkStatus();
                 },
                 patience, "exchanging gradients");
  }

  const std::shared_ptr<model::CudaContext> context_;
  Communicator* const host_;
  model::CudaStream stream_;
  model::CudaEvent queued_, done_;
  ncclComm_t communicator_ = nullptr;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Communicator>> JoinNccl(std::shared_ptr<model::CudaContext> context,
                                                       Communicator* host) {
  auto communicator = std::make_unique<NcclCommunicator>(std::move(context), host);
  RETURN_IF_ERROR(communicator->Join());
  return communicator;
}

}  // namespace hardface::train
