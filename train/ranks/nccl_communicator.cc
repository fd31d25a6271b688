#include "train/ranks/nccl_communicator.h"

#include <nccl.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "model/cuda/cuda_memory.h"
#include "model/cuda/nccl_status.h"
#include "train/ranks/nccl_id.h"

namespace hardface::train {
namespace {

class NcclCommunicator : public Communicator {
 public:
  NcclCommunicator(std::shared_ptr<model::CudaContext> context, Communicator* host)
      : context_(std::move(context)), host_(host) {}
  ~NcclCommunicator() override {
    if (communicator_ == nullptr) return;
    // After an error the other ranks may be gone: then abort rather than wait for them.
    if (status_.ok() && stream_.Synchronize().ok()) {
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
    ncclUniqueId id = {};
    std::string text;
    if (host_->rank() == 0) {
      NCCL_RETURN_IF_ERROR(ncclGetUniqueId(&id), "making NCCL's unique id");
      text = EncodeId(id.internal, sizeof id.internal);
    }
    ASSIGN_OR_RETURN(const std::vector<std::string> texts, host_->GatherTexts(text));
    RETURN_IF_ERROR(DecodeId(texts.at(0), sizeof id.internal, id.internal));
    NCCL_RETURN_IF_ERROR(ncclCommInitRank(&communicator_, host_->size(), id, host_->rank()),
                         absl::StrCat("joining ", host_->size(), " ranks by NCCL as rank ", host_->rank()));
    return absl::OkStatus();
  }

  int rank() const override { return host_->rank(); }
  int size() const override { return host_->size(); }

  void StartSum(float* values, int64_t count) override {
    Keep(Start([&]() -> absl::Status {
      NCCL_RETURN_IF_ERROR(ncclAllReduce(values, values, static_cast<size_t>(count), ncclFloat32, ncclSum,
                                         communicator_, stream_.handle()),
                           absl::StrCat("summing ", count, " gradients over the ranks"));
      return absl::OkStatus();
    }));
  }

  void StartGather(const float* values, int64_t count, float* all) override {
    Keep(Start([&]() -> absl::Status {
      NCCL_RETURN_IF_ERROR(
          ncclAllGather(values, all, static_cast<size_t>(count), ncclFloat32, communicator_, stream_.handle()),
          absl::StrCat("gathering ", count, " numbers of each rank"));
      return absl::OkStatus();
    }));
  }

  absl::Status Wait() override {
    RETURN_IF_ERROR(status_);
    RETURN_IF_ERROR(done_.Record(stream_.handle()));
    RETURN_IF_ERROR(done_.HoldBack(context_->stream().handle()));
    ncclResult_t found = ncclSuccess;  // by NCCL's own threads: a rank that is gone, a broken connection
    NCCL_RETURN_IF_ERROR(ncclCommGetAsyncError(communicator_, &found), "asking NCCL for errors");
    NCCL_RETURN_IF_ERROR(found, "exchanging gradients");
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<std::string>> GatherTexts(const std::string& text) override {
    return host_->GatherTexts(text);
  }

  void Abort(const absl::Status& why) override { host_->Abort(why); }

 private:
  // Runs QUEUE with the stream behind what the context's stream has so far.
  template <typename Queue>
  absl::Status Start(const Queue& queue) {
    RETURN_IF_ERROR(queued_.Record(context_->stream().handle()));
    RETURN_IF_ERROR(queued_.HoldBack(stream_.handle()));
    return queue();
  }
  // The first error is what Wait() tells.
  void Keep(absl::Status status) {
    if (status_.ok()) status_ = std::move(status);
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
