// NCCL where device memory is the host's (model/cuda/emulation): the host's communicator does it all.
#include <memory>
#include <string>
#include <vector>

#include "train/ranks/nccl_communicator.h"

namespace hardface::train {
namespace {

class EmulatedNccl : public Communicator {
 public:
  explicit EmulatedNccl(Communicator* host) : host_(host) {}
  int rank() const override { return host_->rank(); }
  int size() const override { return host_->size(); }
  void StartSum(float* values, int64_t count) override { host_->StartSum(values, count); }
  void StartGather(const float* values, int64_t count, float* all) override { host_->StartGather(values, count, all); }
  absl::Status Wait() override { return host_->Wait(); }
  absl::StatusOr<std::vector<std::string>> GatherTexts(const std::string& text) override {
    return host_->GatherTexts(text);
  }
  void Abort(const absl::Status& why) override { host_->Abort(why); }

 private:
  Communicator* const host_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Communicator>> JoinNccl(std::shared_ptr<model::CudaContext>, Communicator* host) {
  return std::make_unique<EmulatedNccl>(host);
}

}  // namespace hardface::train
