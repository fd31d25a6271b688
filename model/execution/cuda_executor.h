// Runs a network on a CUDA device: forward, and backward for training, at one input shape. executor.h is the same for
// the CPU, and the reference. Without --config=cuda there is no CudaContext, and so no CudaExecutor.
#ifndef HARDFACE_MODEL_EXECUTION_CUDA_EXECUTOR_H_
#define HARDFACE_MODEL_EXECUTION_CUDA_EXECUTOR_H_

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/cuda/cuda_context.h"
#include "model/cuda/cuda_memory.h"
#include "model/cuda/device_parameters.h"
#include "model/cuda/precision.h"
#include "model/cuda/recorded_work.h"
#include "model/detectors/network.h"
#include "model/ops/conv2d_cuda.h"
#include "model/ops/device_ops.h"
#include "model/ops/tensor.h"

namespace hardface::model {

// What executors of one network share: they run one at a time on one stream, so their activations lie in the same
// memory; a layer's weights exist once.
struct CudaExecutorResources {
  explicit CudaExecutorResources(std::shared_ptr<CudaContext> device) : context(std::move(device)) {}

  // Makes arena and workspace at least so large. What moves is counted: recorded graphs hold addresses.
  absl::Status Reserve(int64_t arena_bytes, int64_t workspace_bytes);
  // Gives arena and workspace back; executors get new ones at their next Bind().
  absl::Status Release();
  // Bytes of device memory held.
  int64_t bytes() const;

  const std::shared_ptr<CudaContext> context;
  std::map<std::string, std::shared_ptr<DeviceConvWeights>> weights;  // by LayerSpec::parameters
  std::map<std::string, DeviceMemory> scales;                         // of the L2 norms, by the same
  DeviceMemory packed;                                                // what lies where (PackAll), once it is asked for
  DeviceMemory arena;                                                 // activations
  DeviceMemory workspace;                                             // of the convolutions
  int64_t moves = 0;
};

struct CudaExecutorOptions {
  bool training = false;
  Precision precision = Precision::kBf16;
  bool deterministic = true;  // the same bits at every run
  // Launch as one graph what comes again: of inference the network, from the second Forward() on; of training what
  // Run() is given.
  bool record_graph = true;
  int64_t max_workspace = kMaxConvWorkspace;  // bytes, of a convolution
  // Of training: parts without gradients.
  std::function<bool(NetworkPart)> frozen = [](NetworkPart) { return false; };
  std::shared_ptr<CudaExecutorResources> resources = nullptr;  // needed
};

// The plan for one input shape. Outputs and their gradients are fp32 in the plain layout (N, C, H, W), in device
// memory, whatever the precision. Nothing is allocated after the first run. All calls queue work on the context's
// stream and return before it is done. Not thread-safe.
class CudaExecutor {
 public:
  // NETWORK is copied. INPUT (N, 3, H, W). ResourceExhausted when the device has too little memory, naming the need.
  static absl::StatusOr<std::unique_ptr<CudaExecutor>> Create(const NetworkSpec& network, const Shape& input,
                                                              const CudaExecutorOptions& options);

  // activation_bytes() of such an executor; needs no device, and no resources among the OPTIONS.
  static absl::StatusOr<int64_t> ActivationBytes(const NetworkSpec& network, const Shape& input,
                                                 const CudaExecutorOptions& options);

  // Packs PARAMETERS (all of the network's) for cuDNN; call again after an update. Executors that share resources share
  // the weights.
  absl::Status SetParameters(const DeviceParameters& parameters);

  // With shared resources: call before each use, since another executor may have moved the memory. From then to the
  // last access of outputs or gradients, no other may run.
  absl::Status Bind();

  // Where to write the image before Forward(). The filling channels must be zero.
  const DeviceTensor& input() const { return buffers_[0]; }
  absl::Status Forward();
  // Whether the next Forward() launches a recorded graph; of training, a Run() of the same key as one before.
  bool recorded() const;
  // A network output after Forward(): block 1, DATA in device memory. Valid until the next Forward().
  TensorView output(const std::string& name) const;

  // Training: the gradient of the loss with respect to an output, device memory, to be filled between Forward() and
  // Backward(); zeros after Forward().
  TensorView output_gradient(const std::string& name) const;
  // Adds LOSS_SCALE times every parameter's gradient to GRADIENTS; frozen parts are left alone. COMPLETE, where given,
  // is called with each layer's parameter name ("conv4_1", of .weight and .bias) once all work that adds to them has
  // been queued.
  absl::Status Backward(float loss_scale, const DeviceParameters& gradients,
                        const std::function<absl::Status(const std::string& layer)>& complete = nullptr);

