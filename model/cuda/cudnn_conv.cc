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
  const int64_t padding = problem.pad();
  RETURN_IF_ERROR(convolution.Set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &compute));
  RETURN_IF_ERROR(convolution.Set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode));
  RETURN_IF_ERROR(convolution.SetInt64(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, {2}));
  RETURN_IF_ERROR(convolution.SetInt64(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, {problem.stride, problem.stride}));
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
  const bool bias = problem.has_bias();
  const bool relu = problem.pass == ConvPass::kForwardBiasRelu;
  const auto in = [&](TensorId id) {
    return MakeTensor(id, type, problem.n, problem.in_channels, problem.h, problem.w);
  };
  const auto out = [&](TensorId id, bool is_virtual = false) {
    return MakeTensor(id, type, problem.n, problem.out_channels, problem.out_h(), problem.out_w(), is_virtual);
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

// The engine of a configuration, or the configuration's knobs: descriptors that lie in an attribute of another.
absl::Status GetDescriptors(cudnnBackendDescriptor_t from, cudnnBackendAttributeName_t name, int64_t most,
                            cudnnBackendDescriptorType_t type, std::vector<CudnnDescriptor>* found) {
  std::vector<cudnnBackendDescriptor_t> pointers;
  for (int64_t i = 0; i < most; ++i) {
    ASSIGN_OR_RETURN(auto descriptor, CudnnDescriptor::Create(type));
    pointers.push_back(descriptor.get());
    found->push_back(std::move(descriptor));
  }
  int64_t count = 0;
  CUDNN_RETURN_IF_ERROR(
      cudnnBackendGetAttribute(from, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, most, &count, pointers.data()),
      absl::StrCat("cuDNN: reading the descriptors of attribute ", name));
  found->resize(static_cast<size_t>(std::min(count, most)));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::pair<int64_t, int64_t>>> KnobsOf(cudnnBackendDescriptor_t config) {
  std::vector<std::pair<int64_t, int64_t>> knobs;
  std::vector<CudnnDescriptor> choices;
  // Asked for their number alone, cuDNN says 0.
  RETURN_IF_ERROR(GetDescriptors(config, CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, CUDNN_KNOB_TYPE_COUNTS,
                                 CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR, &choices));
  for (const CudnnDescriptor& choice : choices) {
    cudnnBackendKnobType_t type = CUDNN_KNOB_TYPE_COUNTS;
    int64_t value = 0, count = 0;
    CUDNN_RETURN_IF_ERROR(cudnnBackendGetAttribute(choice.get(), CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, CUDNN_TYPE_KNOB_TYPE,
                                                   1, &count, &type),
                          "cuDNN: a knob's type");
    CUDNN_RETURN_IF_ERROR(
        cudnnBackendGetAttribute(choice.get(), CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, CUDNN_TYPE_INT64, 1, &count, &value),
        "cuDNN: a knob's value");
    knobs.emplace_back(static_cast<int64_t>(type), value);
  }
  return knobs;
}

// An engine's configuration from nothing but its number and its knobs: no heuristic is asked.
absl::StatusOr<CudnnDescriptor> MakeConfig(const CudnnDescriptor& graph, const ConvChoice& choice,
                                           const CudnnTarget& target) {
  ASSIGN_OR_RETURN(auto engine, CudnnDescriptor::Create(CUDNN_BACKEND_ENGINE_DESCRIPTOR));
  RETURN_IF_ERROR(engine.SetDescriptor(CUDNN_ATTR_ENGINE_OPERATION_GRAPH, graph));
  RETURN_IF_ERROR(engine.SetInt64(CUDNN_ATTR_ENGINE_GLOBAL_INDEX, {choice.engine}));
  if (target.handle == nullptr) {
    RETURN_IF_ERROR(engine.SetDescriptor(CUDNN_ATTR_ENGINE_DEVICEPROP, *target.description));
  }
  RETURN_IF_ERROR(engine.Finalize());
  std::vector<CudnnDescriptor> knobs;
  std::vector<cudnnBackendDescriptor_t> pointers;
  for (const auto& [type, value] : choice.knobs) {
    ASSIGN_OR_RETURN(auto knob, CudnnDescriptor::Create(CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR));
    const auto knob_type = static_cast<cudnnBackendKnobType_t>(type);
    RETURN_IF_ERROR(knob.Set(CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, CUDNN_TYPE_KNOB_TYPE, 1, &knob_type));
    RETURN_IF_ERROR(knob.SetInt64(CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, {value}));
    RETURN_IF_ERROR(knob.Finalize());
    pointers.push_back(knob.get());
    knobs.push_back(std::move(knob));
  }
  ASSIGN_OR_RETURN(auto config, CudnnDescriptor::Create(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR));
  RETURN_IF_ERROR(config.SetDescriptor(CUDNN_ATTR_ENGINECFG_ENGINE, engine));
  if (!pointers.empty()) {
    RETURN_IF_ERROR(config.Set(CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                               static_cast<int64_t>(pointers.size()), pointers.data()));
  }
  RETURN_IF_ERROR(config.Finalize());
  return config;
}

class CudnnPlan : public ConvPlan {
 public:
  CudnnPlan(CudnnDescriptor config, CudnnDescriptor plan, int64_t workspace_bytes, cudnnHandle_t handle)
      : config_(std::move(config)), plan_(std::move(plan)), workspace_bytes_(workspace_bytes), handle_(handle) {}

  int64_t workspace_bytes() const override { return workspace_bytes_; }
  std::unique_ptr<ConvCall> NewCall() const override;

  cudnnBackendDescriptor_t plan() const { return plan_.get(); }
  cudnnHandle_t handle() const { return handle_; }

 private:
  const CudnnDescriptor config_;  // outlives the plan, as in NVIDIA's front end
  const CudnnDescriptor plan_;
  const int64_t workspace_bytes_;
  const cudnnHandle_t handle_;
};

class CudnnCall : public ConvCall {
 public:
  explicit CudnnCall(const CudnnPlan& plan) : plan_(plan) {}

  absl::Status Execute(const ConvPointers& pointers, void* workspace) override {
    if (pack_ == nullptr || !(packed_ == pointers) || packed_workspace_ != workspace) {
      RETURN_IF_ERROR(PackPointers(pointers, workspace));
    }
    CUDNN_RETURN_IF_ERROR(cudnnBackendExecute(plan_.handle(), plan_.plan(), pack_->get()), "cuDNN: a convolution");
    return absl::OkStatus();
  }

 private:
  absl::Status PackPointers(const ConvPointers& pointers, void* workspace) {
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

  const CudnnPlan& plan_;
  std::unique_ptr<CudnnDescriptor> pack_;
  ConvPointers packed_;
  void* packed_workspace_ = nullptr;
};

std::unique_ptr<ConvCall> CudnnPlan::NewCall() const { return std::make_unique<CudnnCall>(*this); }

class CudnnLibrary : public ConvLibrary {
 public:
  explicit CudnnLibrary(CudnnTarget target) : target_(std::move(target)) {}

  absl::StatusOr<std::vector<ConvChoice>> Propose(const ConvProblem& problem, Heuristic heuristic) override {
    ASSIGN_OR_RETURN(const auto graph, MakeGraph(problem, target_));
    ASSIGN_OR_RETURN(auto heuristics, CudnnDescriptor::Create(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR));
    const cudnnBackendHeurMode_t mode = heuristic == Heuristic::kBest ? CUDNN_HEUR_MODE_A : CUDNN_HEUR_MODE_FALLBACK;
    RETURN_IF_ERROR(heuristics.SetDescriptor(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph));
    RETURN_IF_ERROR(heuristics.Set(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode));
    if (target_.handle == nullptr) {
      RETURN_IF_ERROR(heuristics.SetDescriptor(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, *target_.description));
    }
    std::vector<ConvChoice> choices;
    if (!heuristics.Finalize().ok()) return choices;  // not every mode knows every graph
    std::vector<CudnnDescriptor> configs;
    int64_t count = 0;
    CUDNN_RETURN_IF_ERROR(cudnnBackendGetAttribute(heuristics.get(), CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                                   CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, &count, nullptr),
                          "cuDNN: the number of engines");
    RETURN_IF_ERROR(GetDescriptors(heuristics.get(), CUDNN_ATTR_ENGINEHEUR_RESULTS, count,
                                   CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, &configs));
    for (const CudnnDescriptor& config : configs) {
      std::vector<CudnnDescriptor> engines;
      RETURN_IF_ERROR(
          GetDescriptors(config.get(), CUDNN_ATTR_ENGINECFG_ENGINE, 1, CUDNN_BACKEND_ENGINE_DESCRIPTOR, &engines));
      if (engines.empty()) continue;
      ASSIGN_OR_RETURN(const auto notes, NumericalNotes(engines[0]));
      if (!Allowed(problem, notes)) continue;
      ConvChoice choice;
      int64_t found = 0;
      CUDNN_RETURN_IF_ERROR(cudnnBackendGetAttribute(engines[0].get(), CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64,
                                                     1, &found, &choice.engine),
                            "cuDNN: an engine's number");
      ASSIGN_OR_RETURN(choice.knobs, KnobsOf(config.get()));
      choices.push_back(std::move(choice));
    }
    return choices;
  }

  absl::StatusOr<std::unique_ptr<ConvPlan>> Build(const ConvProblem& problem, const ConvChoice& choice) override {
    ASSIGN_OR_RETURN(const auto graph, MakeGraph(problem, target_));
    ASSIGN_OR_RETURN(auto config, MakeConfig(graph, choice, target_));
    ASSIGN_OR_RETURN(auto plan, CudnnDescriptor::Create(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR));
    RETURN_IF_ERROR(plan.SetDescriptor(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, config));
    if (target_.handle != nullptr) {
      RETURN_IF_ERROR(plan.Set(kPlanHandle, CUDNN_TYPE_HANDLE, 1, &target_.handle));
    } else {
      RETURN_IF_ERROR(plan.SetDescriptor(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, *target_.description));
    }
    RETURN_IF_ERROR(plan.Finalize());
    int64_t workspace = 0, count = 0;
    CUDNN_RETURN_IF_ERROR(cudnnBackendGetAttribute(plan.get(), CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE,
                                                   CUDNN_TYPE_INT64, 1, &count, &workspace),
                          "cuDNN: a plan's workspace");
    return std::make_unique<CudnnPlan>(std::move(config), std::move(plan), workspace, target_.handle);
  }

 private:
  const CudnnTarget target_;
};

}  // namespace

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

std::unique_ptr<ConvLibrary> MakeCudnnLibrary(const CudnnTarget& target) {
  return std::make_unique<CudnnLibrary>(target);
}

}  // namespace hardface::model
