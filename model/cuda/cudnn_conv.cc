// Attribute names, types and counts: cudnn_graph.h and "Backend descriptor types" of cuDNN's documentation.
#include "model/cuda/cudnn_conv.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "model/cuda/cuda_status.h"

namespace hardface::model {
namespace {

// Identifiers by which a plan's tensors get their pointers.
enum TensorId : int64_t { kFirst = 1, kSecond = 2, kBias = 3, kResult = 4, kConvolved = 5, kBiased = 6 };

// By a handle is how plans that are to be run are made (NVIDIA's own front end does so), though cuDNN's header marks
// the attributes as going out of use.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
constexpr cudnnBackendAttributeName_t kGraphHandle = CUDNN_ATTR_OPERATIONGRAPH_HANDLE;
constexpr cudnnBackendAttributeName_t kPlanHandle = CUDNN_ATTR_EXECUTION_PLAN_HANDLE;
#pragma GCC diagnostic pop

constexpr int64_t kAlignment = 16;  // bytes, of every tensor

cudnnDataType_t DataTypeOf(ElementType type) {
  switch (type) {
    case ElementType::kFloat:
      return CUDNN_DATA_FLOAT;
    case ElementType::kBfloat16:
      return CUDNN_DATA_BFLOAT16;
    case ElementType::kHalf:
      break;
  }
  return CUDNN_DATA_HALF;
}

// A dense tensor of dimensions (n, c, h, w) that lies in memory as NHWC. A virtual one exists within a fused kernel
// only and is fp32.
absl::StatusOr<CudnnDescriptor> MakeTensor(TensorId id, cudnnDataType_t type, int64_t n, int64_t c, int64_t h,
                                           int64_t w, bool is_virtual = false) {
  ASSIGN_OR_RETURN(auto tensor, CudnnDescriptor::Create(CUDNN_BACKEND_TENSOR_DESCRIPTOR));
  if (is_virtual) type = CUDNN_DATA_FLOAT;
  RETURN_IF_ERROR(tensor.Set(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type));
  RETURN_IF_ERROR(tensor.SetInt64(CUDNN_ATTR_TENSOR_DIMENSIONS, {n, c, h, w}));
  RETURN_IF_ERROR(tensor.SetInt64(CUDNN_ATTR_TENSOR_STRIDES, {h * w * c, 1, w * c, c}));
  RETURN_IF_ERROR(tensor.SetInt64(CUDNN_ATTR_TENSOR_UNIQUE_ID, {id}));
  RETURN_IF_ERROR(tensor.SetInt64(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, {kAlignment}));
  RETURN_IF_ERROR(tensor.Set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, &is_virtual));
  RETURN_IF_ERROR(tensor.Finalize());
  return tensor;
}

absl::StatusOr<CudnnDescriptor> MakeConvolution(const ConvProblem& problem) {
  ASSIGN_OR_RETURN(auto convolution, CudnnDescriptor::Create(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR));
  const cudnnDataType_t compute = CUDNN_DATA_FLOAT;
  const cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
  const int64_t padding = int64_t{problem.kernel / 2} * problem.dilation;
  RETURN_IF_ERROR(convolution.Set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &compute));
  RETURN_IF_ERROR(convolution.Set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode));
  RETURN_IF_ERROR(convolution.SetInt64(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, {2}));
  RETURN_IF_ERROR(convolution.SetInt64(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, {1, 1}));
  RETURN_IF_ERROR(convolution.SetInt64(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, {padding, padding}));
  RETURN_IF_ERROR(convolution.SetInt64(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, {padding, padding}));
  RETURN_IF_ERROR(convolution.SetInt64(CUDNN_ATTR_CONVOLUTION_DILATIONS, {problem.dilation, problem.dilation}));
  RETURN_IF_ERROR(convolution.Finalize());
  return convolution;
}

// The attributes of the three convolution operations, which differ in name only.
struct ConvolutionAttributes {
  cudnnBackendDescriptorType_t operation;
  cudnnBackendAttributeName_t convolution, first, second, result, alpha, beta;
};

