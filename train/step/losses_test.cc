#include "train/step/losses.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/random.h"
#include "train/step/smooth_l1.h"

namespace hardface::train {
namespace {

TEST(SmoothL1Test, HandComputedWithSigma3) {
  EXPECT_FLOAT_EQ(SmoothL1(0.1f), 0.5f * 9 * 0.01f);
  EXPECT_FLOAT_EQ(SmoothL1(-2), 2 - 0.5f / 9);
  EXPECT_FLOAT_EQ(SmoothL1Gradient(0.1f), 0.9f);
  EXPECT_EQ(SmoothL1Gradient(-2), -1);
  EXPECT_NEAR(SmoothL1(1.0f / 9 - 1e-6f), SmoothL1(1.0f / 9 + 1e-6f), 1e-5);  // continuous at the joint
}

// Two planes of 5 x 6 cells with random logits and deltas, and a few labels.
struct Fixture {
  Fixture() : values(2 * 6 * 30), slopes(values.size()) {
    Random random(1);
    for (float& value : values) value = static_cast<float>(random.Uniform(-2, 2));
    for (int p = 0; p < 2; ++p) {
      planes.push_back(Plane(values.data() + p * 180));
      gradients.push_back(Plane(slopes.data() + p * 180));
    }
    sampled.positives = {{0, 1, 2}, {1, 4, 5}};
    sampled.negatives = {{0, 0, 0}, {0, 3, 3}, {1, 2, 1}};
    labels.regression = {
        {{0, 1, 2}, {0.5f, -0.2f, 0.05f, 1.5f}}, {{1, 4, 5}, {-1, 0, 0.3f, 0.2f}}, {{1, 0, 3}, {0, 0, 0, 0}}};
  }

  static model::AnchorPlane Plane(float* data) {
    model::AnchorPlane plane{16, 8, 5, 6, data, data + 30};
    for (int k = 0; k < 4; ++k) plane.deltas[k] = data + (2 + k) * 30;
    return plane;
  }

  double Loss() {
    std::vector<float> ignored(slopes.size());
    return DetectionLoss(planes, labels, sampled, 1, {Plane(ignored.data()), Plane(ignored.data() + 180)}).total();
  }

  std::vector<float> values, slopes;
  std::vector<model::AnchorPlane> planes, gradients;
  mining::AnchorLabels labels;
  mining::SampledAnchors sampled;
};

TEST(DetectionLossTest, MatchesTheDefinition) {
  Fixture f;
  double classification = 0;
  for (const auto& a : f.sampled.positives) {
    const auto& plane = f.planes[a.plane];
    const double b = plane.background[plane.cell(a.y, a.x)], s = plane.face[plane.cell(a.y, a.x)];
    classification -= std::log(std::exp(s) / (std::exp(b) + std::exp(s)));
  }
  for (const auto& a : f.sampled.negatives) {
    const auto& plane = f.planes[a.plane];
    const double b = plane.background[plane.cell(a.y, a.x)], s = plane.face[plane.cell(a.y, a.x)];
    classification -= std::log(std::exp(b) / (std::exp(b) + std::exp(s)));
  }
  const LossParts loss = DetectionLoss(f.planes, f.labels, f.sampled, 1, f.gradients);
  EXPECT_NEAR(loss.classification, classification / 5, 1e-6);
  EXPECT_GT(loss.regression, 0);
}

TEST(DetectionLossTest, GradientsMatchCentralDifferences) {
  Fixture f;
  DetectionLoss(f.planes, f.labels, f.sampled, /*scale=*/1, f.gradients);
  int touched = 0;
  for (size_t i = 0; i < f.values.size(); ++i) {
    constexpr float kStep = 1e-3f;
    const float kept = f.values[i];
    f.values[i] = kept + kStep;
    const double above = f.Loss();
    f.values[i] = kept - kStep;
    const double below = f.Loss();
    f.values[i] = kept;
    EXPECT_NEAR(f.slopes[i], (above - below) / (2 * kStep), 2e-3) << i;
    touched += f.slopes[i] != 0;
  }
  EXPECT_EQ(touched, 5 * 2 + 3 * 4);
}

TEST(DetectionLossTest, ScaleScalesTheGradientOnly) {
  Fixture a, b;
  const double full = DetectionLoss(a.planes, a.labels, a.sampled, 1, a.gradients).total();
  EXPECT_EQ(DetectionLoss(b.planes, b.labels, b.sampled, 0.25f, b.gradients).total(), full);
  for (size_t i = 0; i < a.slopes.size(); ++i) EXPECT_NEAR(b.slopes[i], 0.25f * a.slopes[i], 1e-7);
}

TEST(DetectionLossTest, NothingSampledIsNoLoss) {
  Fixture f;
  f.sampled = {};
  f.labels = {};
  EXPECT_EQ(DetectionLoss(f.planes, f.labels, f.sampled, 1, f.gradients).total(), 0);
  for (const float slope : f.slopes) EXPECT_EQ(slope, 0);
}

TEST(DetectionLossTest, TeacherMovesTheTargets) {
  Fixture f, teacher;
  for (float& value : teacher.values) value = -value;
  const TeacherView half{teacher.planes, 0.5f};
  const LossParts loss = DetectionLoss(f.planes, f.labels, f.sampled, 1, f.gradients, half);
  double classification = 0, regression = 0;
  const auto add = [&](const model::AnchorIndex& a, double label) {
    const auto &plane = f.planes[a.plane], &taught = teacher.planes[a.plane];
    const int cell = plane.cell(a.y, a.x);
    const double p = 1 / (1 + std::exp(plane.background[cell] - plane.face[cell]));
    const double target = (label + 1 / (1 + std::exp(taught.background[cell] - taught.face[cell]))) / 2;
    classification -= target * std::log(p) + (1 - target) * std::log(1 - p);
  };
  for (const auto& a : f.sampled.positives) add(a, 1);
  for (const auto& a : f.sampled.negatives) add(a, 0);
  for (const mining::RegressionTarget& target : f.labels.regression) {
    const auto &plane = f.planes[target.anchor.plane], &taught = teacher.planes[target.anchor.plane];
    const int cell = plane.cell(target.anchor.y, target.anchor.x);
    for (int k = 0; k < 4; ++k) {
      regression += SmoothL1(plane.deltas[k][cell] - (target.deltas[k] + taught.deltas[k][cell]) / 2) / 3;
    }
  }
  EXPECT_NEAR(loss.classification, classification / 5, 1e-6);
  EXPECT_NEAR(loss.regression, regression, 1e-5);
}

TEST(DetectionLossTest, WhoSaysWhatTheTeacherSaysHasNothingToLearnFromIt) {
  Fixture f;
  DetectionLoss(f.planes, f.labels, f.sampled, 1, f.gradients, {f.planes, /*weight=*/1});
  for (const float slope : f.slopes) EXPECT_NEAR(slope, 0, 1e-7);
}

}  // namespace
}  // namespace hardface::train
