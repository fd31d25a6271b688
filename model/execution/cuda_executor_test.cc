// The detector on a GPU against the CPU's executor and the recordings of the published implementation.
#include "model/execution/cuda_executor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/read_file.h"
#include "base/status_macros.h"
#include "model/detectors/detector.h"
#include "model/execution/executor.h"
#include "model/ops/cuda_test_util.h"
#include "model/testdata/golden.h"
#include "model/weights/model_file.h"

namespace hardface::model {
namespace {

// Errors add up over the layers: of the whole network, measured on the CPU for rounding to the format after each layer.
double NetworkTolerance(Precision precision) { return 5 * ToleranceOf(precision); }

// Gradients differ more: rounding decides which ReLUs and which maxima let them pass, layer after layer. On an emulated
// device (sums in fp32) those of conv3_1, the farthest from the loss, differ by up to 0.58 in bf16 and 0.15 in fp16,
// whose mantissa is TF32's.
double GradientTolerance(Precision precision) {
  switch (precision) {
    case Precision::kFp32:
      return 2 * NetworkTolerance(precision);
    case Precision::kBf16:
      return 0.8;
    case Precision::kTf32:
    case Precision::kFp16:
      break;
  }
  return 0.25;
}

constexpr Precision kPrecisions[] = {Precision::kFp32, Precision::kTf32, Precision::kBf16, Precision::kFp16};

Tensor ToHost(const TensorView& device, const CudaStream& stream) {
  Tensor host(device.shape);
  EXPECT_TRUE(
      CopyToHost(device.data, host.data(), device.shape.size() * static_cast<int64_t>(sizeof(float)), stream.handle())
          .ok());
  const absl::Status status = stream.Synchronize();
  EXPECT_TRUE(status.ok()) << status;
  return host;
}

// A network with its parameters on the device.
struct DeviceNetwork {
  DeviceNetwork(const NetworkSpec& spec, const ParameterSet& values, CudaExecutorOptions wanted)
      : network(spec), options(std::move(wanted)) {
    options.resources = std::make_shared<CudaExecutorResources>(TestContext());
    parameters = *DeviceParameters::Create(ListParameters(network), stream().handle());
    const absl::Status status = parameters.Upload(values, stream());
    EXPECT_TRUE(status.ok()) << status;
  }
  const CudaStream& stream() const { return options.resources->context->stream(); }
  std::unique_ptr<CudaExecutor> Make(const Shape& shape) {
    auto executor = CudaExecutor::Create(network, shape, options);
    EXPECT_TRUE(executor.ok()) << executor.status();
    if (!executor.ok()) return nullptr;
    EXPECT_TRUE((*executor)->SetParameters(parameters).ok());
    return std::move(*executor);
  }
  void SetInput(const CudaExecutor& executor, const Tensor& image) {
    const int64_t bytes = image.shape().size() * static_cast<int64_t>(sizeof(float));
    const DeviceMemory plain = *DeviceMemory::Allocate(bytes, "a test");
    EXPECT_TRUE(CopyToDevice(image.data(), plain.data(), bytes, stream().handle()).ok());
    const absl::Status status = FromPlanar(plain.as<float>(), 1.0f, executor.input(), stream().handle());
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_TRUE(stream().Synchronize().ok());
  }

