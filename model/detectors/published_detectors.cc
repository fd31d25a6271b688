#include "model/detectors/published_detectors.h"

#include <array>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace hardface::model {
namespace {

using Geometry = NetworkBuilder::Geometry;

// What S3FD and PyramidBox, which both follow SSD, have in common.
constexpr int kSsdStrides[6] = {4, 8, 16, 32, 64, 128};
constexpr int kSsdSizes[6] = {16, 32, 64, 128, 256, 512};
constexpr std::array<float, 3> kSsdMean = {104, 117, 123};

// Anchors in the cells' middles, (x + 0.5) * stride; in the mean of corner pixels that is half a pixel less.
BoxCoding SsdCoding(int stride) { return {0.5f * static_cast<float>(stride) - 0.5f, 0.1f, 0.2f}; }

Geometry Kernel(int kernel) { return {kernel}; }

Geometry HalvingKernel() {
  Geometry geometry;
  geometry.stride = 2;
  return geometry;
}

Geometry WithoutRelu(int kernel) {
  Geometry geometry;
  geometry.kernel = kernel;
  geometry.relu = false;
  return geometry;
}

Geometry OutputOf(int kernel) {
  Geometry geometry = WithoutRelu(kernel);
  geometry.scaled = false;
  geometry.part = NetworkPart::kHead;
  return geometry;
}

// VGG16's fc6 and fc7 as convolutions, and the two blocks behind them that halve the map. FC6_PADDING: -1 = "same".
void AddSsdTail(int fc6_padding, NetworkBuilder* builder) {
  Geometry fc6;
  fc6.padding = fc6_padding;
  const std::string pool5 = builder->Simple("pool5", LayerKind::kMaxPool, {"conv5_3"});
  std::string last = builder->Convolution("fc6", pool5, 1024, fc6);
  last = builder->Convolution("fc7", last, 1024, Kernel(1));
  last = builder->Convolution("conv6_1", last, 256, Kernel(1));
  last = builder->Convolution("conv6_2", last, 512, HalvingKernel());
  last = builder->Convolution("conv7_1", last, 128, Kernel(1));
  builder->Convolution("conv7_2", last, 256, HalvingKernel());
}

// SSH's context module, which PyramidBox has, too: a 3x3 convolution beside what acts as a 5x5 and a 7x7 one, of
// CHANNELS, half of them from the first. The published networks clip at zero after joining the three; each of them
// clipped is the same. NAMES: of the five convolutions and the result.
struct ContextNames {
  std::string of_3x3, reduction, of_5x5, of_7x7_1, of_7x7, result;
};
std::string AddContext(const std::string& map, int channels, const ContextNames& names, NetworkBuilder* builder) {
  const std::string first = builder->Convolution(names.of_3x3, map, channels / 2, Kernel(3));
  const std::string reduced = builder->Convolution(names.reduction, map, channels / 4, Kernel(3));
  const std::string second = builder->Convolution(names.of_5x5, reduced, channels / 4, Kernel(3));
  const std::string middle = builder->Convolution(names.of_7x7_1, reduced, channels / 4, Kernel(3));
  const std::string third = builder->Convolution(names.of_7x7, middle, channels / 4, Kernel(3));
  const std::string two = builder->Simple(names.result + "_two", LayerKind::kConcat, {first, second});
  return builder->Simple(names.result, LayerKind::kConcat, {two, third});
}

// A detection module of SSH: PREFIX "m1@ssh_".
void AddSshModule(const std::string& prefix, const std::string& map, int channels, int stride,
                  const std::vector<int>& sizes, NetworkBuilder* builder, DetectorSpec* spec) {
  const std::string features = AddContext(
      map, channels,
      {prefix + "3x3", prefix + "dimred", prefix + "5x5", prefix + "7x7-1", prefix + "7x7", prefix + "output"},
      builder);
  const int anchors = static_cast<int>(sizes.size());
  const std::string scores = builder->Output(prefix + "cls_score", features, 2 * anchors);
  const std::string boxes = builder->Output(prefix + "bbox_pred", features, 4 * anchors);
  spec->heads.push_back({scores, boxes, stride, sizes});
}

// The last head layers of S3FD and PyramidBox on MAP. BOX_CHANNELS: 4, and 4 more where heads are predicted, too.
// LOGITS of background and face (0, 0: two logits without max-out), and OTHERS behind them.
struct SsdHead {
  std::string prefix;  // of the layers' names
  std::string map;
  int box_channels = 4;
  int background_logits = 1, face_logits = 1, other_logits = 0;
};
void AddSsdHead(const SsdHead& head, int place, NetworkBuilder* builder, DetectorSpec* spec) {
  const std::string boxes = builder->Convolution(head.prefix + "mbox_loc", head.map, head.box_channels, OutputOf(3));
  const int logits = head.background_logits + head.face_logits;
  std::string scores =
      builder->Convolution(head.prefix + "mbox_conf", head.map, logits + head.other_logits, OutputOf(3));
  if (logits > 2 || head.other_logits > 0) {
    scores = builder->MaxOut(head.prefix + "mbox_conf_out", scores, head.background_logits, head.face_logits);
  }
  builder->AddOutput(scores);
  builder->AddOutput(boxes);
  const int stride = kSsdStrides[place];
  spec->heads.push_back({scores, boxes, stride, {kSsdSizes[place]}, SsdCoding(stride)});
}

// PyramidBox's low-level feature pyramid: COARSE, enlarged, times FINE. CHANNELS are FINE's.
std::string AddPyramidStep(const std::string& name, const std::string& coarse, const std::string& fine, int channels,
                           NetworkBuilder* builder) {
  const std::string above = builder->Convolution(name + "_above", coarse, channels, Kernel(1));
  const std::string enlarged = builder->Simple(name + "_above_up", LayerKind::kUpsample, {above});
  const std::string lateral = builder->Convolution(name + "_lateral", fine, channels, Kernel(1));
  return builder->Simple(name, LayerKind::kMultiply, {enlarged, lateral});
}

// PyramidBox's context-sensitive prediction module: a residual block, then SSH's context module.
std::string AddCpm(const std::string& name, const std::string& map, NetworkBuilder* builder) {
  const std::string branch1 = builder->Convolution(name + "_branch1", map, 1024, WithoutRelu(1));
  std::string branch2 = builder->Convolution(name + "_branch2a", map, 256, Kernel(1));
  branch2 = builder->Convolution(name + "_branch2b", branch2, 256, Kernel(3));
  branch2 = builder->Convolution(name + "_branch2c", branch2, 1024, WithoutRelu(1));
  const std::string sum = builder->Add(name + "_sum", branch1, branch2, /*relu=*/true);
  return AddContext(sum, 512,
                    {name + "_ssh_1", name + "_ssh_dimred", name + "_ssh_2", name + "_ssh_3a", name + "_ssh_3b", name},
                    builder);
}

}  // namespace

