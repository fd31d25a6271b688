// Turns failures of NCCL calls into absl::Status, as cuda_status.h does those of CUDA; apart from it so that what needs
// no NCCL does not load it. For sources built with CUDA only.
#ifndef HARDFACE_MODEL_CUDA_NCCL_STATUS_H_
#define HARDFACE_MODEL_CUDA_NCCL_STATUS_H_

#include <nccl.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "model/cuda/cuda_status.h"

namespace hardface::model {

inline absl::Status NcclStatus(ncclResult_t error, const CallSite& site) {
  if (error == ncclSuccess) return absl::OkStatus();
  const char* const detail = ncclGetLastError(nullptr);
  return absl::InternalError(absl::StrCat(site.operation, ": ", ncclGetErrorString(error), ": ",
                                          detail == nullptr ? "" : detail, " (", site.file, ":", site.line,
                                          "); NCCL_DEBUG=INFO shows what NCCL was doing"));
}

#define NCCL_RETURN_IF_ERROR(expression, operation) \
  HARDFACE_DEVICE_RETURN_IF_ERROR(::hardface::model::NcclStatus, expression, operation)

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_CUDA_NCCL_STATUS_H_