  // Queues WORK, which calls Forward() and Backward() and queues what else the caller does at this shape, and which is
  // recorded as a graph where it comes often (RecordedWork says what it may do). KEY stands for all that decides what
  // it queues, the addresses of the caller's memory included; this executor's own are looked after.
  absl::Status Run(const std::vector<int64_t>& key, const std::function<absl::Status()>& work);

  // Bytes of activations and gradients (weights and workspace come on top).
  int64_t activation_bytes() const { return arena_bytes_; }
  int64_t workspace_bytes() const { return workspace_bytes_; }
  const CudaExecutorResources& resources() const { return *resources_; }

 private:
  struct Step {
    LayerSpec layer;
    std::vector<int> inputs;  // buffer indices
    int output = -1;
    int input_gradients[2] = {-1, -1};  // buffer indices; -1 where no gradient is wanted
    int output_gradient = -1;
    bool needs_weight_gradient = false;
    bool completes_gradient = false;  // no earlier layer shares its parameters
    std::unique_ptr<Conv2dCuda> conv;
    std::shared_ptr<DeviceConvWeights> weights;
  };
  struct NetworkOutput {
    int layer_buffer = -1, layer_gradient = -1;  // indices of buffers_
    int plain = -1, plain_gradient = -1;         // indices of plain_
  };
  // fp32 in the plain layout.
  struct PlainBuffer {
    Shape shape;
    float* data = nullptr;
    int place = 0;  // index of offsets_
  };
  class Builder;

  CudaExecutor() = default;
  CudaStreamHandle stream() const { return resources_->context->stream().handle(); }
  absl::Status ForwardSteps();
  absl::Status ForwardStep(const Step& step);
  absl::Status BackwardStep(const Step& step, const DeviceParameters& gradients);
  // Runs OPERATION into the gradient buffer, or into scratch and adds when another user of the tensor wrote it before.
  absl::Status AccumulateInto(int buffer, const std::function<absl::Status(const DeviceTensor&)>& operation);

  std::vector<Step> steps_;
  std::map<std::string, NetworkOutput> outputs_;
  std::shared_ptr<CudaExecutorResources> resources_;
  std::vector<DeviceTensor> buffers_;  // into the arena; [0] is the input
  std::vector<PlainBuffer> plain_;     // into the arena
  std::vector<int> places_;            // of buffers_: index of offsets_
  int scratch_place_ = -1;
  std::vector<int64_t> offsets_;  // bytes into the arena
  int64_t arena_bytes_ = 0, workspace_bytes_ = 0;
  std::vector<bool> gradient_written_;
  bool training_ = false, record_graph_ = false;
  int64_t bound_moves_ = -1;  // CudaExecutorResources::moves when the addresses were taken
  RecordedWork forward_;
  std::map<std::vector<int64_t>, RecordedWork> works_;  // of Run()
};

// How often a step of training is queued call by call before it is recorded: recording costs about as much as queueing
// it, and crops of varied sizes make many shapes that come once or twice.
inline constexpr int kRunsBeforeTraining = 3;

// Executors of one network for several input shapes, which share weights and memory.
class CudaExecutorCache {
 public:
  // OPTIONS with resources.
  CudaExecutorCache(NetworkSpec network, CudaExecutorOptions options)
      : network_(std::move(network)), options_(std::move(options)) {}

  // The executor for SHAPE, bound. VERSION tells whether PARAMETERS have changed since the last call; start at 0 and
  // count up. The pointer is valid until the next call.
  absl::StatusOr<CudaExecutor*> Get(const Shape& shape, const DeviceParameters& parameters, int64_t version);

  // Whether Get(SHAPE) need make no executor, for which engines may be timed.
  bool Has(const Shape& shape) const;

  const CudaExecutorResources& resources() const { return *options_.resources; }

 private:
  struct Entry {
    Shape shape;
    std::unique_ptr<CudaExecutor> executor;
  };
  // SetParameters() of any executor by one launch; after it has been called once.
  absl::Status PackAgain(const DeviceParameters& parameters);

  const NetworkSpec network_;
  const CudaExecutorOptions options_;
  int64_t version_ = -1;
  std::list<Entry> entries_;  // most recently used first
};

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_EXECUTION_CUDA_EXECUTOR_H_
