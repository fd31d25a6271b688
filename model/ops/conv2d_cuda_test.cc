// cuDNN's convolutions against the CPU's reference, all passes.
#include "model/ops/conv2d_cuda.h"

#include <gtest/gtest.h>

#include <cstring>
#include <tuple>
#include <vector>

#include "model/cuda/weight_order.h"
#include "model/ops/cuda_test_util.h"
#include "model/ops/relu.h"

namespace hardface::model {
namespace {

struct ConvCase {
  Shape input;
  Conv2dSpec spec;
};

class Conv2dCudaTest : public ::testing::TestWithParam<std::tuple<ConvCase, Precision>> {};

// fp32 values on the device.
DeviceMemory Upload(const float* values, int64_t count, const CudaStream& stream) {
  const int64_t bytes = count * static_cast<int64_t>(sizeof(float));
  DeviceMemory memory = *DeviceMemory::Allocate(bytes, "a test");
  EXPECT_TRUE(CopyToDevice(values, memory.data(), bytes, stream.handle()).ok());
  EXPECT_TRUE(stream.Synchronize().ok());
  return memory;
}

void Download(const DeviceMemory& memory, const Tensor& to, const CudaStream& stream) {
  EXPECT_TRUE(CopyToHost(memory.data(), to.data(), memory.bytes(), stream.handle()).ok());
  EXPECT_TRUE(stream.Synchronize().ok());
}

TEST_P(Conv2dCudaTest, AgreesWithTheReferenceInEveryPass) {
  SKIP_WITHOUT_GPU();
  const auto& [test, precision] = GetParam();
  const Conv2dSpec& spec = test.spec;
  const Shape output{test.input.n, spec.out_channels, test.input.h, test.input.w};
  const Shape weight_shape{spec.out_channels, spec.in_channels, spec.kernel, spec.kernel};
  const Shape bias_shape{1, spec.out_channels, 1, 1};
  const auto context = TestContext();
  ASSERT_NE(context, nullptr);
  const CudaStream& stream = context->stream();
  const auto random = [&](const Shape& shape, uint64_t seed) {
    return Rounded(RandomTensor(shape, 1, seed), precision, stream);
  };
  const int64_t taps = int64_t{spec.kernel} * spec.kernel;
  const Tensor in = random(test.input, 1), weights = random(weight_shape, 2), bias = random(bias_shape, 3);
  const Tensor grad_out = random(output, 4);

  Conv2dConfig reference_config;
  reference_config.spec = spec;
  reference_config.input = test.input;
  reference_config.training = true;
  reference_config.engine = Conv2dEngine::kReference;
  const auto reference = *MakeConv2d(reference_config);
  reference->weights().Set(weights.data(), bias.data());
  Tensor out(output), grad_in(test.input), grad_weights(weight_shape), grad_bias(bias_shape);
  reference->Forward(in.view(), out.view());
  reference->BackwardData(grad_out.view(), grad_in.view());
  // The gradients are added to what is there.
  for (int64_t i = 0; i < weight_shape.size(); ++i) grad_weights.data()[i] = 0.5f;
  for (int64_t i = 0; i < bias_shape.size(); ++i) grad_bias.data()[i] = -0.5f;
  const DeviceMemory device_grad_weights = Upload(grad_weights.data(), weight_shape.size(), stream);
  const DeviceMemory device_grad_bias = Upload(grad_bias.data(), bias_shape.size(), stream);
  reference->BackwardWeights(in.view(), grad_out.view(), grad_weights.data(), grad_bias.data());

  Conv2dCudaConfig config;
  config.spec = spec;
  config.input = test.input;
  config.precision = precision;
  config.training = true;
  const auto convolution = Conv2dCuda::Create(config, context);
  ASSERT_TRUE(convolution.ok()) << convolution.status();
  const auto device_weights =
      DeviceConvWeights::Create(spec.out_channels, spec.in_channels, spec.kernel, ElementTypeOf(precision));
  ASSERT_TRUE(device_weights.ok()) << device_weights.status();
  Tensor ordered_weights(weight_shape);
  ToDeviceOrder(weights.data(), weight_shape.n, weight_shape.c, taps, ordered_weights.data());
  const DeviceMemory plain_weights = Upload(ordered_weights.data(), weight_shape.size(), stream);
  const DeviceMemory plain_bias = Upload(bias.data(), bias_shape.size(), stream);
  ASSERT_OK((*device_weights)->Set(plain_weights.as<float>(), plain_bias.as<float>(), stream.handle()));
  const auto workspace = DeviceMemory::Allocate((*convolution)->workspace_bytes(), "a test");
  ASSERT_TRUE(workspace.ok()) << workspace.status();
  const TestTensor device_in(in, precision, stream), device_grad_out(grad_out, precision, stream);
  const TestTensor device_out(output, precision, stream), device_grad_in(test.input, precision, stream);
  for (int run = 0; run < 2; ++run) {  // a second run must overwrite
    ASSERT_OK((*convolution)->Forward(**device_weights, device_in.get(), device_out.get(), workspace->data()));
    ASSERT_OK(
        (*convolution)->BackwardData(**device_weights, device_grad_out.get(), device_grad_in.get(), workspace->data()));
  }
  // ReLU's part is ReluBiasBackward's (device_ops_test.cc): here every output counts as positive.
  Tensor positive(output);
  for (int64_t i = 0; i < output.size(); ++i) positive.data()[i] = 1;
  const TestTensor all_positive(positive, precision, stream);
  ASSERT_OK(
      (*convolution)
          ->BackwardRelu(all_positive.get(), device_grad_out.get(), device_grad_bias.as<float>(), workspace->data()));
  ASSERT_OK((*convolution)
                ->BackwardWeights(device_in.get(), device_grad_out.get(), device_grad_weights.as<float>(),
                                  workspace->data()));
  Tensor ordered_grad_weights(weight_shape), own_grad_weights(weight_shape), own_grad_bias(bias_shape);
  Download(device_grad_weights, ordered_grad_weights, stream);
  FromDeviceOrder(ordered_grad_weights.data(), weight_shape.n, weight_shape.c, taps, own_grad_weights.data());
  Download(device_grad_bias, own_grad_bias, stream);
  ExpectClose(device_out.ToHost().view(), out.view(), precision, "Forward");
  ExpectClose(device_grad_in.ToHost().view(), grad_in.view(), precision, "BackwardData");
  ExpectClose(own_grad_weights.view(), grad_weights.view(), precision, "BackwardWeights");
  ExpectClose(own_grad_bias.view(), grad_bias.view(), precision, "the bias gradient");
}

TEST_P(Conv2dCudaTest, DeterministicRunsAreBitwiseEqual) {
  SKIP_WITHOUT_GPU();
  const auto& [test, precision] = GetParam();
  const auto context = TestContext();
  ASSERT_NE(context, nullptr);
  const CudaStream& stream = context->stream();
  Conv2dCudaConfig config;
  config.spec = test.spec;
  config.input = test.input;
  config.precision = precision;
  config.training = true;
  const auto convolution = Conv2dCuda::Create(config, context);
  ASSERT_TRUE(convolution.ok()) << convolution.status();
  const Shape output{test.input.n, test.spec.out_channels, test.input.h, test.input.w};
  const Shape weight_shape{test.spec.out_channels, test.spec.in_channels, test.spec.kernel, test.spec.kernel};
  const TestTensor in(RandomTensor(test.input, 1, 1), precision, stream);
  const TestTensor grad_out(RandomTensor(output, 1, 2), precision, stream);
  const auto workspace = DeviceMemory::Allocate((*convolution)->workspace_bytes(), "a test");
  ASSERT_TRUE(workspace.ok()) << workspace.status();
  Tensor first(weight_shape), second(weight_shape);
  for (const Tensor* result : {&first, &second}) {
    const Tensor zeros(weight_shape);
    const DeviceMemory weights = Upload(zeros.data(), weight_shape.size(), stream);
    ASSERT_OK((*convolution)->BackwardWeights(in.get(), grad_out.get(), weights.as<float>(), workspace->data()));
    Download(weights, *result, stream);
  }
  EXPECT_EQ(std::memcmp(first.data(), second.data(), static_cast<size_t>(weight_shape.size()) * sizeof(float)), 0);
}

constexpr ConvCase kCases[] = {
    {{1, 3, 20, 17}, {3, 64, 3, 1, true}},      {{2, 16, 7, 13}, {16, 24, 3, 1, true}},
    {{1, 13, 9, 5}, {13, 5, 3, 2, true}},       {{2, 32, 33, 17}, {32, 32, 3, 4, true}},
    {{1, 64, 16, 16}, {64, 2, 1, 1, false}},    {{1, 24, 1, 1}, {24, 40, 3, 1, false}},
    {{1, 128, 40, 40}, {128, 128, 3, 1, true}}, {{3, 8, 5, 64}, {8, 12, 1, 1, true}},
};

INSTANTIATE_TEST_SUITE_P(Cases, Conv2dCudaTest,
                         ::testing::Combine(::testing::ValuesIn(kCases),
                                            ::testing::Values(Precision::kFp32, Precision::kTf32, Precision::kBf16,
                                                              Precision::kFp16)),
                         [](const auto& info) {
                           const ConvCase& test = std::get<0>(info.param);
                           return "s" + test.input.ToString() + "_to" + std::to_string(test.spec.out_channels) + "_k" +
                                  std::to_string(test.spec.kernel) + "_d" + std::to_string(test.spec.dilation) + "_" +
                                  PrecisionName(std::get<1>(info.param));
                         });

}  // namespace
}  // namespace hardface::model
