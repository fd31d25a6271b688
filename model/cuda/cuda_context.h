// What everything that runs on one CUDA device shares: its stream, its cuDNN handle and the choice of convolutions'
// engines. No CUDA header is included here; without --config=cuda there is a stub.
#ifndef HARDFACE_MODEL_CUDA_CUDA_CONTEXT_H_
#define HARDFACE_MODEL_CUDA_CUDA_CONTEXT_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "model/cuda/conv_planner.h"
#include "model/cuda/cuda_device.h"
#include "model/cuda/cuda_memory.h"
#include "model/cuda/plan_cache.h"

struct cudnnContext;  // cudnnHandle_t points to it

namespace hardface::model {

struct CudaContextOptions {
  int device = 0;
  std::string plan_cache = PlanCache::DefaultPath();  // empty: engines are timed anew in every process
};

// One thread at a time. A thread that did not create the context calls MakeCurrent() first.
class CudaContext {
 public:
  // FailedPrecondition without CUDA, a driver or that device.
  static absl::StatusOr<std::shared_ptr<CudaContext>> Create(const CudaContextOptions& options);
  ~CudaContext();
  CudaContext(const CudaContext&) = delete;
  CudaContext& operator=(const CudaContext&) = delete;

  absl::Status MakeCurrent() const;

  const CudaDeviceInfo& device() const { return device_; }
  const CudaStream& stream() const { return stream_; }
  // Plans of convolutions, which run in stream().
  ConvPlanner& conv_planner() { return *planner_; }
  // Writes what the planner has chosen to the plan cache's file; to be called after a round of planning.
  void SavePlans();

 private:
  CudaContext() = default;

  int index_ = 0;
  CudaDeviceInfo device_;
  CudaStream stream_;
  cudnnContext* cudnn_ = nullptr;
  std::shared_ptr<PlanCache> plan_cache_;  // shared by this process's contexts
  std::unique_ptr<ConvPlanner> planner_;
};

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_CUDA_CUDA_CONTEXT_H_
