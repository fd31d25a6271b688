// The kernels' arithmetic, index by index on the CPU, against losses.h and solver.h.
#include "train/step/step_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "base/random.h"
#include "mining/anchor_targets.h"
#include "mining/face_score.h"
#include "train/step/losses.h"
#include "train/step/solver.h"

namespace hardface::train {
namespace {

template <typename Kernel>
void RunAll(int64_t count, const Kernel& kernel) {
  for (int64_t i = count - 1; i >= 0; --i) kernel(i);  // any order must do
}

// Two planes with values of their own.
struct Planes {
  Planes(int height, int width, Random* random) {
    for (const int size : {16, 32}) {
      model::AnchorPlane plane{size, 8, height, width};
      const auto array = [&] {
        arrays.push_back(std::make_unique<std::vector<float>>());
        for (int i = 0; i < height * width; ++i) {
          arrays.back()->push_back(random == nullptr ? 0.0f : static_cast<float>(random->Uniform(-2, 2)));
        }
        return arrays.back()->data();
      };
      plane.background = array();
      plane.face = array();
      for (float*& delta : plane.deltas) delta = array();
      planes.push_back(plane);
    }
  }
  std::vector<std::unique_ptr<std::vector<float>>> arrays;
  std::vector<model::AnchorPlane> planes;
};

TEST(LossKernelsTest, LossAndGradientAreThoseOfTheCpu) {
  constexpr float kScale = 0.25f;
  constexpr int kParts = 7, kFewerParts = 2;
  Random random(1);
  const Planes values(15, 18, &random), expected_gradients(15, 18, nullptr), gradients(15, 18, nullptr);
  const Planes taught(15, 18, &random);
  const TeacherView nobody, teacher{taught.planes, 0.3f};
  for (const auto& [with_faces, view] : {std::pair(true, nobody), std::pair(false, nobody), std::pair(true, teacher)}) {
    std::vector<mining::FaceBox> faces;
    if (with_faces) faces = {{{10, 20, 30, 41}, false}, {{60, 50, 75, 64}, false}, {{90, 20, 118, 44}, true}};
    const mining::TargetOptions options;
    const mining::AnchorLabels cpu_labels = mining::LabelAnchors(values.planes, faces, 144, 120, options);
    const mining::SampledAnchors cpu_samples = mining::SampleAnchors(values.planes, cpu_labels, options, &random);
    const LossParts expected =
        DetectionLoss(values.planes, cpu_labels, cpu_samples, kScale, expected_gradients.planes, view);

    const mining::AnchorTable table = mining::TableOf(values.planes),
                              gradient_table = mining::TableOf(gradients.planes),
                              taught_table = mining::TableOf(view.planes);
    const int anchors = table.anchors(), sampled = options.sampled_anchors;
    std::vector<mining::AnchorLabel> labels(static_cast<size_t>(anchors));
    std::vector<uint64_t> positives(labels.size()), negatives(labels.size());
    std::vector<mining::SampledAnchor> samples(static_cast<size_t>(sampled));
    std::vector<int> counts(kParts);
    std::vector<double> classification(samples.size()), regression(kParts);
    DeviceLoss loss;
    // As the second image of a batch, after one with a face.
    std::vector<mining::FaceBox> all_faces = {{{60, 50, 75, 64}, false}};
    all_faces.insert(all_faces.end(), faces.begin(), faces.end());
    const mining::ImageFacts image{1, static_cast<int>(faces.size()), 144, 120, /*only_inside=*/true};
    RunAll(anchors, mining::LabelKernel{table, all_faces.data(), &image, options.negative_iou, options.positive_iou,
                                        options.regression_iou, labels.data()});
    RunAll(anchors, mining::HardnessKeysKernel{table, labels.data(), positives.data(), negatives.data()});
    std::sort(positives.begin(), positives.end());
    std::sort(negatives.begin(), negatives.end());
    RunAll(sampled, mining::SampleKernel{positives.data(), negatives.data(), nullptr, anchors, sampled, 64, &image,
                                         samples.data()});
    RunAll(kParts, CountPartsKernel{labels.data(), anchors, kParts, counts.data()});
    std::vector<int> regressed(kFewerParts), sampled_counts(kFewerParts);
    RunAll(kFewerParts, SumKernel<int>{counts.data(), kParts, kFewerParts, regressed.data()});
    RunAll(kFewerParts, CountSampledKernel{samples.data(), sampled, kFewerParts, sampled_counts.data()});
    RunAll(1, CountKernel{table, sampled_counts.data(), regressed.data(), kFewerParts, positives.data(), &loss});
    RunAll(sampled, ClassificationKernel{table, gradient_table, taught_table, view.weight, samples.data(), &loss,
                                         kScale, classification.data()});
    RunAll(kParts, RegressionKernel{table, gradient_table, taught_table, view.weight, labels.data(), all_faces.data(),
                                    &image, kParts, &loss, kScale, regression.data()});
    std::vector<double> classification_sums(kFewerParts), regression_sums(kFewerParts);
    RunAll(kFewerParts, SumKernel<double>{classification.data(), sampled, kFewerParts, classification_sums.data()});
    RunAll(kFewerParts, SumKernel<double>{regression.data(), kParts, kFewerParts, regression_sums.data()});
    RunAll(1, FinishLossKernel{classification_sums.data(), regression_sums.data(), kFewerParts, &loss});

    constexpr int kMaxFaces = 5;
    std::vector<mining::FaceScore> partial(kMaxFaces * kParts), device_faces(all_faces.size());
    RunAll(kMaxFaces * kParts, FacePartsKernel{table, labels.data(), &image, kParts, partial.data()});
    RunAll(kMaxFaces, FaceKernel{partial.data(), &image, kParts, device_faces.data()});
    EXPECT_EQ(device_faces[0].positives, 0) << "the face of another image";
    const std::vector<mining::FaceScore> expected_faces = mining::FaceScores(values.planes, cpu_labels, faces.size());
    for (size_t f = 0; f < faces.size(); ++f) {
      EXPECT_EQ(device_faces[f + 1].worst, expected_faces[f].worst) << f;
      EXPECT_EQ(device_faces[f + 1].positives, expected_faces[f].positives) << f;
    }

    EXPECT_EQ(loss.sampled, static_cast<int>(cpu_samples.positives.size() + cpu_samples.negatives.size()));
    EXPECT_EQ(loss.regressed, static_cast<int>(cpu_labels.regression.size()));
    EXPECT_EQ(with_faces, loss.regressed > 0);
    EXPECT_NEAR(loss.classification, expected.classification, 1e-9);
    EXPECT_NEAR(loss.regression, expected.regression, 1e-6);
    EXPECT_EQ(loss.wpas, mining::Wpas(values.planes, cpu_labels).value_or(-1));
    for (size_t a = 0; a < gradients.arrays.size(); ++a) {
      for (size_t i = 0; i < gradients.arrays[a]->size(); ++i) {
        ASSERT_NEAR((*gradients.arrays[a])[i], (*expected_gradients.arrays[a])[i], 1e-7) << a << ", " << i;
      }
    }
  }
}

GradientScale ScaleOf(const std::vector<float>& gradient, double loss_scale, double clip_norm) {
  constexpr int kParts = 3;
  std::vector<double> sums(kParts);
  GradientScale scale;
  RunAll(kParts, SquarePartsKernel{gradient.data(), static_cast<int64_t>(gradient.size()), kParts, sums.data()});
  RunAll(1, GradientScaleKernel{sums.data(), kParts, loss_scale, clip_norm, &scale});
  return scale;
}

TEST(SolverKernelsTest, EachParameterHasItsRates) {
  using Kernel = AllParametersKernel<SgdKernel>;
  constexpr int64_t kFloats = 4 * Kernel::kBlock;
  std::vector<float> weights(kFloats, 2.0f), momenta(kFloats);
  const std::vector<float> gradient(kFloats, 1.0f);
  GradientScale scale;
  scale.factor = 1;
  const std::vector<int> parameter_of_block = {0, 0, 1, 2};
  const std::vector<ParameterRates> rates = {{0.5f, 0}, {0, 0}, {0.25f, 1.0f}};
  RunAll(kFloats, Kernel{{weights.data(), momenta.data(), gradient.data(), &scale, 0, 0, 0.9f},
                         parameter_of_block.data(),
                         rates.data()});
  for (int64_t i = 0; i < kFloats; ++i) {
    const int parameter = parameter_of_block[static_cast<size_t>(i / Kernel::kBlock)];
    // g = 1 + decay * 2; weights fall by rate * g.
    EXPECT_EQ(weights[static_cast<size_t>(i)], parameter == 0 ? 1.5f : parameter == 1 ? 2.0f : 1.25f) << i;
  }
}

TEST(SolverKernelsTest, StepsAreThoseOfTheCpu) {
  const std::vector<model::ParameterSpec> specs = {{"a.weight", {7, 3}, model::NetworkPart::kBody, /*bias=*/false}};
  for (const auto kind : {SolverOptions::Kind::kSgd, SolverOptions::Kind::kAdam}) {
    SolverOptions options;
    options.kind = kind;
    options.schedule.base = 0.05;
    options.clip_norm = 1.5;
    options.average = 0.9;
    Solver solver(specs, options);
    model::ParameterSet parameters = model::InitializeParameters(specs, model::Initialization::kHe, 1);
    std::vector<float> weights = parameters.at("a.weight").values, average = weights;
    std::vector<float> first(weights.size()), second(weights.size());
    Random random(2);
    constexpr double kLossScale = 1024;
    for (int iteration = 0; iteration < 5; ++iteration) {
      model::ParameterSet gradients = model::ZeroParameters(specs);
      std::vector<float> scaled;
      for (float& value : gradients.at("a.weight").values) {
        value = static_cast<float>(random.Uniform(-1, 1));
        scaled.push_back(value * static_cast<float>(kLossScale));
      }
      const double norm = solver.Step(iteration, gradients, &parameters);
      const GradientScale scale = ScaleOf(scaled, kLossScale, options.clip_norm);
      EXPECT_NEAR(scale.norm, norm, 1e-6);
      const auto rate = static_cast<float>(options.schedule.base * options.body_rate);
      const auto decay = static_cast<float>(options.weight_decay);
      const auto count = static_cast<int64_t>(weights.size());
      if (kind == SolverOptions::Kind::kSgd) {
        RunAll(count, SgdKernel{weights.data(), first.data(), scaled.data(), &scale, rate, decay, 0.9f});
      } else {
        RunAll(count, AdamKernel{weights.data(), first.data(), second.data(), scaled.data(), &scale, rate, decay, 0.9f,
                                 0.999f, 1e-8f, static_cast<float>(1 - std::pow(0.9, iteration + 1)),
                                 static_cast<float>(1 - std::pow(0.999, iteration + 1))});
      }
      // The solver's average starts as a copy of the weights after the first step.
      const double age = iteration + 1;
      if (iteration == 0) average = weights;
      if (iteration > 0) {
        RunAll(count, AverageKernel{average.data(), weights.data(),
                                    static_cast<float>(std::min(options.average, age / (age + 10)))});
      }
      for (size_t i = 0; i < weights.size(); ++i) {
        ASSERT_NEAR(weights[i], parameters.at("a.weight").values[i], 2e-6) << "iteration " << iteration;
        ASSERT_NEAR(average[i], solver.AveragedOr(parameters).at("a.weight").values[i], 2e-6) << iteration;
      }
    }
  }
}

TEST(SolverKernelsTest, AnOverflowLeavesTheWeightsAlone) {
  for (const float bad : {std::numeric_limits<float>::infinity(), std::nanf("")}) {
    const std::vector<float> gradient = {1, bad, 2};
    std::vector<float> weights = {1, 2, 3}, first(3), second(3);
    const GradientScale scale = ScaleOf(gradient, 1, 0);
    EXPECT_FALSE(scale.finite);
    RunAll(3, SgdKernel{weights.data(), first.data(), gradient.data(), &scale, 0.1f, 0.1f, 0.9f});
    RunAll(3, AdamKernel{weights.data(), first.data(), second.data(), gradient.data(), &scale, 0.1f, 0.1f, 0.9f, 0.9f,
                         1e-8f, 0.1f, 0.1f});
    EXPECT_EQ(weights, (std::vector<float>{1, 2, 3}));
    EXPECT_EQ(first, std::vector<float>(3));
  }
  EXPECT_TRUE(ScaleOf({3, 4}, 1, 0).finite);
  EXPECT_EQ(ScaleOf({3, 4}, 1, 0).norm, 5);
}

}  // namespace
}  // namespace hardface::train
