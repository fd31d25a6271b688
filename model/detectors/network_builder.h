// Makes the layer lists of the detectors.
#ifndef HARDFACE_MODEL_DETECTORS_NETWORK_BUILDER_H_
#define HARDFACE_MODEL_DETECTORS_NETWORK_BUILDER_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "model/detectors/network.h"

namespace hardface::model {

// Builds layer lists. Channel counts are those of full width; the divisor is applied here.
class NetworkBuilder {
 public:
  explicit NetworkBuilder(int width_divisor) : divisor_(width_divisor) {
    spec_.layers.push_back({"image", LayerKind::kInput, {}});
  }

  // Each returns the new layer's name.
  std::string Conv(const std::string& name, const std::string& input, int channels, int kernel = 3,
                   NetworkPart part = NetworkPart::kBody) {
    return AddConv(name, input, channels / divisor_, kernel, /*dilation=*/1, /*relu=*/true, name, part);
  }
  std::string Head(const std::string& name, const std::string& input, int channels, int dilation,
                   const std::string& parameters) {
    return AddConv(name, input, channels / divisor_, 3, dilation, /*relu=*/true, parameters, NetworkPart::kHead);
  }
  std::string Output(const std::string& name, const std::string& input, int channels) {
    spec_.outputs.push_back(name);
    return AddConv(name, input, channels, 1, /*dilation=*/1, /*relu=*/false, name, NetworkPart::kHead);
  }
  std::string Simple(const std::string& name, LayerKind kind, std::vector<std::string> inputs) {
    return Push({name, kind, std::move(inputs)});
  }

  // VGG16 (Simonyan and Zisserman, 2015) to conv5_3; returns nothing, layers have VGG's names.
  void AddVgg16() {
    const int counts[5] = {2, 2, 3, 3, 3}, channels[5] = {64, 128, 256, 512, 512};
    std::string last = "image";
    for (int stage = 1; stage <= 5; ++stage) {
      const NetworkPart part = stage <= 2 ? NetworkPart::kEarly : NetworkPart::kBody;
      for (int i = 1; i <= counts[stage - 1]; ++i) {
        last = Conv(absl::StrCat("conv", stage, "_", i), last, channels[stage - 1], 3, part);
      }
      if (stage < 5) last = Simple(absl::StrCat("pool", stage), LayerKind::kMaxPool, {last});
    }
  }

  // The stride-8 feature map: conv4_3 fused with the upsampled conv5_3.
  std::string AddFusedMap() {
    Conv("conv5_256", "conv5_3", 256, 1);
    Simple("conv5_256_up", LayerKind::kUpsample, {"conv5_256"});
    Conv("conv4_256", "conv4_3", 256, 1);
    Simple("conv4_fuse", LayerKind::kConcat, {"conv5_256_up", "conv4_256"});
    return Conv("conv4_fuse_final", "conv4_fuse", 512);
  }

  // A layer of the compared detectors: what is not said is as LayerSpec has it. OUT_CHANNELS are those of full width
  // where SCALED. Returns its name.
  struct Geometry {
    int kernel = 3, stride = 1, padding = -1;
    bool relu = true, scaled = true;
    NetworkPart part = NetworkPart::kBody;
  };
  std::string Convolution(const std::string& name, const std::string& input, int out_channels, Geometry geometry) {
    LayerSpec layer{name, LayerKind::kConv2d, {input}};
    layer.out_channels = geometry.scaled ? out_channels / divisor_ : out_channels;
    layer.kernel = geometry.kernel;
    layer.stride = geometry.stride;
    layer.padding = geometry.padding;
    layer.relu = geometry.relu;
    layer.parameters = name;
    layer.part = geometry.part;
    return Push(std::move(layer));
  }
  std::string L2Norm(const std::string& name, const std::string& input, float initial_scale) {
    LayerSpec layer{name, LayerKind::kL2Norm, {input}};
    layer.parameters = name;
    layer.initial_scale = initial_scale;
    return Push(std::move(layer));
  }
  std::string MaxOut(const std::string& name, const std::string& input, int background_logits, int face_logits) {
    LayerSpec layer{name, LayerKind::kMaxOut, {input}};
    layer.background_logits = background_logits;
    layer.face_logits = face_logits;
    return Push(std::move(layer));
  }
  std::string Add(const std::string& name, const std::string& a, const std::string& b, bool relu) {
    LayerSpec layer{name, LayerKind::kAdd, {a, b}};
    layer.relu = relu;
    return Push(std::move(layer));
  }
  void AddOutput(const std::string& name) { spec_.outputs.push_back(name); }

  NetworkSpec Take() { return std::move(spec_); }

 private:
  std::string Push(LayerSpec layer) {
    spec_.layers.push_back(std::move(layer));
    return spec_.layers.back().name;
  }
  std::string AddConv(const std::string& name, const std::string& input, int channels, int kernel, int dilation,
                      bool relu, const std::string& parameters, NetworkPart part) {
    return Push({name, LayerKind::kConv2d, {input}, channels, kernel, dilation, relu, parameters, part});
  }

  const int divisor_;
  NetworkSpec spec_;
};

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_DETECTORS_NETWORK_BUILDER_H_