void AddSsh(NetworkBuilder* builder, DetectorSpec* spec) {
  builder->Conv("conv5_128", "conv5_3", 128, 1);
  builder->Simple("conv5_128_up", LayerKind::kUpsample, {"conv5_128"});
  builder->Conv("conv4_128", "conv4_3", 128, 1);
  builder->Add("conv4_fuse", "conv5_128_up", "conv4_128", /*relu=*/false);
  builder->Conv("conv4_fuse_final", "conv4_fuse", 128);
  builder->Simple("pool6", LayerKind::kMaxPool, {"conv5_3"});
  AddSshModule("m1@ssh_", "conv4_fuse_final", 256, 8, {16, 32}, builder, spec);
  AddSshModule("m2@ssh_", "conv5_3", 512, 16, {64, 128}, builder, spec);
  AddSshModule("m3@ssh_", "pool6", 512, 32, {256, 512}, builder, spec);
  spec->size_multiple = 32;
}

void AddS3fd(NetworkBuilder* builder, DetectorSpec* spec) {
  // The published fc6 is padded by 3 and not dilated: its map, and those behind it, are larger than the image's share,
  // and their anchors lie where SSD's rule puts them, two cells aside of what the cells see.
  AddSsdTail(/*fc6_padding=*/3, builder);
  builder->L2Norm("conv3_3_norm", "conv3_3", 10);
  builder->L2Norm("conv4_3_norm", "conv4_3", 8);
  builder->L2Norm("conv5_3_norm", "conv5_3", 5);
  const std::vector<std::string> maps = {"conv3_3_norm", "conv4_3_norm", "conv5_3_norm", "fc7", "conv6_2", "conv7_2"};
  for (int i = 0; i < 6; ++i) {
    SsdHead head{maps[i] + "_", maps[i]};
    if (i == 0) head.background_logits = 3;  // max-out background label
    AddSsdHead(head, i, builder, spec);
  }
  spec->size_multiple = 32;
  spec->tiles = false;
  spec->bgr_mean = kSsdMean;
}

void AddPyramidBox(NetworkBuilder* builder, DetectorSpec* spec) {
  AddSsdTail(/*fc6_padding=*/-1, builder);
  const std::string fine5 = AddPyramidStep("lfpn2", "fc7", "conv5_3", 512, builder);
  const std::string fine4 = AddPyramidStep("lfpn1", fine5, "conv4_3", 512, builder);
  const std::string fine3 = AddPyramidStep("lfpn0", fine4, "conv3_3", 256, builder);
  std::vector<std::string> maps = {fine3, fine4, fine5, "fc7", "conv6_2", "conv7_2"};
  for (int i = 0; i < 6; ++i) maps[i] = AddCpm(absl::StrCat("cpm", i), maps[i], builder);
  const float scales[3] = {10, 8, 5};
  for (int i = 0; i < 3; ++i) maps[i] = builder->L2Norm(maps[i] + "_norm", maps[i], scales[i]);
  for (int i = 0; i < 6; ++i) {
    // Max-in-out: three logits for the background of the smallest faces, elsewhere for the faces. Behind them and
    // behind the face's box are those of the person's head, which serve training only.
    SsdHead head{absl::StrCat("cpm", i, "_"), maps[i], /*box_channels=*/8};
    (i == 0 ? head.background_logits : head.face_logits) = 3;
    head.other_logits = i == 0 ? 4 : 2;
    AddSsdHead(head, i, builder, spec);
  }
  spec->size_multiple = 32;
  spec->tiles = false;
  spec->bgr_mean = kSsdMean;
}

}  // namespace hardface::model
