// Convolutions through cuDNN's graph API (its C "backend"; cuDNN 9): builds the graph of one convolution with bias and
// ReLU, asks the heuristics for engines and makes execution plans. Sources built with CUDA only; conv2d_cuda.h times
// the plans and chooses.
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
#include "model/cuda/precision.h"

namespace hardface::model {

enum class ConvPass {
  kForward,          // y = conv(x, w)
  kForwardBias,      // y = conv(x, w) + b
  kForwardBiasRelu,  // y = max(conv(x, w) + b, 0)
  kBackwardData,     // dx from dy and w
  kBackwardWeights,  // dw from x and dy
};

// "Same" convolution of stride 1. Tensors are dense NHWC, weights (out, kernel, kernel, in), all of the precision's
// element type; sums, bias and ReLU are computed in fp32. Channel counts are stored ones.
struct ConvProblem {
  ConvPass pass = ConvPass::kForward;
  Precision precision = Precision::kFp32;
  int n = 0, h = 0, w = 0;
  int in_channels = 0, out_channels = 0;
  int kernel = 3;
  int dilation = 1;
  bool deterministic = true;  // the same bits at every run

  std::string ToString() const;  // unique; the key under which a choice is remembered
};

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

// A way to compute a problem.
struct ConvEngine {
  std::shared_ptr<const CudnnDescriptor> config;
  std::string name;  // "a3:engine57": heuristic mode, place in its list, engine; the same on every run with one cuDNN
};

// One convolution made ready for one engine. Execute is not thread-safe.
class ConvPlan {
 public:
  // Compiles kernels where the engine does so. Unimplemented when the engine cannot do it after all.
  static absl::StatusOr<std::unique_ptr<ConvPlan>> Create(const ConvEngine& engine, const CudnnTarget& target);

  int64_t workspace_bytes() const { return workspace_bytes_; }

  // Device pointers, 16-byte aligned: forward x, w, y (and b); backward data dy, w, dx; backward weights x, dy, dw.
  // WORKSPACE has workspace_bytes(). Runs on the handle's stream.
  struct Pointers {
    const void* first = nullptr;
    const void* second = nullptr;
    const void* bias = nullptr;
    void* result = nullptr;

    bool operator==(const Pointers& o) const {
      return first == o.first && second == o.second && bias == o.bias && result == o.result;
    }
  };
  absl::Status Execute(cudnnHandle_t handle, const Pointers& pointers, void* workspace);

 private:
  ConvPlan(std::shared_ptr<const CudnnDescriptor> config, CudnnDescriptor plan, int64_t workspace_bytes)
      : config_(std::move(config)), plan_(std::move(plan)), workspace_bytes_(workspace_bytes) {}
  absl::Status PackPointers(const Pointers& pointers, void* workspace);

  const std::shared_ptr<const CudnnDescriptor> config_;  // outlives the plan, as in NVIDIA's front end
  const CudnnDescriptor plan_;
  const int64_t workspace_bytes_;
  // What the last call used: the executor calls with the same pointers again and again.
  std::unique_ptr<CudnnDescriptor> pack_;
  Pointers packed_;
  void* packed_workspace_ = nullptr;
};

// The engines that cuDNN proposes, best guess first, without those that break the precision's promises (fp32 on tensor
// cores, fp16 sums) or the determinism asked for. Empty when there is none, as for some fused graphs.
absl::StatusOr<std::vector<ConvEngine>> FindConvEngines(const ConvProblem& problem, const CudnnTarget& target);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_CUDA_CUDNN_CONV_H_