ConvolutionAttributes AttributesOf(ConvPass pass) {
  switch (pass) {
    case ConvPass::kBackwardData:
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA};
    case ConvPass::kBackwardWeights:
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA};
    default:
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA};
  }
}

absl::StatusOr<CudnnDescriptor> MakeConvolutionOperation(const ConvProblem& problem, const CudnnDescriptor& first,
                                                         const CudnnDescriptor& second, const CudnnDescriptor& result) {
  const ConvolutionAttributes attributes = AttributesOf(problem.pass);
  ASSIGN_OR_RETURN(auto operation, CudnnDescriptor::Create(attributes.operation));
  ASSIGN_OR_RETURN(const auto convolution, MakeConvolution(problem));
  const float alpha = 1, beta = 0;
  RETURN_IF_ERROR(operation.SetDescriptor(attributes.convolution, convolution));
  RETURN_IF_ERROR(operation.SetDescriptor(attributes.first, first));
  RETURN_IF_ERROR(operation.SetDescriptor(attributes.second, second));
  RETURN_IF_ERROR(operation.SetDescriptor(attributes.result, result));
  RETURN_IF_ERROR(operation.Set(attributes.alpha, CUDNN_TYPE_FLOAT, 1, &alpha));
  RETURN_IF_ERROR(operation.Set(attributes.beta, CUDNN_TYPE_FLOAT, 1, &beta));
  RETURN_IF_ERROR(operation.Finalize());
  return operation;
}

// OUT = MODE(IN), or MODE(IN, *OPERAND).
absl::StatusOr<CudnnDescriptor> MakePointwiseOperation(cudnnPointwiseMode_t mode, const CudnnDescriptor& in,
                                                       const CudnnDescriptor* operand, const CudnnDescriptor& out) {
  ASSIGN_OR_RETURN(auto pointwise, CudnnDescriptor::Create(CUDNN_BACKEND_POINTWISE_DESCRIPTOR));
  const cudnnDataType_t compute = CUDNN_DATA_FLOAT;
  RETURN_IF_ERROR(pointwise.Set(CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode));
  RETURN_IF_ERROR(pointwise.Set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, 1, &compute));
  RETURN_IF_ERROR(pointwise.Finalize());
  ASSIGN_OR_RETURN(auto operation, CudnnDescriptor::Create(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR));
  RETURN_IF_ERROR(operation.SetDescriptor(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, pointwise));
  RETURN_IF_ERROR(operation.SetDescriptor(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, in));
  if (operand != nullptr) {
    RETURN_IF_ERROR(operation.SetDescriptor(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, *operand));
  }
  RETURN_IF_ERROR(operation.SetDescriptor(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, out));
  RETURN_IF_ERROR(operation.Finalize());
  return operation;
}

