// Runs a network on the CPU: forward, and backward for training, at one input shape.
#ifndef HARDFACE_MODEL_EXECUTOR_H_
#define HARDFACE_MODEL_EXECUTOR_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/network.h"
#include "model/ops/conv2d.h"
#include "model/parameters.h"
#include "model/tensor.h"

namespace hardface {

struct ExecutorOptions {
  bool training = false;
  Conv2dEngine engine = Conv2dEngine::kFastest;
  // Of training: parts without gradients (conv1_* and conv2_* of an ImageNet network are frozen).
  std::function<bool(NetworkPart)> frozen = [](NetworkPart) { return false; };
};

// Owns activations, gradients of activations and workspace for one input shape; memory is planned once, nothing is
// allocated afterwards. Not thread-safe; a call uses all OpenMP threads.
class Executor {
 public:
  // NETWORK is copied. INPUT (N, 3, H, W).
  static absl::StatusOr<std::unique_ptr<Executor>> Create(const NetworkSpec& network, const Shape& input,
                                                          const ExecutorOptions& options);

  // Takes over the values of PARAMETERS (all of the network's; checked by CheckParameters); call again after an update.
  void SetParameters(const ParameterSet& parameters);

  // Where to write the image before Forward(): (N, 3, H, W), block 1.
  TensorView input() const { return buffers_[0]; }
  void Forward();
  // A network output after Forward(): block 1. Valid until the next Forward().
  TensorView output(const std::string& name) const;

  // Training: the gradient of the loss with respect to an output, to be filled between Forward() and Backward(); zeros
  // after Forward().
  TensorView output_gradient(const std::string& name) const;
  // Adds every parameter's gradient to GRADIENTS; frozen parts are left alone.
  void Backward(ParameterSet* gradients);

  // Bytes of activations, gradients and converted layouts (weights and the convolutions' own workspace come on top).
  int64_t activation_bytes() const { return arena_.size() * static_cast<int64_t>(sizeof(float)); }

  // Debugging and tests: any layer's output after Forward(), where its memory has not been reused (training keeps all).
  Tensor LayerOutput(const std::string& name) const;

 private:
  struct Step {
    LayerSpec layer;
    std::vector<int> inputs;  // buffer indices
    int output = -1;
    int input_gradients[2] = {-1, -1};  // buffer indices; -1 where no gradient is wanted
    int output_gradient = -1;
    bool needs_weight_gradient = false;
    std::unique_ptr<Conv2d> conv;
  };
  struct NetworkOutput {
    int layer_buffer, plain_buffer, plain_gradient = -1, layer_gradient = -1;
  };

  Executor() = default;
  void ForwardStep(const Step& step);
  void BackwardStep(const Step& step, ParameterSet* gradients);
  // Runs OPERATION into the gradient buffer, or into scratch and adds when another user of the tensor wrote it before.
  void AccumulateInto(int buffer, const std::function<void(const TensorView&)>& operation);

  std::vector<Step> steps_;
  std::map<std::string, NetworkOutput> outputs_;
  std::map<std::string, int> layer_buffers_;
  std::vector<TensorView> buffers_;  // into arena_; [0] is the input
  std::vector<bool> gradient_written_;
  int scratch_ = -1;
  AlignedBuffer arena_;
};

}  // namespace hardface

#endif  // HARDFACE_MODEL_EXECUTOR_H_
