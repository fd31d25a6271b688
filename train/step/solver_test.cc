#include "train/step/solver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace hardface::train {
namespace {

const std::vector<model::ParameterSpec> kSpecs = {{"early.weight", {2}, model::NetworkPart::kEarly, false},
                                                  {"body.weight", {2}, model::NetworkPart::kBody, false},
                                                  {"head.weight", {2}, model::NetworkPart::kHead, false},
                                                  {"head.bias", {2}, model::NetworkPart::kHead, true}};

model::ParameterSet Filled(float value) {
  model::ParameterSet set = model::ZeroParameters(kSpecs);
  for (auto& [name, array] : set) array.values.assign(2, value);
  return set;
}

TEST(LearningRateTest, Steps) {
  Schedule schedule;
  schedule.steps = {10, 20};
  EXPECT_DOUBLE_EQ(LearningRate(schedule, 9), 0.004);
  EXPECT_DOUBLE_EQ(LearningRate(schedule, 10), 0.0004);
  EXPECT_NEAR(LearningRate(schedule, 20), 0.00004, 1e-12);
}

TEST(LearningRateTest, CosineWithWarmup) {
  Schedule schedule;
  schedule.kind = Schedule::Kind::kCosine;
  schedule.base = 1;
  schedule.floor = 0.2;
  schedule.iterations = 100;
  schedule.warmup = 10;
  EXPECT_NEAR(LearningRate(schedule, 0), 0.1, 1e-9);
  EXPECT_NEAR(LearningRate(schedule, 50), 0.6, 1e-9);
  EXPECT_NEAR(LearningRate(schedule, 100), 0.2, 1e-9);
}

TEST(SolverTest, SgdFollowsCaffesRuleWithThePapersMultipliers) {
  const SolverOptions options;  // the defaults freeze the first two blocks, as the paper does
  Solver solver(kSpecs, options);
  model::ParameterSet parameters = Filled(1.0f);
  const model::ParameterSet gradients = Filled(0.5f);
  solver.Step(0, gradients, &parameters);
  EXPECT_EQ(parameters["early.weight"].values[0], 1);  // frozen
  // v = rate * (gradient + decay * weight); weight -= v.
  EXPECT_FLOAT_EQ(parameters["body.weight"].values[0], 1 - 0.008f * (0.5f + 0.00025f));
  EXPECT_FLOAT_EQ(parameters["head.weight"].values[0], 1 - 0.004f * (0.5f + 0.00025f));
  EXPECT_FLOAT_EQ(parameters["head.bias"].values[0], 1 - 0.008f * 0.5f);  // twice the rate, no decay
  const double first_step = 0.008 * (0.5 + 0.00025), weight = 1 - first_step;
  solver.Step(1, gradients, &parameters);
  EXPECT_NEAR(parameters["body.weight"].values[1], weight - (0.9 * first_step + 0.008 * (0.5 + 0.00025 * weight)),
              1e-6);
}

TEST(SolverTest, AdamsFirstStepHasTheSizeOfTheRate) {
  SolverOptions options;
  options.kind = SolverOptions::Kind::kAdam;
  options.weight_decay = 0;
  options.schedule.base = 0.01;
  options.early_rate = options.body_rate = options.head_rate = options.bias_rate = 1;
  Solver solver(kSpecs, options);
  model::ParameterSet parameters = Filled(1.0f), gradients = Filled(-3.0f);
  solver.Step(0, gradients, &parameters);
  EXPECT_NEAR(parameters["head.bias"].values[0], 1.01, 1e-6);
}

TEST(SolverTest, ClippingLimitsTheNorm) {
  SolverOptions options;
  options.clip_norm = 1;
  options.weight_decay = 0;
  Solver solver(kSpecs, options);
  model::ParameterSet parameters = Filled(0.0f);
  EXPECT_NEAR(solver.Step(0, Filled(2.0f), &parameters), std::sqrt(8 * 4.0), 1e-5);
  EXPECT_NEAR(parameters["head.weight"].values[0], -0.004 * 2 / std::sqrt(32.0), 1e-8);
}

TEST(SolverTest, AverageLagsBehindAndIsUsed) {
  SolverOptions options;
  options.average = 0.5;
  options.weight_decay = 0;
  Solver solver(kSpecs, options);
  model::ParameterSet parameters = Filled(0.0f);
  solver.Step(0, Filled(1.0f), &parameters);
  const float first = parameters["head.weight"].values[0];
  EXPECT_EQ(solver.AveragedOr(parameters).at("head.weight").values[0], first);
  solver.Step(20, Filled(1.0f), &parameters);
  const float second = parameters["head.weight"].values[0];
  EXPECT_FLOAT_EQ(solver.AveragedOr(parameters).at("head.weight").values[0], 0.5f * (first + second));
}

TEST(SolverTest, RestoredStateContinuesToTheBit) {
  SolverOptions options;
  options.kind = SolverOptions::Kind::kAdam;
  options.average = 0.9;
  Solver solver(kSpecs, options), other(kSpecs, options);
  model::ParameterSet parameters = Filled(1.0f);
  solver.Step(0, Filled(0.3f), &parameters);
  model::ParameterSet copy = parameters;
  ASSERT_TRUE(other.Restore(solver.State(), "state").ok());
  solver.Step(1, Filled(-0.2f), &parameters);
  other.Step(1, Filled(-0.2f), &copy);
  for (const auto& [name, array] : parameters) EXPECT_EQ(copy[name].values, array.values);
  EXPECT_EQ(other.AveragedOr(copy).at("body.weight").values, solver.AveragedOr(parameters).at("body.weight").values);

  Solver sgd(kSpecs, {});
  EXPECT_THAT(std::string(other.Restore(sgd.State(), "FILE").message()), ::testing::HasSubstr("FILE: no second."));
}

TEST(SolverTest, AGradientThatIsNotFiniteChangesNothing) {
  Solver solver(kSpecs, SolverOptions());
  model::ParameterSet parameters = Filled(1.0f), gradients = Filled(0.5f);
  gradients["head.bias"].values[1] = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(std::isfinite(solver.Step(0, gradients, &parameters)));
  for (const auto& [name, array] : parameters) EXPECT_EQ(array.values, Filled(1.0f).at(name).values) << name;
  EXPECT_EQ(solver.State().at("first.body.weight").values[0], 0);
}

}  // namespace
}  // namespace hardface::train
