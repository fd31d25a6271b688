// NCCL between emulated devices (model/cuda/emulation), whose memory is the host's: a host communicator does it all, in
// a stream beside the context's, as NCCL does.
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "model/cuda/cuda_context.h"
#include "model/cuda/cuda_memory.h"
#include "model/cuda/emulation/emulation.h"
#include "train/ranks/await.h"
#include "train/ranks/nccl_communicator.h"
#include "train/ranks/rank_device.h"

namespace hardface::train {
namespace {

class EmulatedNccl : public Communicator {
 public:
  EmulatedNccl(std::shared_ptr<model::CudaContext> context, Communicator* host)
      : context_(std::move(context)), host_(host) {}

  absl::Status Join() {
    RETURN_IF_ERROR(context_->MakeCurrent());
    ASSIGN_OR_RETURN(stream_, model::CudaStream::Create());
    ASSIGN_OR_RETURN(queued_, model::CudaEvent::Create(/*timed=*/false));
    ASSIGN_OR_RETURN(done_, model::CudaEvent::Create(/*timed=*/false));
    ASSIGN_OR_RETURN(const std::vector<std::string> gpus, host_->GatherTexts(context_->device().id));
    return RequireOwnGpus(gpus);
  }

  int rank() const override { return host_->rank(); }
  int size() const override { return host_->size(); }
  double PatienceSeconds() const override { return host_->PatienceSeconds(); }
  void StartSum(float* values, int64_t count) override {
    Start([host = host_, values, count] {
      host->StartSum(values, count);
      return host->Wait();
    });
  }
  void StartGather(const float* values, int64_t count, float* all) override {
    Start([host = host_, values, count, all] {
      host->StartGather(values, count, all);
      return host->Wait();
    });
  }
  absl::Status Wait() override {
    RETURN_IF_ERROR(status_);
    RETURN_IF_ERROR(done_.Record(stream_.handle()));
    RETURN_IF_ERROR(Await([this] { return done_.Reached(); }, [] { return absl::OkStatus(); }, PatienceSeconds(),
                          "exchanging gradients"));
    return done_.HoldBack(context_->stream().handle());
  }
  absl::StatusOr<std::vector<std::string>> GatherTexts(const std::string& text) override {
    return host_->GatherTexts(text);
  }
  void Abort(const absl::Status& why) override { host_->Abort(why); }

 private:
  void Start(std::function<absl::Status()> work) {
    const absl::Status started = [&] {
      RETURN_IF_ERROR(queued_.Record(context_->stream().handle()));
      RETURN_IF_ERROR(queued_.HoldBack(stream_.handle()));
      return model::QueueEmulated(stream_.handle(), std::move(work));
    }();
    if (status_.ok()) status_ = started;
  }

  const std::shared_ptr<model::CudaContext> context_;
  Communicator* const host_;
  model::CudaStream stream_;
  model::CudaEvent queued_, done_;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Communicator>> JoinNccl(std::shared_ptr<model::CudaContext> context,
                                                       Communicator* host) {
  auto communicator = std::make_unique<EmulatedNccl>(std::move(context), host);
  RETURN_IF_ERROR(communicator->Join());
  return communicator;
}

}  // namespace hardface::train
