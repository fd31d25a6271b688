#include "model/weights/score_scale.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "base/random.h"
#include "model/execution/executor.h"

namespace hardface::model {
namespace {

// The face's logit less the background's, of every anchor and cell.
std::vector<double> Logits(const DetectorSpec& detector, const ParameterSet& parameters) {
  auto executor = *Executor::Create(detector.network, {1, 3, 32, 64}, {});
  executor->SetParameters(parameters);
  Random random(4);
  const TensorView input = executor->input();
  for (int64_t i = 0; i < input.stored(); ++i) input.data[i] = static_cast<float>(random.Uniform(-1, 1));
  executor->Forward();
  std::vector<double> logits;
  for (const DetectionHead& head : detector.heads) {
    const TensorView scores = executor->output(head.scores);
    const int anchors = scores.shape.c / 2;
    for (int a = 0; a < anchors; ++a) {
      for (int y = 0; y < scores.shape.h; ++y) {
        for (int x = 0; x < scores.shape.w; ++x) {
          logits.push_back(double{scores.at(0, anchors + a, y, x)} - double{scores.at(0, a, y, x)});
        }
      }
    }
  }
  return logits;
}

TEST(RescaleScoresTest, EveryLogitIsShiftedAndScaled) {
  for (const bool dilated : {true, false}) {
    for (const char* const architecture : {"smallhard", "three_maps"}) {
      if (dilated && std::string(architecture) == "three_maps") continue;
      const DetectorSpec detector = *BuildDetector({architecture, 16, dilated});
      ParameterSet parameters = InitializeParameters(ListParameters(detector.network), Initialization::kHe, 3);
      const std::vector<double> before = Logits(detector, parameters);
      RescaleScores(detector, {2.5, 1.5}, &parameters);
      const std::vector<double> after = Logits(detector, parameters);
      ASSERT_EQ(before.size(), after.size());
      double spread = 0;
      for (size_t i = 0; i < before.size(); ++i) {
        spread = std::max(spread, std::fabs(before[i] - before[0]));
        ASSERT_NEAR(after[i], (before[i] - 1.5) / 2.5, 1e-4 * std::max(1.0, std::fabs(before[i])))
            << architecture << ", value " << i;
      }
      EXPECT_GT(spread, 0.01) << "all logits are alike, so that the test would show little";
    }
  }
}

TEST(ScoreScaleTest, TellsAndTakesBack) {
  const ScoreScale scale{1.25, 2};
  // logit(0.9) = 2.1972; (2.1972 - 2) / 1.25 = 0.15779; sigmoid(0.15779) = 0.53936.
  EXPECT_NEAR(scale.Told(0.9f), 0.53936f, 1e-5f);
  EXPECT_NEAR(scale.OfNetwork(0.53936f), 0.9f, 1e-5f);
  float last = 0;
  for (const float score : {1e-30f, 1e-6f, 0.05f, 0.5f, 0.999f, 0.9999998f}) {
    EXPECT_GT(scale.Told(score), last) << "the order stays";
    last = scale.Told(score);
    EXPECT_NEAR(scale.OfNetwork(last), score, 1e-6f * score + 1e-7f);
  }
  EXPECT_LT(last, 1);
  for (const float end : {0.0f, 1.0f}) {
    EXPECT_EQ(scale.Told(end), end);
    EXPECT_EQ(scale.OfNetwork(end), end);
  }
  EXPECT_EQ(ScoreScale().Told(0.25f), 0.25f);
}

TEST(ScoreScaleTest, OneAfterTheOtherIsTheirComposition) {
  const ScoreScale first{1.25, 2}, second{0.5, -1}, both = Composed(first, second);
  for (const float score : {0.1f, 0.5f, 0.95f}) EXPECT_NEAR(both.Told(score), second.Told(first.Told(score)), 1e-6f);
}

}  // namespace
}  // namespace hardface::model
