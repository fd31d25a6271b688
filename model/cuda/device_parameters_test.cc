#include "model/cuda/device_parameters.h"

#include <gtest/gtest.h>

#include <vector>

#include "model/cuda/cuda_context.h"
#include "model/cuda/cuda_device.h"
#include "model/cuda/cuda_memory.h"
#include "model/detectors/network.h"
#include "model/weights/parameters.h"

namespace hardface::model {
namespace {

TEST(DeviceParametersTest, LieInCudnnsOrderAndComeBackInThatOfFiles) {
  if (CudaDeviceCount() == 0) GTEST_SKIP() << WhyNoCuda();
  const auto context = CudaContext::Create({});
  ASSERT_TRUE(context.ok()) << context.status();
  const CudaStream& stream = (*context)->stream();
  const std::vector<ParameterSpec> specs = {{"a.weight", {5, 3, 3, 3}, NetworkPart::kBody, false},
                                            {"a.bias", {5}, NetworkPart::kBody, true},
                                            {"b.weight", {2, 5, 1, 1}, NetworkPart::kHead, false}};
  ParameterSet parameters = ZeroParameters(specs);
  float next = 1;
  for (auto& [name, array] : parameters) {
    for (float& value : array.values) value = next++;
  }
  auto on_device = DeviceParameters::Create(specs, stream.handle());
  ASSERT_TRUE(on_device.ok()) << on_device.status();
  ASSERT_TRUE(on_device->Upload(parameters, stream).ok());
  std::vector<float> all(static_cast<size_t>(on_device->size()));
  ASSERT_TRUE(CopyToHost(on_device->data(), all.data(), on_device->size() * 4, stream.handle()).ok());
  ASSERT_TRUE(stream.Synchronize().ok());
  const float* const a = all.data() + (on_device->at("a.weight") - on_device->data());
  const std::vector<float>& a_values = parameters.at("a.weight").values;
  EXPECT_EQ(a[0], a_values[0]);
  EXPECT_EQ(a[1], a_values[9]) << "the next input channel";
  EXPECT_EQ(a[3], a_values[1]) << "the next tap";
  EXPECT_EQ(a[27], a_values[27]) << "the next output channel";
  const float* const b = all.data() + (on_device->at("b.weight") - on_device->data());
  for (size_t i = 0; i < 10; ++i) EXPECT_EQ(b[i], parameters.at("b.weight").values[i]) << i;
  float sum = 0, expected = 0;
  for (const float value : all) sum += value;
  for (const auto& [name, array] : parameters) {
    for (const float value : array.values) expected += value;
  }
  EXPECT_EQ(sum, expected) << "the gaps are not zero";
  ParameterSet back = ZeroParameters(specs);
  ASSERT_TRUE(on_device->Download(&back, stream).ok());
  for (const auto& [name, array] : parameters) EXPECT_EQ(back.at(name).values, array.values) << name;
}

}  // namespace
}  // namespace hardface::model
