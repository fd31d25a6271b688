// Loss and solver on a GPU against the CPU's.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <optional>
#include <vector>

#include "base/random.h"
#include "mining/anchor_targets.h"
#include "model/cuda/cuda_context.h"
#include "model/cuda/cuda_memory.h"
#include "model/cuda/device_parameters.h"
#include "model/detectors/anchors.h"
#include "model/ops/tensor.h"
#include "train/step/device_loss.h"
#include "train/step/device_solver.h"
#include "train/step/losses.h"
#include "train/step/solver.h"

namespace hardface::train {
namespace {

// The six planes of an anchor size, one after the other from MEMORY on.
model::AnchorPlane PlaneAt(float* memory, int size, int height, int width) {
  model::AnchorPlane plane{size, 8, height, width};
  const int64_t cells = int64_t{height} * width;
  plane.background = memory;
  plane.face = memory + cells;
  for (int k = 0; k < 4; ++k) plane.deltas[static_cast<size_t>(k)] = memory + (2 + k) * cells;
  return plane;
}

TEST(DeviceDetectionLossTest, LossAndGradientAreThoseOfTheCpu) {
  if (model::CudaDeviceCount() == 0) GTEST_SKIP() << model::WhyNoCuda();
  const auto context = model::CudaContext::Create({});
  ASSERT_TRUE(context.ok()) << context.status();
  const model::CudaStream& stream = (*context)->stream();
  constexpr int kHeight = 31, kWidth = 45, kSizes[] = {16, 32, 64};
  constexpr int64_t kPlane = int64_t{6} * kHeight * kWidth, kAll = 3 * kPlane;
  constexpr int64_t kBytes = kAll * static_cast<int64_t>(sizeof(float));
  Random random(1);
  std::vector<float> values(kAll), expected_gradients(kAll), gradients(kAll), taught(kAll);
  for (std::vector<float>* const numbers : {&values, &taught}) {
    for (float& value : *numbers) value = static_cast<float>(random.Uniform(-3, 3));
  }
  const auto device_taught = model::DeviceMemory::Allocate(kBytes, "a test");
  ASSERT_TRUE(device_taught.ok());
  ASSERT_TRUE(model::CopyToDevice(taught.data(), device_taught->data(), kBytes, stream.handle()).ok());
  const auto device_values = model::DeviceMemory::Allocate(kBytes, "a test");
  const auto device_gradients = model::DeviceMemory::Allocate(kBytes, "a test");
  ASSERT_TRUE(device_values.ok() && device_gradients.ok());
  ASSERT_TRUE(model::CopyToDevice(values.data(), device_values->data(), kBytes, stream.handle()).ok());
  ASSERT_TRUE(model::FillWithZeros(device_gradients->data(), kBytes, stream.handle()).ok());
  std::vector<model::AnchorPlane> planes, gradient_planes, on_device, gradients_on_device;
  TeacherView teacher{{}, 0.3f}, teacher_on_device{{}, 0.3f};
  for (int p = 0; p < 3; ++p) {
    planes.push_back(PlaneAt(values.data() + p * kPlane, kSizes[p], kHeight, kWidth));
    gradient_planes.push_back(PlaneAt(expected_gradients.data() + p * kPlane, kSizes[p], kHeight, kWidth));
    on_device.push_back(PlaneAt(device_values->as<float>() + p * kPlane, kSizes[p], kHeight, kWidth));
    gradients_on_device.push_back(PlaneAt(device_gradients->as<float>() + p * kPlane, kSizes[p], kHeight, kWidth));
    teacher.planes.push_back(PlaneAt(taught.data() + p * kPlane, kSizes[p], kHeight, kWidth));
    teacher_on_device.planes.push_back(PlaneAt(device_taught->as<float>() + p * kPlane, kSizes[p], kHeight, kWidth));
  }
  const mining::TargetOptions options;
  const auto loss = DeviceDetectionLoss::Create(options, 2, *context);
  ASSERT_TRUE(loss.ok()) << loss.status();
  const std::vector<mining::FaceBox> faces = {
      {{20, 30, 44, 52}, false}, {{100, 80, 150, 139}, false}, {{200, 10, 240, 60}, true}};
  std::vector<LossParts> expected;
  std::vector<float> expected_wpas;
  std::vector<std::vector<mining::FaceScore>> expected_faces;
  // A pass of two images and one of one, which has a teacher.
  const std::vector<std::vector<mining::FaceBox>> of_images = {faces, {}, faces};
  for (const auto& image_faces : of_images) {
    const size_t i = expected.size();
    const bool taught_too = i == 2;
    const mining::AnchorLabels labels = mining::LabelAnchors(planes, image_faces, 355, 240, options);
    expected.push_back(DetectionLoss(planes, labels, mining::SampleAnchors(planes, labels, options, &random), 0.5f,
                                     gradient_planes, taught_too ? teacher : TeacherView()));
    expected_wpas.push_back(mining::Wpas(planes, labels).value_or(-1));
    expected_faces.push_back(mining::FaceScores(planes, labels, image_faces.size()));
    if (i == 0) {
      ASSERT_TRUE((*loss)->Begin({{of_images[0], 355, 240, 1}, {of_images[1], 355, 240, 1}}, on_device).ok());
    }
    if (i == 2) {
      ASSERT_TRUE((*loss)->Begin({{of_images[2], 355, 240, 1}}, on_device).ok());
    }
    const absl::Status added = (*loss)->Add(static_cast<int>(i % 2), on_device, 0.5f, gradients_on_device,
                                            taught_too ? teacher_on_device : TeacherView());
    ASSERT_TRUE(added.ok()) << added;
    if (i > 0) {
      ASSERT_TRUE((*loss)->End().ok());
    }
  }
  const auto actual = (*loss)->Outcomes();
  ASSERT_TRUE(actual.ok()) << actual.status();
  ASSERT_EQ(actual->size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    const DeviceOutcome& outcome = (*actual)[i];
    EXPECT_NEAR(outcome.loss.classification, expected[i].classification, 1e-5) << i;
    EXPECT_NEAR(outcome.loss.regression, expected[i].regression, 1e-5) << i;
    EXPECT_NEAR(outcome.loss.wpas, expected_wpas[i], 1e-6) << i;
    ASSERT_EQ(outcome.faces.size(), expected_faces[i].size());
    for (size_t f = 0; f < outcome.faces.size(); ++f) {
      EXPECT_NEAR(outcome.faces[f].worst, expected_faces[i][f].worst, 1e-6) << i << ", " << f;
    }
  }
  ASSERT_TRUE(model::CopyToHost(device_gradients->data(), gradients.data(), kBytes, stream.handle()).ok());
  ASSERT_TRUE(stream.Synchronize().ok());
  for (size_t i = 0; i < gradients.size(); ++i) ASSERT_NEAR(gradients[i], expected_gradients[i], 1e-6) << i;
}

TEST(DeviceSolverTest, StepsAreThoseOfTheCpu) {
  if (model::CudaDeviceCount() == 0) GTEST_SKIP() << model::WhyNoCuda();
  const auto context = model::CudaContext::Create({});
  ASSERT_TRUE(context.ok()) << context.status();
  const model::CudaStream& stream = (*context)->stream();
  const std::vector<model::ParameterSpec> specs = {{"a.weight", {64, 33, 3, 3}, model::NetworkPart::kBody, false},
                                                   {"a.bias", {64}, model::NetworkPart::kBody, true},
                                                   {"h.weight", {2, 64, 1, 1}, model::NetworkPart::kHead, false},
                                                   {"h.bias", {2}, model::NetworkPart::kHead, true}};
  for (const auto kind : {SolverOptions::Kind::kSgd, SolverOptions::Kind::kAdam}) {
    SolverOptions options;
    options.kind = kind;
    options.clip_norm = 10;
    options.average = 0.9;
    Solver cpu(specs, options);
    const auto gpu = DeviceSolver::Create(specs, options, *context);
    ASSERT_TRUE(gpu.ok()) << gpu.status();
    model::ParameterSet parameters = model::InitializeParameters(specs, model::Initialization::kHe, 1);
    auto device_parameters = model::DeviceParameters::Create(specs, stream.handle());
    auto device_gradients = model::DeviceParameters::Create(specs, stream.handle());
    ASSERT_TRUE(device_parameters.ok() && device_gradients.ok());
    ASSERT_TRUE(device_parameters->Upload(parameters, stream).ok());
    Random random(2);
    for (int iteration = 0; iteration < 5; ++iteration) {
      model::ParameterSet gradients = model::ZeroParameters(specs), scaled = gradients;
      for (auto& [name, array] : gradients) {
        for (size_t i = 0; i < array.values.size(); ++i) {
          array.values[i] = static_cast<float>(random.Uniform(-1, 1));
          scaled[name].values[i] = 8 * array.values[i];
        }
      }
      const double norm = cpu.Step(iteration, gradients, &parameters);
      ASSERT_TRUE(device_gradients->Upload(scaled, stream).ok());
      ASSERT_TRUE((*gpu)->Step(iteration, 8, *device_gradients, *device_parameters).ok());
      const auto last = (*gpu)->LastGradient();
      ASSERT_TRUE(last.ok() && last->finite) << last.status();
      EXPECT_NEAR(last->norm, norm, 1e-6 * norm);
    }
    model::ParameterSet actual = model::ZeroParameters(specs), average = actual;
    ASSERT_TRUE(device_parameters->Download(&actual, stream).ok());
    ASSERT_NE((*gpu)->average(), nullptr);
    ASSERT_TRUE((*gpu)->average()->Download(&average, stream).ok());
    for (const auto& [name, array] : parameters) {
      for (size_t i = 0; i < array.values.size(); ++i) {
        ASSERT_NEAR(actual.at(name).values[i], array.values[i], 1e-5) << name << " " << i;
        ASSERT_NEAR(average.at(name).values[i], cpu.AveragedOr(parameters).at(name).values[i], 1e-5) << name;
      }
    }
  }
}

TEST(DeviceStepTest, WithoutCudaTheErrorSaysWhy) {
  if (model::CudaDeviceCount() > 0) GTEST_SKIP() << "there is a CUDA device";
  EXPECT_EQ(model::CudaContext::Create({}).status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace hardface::train
