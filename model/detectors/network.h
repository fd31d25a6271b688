// The description of a network: layers, shapes and parameter names. Plain data; executor.h runs it on a device.
#ifndef HARDFACE_MODEL_DETECTORS_NETWORK_H_
#define HARDFACE_MODEL_DETECTORS_NETWORK_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/ops/conv2d_spec.h"
#include "model/ops/tensor.h"

namespace hardface::model {

enum class LayerKind {
  kInput,     // the image: (N, 3, H, W)
  kConv2d,    // convolution, optional ReLU
  kMaxPool,   // 2x2, stride 2
  kUpsample,  // bilinear, x2
  kConcat,    // of two inputs along the channels
  // Those below are run, not trained (CheckTrainable).
  kL2Norm,    // across the channels, with a learnt scale for each (l2_norm.h)
  kAdd,       // of two inputs, optional ReLU
  kMultiply,  // of two inputs, number by number
  kMaxOut,    // the largest of several logits for each class (max_out.h)
};

// In words: "max pool".
const char* KindName(LayerKind kind);

// What a parameter belongs to: training gives each part its own learning rate (method.md section 2; paper section 4).
enum class NetworkPart { kEarly, kBody, kHead };  // conv1_* and conv2_*; all else before the heads; the heads

struct LayerSpec {
  std::string name;
  LayerKind kind = LayerKind::kInput;
  std::vector<std::string> inputs = {};  // names of earlier layers

  // Of kConv2d only, but for relu, which is of kAdd, too.
  int out_channels = 0;
  int kernel = 3;
  int dilation = 1;
  bool relu = true;
  // Name of the weight and bias, "PARAMETERS.weight" and "PARAMETERS.bias"; several layers may share them. Of kL2Norm
  // the scales, "PARAMETERS.weight".
  std::string parameters = {};
  NetworkPart part = NetworkPart::kBody;
  int stride = 1;
  int padding = -1;  // zeros around the input; -1 = "same"

  // Of kMaxOut: the logits of each class.
  int background_logits = 1, face_logits = 1;
  // Of kL2Norm: what its scales are before training.
  float initial_scale = 1;

  // Of kConv2d, for an input of so many channels.
  Conv2dSpec convolution(int in_channels) const {
    return {in_channels, out_channels, kernel, dilation, relu, stride, padding};
  }
};

// Layers in an order in which each one's inputs come before it; the first is the kInput.
struct NetworkSpec {
  std::vector<LayerSpec> layers;
  std::vector<std::string> outputs;
};

struct ParameterSpec {
  std::string name;       // "conv1_1.weight"
  std::vector<int> dims;  // (out, in, kernel, kernel) of a weight, (out) of a bias or of scales
  NetworkPart part = NetworkPart::kBody;
  bool bias = false;
  float fill = 0;  // its values before training where they are not random; 0: random for a weight, zero for a bias

  int64_t size() const;
};

// The output shape of every layer for an input of (n, 3, h, w). InvalidArgument, naming the layer, when a pool would
// meet an odd size, the inputs of a layer do not fit together or nothing is left of a map.
absl::StatusOr<std::map<std::string, Shape>> InferShapes(const NetworkSpec& network, const Shape& input);

// How far, in image pixels, an output's value may depend on the image around the pixels it stands for (an
// upper bound). Parts of an image that overlap by that much give the outputs of the whole.
int ReceptiveRadius(const NetworkSpec& network);

// OK where every layer has a backward step; else Unimplemented, naming the first that has none.
absl::Status CheckTrainable(const NetworkSpec& network);

// Every parameter once, in the order of first use.
std::vector<ParameterSpec> ListParameters(const NetworkSpec& network);

// Multiply-adds of the convolutions for that input, counted directly (not as Winograd does them), times 2.
absl::StatusOr<double> CountFlops(const NetworkSpec& network, const Shape& input);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_DETECTORS_NETWORK_H_