  const NetworkSpec network;
  CudaExecutorOptions options;
  DeviceParameters parameters;
};

double RelativeL2(const Tensor& actual, const nlohmann::json& expected) {
  EXPECT_EQ(static_cast<size_t>(actual.shape().size()), expected.size());
  double difference = 0, norm = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double e = expected[i];
    difference += (actual.data()[i] - e) * (actual.data()[i] - e);
    norm += e * e;
  }
  return std::sqrt(difference / norm);
}

class CudaGoldenTest : public ::testing::TestWithParam<std::string> {};

TEST_P(CudaGoldenTest, OutputMapsMatchThePublishedImplementation) {
  SKIP_WITHOUT_GPU();
  SKIP_WITHOUT_RECORDING(GetParam());
  const std::string folder = GoldenFolder();
  const nlohmann::json golden = ReadGoldenJson(GetParam() + ".json");
  const auto model = LoadModel(folder + "/" + GetParam() + ".caffemodel");
  ASSERT_TRUE(model.ok()) << model.status();
  const auto input = ReadFile(folder + "/" + golden["input_file"].get<std::string>());
  ASSERT_TRUE(input.ok()) << input.status();
  const Shape shape{golden["input_shape"][0], golden["input_shape"][1], golden["input_shape"][2],
                    golden["input_shape"][3]};
  const Tensor image(shape);
  ASSERT_EQ(input->size(), static_cast<size_t>(shape.size()) * sizeof(float));
  std::memcpy(image.data(), input->data(), input->size());
  for (const Precision precision : kPrecisions) {
    CudaExecutorOptions options;
    options.precision = precision;
    DeviceNetwork device(model->detector.network, model->parameters, options);
    const auto executor = device.Make(shape);
    ASSERT_NE(executor, nullptr);
    for (int run = 0; run < 3; ++run) {   // as it is, recording a graph, launching it
      device.SetInput(*executor, image);  // anew: activations have taken its place
      ASSERT_OK(executor->Forward());
      for (const char* dilation : {"1", "2", "4"}) {
        for (const char* map : {"cls_score", "bbox_pred"}) {
          const Tensor output = ToHost(executor->output(std::string(map) + "_" + dilation), device.stream());
          EXPECT_LT(RelativeL2(output, golden[map][dilation]), NetworkTolerance(precision))
              << map << "_" << dilation << " in " << PrecisionName(precision) << ", run " << run;
        }
      }
      EXPECT_EQ(executor->recorded(), run > 0) << PrecisionName(precision);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Recordings, CudaGoldenTest, ::testing::ValuesIn(GoldenNames("net_", ".json")), GoldenTestName);

DetectorSpec SmallDetector(const std::string& architecture) {
  DetectorOptions options;
  options.architecture = architecture;
  options.width_divisor = 8;
  return *BuildDetector(options);
}

TEST(CudaExecutorTest, GradientsAreThoseOfTheCpu) {
  SKIP_WITHOUT_GPU();
  const DetectorSpec detector = SmallDetector("smallhard");
  const Shape shape{2, 3, 64, 96};
  const std::vector<ParameterSpec> specs = ListParameters(detector.network);
  ParameterSet parameters = InitializeParameters(specs, Initialization::kHe, 1);
  // Without biases, sums over nothing but zeros are exactly zero by one algorithm and a rounding error by another, and
  // ReLU lets the gradient of the latter pass.
  Random random(7);
  for (const ParameterSpec& spec : specs) {
    if (!spec.bias) continue;
    for (float& value : parameters.at(spec.name).values) value = static_cast<float>(random.Uniform(-0.2, 0.2));
  }
  const Tensor image = RandomTensor(shape, 1, 2);
  const auto frozen = [](NetworkPart part) { return part == NetworkPart::kEarly; };

  ExecutorOptions cpu_options;
  cpu_options.training = true;
  cpu_options.frozen = frozen;
  const auto cpu = *Executor::Create(detector.network, shape, cpu_options);
  cpu->SetParameters(parameters);
  std::memcpy(cpu->input().data, image.data(), static_cast<size_t>(shape.size()) * sizeof(float));
  cpu->Forward();
  ParameterSet expected = ZeroParameters(specs);
  std::map<std::string, Tensor> output_gradients;
  uint64_t seed = 3;
  for (const std::string& name : detector.network.outputs) {
    const TensorView gradient = cpu->output_gradient(name);
    output_gradients[name] = RandomTensor(gradient.shape, 1, seed++);
    ConvertLayout(output_gradients[name].view(), gradient);
  }
  cpu->Backward(&expected);

  for (const Precision precision : kPrecisions) {
    CudaExecutorOptions options;
    options.training = true;
    options.precision = precision;
    options.frozen = frozen;
    DeviceNetwork device(detector.network, parameters, options);
    const auto executor = device.Make(shape);
    ASSERT_NE(executor, nullptr);
    const auto gradients = DeviceParameters::Create(specs, device.stream().handle());
    ASSERT_TRUE(gradients.ok()) << gradients.status();
    constexpr float kScale = 4;
    device.SetInput(*executor, image);
    ASSERT_OK(executor->Forward());
    for (const auto& [name, gradient] : output_gradients) {
      ASSERT_OK(CopyToDevice(gradient.data(), executor->output_gradient(name).data,
                             gradient.shape().size() * static_cast<int64_t>(sizeof(float)), device.stream().handle()));
    }
    std::set<std::string> completed;
    ASSERT_OK(executor->Backward(kScale, *gradients, [&](const std::string& layer) {
      EXPECT_TRUE(completed.insert(layer).second) << layer << " is complete twice";
      return absl::OkStatus();
    }));
    ParameterSet actual = ZeroParameters(specs);
    ASSERT_OK(gradients->Download(&actual, device.stream()));
    for (const ParameterSpec& spec : specs) {
      const std::string layer = spec.name.substr(0, spec.name.rfind('.'));
      EXPECT_EQ(completed.count(layer), spec.part == NetworkPart::kEarly ? 0u : 1u) << layer;
      double difference = 0, norm = 0;
      for (size_t i = 0; i < actual.at(spec.name).values.size(); ++i) {
        const double e = expected.at(spec.name).values[i], d = actual.at(spec.name).values[i] / kScale - e;
        difference += d * d;
        norm += e * e;
      }
      EXPECT_LE(std::sqrt(difference), GradientTolerance(precision) * std::sqrt(norm))
          << spec.name << " in " << PrecisionName(precision);
    }
  }
}

// On a GPU this shows whether the engines of the backward passes can be recorded.
TEST(CudaExecutorTest, ARecordedTrainingPassHasTheBitsOfOneQueuedByCalls) {
  SKIP_WITHOUT_GPU();
  const DetectorSpec detector = SmallDetector("smallhard");
  const std::vector<ParameterSpec> specs = ListParameters(detector.network);
  const Shape shape{2, 3, 64, 96};
  const Tensor image = RandomTensor(shape, 1, 2);
  for (const Precision precision : kPrecisions) {
    CudaExecutorOptions options;
    options.training = true;
    options.precision = precision;
    DeviceNetwork device(detector.network, InitializeParameters(specs, Initialization::kHe, 1), options);
    const auto executor = device.Make(shape);
    ASSERT_NE(executor, nullptr);
    const auto gradients = DeviceParameters::Create(specs, device.stream().handle());
    ASSERT_TRUE(gradients.ok()) << gradients.status();
    ParameterSet first = ZeroParameters(specs), actual = first;
    for (int run = 0; run < kRunsBeforeTraining + 3; ++run) {
      device.SetInput(*executor, image);
      ASSERT_OK(FillWithZeros(gradients->data(), gradients->size() * static_cast<int64_t>(sizeof(float)),
                              device.stream().handle()));
      ASSERT_OK(executor->Run({}, [&]() -> absl::Status {
        RETURN_IF_ERROR(executor->Forward());
        // Any gradient of the outputs: here they themselves.
        for (const std::string& name : detector.network.outputs) {
          const TensorView output = executor->output(name);
          RETURN_IF_ERROR(CopyOnDevice(output.data, executor->output_gradient(name).data,
                                       output.shape.size() * static_cast<int64_t>(sizeof(float)),
                                       device.stream().handle()));
        }
        return executor->Backward(1, *gradients);
      }));
      ASSERT_OK(gradients->Download(run == 0 ? &first : &actual, device.stream()));
      EXPECT_EQ(executor->recorded(), run >= kRunsBeforeTraining) << PrecisionName(precision) << ", run " << run;
      if (run == 0) continue;
      for (const auto& [name, array] : first) {
        ASSERT_EQ(actual.at(name).values, array.values)
            << name << " in " << PrecisionName(precision) << ", run " << run;
      }
    }
    double sum = 0;
    for (const auto& [name, array] : first) {
      for (const float value : array.values) sum += std::fabs(value);
    }
    EXPECT_GT(sum, 0);
  }
}

TEST(CudaExecutorTest, ExecutorsOfSeveralShapesShareTheirMemory) {
  SKIP_WITHOUT_GPU();
  const DetectorSpec detector = SmallDetector("three_maps");
  const ParameterSet parameters = InitializeParameters(ListParameters(detector.network), Initialization::kHe, 1);
  DeviceNetwork device(detector.network, parameters, {});
  CudaExecutorCache cache(detector.network, device.options);
  std::map<std::string, Tensor> first;
  // The second shape moves the memory; afterwards the first must give what it gave.
  for (const Shape& shape : {Shape{1, 3, 32, 64}, Shape{2, 3, 96, 128}, Shape{1, 3, 32, 64}, Shape{1, 3, 32, 64}}) {
    const auto executor = cache.Get(shape, device.parameters, 0);
    ASSERT_TRUE(executor.ok()) << executor.status();
    device.SetInput(**executor, RandomTensor(shape, 1, 5));
    ASSERT_OK((*executor)->Forward());
    if (shape.h != 32) continue;
    for (const std::string& name : detector.network.outputs) {
      Tensor output = ToHost((*executor)->output(name), device.stream());
      if (first.count(name) != 0) {
        EXPECT_EQ(RelativeError(output.view(), first[name].view()), 0) << name;
      } else {
        first[name] = std::move(output);
      }
    }
  }
}

TEST(CudaExecutorTest, TheComparedDetectorsAgreeWithTheCpu) {
  SKIP_WITHOUT_GPU();
  for (const char* const architecture : {"ssh", "s3fd", "pyramidbox"}) {
    const DetectorSpec detector = SmallDetector(architecture);
    const ParameterSet parameters = InitializeParameters(ListParameters(detector.network), Initialization::kHe, 1);
    const Tensor image = RandomTensor({1, 3, 64, 96}, 1, 5);
    const auto cpu = *Executor::Create(detector.network, image.shape(), {});
    cpu->SetParameters(parameters);
    std::copy(image.data(), image.data() + image.shape().size(), cpu->input().data);
    cpu->Forward();
    CudaExecutorOptions options;
    options.precision = Precision::kFp32;
    DeviceNetwork device(detector.network, parameters, options);
    const auto executor = device.Make(image.shape());
    ASSERT_NE(executor, nullptr) << architecture;
    device.SetInput(*executor, image);
    ASSERT_OK(executor->Forward());
    for (const std::string& name : detector.network.outputs) {
      const Tensor output = ToHost(executor->output(name), device.stream());
      EXPECT_LT(RelativeError(output.view(), cpu->output(name)), NetworkTolerance(Precision::kFp32))
          << architecture << " " << name;
    }
    options.training = true;
    options.resources = device.options.resources;
    EXPECT_EQ(CudaExecutor::Create(detector.network, image.shape(), options).status().code(),
              absl::StatusCode::kUnimplemented);
  }
}

TEST(CudaExecutorTest, ActivationBytesAreKnownWithoutADevice) {
  const NetworkSpec network = BuildDetector({})->network;
  const auto bytes_of = [&network](const Shape& shape, Precision precision) {
    CudaExecutorOptions options;
    options.precision = precision;
    const auto bytes = CudaExecutor::ActivationBytes(network, shape, options);
    EXPECT_TRUE(bytes.ok()) << bytes.status();
    return bytes.value_or(0);
  };
  // conv1_1 and conv1_2, 64 channels of a half each, live at one time.
  const int64_t pixels = int64_t{512} * 512, half = bytes_of({1, 3, 512, 512}, Precision::kBf16);
  EXPECT_GE(half, 2 * 64 * 2 * pixels);
  EXPECT_LT(half, 2 * 64 * 2 * pixels * 5 / 4);
  EXPECT_EQ(bytes_of({1, 3, 512, 512}, Precision::kFp16), half);
  EXPECT_NEAR(static_cast<double>(bytes_of({1, 3, 512, 512}, Precision::kFp32)), 2.0 * half, 0.01 * half);
  EXPECT_NEAR(static_cast<double>(bytes_of({2, 3, 512, 512}, Precision::kBf16)), 2.0 * half, 0.01 * half);
  EXPECT_FALSE(CudaExecutor::ActivationBytes(network, {1, 3, 511, 512}, {}).ok());
}

TEST(CudaExecutorTest, TooLargeAnImageNamesTheNeed) {
  SKIP_WITHOUT_GPU();
  const DetectorSpec detector = SmallDetector("smallhard");
  DeviceNetwork device(detector.network, InitializeParameters(ListParameters(detector.network), Initialization::kHe, 1),
                       {});
  const auto executor = CudaExecutor::Create(detector.network, {1, 3, 1 << 18, 1 << 18}, device.options);
  ASSERT_EQ(executor.status().code(), absl::StatusCode::kResourceExhausted) << executor.status();
  EXPECT_NE(executor.status().message().find("MiB"), std::string::npos) << executor.status();
}

}  // namespace
}  // namespace hardface::model