absl::StatusOr<CudnnDescriptor> MakeGraph(const ConvProblem& problem, const CudnnTarget& target) {
  const cudnnDataType_t type = DataTypeOf(ElementTypeOf(problem.precision));
  const bool backward_data = problem.pass == ConvPass::kBackwardData;
  const bool backward_weights = problem.pass == ConvPass::kBackwardWeights;
  const bool bias = problem.pass == ConvPass::kForwardBias || problem.pass == ConvPass::kForwardBiasRelu;
  const bool relu = problem.pass == ConvPass::kForwardBiasRelu;
  const auto in = [&](TensorId id) {
    return MakeTensor(id, type, problem.n, problem.in_channels, problem.h, problem.w);
  };
  const auto out = [&](TensorId id, bool is_virtual = false) {
    return MakeTensor(id, type, problem.n, problem.out_channels, problem.h, problem.w, is_virtual);
  };
  const auto weights = [&](TensorId id) {
    return MakeTensor(id, type, problem.out_channels, problem.in_channels, problem.kernel, problem.kernel);
  };
  ASSIGN_OR_RETURN(const auto first, backward_data ? out(kFirst) : in(kFirst));
  ASSIGN_OR_RETURN(const auto second, backward_weights ? out(kSecond) : weights(kSecond));
  ASSIGN_OR_RETURN(const auto result, backward_data ? in(kResult) : backward_weights ? weights(kResult) : out(kResult));
  std::vector<CudnnDescriptor> operations;
  if (!bias) {
    ASSIGN_OR_RETURN(auto operation, MakeConvolutionOperation(problem, first, second, result));
    operations.push_back(std::move(operation));
  } else {
    ASSIGN_OR_RETURN(const auto bias_tensor, MakeTensor(kBias, type, 1, problem.out_channels, 1, 1));
    ASSIGN_OR_RETURN(const auto convolved, out(kConvolved, /*is_virtual=*/true));
    ASSIGN_OR_RETURN(const auto biased, out(kBiased, /*is_virtual=*/true));
    ASSIGN_OR_RETURN(auto convolve, MakeConvolutionOperation(problem, first, second, convolved));
    operations.push_back(std::move(convolve));
    ASSIGN_OR_RETURN(auto add,
                     MakePointwiseOperation(CUDNN_POINTWISE_ADD, convolved, &bias_tensor, relu ? biased : result));
    operations.push_back(std::move(add));
    if (relu) {
      ASSIGN_OR_RETURN(auto clip, MakePointwiseOperation(CUDNN_POINTWISE_RELU_FWD, biased, nullptr, result));
      operations.push_back(std::move(clip));
    }
  }
  std::vector<cudnnBackendDescriptor_t> pointers;
  for (const CudnnDescriptor& operation : operations) pointers.push_back(operation.get());
  ASSIGN_OR_RETURN(auto graph, CudnnDescriptor::Create(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR));
  RETURN_IF_ERROR(graph.Set(CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                            static_cast<int64_t>(pointers.size()), pointers.data()));
  if (target.handle != nullptr) {
    RETURN_IF_ERROR(graph.Set(kGraphHandle, CUDNN_TYPE_HANDLE, 1, &target.handle));
  }
  RETURN_IF_ERROR(graph.Finalize());
  return graph;
}

// Reads attributes of an engine.
absl::StatusOr<std::vector<cudnnBackendNumericalNote_t>> NumericalNotes(const CudnnDescriptor& engine) {
  std::vector<cudnnBackendNumericalNote_t> notes(CUDNN_NUMERICAL_NOTE_TYPE_COUNT);
  int64_t count = 0;
  CUDNN_RETURN_IF_ERROR(
      cudnnBackendGetAttribute(engine.get(), CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE,
                               static_cast<int64_t>(notes.size()), &count, notes.data()),
      "cuDNN: an engine's numerical notes");
  notes.resize(static_cast<size_t>(std::min<int64_t>(count, CUDNN_NUMERICAL_NOTE_TYPE_COUNT)));
  return notes;
}

bool Allowed(const ConvProblem& problem, const std::vector<cudnnBackendNumericalNote_t>& notes) {
  const auto has = [&](cudnnBackendNumericalNote_t note) {
    return std::find(notes.begin(), notes.end(), note) != notes.end();
  };
  if (has(CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION)) return false;
  if (problem.deterministic && has(CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC)) return false;
  if (problem.precision == Precision::kFp32) {
    return !has(CUDNN_NUMERICAL_NOTE_TENSOR_CORE) && !has(CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS);
  }
  // Winograd's transformed numbers in 16 bits lose what the formats have.
  return problem.precision == Precision::kTf32 || !has(CUDNN_NUMERICAL_NOTE_WINOGRAD);
}

