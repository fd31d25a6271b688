#include "model/cuda/cuda_status.h"

#include "absl/strings/str_cat.h"

namespace hardface::model {
namespace {

std::string Message(const CallSite& site, const std::string& error, const std::string& remedy) {
  return absl::StrCat(site.operation, ": ", error, " (", site.file, ":", site.line, ")", remedy.empty() ? "" : "; ",
                      remedy);
}

std::string RemedyOf(cudaError_t error) {
  switch (error) {
    case cudaErrorMemoryAllocation:
      return "use a smaller --pyramid, --precision=bf16, or a device with more memory";
    case cudaErrorInsufficientDriver:
      return absl::StrCat("the NVIDIA driver is missing or older than CUDA ", CUDART_VERSION / 1000, ".",
                          CUDART_VERSION % 1000 / 10, "; install a newer one, or use --device=cpu");
    case cudaErrorNoDevice:
      return "this machine shows no GPU (is it passed into the container, does CUDA_VISIBLE_DEVICES hide it?); "
             "--device=cpu works without";
    case cudaErrorInvalidDevice:
      return "give --device=cuda:N with an N below the number of GPUs";
    case cudaErrorNoKernelImageForDevice:
      return "this program holds code for compute capability 8.0 and newer only";
    case cudaErrorIllegalAddress:
    case cudaErrorMisalignedAddress:
    case cudaErrorLaunchFailure:
      return "a bug of this program: compute-sanitizer names the kernel";
    default:
      return "";
  }
}

}  // namespace

absl::Status CudaStatus(cudaError_t error, const CallSite& site) {
  if (error == cudaSuccess) return absl::OkStatus();
  cudaGetLastError();  // told here: the check of the next launch must not find it again
  const std::string message =
      Message(site, absl::StrCat(cudaGetErrorString(error), " [", cudaGetErrorName(error), "]"), RemedyOf(error));
  switch (error) {
    case cudaErrorMemoryAllocation:
      return absl::ResourceExhaustedError(message);
    case cudaErrorInsufficientDriver:
    case cudaErrorNoDevice:
    case cudaErrorInvalidDevice:
    case cudaErrorNoKernelImageForDevice:
      return absl::FailedPreconditionError(message);
    default:
      return absl::InternalError(message);
  }
}

absl::Status CudnnStatus(cudnnStatus_t error, const CallSite& site) {
  if (error == CUDNN_STATUS_SUCCESS) return absl::OkStatus();
  cudaGetLastError();  // what failed inside cuDNN is told here, too
  char detail[512] = "";
  cudnnGetLastErrorString(detail, sizeof detail);
  const std::string text =
      absl::StrCat(cudnnGetErrorString(error), detail[0] == '\0' ? "" : ": ", static_cast<const char*>(detail));
  if (error == CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED ||
      error == CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED) {
    return absl::ResourceExhaustedError(Message(site, text, RemedyOf(cudaErrorMemoryAllocation)));
  }
  if (error == CUDNN_STATUS_NOT_INITIALIZED) {
    return absl::FailedPreconditionError(
        Message(site, text, "is there a GPU and a driver for it? --device=cpu works without"));
  }
  return absl::InternalError(Message(site, text, ""));
}

}  // namespace hardface::model
