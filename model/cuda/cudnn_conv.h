// Convolutions through cuDNN's graph API (its C "backend"; cuDNN 9): builds the graph of one convolution with bias and
// ReLU, asks the heuristics for engines, and makes execution plans of an engine and its knobs. Sources built with CUDA
// only; conv_planner.h chooses.
//
// Plans can also be made for a device that is only described, so that a machine without a GPU can tell whether cuDNN
// has engines for all that the detectors ask for (cudnn_conv_test.cc does).
#ifndef HARDFACE_MODEL_CUDA_CUDNN_CONV_H_
#define HARDFACE_MODEL_CUDA_CUDNN_CONV_H_

#include <cudnn.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/cuda/conv_plan.h"

namespace hardface::model {

// Owns a backend descriptor.
class CudnnDescriptor {
 public:
  static absl::StatusOr<CudnnDescriptor> Create(cudnnBackendDescriptorType_t type);

  cudnnBackendDescriptor_t get() const { return descriptor_.get(); }
  absl::Status Set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t count,
                   const void* values);
  absl::Status SetInt64(cudnnBackendAttributeName_t name, const std::vector<int64_t>& values);
  absl::Status SetDescriptor(cudnnBackendAttributeName_t name, const CudnnDescriptor& descriptor);
  absl::Status Finalize();

 private:
  struct Destroy {
    void operator()(cudnnBackendDescriptor_t descriptor) const { cudnnBackendDestroyDescriptor(descriptor); }
  };
  std::unique_ptr<void, Destroy> descriptor_;
};

// The device that plans are made for: a handle's, or one that is only described, whose plans cannot be run.
struct CudnnTarget {
  cudnnHandle_t handle = nullptr;
  std::shared_ptr<const CudnnDescriptor> description;  // where there is no handle
};
// From a device's properties in cuDNN's JSON form.
absl::StatusOr<CudnnTarget> DescribeDevice(const std::string& json);

// cuDNN as a library of convolutions; plans run in the stream of TARGET's handle, which must outlive the library.
std::unique_ptr<ConvLibrary> MakeCudnnLibrary(const CudnnTarget& target);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_CUDA_CUDNN_CONV_H_
