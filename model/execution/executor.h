// Runs a network on the CPU: forward, and backward for training, at one input shape.
#ifndef HARDFACE_MODEL_EXECUTION_EXECUTOR_H_
#define HARDFACE_MODEL_EXECUTION_EXECUTOR_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/detectors/network.h"
#include "model/ops/conv2d.h"
#include "model/ops/tensor.h"
#include "model/ops/workspace.h"
#include "model/weights/parameters.h"

namespace hardface::model {

// What executors of one network share. They run one at a time, so their activations lie in the same memory; a layer's
// packed weights exist once. Not thread-safe.
struct ExecutorResources {
  std::map<std::string, std::shared_ptr<ConvWeights>> weights;  // by LayerSpec::parameters
  std::map<std::string, const float*> scales;                   // of the L2 norms, by the same
  std::shared_ptr<Workspace> workspace = std::make_shared<Workspace>();
  Workspace arena;  // activations

  // Bytes of all memory held.
  int64_t bytes() const;
};

struct ExecutorOptions {
  bool training = false;
  Conv2dEngine engine = Conv2dEngine::kFastest;
  // Of training: parts without gradients (conv1_* and conv2_* of an ImageNet network are frozen).
  std::function<bool(NetworkPart)> frozen = [](NetworkPart) { return false; };
  std::shared_ptr<ExecutorResources> resources = nullptr;  // null: the executor has its own
  // Of inference: large maps that only the next convolution reads are computed in strips, for less memory and the same
  // bits. How many rows a strip has depends on the number of threads.
  bool strips = true;
};

// The plan for one input shape: layers, buffers and their places in memory. In inference, pooling is computed by the
// convolution before it where its engine can, and what only the pooling reads is never written. Nor are large maps that
// only the next convolution reads: the two are computed in strips (Conv2d::ForwardAfter). Nothing is allocated after
// the first run. Not thread-safe; a call uses all OpenMP threads.
class Executor {
 public:
  // NETWORK is copied. INPUT (N, 3, H, W).
  static absl::StatusOr<std::unique_ptr<Executor>> Create(const NetworkSpec& network, const Shape& input,
                                                          const ExecutorOptions& options);

  // Refers to the values of PARAMETERS (all of the network's; checked by CheckParameters), which must stay where they
  // are; call again after an update.
  void SetParameters(const ParameterSet& parameters);

  // With shared resources: call before each use (the first time, too), since another executor may have run, or moved
  // the memory. From then to the last access of outputs or gradients, no other may run.
  void Bind();

  // Where to write the image before Forward(): (N, 3, H, W), block 1.
  TensorView input() const { return buffers_[0]; }
  // AFTER, where given, is called when a layer's outputs are there, with the layer's convolution where it is one: to
  // time layers. Of two that are computed in strips it is called for the second only.
  using LayerObserver = std::function<void(const LayerSpec& layer, const Conv2d* convolution)>;
  void Forward(const LayerObserver& after = nullptr);
  // A network output after Forward(): block 1. Valid until the next Forward().
  TensorView output(const std::string& name) const;

  // Training: the gradient of the loss with respect to an output, to be filled between Forward() and Backward(); zeros
  // after Forward().
  TensorView output_gradient(const std::string& name) const;
  // Adds every parameter's gradient to GRADIENTS; frozen parts are left alone. COMPLETE, where given, is called with
  // each layer's parameter name ("conv4_1", of .weight and .bias) once nothing more is added to them: then they can be
  // sent away while the rest is computed.
  void Backward(ParameterSet* gradients, const std::function<void(const std::string& layer)>& complete = nullptr);

  // Bytes of activations, gradients and converted layouts (weights and the convolutions' workspace come on top).
  int64_t activation_bytes() const { return arena_floats_ * static_cast<int64_t>(sizeof(float)); }
  const ExecutorResources& resources() const { return *resources_; }

  // Debugging and tests: a layer's output after Forward(), where it is written and its memory has not been reused
  // (training writes and keeps all).
  Tensor LayerOutput(const std::string& name) const;

 private:
  struct Step {
    LayerSpec layer;
    std::vector<int> inputs;            // buffer indices
    int output = -1;                    // -1: not written, since only the fused pooling reads it
    int pooled = -1;                    // of a convolution that also pools
    int input_gradients[2] = {-1, -1};  // buffer indices; -1 where no gradient is wanted
    int output_gradient = -1;
    bool needs_weight_gradient = false;
    bool completes_gradient = false;  // no earlier layer shares its parameters
    std::unique_ptr<Conv2d> conv;
    std::unique_ptr<Conv2d> before;  // computed in strips with CONV, which reads it; INPUTS are its inputs
    int window = -1;                 // the strip's buffer
  };
  struct NetworkOutput {
    int layer_buffer, plain_buffer, plain_gradient = -1, layer_gradient = -1;
  };

  struct BufferList;

  Executor() = default;
  // Has STEP, whose time is TIME, compute the last step, too, in strips, where that is possible.
  void TakeLastStep(const NetworkSpec& network, int time, Step* step, BufferList* buffers);
  void ForwardStep(const Step& step);
  void BackwardStep(const Step& step, ParameterSet* gradients);
  // Runs OPERATION into the gradient buffer, or into scratch and adds when another user of the tensor wrote it before.
  void AccumulateInto(int buffer, const std::function<void(const TensorView&)>& operation);

  std::vector<Step> steps_;
  std::map<std::string, NetworkOutput> outputs_;
  std::map<std::string, int> layer_buffers_;
  std::shared_ptr<ExecutorResources> resources_;
  std::vector<TensorView> buffers_;  // into the arena; [0] is the input
  std::vector<int64_t> offsets_;     // of each, floats
  int64_t arena_floats_ = 0;
  std::vector<bool> gradient_written_;
  int scratch_ = -1;
};

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_EXECUTION_EXECUTOR_H_
