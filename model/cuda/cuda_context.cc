#include "model/cuda/cuda_context.h"

#include <cuda_runtime_api.h>
#include <cudnn.h>
#include <dlfcn.h>

#include <memory>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/read_file.h"
#include "base/status_macros.h"
#include "model/cuda/conv_timer.h"
#include "model/cuda/cuda_device.h"
#include "model/cuda/cuda_memory.h"
#include "model/cuda/cuda_status.h"
#include "model/cuda/cudnn_conv.h"

namespace hardface::model {
namespace {

// What a driver offers to cuDNN's engines depends on its version.
std::string DriverVersion() {
  constexpr char kPath[] = "/sys/module/nvidia/version";
  const auto text = ReadFile(kPath);
  if (text.ok()) return std::string(absl::StripAsciiWhitespace(*text));
  int version = 0;
  return cudaDriverGetVersion(&version) == cudaSuccess ? absl::StrCat("for CUDA ", version) : "unknown";
}

// cuDNN loads the runtime compiler itself, and has fewer engines where there is none.
std::string NvrtcVersion() {
  const std::string name = absl::StrCat("libnvrtc.so.", CUDART_VERSION / 1000);
  void* const library = dlopen(name.c_str(), RTLD_LAZY | RTLD_LOCAL);
  if (library == nullptr) return "none";
  int major = 0, minor = 0;
  const auto version = reinterpret_cast<int (*)(int*, int*)>(dlsym(library, "nvrtcVersion"));
  const bool known = version != nullptr && version(&major, &minor) == 0;
  dlclose(library);
  return known ? absl::StrCat(major, ".", minor) : "unknown";
}

}  // namespace

absl::StatusOr<std::shared_ptr<CudaContext>> CudaContext::Create(const CudaContextOptions& options) {
  std::shared_ptr<CudaContext> context(new CudaContext);
  context->index_ = options.device;
  ASSIGN_OR_RETURN(context->device_, DescribeCudaDevice(options.device));
  if (context->device_.compute_major < 8) {
    return absl::FailedPreconditionError(absl::StrCat(
        "cuda:", options.device, " (", context->device_.name, ") has compute capability ",
        context->device_.compute_major, ".", context->device_.compute_minor, "; 8.0 is the least that is supported"));
  }
  RETURN_IF_ERROR(context->MakeCurrent());
  ASSIGN_OR_RETURN(context->stream_, CudaStream::Create());
  CUDNN_RETURN_IF_ERROR(cudnnCreate(&context->cudnn_), "starting cuDNN");
  CUDNN_RETURN_IF_ERROR(cudnnSetStream(context->cudnn_, context->stream_.handle()), "giving cuDNN its stream");
  context->plan_cache_ = PlanCache::Shared(options.plan_cache);
  const std::string prefix =
      absl::StrCat(context->device_.name, " ", context->device_.multiprocessors, " SMs, driver ", DriverVersion(),
                   ", cuDNN ", cudnnGetVersion(), ", NVRTC ", NvrtcVersion(), ": ");
  const CudaStream& stream = context->stream_;
  context->planner_ = std::make_unique<ConvPlanner>(
      MakeCudnnLibrary({context->cudnn_, nullptr}),
      [&stream](const ConvProblem& problem) { return MakeConvTimer(problem, stream); }, context->plan_cache_, prefix);
  return context;
}

void CudaContext::SavePlans() { plan_cache_->Save(); }

CudaContext::~CudaContext() {
  if (cudnn_ == nullptr) return;
  planner_.reset();       // its library uses the handle
  cudaSetDevice(index_);  // the destroying thread may be on another
  cudnnDestroy(cudnn_);
}

absl::Status CudaContext::MakeCurrent() const {
  CUDA_RETURN_IF_ERROR(cudaSetDevice(index_), absl::StrCat("choosing cuda:", index_));
  return absl::OkStatus();
}

}  // namespace hardface::model