// Adds the engines of one heuristic's list to ENGINES.
absl::Status AddEngines(const ConvProblem& problem, const CudnnDescriptor& graph, const CudnnTarget& target,
                        cudnnBackendHeurMode_t mode, const std::string& mode_name, std::vector<ConvEngine>* engines) {
  ASSIGN_OR_RETURN(auto heuristics, CudnnDescriptor::Create(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR));
  RETURN_IF_ERROR(heuristics.SetDescriptor(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph));
  RETURN_IF_ERROR(heuristics.Set(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode));
  if (target.handle == nullptr) {
    RETURN_IF_ERROR(heuristics.SetDescriptor(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, *target.description));
  }
  // Not every mode knows every graph.
  if (!heuristics.Finalize().ok()) return absl::OkStatus();
  int64_t count = 0;
  CUDNN_RETURN_IF_ERROR(cudnnBackendGetAttribute(heuristics.get(), CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                                 CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, &count, nullptr),
                        "cuDNN: the number of engines");
  std::vector<CudnnDescriptor> configs;
  std::vector<cudnnBackendDescriptor_t> pointers;
  for (int64_t i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(auto config, CudnnDescriptor::Create(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR));
    pointers.push_back(config.get());
    configs.push_back(std::move(config));
  }
  CUDNN_RETURN_IF_ERROR(cudnnBackendGetAttribute(heuristics.get(), CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                                 CUDNN_TYPE_BACKEND_DESCRIPTOR, count, &count, pointers.data()),
                        "cuDNN: engines");
  for (int64_t i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(const auto engine, CudnnDescriptor::Create(CUDNN_BACKEND_ENGINE_DESCRIPTOR));
    cudnnBackendDescriptor_t engine_pointer = engine.get();
    int64_t found = 0, id = 0;
    CUDNN_RETURN_IF_ERROR(cudnnBackendGetAttribute(pointers[static_cast<size_t>(i)], CUDNN_ATTR_ENGINECFG_ENGINE,
                                                   CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &found, &engine_pointer),
                          "cuDNN: a configuration's engine");
    CUDNN_RETURN_IF_ERROR(
        cudnnBackendGetAttribute(engine.get(), CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, &found, &id),
        "cuDNN: an engine's number");
    ASSIGN_OR_RETURN(const auto notes, NumericalNotes(engine));
    if (!Allowed(problem, notes)) continue;
    engines->push_back({std::make_shared<CudnnDescriptor>(std::move(configs[static_cast<size_t>(i)])),
                        absl::StrCat(mode_name, i, ":engine", id)});
  }
  return absl::OkStatus();
}

}  // namespace

std::string ConvProblem::ToString() const {
  static constexpr const char* kPasses[] = {"forward", "forward_bias", "forward_bias_relu", "backward_data",
                                            "backward_weights"};
  return absl::StrCat(kPasses[static_cast<int>(pass)], " ", PrecisionName(precision), " ", n, "x", h, "x", w, "x",
                      in_channels, " to ", out_channels, " kernel ", kernel, " dilation ", dilation,
                      deterministic ? " deterministic" : "");
}

absl::StatusOr<CudnnDescriptor> CudnnDescriptor::Create(cudnnBackendDescriptorType_t type) {
  cudnnBackendDescriptor_t pointer = nullptr;
  CUDNN_RETURN_IF_ERROR(cudnnBackendCreateDescriptor(type, &pointer), absl::StrCat("cuDNN: descriptor of type ", type));
  CudnnDescriptor descriptor;
  descriptor.descriptor_.reset(pointer);
  return descriptor;
}

absl::Status CudnnDescriptor::Set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t count,
                                  const void* values) {
  CUDNN_RETURN_IF_ERROR(cudnnBackendSetAttribute(get(), name, type, count, values),
                        absl::StrCat("cuDNN: attribute ", name));
  return absl::OkStatus();
}

absl::Status CudnnDescriptor::SetInt64(cudnnBackendAttributeName_t name, const std::vector<int64_t>& values) {
  return Set(name, CUDNN_TYPE_INT64, static_cast<int64_t>(values.size()), values.data());
}

absl::Status CudnnDescriptor::SetDescriptor(cudnnBackendAttributeName_t name, const CudnnDescriptor& descriptor) {
  const cudnnBackendDescriptor_t pointer = descriptor.get();
  return Set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &pointer);
}

