#include "model/detectors/detector.h"

#include "absl/strings/str_cat.h"
#include "model/detectors/network_builder.h"
#include "model/detectors/published_detectors.h"

namespace hardface::model {
namespace {

void AddDilatedHeads(NetworkBuilder* builder, DetectorSpec* spec) {
  const std::string map = builder->Conv("conv4_fuse_final_dim_red", builder->AddFusedMap(), 128);
  for (const int dilation : {1, 2, 4}) {
    const std::string head = builder->Head(absl::StrCat("head_", dilation), map, 128, dilation, "head_1");
    const std::string scores = builder->Output(absl::StrCat("cls_score_", dilation), head, 2);
    const std::string boxes = builder->Output(absl::StrCat("bbox_pred_", dilation), head, 4);
    spec->heads.push_back({scores, boxes, 8, {16 * dilation}});
  }
}

// One 3x3 head of 128 channels with all of SIZES on MAP.
void AddPlainHead(NetworkBuilder* builder, DetectorSpec* spec, const std::string& suffix, const std::string& map,
                  int stride, const std::vector<int>& sizes) {
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
  NetworkBuilder builder(options.width_divisor);
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
  } else if (options.architecture == "ssh") {
    AddSsh(&builder, &spec);
  } else if (options.architecture == "s3fd") {
    AddS3fd(&builder, &spec);
  } else if (options.architecture == "pyramidbox") {
    AddPyramidBox(&builder, &spec);
  } else {
    return absl::InvalidArgumentError(absl::StrCat("unknown architecture \"", options.architecture,
                                                   "\"; known are smallhard, three_maps, ssh, s3fd and pyramidbox"));
  }
  spec.network = builder.Take();
  return spec;
}

}  // namespace hardface::model
