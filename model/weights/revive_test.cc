#include "model/weights/revive.h"

#include <gtest/gtest.h>

#include <cmath>

namespace hardface::model {
namespace {

std::vector<ParameterSpec> Specs() { return {{"a.weight", {3, 2, 3, 3}}, {"a.bias", {3}, NetworkPart::kBody, true}}; }

// Output 1 and input 0 are dead; everything else is alive.
ParameterSet HalfDead() {
  ParameterSet parameters = ZeroParameters(Specs());
  std::vector<float>& weights = parameters["a.weight"].values;
  for (size_t i = 0; i < weights.size(); ++i) {
    const bool output_1 = i / 18 == 1, input_0 = i / 9 % 2 == 0;
    weights[i] = output_1 || input_0 ? 1e-5f : 0.5f;
  }
  parameters["a.bias"].values = {0.25f, -3, 0.75f};
  return parameters;
}

TEST(ReviveChannelsTest, GivesDeadChannelsNewWeightsAndLeavesTheOthersAlone) {
  ParameterSet parameters = HalfDead();
  const RevivedChannels revived = ReviveChannels(Specs(), 7, &parameters);
  EXPECT_EQ(revived.of_outputs, 1);
  EXPECT_EQ(revived.of_inputs, 1);
  EXPECT_EQ(parameters["a.bias"].values, (std::vector<float>{0.25f, 0, 0.75f}));
  const std::vector<float>& weights = parameters["a.weight"].values;
  double new_output = 0, new_input = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    const bool output_1 = i / 18 == 1, input_0 = i / 9 % 2 == 0;
    if (!output_1 && !input_0) {
      EXPECT_EQ(weights[i], 0.5f) << i;
    }
    if (output_1) new_output += weights[i] * weights[i] / 18;
    if (input_0 && !output_1) new_input += weights[i] * weights[i] / 18;
  }
  // He's variance is 2 / 18.
  EXPECT_NEAR(std::sqrt(new_output), std::sqrt(2.0 / 18), 0.15);
  EXPECT_NEAR(std::sqrt(new_input), 0.1 * std::sqrt(2.0 / 18), 0.015);
}

TEST(ReviveChannelsTest, OfANetworkWithoutDeadChannelsNothingChanges) {
  ParameterSet parameters = InitializeParameters(Specs(), Initialization::kHe, 3);
  const ParameterSet before = parameters;
  const RevivedChannels revived = ReviveChannels(Specs(), 7, &parameters);
  EXPECT_EQ(revived.of_outputs + revived.of_inputs, 0);
  EXPECT_EQ(parameters["a.weight"].values, before.at("a.weight").values);
  EXPECT_EQ(parameters["a.bias"].values, before.at("a.bias").values);
}

TEST(ReviveChannelsTest, TheSeedDecides) {
  ParameterSet a = HalfDead(), b = HalfDead(), c = HalfDead();
  ReviveChannels(Specs(), 7, &a);
  ReviveChannels(Specs(), 7, &b);
  ReviveChannels(Specs(), 8, &c);
  EXPECT_EQ(a["a.weight"].values, b["a.weight"].values);
  EXPECT_NE(a["a.weight"].values, c["a.weight"].values);
}

}  // namespace
}  // namespace hardface::model
