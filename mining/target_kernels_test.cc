// The kernels' arithmetic, index by index on the CPU, against anchor_targets.h.
#include "mining/target_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <vector>

#include "base/random.h"

namespace hardface::mining {
namespace {

template <typename Kernel>
void RunAll(int64_t count, const Kernel& kernel) {
  for (int64_t i = count - 1; i >= 0; --i) kernel(i);  // any order must do
}

struct Scene {
  explicit Scene(uint64_t seed, int height = 20, int width = 25) {
    Random random(seed);
    for (const auto& [size, stride] : {std::pair{16, 8}, {32, 8}, {64, 16}}) {
      model::AnchorPlane plane{size, stride, height * 8 / stride, width * 8 / stride};
      for (float** values : {&plane.background, &plane.face}) {
        arrays.push_back(std::make_unique<std::vector<float>>());
        for (int i = 0; i < plane.height * plane.width; ++i) {
          arrays.back()->push_back(static_cast<float>(random.Index(17)) / 4 - 2);  // coarse: ties
        }
        *values = arrays.back()->data();
      }
      planes.push_back(plane);
    }
    for (int f = 0; f < 12; ++f) {
      const auto x = static_cast<float>(random.Uniform(-5, 190)), y = static_cast<float>(random.Uniform(-5, 150));
      const auto size = static_cast<float>(random.Uniform(10, 70));
      faces.push_back({{x, y, x + size, y + size}, /*ignore=*/f % 4 == 3});
    }
    faces.push_back({{10, 10, 8, 30}, false});  // of no positive size
    faces.push_back(faces[0]);                  // of equal ones the first counts
  }
  std::vector<AnchorLabel> Labels(int width, int height, const TargetOptions& options) const {
    const AnchorTable table = TableOf(planes);
    std::vector<AnchorLabel> labels(static_cast<size_t>(table.anchors()));
    // The faces of an image before this one lie before its own.
    std::vector<FaceBox> all = {{{0, 0, 50, 50}, false}, {{60, 60, 90, 90}, false}};
    all.insert(all.end(), faces.begin(), faces.end());
    const ImageFacts image{2, static_cast<int>(faces.size()), width, height, AnyInside(table, width, height)};
    RunAll(table.anchors(), LabelKernel{table, all.data(), &image, options.negative_iou, options.positive_iou,
                                        options.regression_iou, labels.data()});
    return labels;
  }
  std::vector<std::unique_ptr<std::vector<float>>> arrays;
  std::vector<model::AnchorPlane> planes;
  std::vector<FaceBox> faces;
};

TEST(LabelKernelTest, LabelsAsTheCpuDoes) {
  for (const auto& [seed, width, height] : {std::tuple{1, 200, 160}, {2, 173, 101}, {3, 40, 20}, {4, 3, 3}}) {
    const Scene scene(static_cast<uint64_t>(seed));
    const TargetOptions options;
    const AnchorTable table = TableOf(scene.planes);
    const AnchorLabels expected = LabelAnchors(scene.planes, scene.faces, width, height, options);
    const std::vector<AnchorLabel> labels = scene.Labels(width, height, options);
    AnchorLabels actual;
    for (int i = 0; i < table.anchors(); ++i) {
      const AnchorLabel& label = labels[static_cast<size_t>(i)];
      const model::AnchorIndex anchor = table.at(i);
      if (label.kind == AnchorLabel::kPositive) actual.positives.push_back({anchor, label.face});
      if (label.kind == AnchorLabel::kNegative) actual.negatives.push_back(anchor);
      if (label.regresses) {
        actual.regression.push_back({anchor, model::EncodeBox(scene.planes[anchor.plane].anchor(anchor.y, anchor.x),
                                                              scene.faces[label.face].box)});
      }
    }
    ASSERT_EQ(actual.positives.size(), expected.positives.size()) << seed;
    for (size_t i = 0; i < expected.positives.size(); ++i) {
      EXPECT_TRUE(actual.positives[i].anchor == expected.positives[i].anchor) << i;
      EXPECT_EQ(actual.positives[i].face, expected.positives[i].face) << i;
    }
    EXPECT_EQ(actual.negatives, expected.negatives);
    ASSERT_EQ(actual.regression.size(), expected.regression.size());
    for (size_t i = 0; i < expected.regression.size(); ++i) {
      EXPECT_TRUE(actual.regression[i].anchor == expected.regression[i].anchor) << i;
      EXPECT_EQ(actual.regression[i].deltas, expected.regression[i].deltas) << i;
    }
  }
}

struct Sampled {
  std::set<int> positives, negatives;
};

Sampled SampleByKernels(const Scene& scene, const std::vector<AnchorLabel>& labels, const TargetOptions& options,
                        uint64_t seed) {
  const AnchorTable table = TableOf(scene.planes);
  const auto size = static_cast<size_t>(table.anchors());
  const int max_positives = static_cast<int>(static_cast<float>(options.sampled_anchors) * options.positive_fraction);
  std::vector<uint64_t> positives(size), negatives(size), random(size);
  ImageFacts image;
  image.hard_share = options.hard_negative_share;
  image.seed = seed;
  RunAll(table.anchors(), HardnessKeysKernel{table, labels.data(), positives.data(), negatives.data()});
  std::sort(positives.begin(), positives.end());
  std::sort(negatives.begin(), negatives.end());
  RunAll(table.anchors(), RandomKeysKernel{labels.data(), table, positives.data(), negatives.data(),
                                           options.sampled_anchors, max_positives, &image, random.data()});
  std::sort(random.begin(), random.end());
  std::vector<SampledAnchor> samples(static_cast<size_t>(options.sampled_anchors));
  RunAll(options.sampled_anchors, SampleKernel{positives.data(), negatives.data(), random.data(), table.anchors(),
                                               options.sampled_anchors, max_positives, &image, samples.data()});
  Sampled sampled;
  for (const SampledAnchor& sample : samples) {
    if (sample.anchor < 0) continue;
    EXPECT_TRUE((sample.face ? sampled.positives : sampled.negatives).insert(sample.anchor).second) << "twice";
  }
  return sampled;
}

std::set<int> Numbers(const AnchorTable& table, const std::vector<model::AnchorIndex>& anchors) {
  std::set<int> numbers;
  for (const model::AnchorIndex& a : anchors) {
    numbers.insert(table.first[a.plane] + table.planes[a.plane].cell(a.y, a.x));
  }
  return numbers;
}

TEST(SampleKernelTest, SamplesTheHardestAsTheCpuDoes) {
  for (const int sampled_anchors : {4, 64, 256, 100000}) {
    const Scene scene(7);
    TargetOptions options;
    options.sampled_anchors = sampled_anchors;
    const AnchorTable table = TableOf(scene.planes);
    const AnchorLabels labels = LabelAnchors(scene.planes, scene.faces, 200, 160, options);
    Random random(1);
    const SampledAnchors expected = SampleAnchors(scene.planes, labels, options, &random);
    const Sampled actual = SampleByKernels(scene, scene.Labels(200, 160, options), options, 1);
    EXPECT_EQ(actual.positives, Numbers(table, expected.positives)) << sampled_anchors;
    EXPECT_EQ(actual.negatives, Numbers(table, expected.negatives)) << sampled_anchors;
  }
}

TEST(SampleKernelTest, OtherNegativesAreDrawnAtRandom) {
  const Scene scene(8);
  TargetOptions options;
  const std::vector<AnchorLabel> labels = scene.Labels(200, 160, options);
  const Sampled hardest = SampleByKernels(scene, labels, options, 1);
  options.hard_negative_share = 0.25f;
  const Sampled one = SampleByKernels(scene, labels, options, 1), same = SampleByKernels(scene, labels, options, 1);
  const Sampled other = SampleByKernels(scene, labels, options, 2);
  EXPECT_EQ(one.negatives.size(), hardest.negatives.size());
  EXPECT_EQ(one.negatives, same.negatives);
  EXPECT_NE(one.negatives, other.negatives);
  std::vector<int> shared;
  std::set_intersection(one.negatives.begin(), one.negatives.end(), hardest.negatives.begin(), hardest.negatives.end(),
                        std::back_inserter(shared));
  EXPECT_GE(shared.size(), one.negatives.size() / 4);
  for (const int i : one.negatives) EXPECT_EQ(labels[static_cast<size_t>(i)].kind, AnchorLabel::kNegative);
}

}  // namespace
}  // namespace hardface::mining
