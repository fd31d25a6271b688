#include "model/detectors/detector.h"

#include "absl/strings/str_cat.h"

namespace hardface::model {
namespace {

// Builds layer lists. Channel counts are those of full width; the divisor is applied here.
class Builder {
 public:
  explicit Builder(int width_divisor) : divisor_(width_divisor) {
    spec_.layers.push_back({"image", LayerKind::kInput, {}});
  }

  // Each returns the new layer's name.
  std::string Conv(const std::string& name, const std::string& input, int channels, int kernel = 3,
                   NetworkPart part = NetworkPart::kBody) {
    return Add(name, input, channels / divisor_, kernel, /*dilation=*/1, /*relu=*/true, name, part);
  }
  std::string Head(const std::string& name, const std::string& input, int channels, int dilation,
                   const std::string& parameters) {
    return Add(name, input, channels / divisor_, 3, dilation, /*relu=*/true, parameters, NetworkPart::kHead);
  }
  std::string Output(const std::string& name, const std::string& input, int channels) {
    spec_.outputs.push_back(name);
    return Add(name, input, channels, 1, /*dilation=*/1, /*relu=*/false, name, NetworkPart::kHead);
  }
  std::string Simple(const std::string& name, LayerKind kind, std::vector<std::string> inputs) {
    spec_.layers.push_back({name, kind, std::move(inputs)});
    return name;
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

  NetworkSpec Take() { return std::move(spec_); }

 private:
  std::string Add(const std::string& name, const std::string& input, int channels, int kernel, int dilation, bool relu,
                  const std::string& parameters, NetworkPart part) {
    spec_.layers.push_back({name, LayerKind::kConv2d, {input}, channels, kernel, dilation, relu, parameters, part});
    return name;
  }

  const int divisor_;
  NetworkSpec spec_;
};

void AddDilatedHeads(Builder* builder, DetectorSpec* spec) {
  const std::string map = builder->Conv("conv4_fuse_final_dim_red", builder->AddFusedMap(), 128);
  for (const int dilation : {1, 2, 4}) {
    const std::string head = builder->Head(absl::StrCat("head_", dilation), map, 128, dilation, "head_1");
    const std::string scores = builder->Output(absl::StrCat("cls_score_", dilation), head, 2);
    const std::string boxes = builder->Output(absl::StrCat("bbox_pred_", dilation), head, 4);
    spec->heads.push_back({scores, boxes, 8, {16 * dilation}});
  }
}

// One 3x3 head of 128 channels with all of SIZES on MAP.
void AddPlainHead(Builder* builder, DetectorSpec* spec, const std::string& suffix, const std::string& map, int stride,
                  const std::vector<int>& sizes) {
  const int anchors = static_cast<int>(sizes.size());
  const std::string head = builder->Head("head" + suffix, map, 128, 1, "head" + suffix);
  const std::string scores = builder->Output("cls_score" + suffix, head, 2 * anchors);
  const std::string boxes = builder->Output("bbox_pred" + suffix, head, 4 * anchors);
  spec->heads.push_back({scores, boxes, stride, sizes});
}

}  // namespace

absl::StatusOr<DetectorSpec> BuildDetector(const DetectorOptions& options) {
  if (options.width_divisor < 1 || 64 % options.width_divisor != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("width divisor ", options.width_divisor, " is not possible; take 1, 2, 4, 8, 16, 32 or 64"));
  }
  DetectorSpec spec;
  spec.options = options;
  Builder builder(options.width_divisor);
  builder.AddVgg16();
  if (options.architecture == "smallhard" && options.dilated_heads) {
    AddDilatedHeads(&builder, &spec);
  } else if (options.architecture == "smallhard") {
    AddPlainHead(&builder, &spec, "", builder.AddFusedMap(), 8, {16, 32, 64});
  } else if (options.architecture == "three_maps") {
    AddPlainHead(&builder, &spec, "_stride8", builder.AddFusedMap(), 8, {16, 32});
    AddPlainHead(&builder, &spec, "_stride16", "conv5_3", 16, {64, 128});
    AddPlainHead(&builder, &spec, "_stride32", builder.Simple("pool5", LayerKind::kMaxPool, {"conv5_3"}), 32,
                 {256, 512});
    spec.size_multiple = 32;
  } else {
    return absl::InvalidArgumentError(
        absl::StrCat("unknown architecture \"", options.architecture, "\"; known are smallhard and three_maps"));
  }
  spec.network = builder.Take();
  return spec;
}

}  // namespace hardface::model
