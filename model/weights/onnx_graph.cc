#include "model/weights/onnx_graph.h"

namespace hardface::model {
namespace {

template <typename Value>
void AddConstant(const std::string& name, int type, const std::vector<int>& dims, const std::vector<Value>& values,
                 onnx::GraphProto* graph) {
  onnx::TensorProto* tensor = graph->add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(type);
  for (const int dim : dims) tensor->add_dims(dim);
  tensor->set_raw_data(values.data(), values.size() * sizeof(Value));
}

}  // namespace

void AddInts(const std::string& name, const std::vector<int64_t>& values, onnx::NodeProto* node) {
  onnx::AttributeProto* attribute = node->add_attribute();
  attribute->set_name(name);
  attribute->set_type(onnx::AttributeProto::INTS);
  for (const int64_t value : values) attribute->add_ints(value);
}

void AddInt(const std::string& name, int64_t value, onnx::NodeProto* node) {
  onnx::AttributeProto* attribute = node->add_attribute();
  attribute->set_name(name);
  attribute->set_type(onnx::AttributeProto::INT);
  attribute->set_i(value);
}

void AddTensor(const std::string& name, const std::vector<int>& dims, const std::vector<float>& values,
               onnx::GraphProto* graph) {
  AddConstant(name, kOnnxFloat, dims, values, graph);
}

void AddInt64Tensor(const std::string& name, const std::vector<int>& dims, const std::vector<int64_t>& values,
                    onnx::GraphProto* graph) {
  AddConstant(name, kOnnxInt64, dims, values, graph);
}

onnx::NodeProto* AddNode(const std::string& type, const std::vector<std::string>& inputs, const std::string& output,
                         onnx::GraphProto* graph) {
  onnx::NodeProto* node = graph->add_node();
  node->set_op_type(type);
  node->set_name(output);
  for (const std::string& input : inputs) node->add_input(input);
  node->add_output(output);
  return node;
}

}  // namespace hardface::model
