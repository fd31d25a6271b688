// The network against recordings of the published implementation: the .caffemodel's six output maps.
#include "model/testdata/golden.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "base/read_file.h"
#include "model/execution/executor.h"
#include "model/weights/model_file.h"

namespace hardface::model {
namespace {

double RelativeL2(const TensorView& view, const nlohmann::json& expected) {
  EXPECT_EQ(static_cast<size_t>(view.shape.size()), expected.size());
  double difference = 0, norm = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double e = expected[i];
    difference += (view.data[i] - e) * (view.data[i] - e);
    norm += e * e;
  }
  return std::sqrt(difference / norm);
}

class NetworkGoldenTest : public ::testing::TestWithParam<std::string> {};

TEST_P(NetworkGoldenTest, OutputMapsMatchThePublishedImplementation) {
  SKIP_WITHOUT_RECORDING(GetParam());
  const std::string folder = GoldenFolder();
  const nlohmann::json golden = ReadGoldenJson(GetParam() + ".json");
  const auto model = LoadModel(folder + "/" + GetParam() + ".caffemodel");
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(model->detector.options.width_divisor, golden["channel_divisor"]);
  const auto input = ReadFile(folder + "/" + golden["input_file"].get<std::string>());
  ASSERT_TRUE(input.ok()) << input.status();

  const Shape shape{golden["input_shape"][0], golden["input_shape"][1], golden["input_shape"][2],
                    golden["input_shape"][3]};
  ExecutorOptions options;
  options.training = true;  // keeps every layer's output, to look at
  const auto executor = Executor::Create(model->detector.network, shape, options);
  ASSERT_TRUE(executor.ok()) << executor.status();
  (*executor)->SetParameters(model->parameters);
  ASSERT_EQ(input->size(), static_cast<size_t>(shape.size()) * sizeof(float));
  std::memcpy((*executor)->input().data, input->data(), input->size());
  (*executor)->Forward();

  const Tensor upsampled = (*executor)->LayerOutput("conv5_256_up");
  const nlohmann::json& first_channel = golden["upsampled_conv5_first_channel"];
  for (size_t i = 0; i < first_channel.size(); ++i) {
    const double expected = first_channel[i];
    ASSERT_NEAR(upsampled.data()[i], expected, 1e-4 * std::max(1.0, std::fabs(expected))) << i;
  }
  for (const char* dilation : {"1", "2", "4"}) {
    EXPECT_LT(RelativeL2((*executor)->output(std::string("cls_score_") + dilation), golden["cls_score"][dilation]),
              1e-5);
    EXPECT_LT(RelativeL2((*executor)->output(std::string("bbox_pred_") + dilation), golden["bbox_pred"][dilation]),
              1e-5);
  }
}

INSTANTIATE_TEST_SUITE_P(Recordings, NetworkGoldenTest, ::testing::ValuesIn(GoldenNames("net_", ".json")),
                         GoldenTestName);

}  // namespace
}  // namespace hardface::model
