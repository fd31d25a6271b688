#include "model/weights/onnx.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/atomic_output.h"
#include "base/provenance.h"
#include "model/weights/onnx_graph.h"
#include "third_party/onnx/onnx.pb.h"

namespace hardface::model {
namespace {

constexpr int kIrVersion = 7;  // of ONNX 1.8, which has opset 13
constexpr int kOpset = 13;
constexpr char kUpsampleWeights[] = "bilinear_2x";

void AddConvolution(const LayerSpec& layer, onnx::GraphProto* graph) {
  const std::string raw = layer.relu ? layer.name + "_before_relu" : layer.name;
  onnx::NodeProto* node =
      AddNode("Conv", {layer.inputs[0], layer.parameters + ".weight", layer.parameters + ".bias"}, raw, graph);
  const int64_t reach = layer.convolution(1).pad();
  AddInts("kernel_shape", {layer.kernel, layer.kernel}, node);
  AddInts("pads", {reach, reach, reach, reach}, node);
  AddInts("dilations", {layer.dilation, layer.dilation}, node);
  if (layer.stride > 1) AddInts("strides", {layer.stride, layer.stride}, node);
  if (layer.relu) AddNode("Relu", {raw}, layer.name, graph);
}

// upsample.h as the depthwise deconvolution that it is; its weights depend on the number of channels.
void AddUpsampling(const LayerSpec& layer, int channels, onnx::GraphProto* graph) {
  const std::string weights = absl::StrCat(kUpsampleWeights, "_", layer.name);
  constexpr float kTaps[4] = {0.25f, 0.75f, 0.75f, 0.25f};
  std::vector<float> values;
  for (int c = 0; c < channels; ++c) {
    for (const float y : kTaps) {
      for (const float x : kTaps) values.push_back(y * x);
    }
  }
  AddTensor(weights, {channels, 1, 4, 4}, values, graph);
  onnx::NodeProto* node = AddNode("ConvTranspose", {layer.inputs[0], weights}, layer.name, graph);
  AddInts("kernel_shape", {4, 4}, node);
  AddInts("strides", {2, 2}, node);
  AddInts("pads", {1, 1, 1, 1}, node);
  AddInt("group", channels, node);
}

void AddLayer(const LayerSpec& layer, int channels, onnx::GraphProto* graph) {
  switch (layer.kind) {
    case LayerKind::kInput:
      break;
    case LayerKind::kConv2d:
      AddConvolution(layer, graph);
      break;
    case LayerKind::kMaxPool: {
      onnx::NodeProto* node = AddNode("MaxPool", layer.inputs, layer.name, graph);
      AddInts("kernel_shape", {2, 2}, node);
      AddInts("strides", {2, 2}, node);
      break;
    }
    case LayerKind::kUpsample:
      AddUpsampling(layer, channels, graph);
      break;
    case LayerKind::kConcat:
      AddInt("axis", 1, AddNode("Concat", layer.inputs, layer.name, graph));
      break;
    case LayerKind::kAdd: {
      const std::string raw = layer.relu ? layer.name + "_before_relu" : layer.name;
      AddNode("Add", layer.inputs, raw, graph);
      if (layer.relu) AddNode("Relu", {raw}, layer.name, graph);
      break;
    }
    case LayerKind::kMultiply:
      AddNode("Mul", layer.inputs, layer.name, graph);
      break;
    case LayerKind::kL2Norm:
    case LayerKind::kMaxOut:
      break;  // CheckWritable
  }
}

absl::Status CheckWritable(const NetworkSpec& network) {
  for (const LayerSpec& layer : network.layers) {
    if (layer.kind != LayerKind::kL2Norm && layer.kind != LayerKind::kMaxOut) continue;
    return absl::UnimplementedError(absl::StrCat("layer ", layer.name, " (", KindName(layer.kind),
                                                 ") cannot be written to ONNX; write .safetensors instead"));
  }
  return absl::OkStatus();
}

void DescribeValue(const std::string& name, int channels, const std::string& place, onnx::ValueInfoProto* info) {
  info->set_name(name);
  onnx::TypeProto::Tensor* type = info->mutable_type()->mutable_tensor_type();
  type->set_elem_type(kOnnxFloat);
  type->mutable_shape()->add_dim()->set_dim_param("batch");
  type->mutable_shape()->add_dim()->set_dim_value(channels);
  type->mutable_shape()->add_dim()->set_dim_param("height" + place);
  type->mutable_shape()->add_dim()->set_dim_param("width" + place);
}

void DescribeFaces(onnx::ValueInfoProto* info) {
  info->set_name(kOnnxFaces);
  onnx::TypeProto::Tensor* type = info->mutable_type()->mutable_tensor_type();
  type->set_elem_type(kOnnxFloat);
  type->mutable_shape()->add_dim()->set_dim_param("count");
  type->mutable_shape()->add_dim()->set_dim_value(6);
}

void AddMetadata(const std::string& key, const std::string& value, onnx::ModelProto* proto) {
  onnx::StringStringEntryProto* entry = proto->add_metadata_props();
  entry->set_key(key);
  entry->set_value(value);
}

}  // namespace

absl::Status WriteOnnx(const std::string& path, const Model& model,
                       const std::optional<OnnxPostprocessing>& postprocessing) {
  const NetworkSpec& network = model.detector.network;
  if (const absl::Status writable = CheckWritable(network); !writable.ok()) return writable;
  // Any size will do: only the channel counts are looked at.
  const auto shapes = InferShapes(network, {1, 3, 64, 64});
  if (!shapes.ok()) return shapes.status();
  onnx::ModelProto proto;
  proto.set_ir_version(kIrVersion);
  proto.set_producer_name("hardface");
  proto.set_producer_version(kVersion);
  proto.add_opset_import()->set_version(kOpset);
  AddMetadata("input_mean_bgr", absl::StrJoin(model.detector.bgr_mean, ","), &proto);
  AddMetadata("input_divisor", absl::StrCat(model.info.input_divisor), &proto);
  AddMetadata("size_multiple", absl::StrCat(model.detector.size_multiple), &proto);
  onnx::GraphProto* graph = proto.mutable_graph();
  graph->set_name(model.detector.options.architecture);
  for (const LayerSpec& layer : network.layers) AddLayer(layer, shapes->at(layer.name).c, graph);
  for (const auto& [name, array] : model.parameters) AddTensor(name, array.dims, array.values, graph);
  DescribeValue(network.layers[0].name, 3, "", graph->add_input());
  if (postprocessing.has_value()) {
    AddPostprocessing(model.detector, *postprocessing, graph);
    DescribeFaces(graph->add_output());
  } else {
    for (const std::string& name : network.outputs) {
      DescribeValue(name, shapes->at(name).c, "_" + name, graph->add_output());
    }
  }
  return WriteFileAtomically(path, proto.SerializeAsString());
}

}  // namespace hardface::model
