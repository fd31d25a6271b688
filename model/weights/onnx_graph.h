// Building ONNX graphs node by node.
#ifndef HARDFACE_MODEL_WEIGHTS_ONNX_GRAPH_H_
#define HARDFACE_MODEL_WEIGHTS_ONNX_GRAPH_H_

#include <cstdint>
#include <string>
#include <vector>

#include "third_party/onnx/onnx.pb.h"

namespace hardface::model {

// TensorProto.DataType
inline constexpr int kOnnxFloat = 1;
inline constexpr int kOnnxInt64 = 7;

void AddInts(const std::string& name, const std::vector<int64_t>& values, onnx::NodeProto* node);
void AddInt(const std::string& name, int64_t value, onnx::NodeProto* node);

// Constants. DIMS {}: a scalar.
void AddTensor(const std::string& name, const std::vector<int>& dims, const std::vector<float>& values,
               onnx::GraphProto* graph);
void AddInt64Tensor(const std::string& name, const std::vector<int>& dims, const std::vector<int64_t>& values,
                    onnx::GraphProto* graph);

// A node of one output, which is called as the node is.
onnx::NodeProto* AddNode(const std::string& type, const std::vector<std::string>& inputs, const std::string& output,
                         onnx::GraphProto* graph);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_WEIGHTS_ONNX_GRAPH_H_