absl::Status CudnnDescriptor::Finalize() {
  const cudnnStatus_t status = cudnnBackendFinalize(get());
  if (CUDNN_STATUS_CATEGORY(status) == CUDNN_STATUS_NOT_SUPPORTED) {
    return absl::UnimplementedError(cudnnGetErrorString(status));
  }
  return CudnnStatus(status, {"cuDNN: finalizing a descriptor", __FILE__, __LINE__});
}

absl::StatusOr<CudnnTarget> DescribeDevice(const std::string& json) {
  ASSIGN_OR_RETURN(auto device, CudnnDescriptor::Create(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR));
  RETURN_IF_ERROR(device.Set(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
                             static_cast<int64_t>(json.size()), json.data()));
  RETURN_IF_ERROR(device.Finalize());
  return CudnnTarget{nullptr, std::make_shared<CudnnDescriptor>(std::move(device))};
}

absl::StatusOr<std::vector<ConvEngine>> FindConvEngines(const ConvProblem& problem, const CudnnTarget& target) {
  std::vector<ConvEngine> engines;
  ASSIGN_OR_RETURN(const auto graph, MakeGraph(problem, target));
  RETURN_IF_ERROR(AddEngines(problem, graph, target, CUDNN_HEUR_MODE_A, "a", &engines));
  RETURN_IF_ERROR(AddEngines(problem, graph, target, CUDNN_HEUR_MODE_FALLBACK, "fallback", &engines));
  return engines;
}

absl::StatusOr<std::unique_ptr<ConvPlan>> ConvPlan::Create(const ConvEngine& engine, const CudnnTarget& target) {
  ASSIGN_OR_RETURN(auto plan, CudnnDescriptor::Create(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR));
  RETURN_IF_ERROR(plan.SetDescriptor(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, *engine.config));
  if (target.handle != nullptr) {
    RETURN_IF_ERROR(plan.Set(kPlanHandle, CUDNN_TYPE_HANDLE, 1, &target.handle));
  } else {
    RETURN_IF_ERROR(plan.SetDescriptor(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, *target.description));
  }
  RETURN_IF_ERROR(plan.Finalize());
  int64_t workspace = 0, count = 0;
  CUDNN_RETURN_IF_ERROR(cudnnBackendGetAttribute(plan.get(), CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64,
                                                 1, &count, &workspace),
                        "cuDNN: a plan's workspace");
  return std::unique_ptr<ConvPlan>(new ConvPlan(engine.config, std::move(plan), workspace));
}

absl::Status ConvPlan::PackPointers(const Pointers& pointers, void* workspace) {
  ASSIGN_OR_RETURN(auto pack, CudnnDescriptor::Create(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR));
  std::vector<int64_t> ids = {kFirst, kSecond, kResult};
  std::vector<void*> data = {const_cast<void*>(pointers.first), const_cast<void*>(pointers.second), pointers.result};
  if (pointers.bias != nullptr) {
    ids.push_back(kBias);
    data.push_back(const_cast<void*>(pointers.bias));
  }
  RETURN_IF_ERROR(pack.SetInt64(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, ids));
  RETURN_IF_ERROR(pack.Set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR,
                           static_cast<int64_t>(data.size()), data.data()));
  RETURN_IF_ERROR(pack.Set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &workspace));
  RETURN_IF_ERROR(pack.Finalize());
  pack_ = std::make_unique<CudnnDescriptor>(std::move(pack));
  packed_ = pointers;
  packed_workspace_ = workspace;
  return absl::OkStatus();
}

absl::Status ConvPlan::Execute(cudnnHandle_t handle, const Pointers& pointers, void* workspace) {
  if (pack_ == nullptr || !(packed_ == pointers) || packed_workspace_ != workspace) {
    RETURN_IF_ERROR(PackPointers(pointers, workspace));
  }
  CUDNN_RETURN_IF_ERROR(cudnnBackendExecute(handle, plan_.get(), pack_->get()), "cuDNN: a convolution");
  return absl::OkStatus();
}

}  // namespace hardface::model
