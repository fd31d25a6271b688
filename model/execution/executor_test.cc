#include "model/execution/executor.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include "base/random.h"
#include "model/detectors/detector.h"
#include "model/execution/executor_cache.h"
#include "model/execution/memory_plan.h"
#include "model/ops/cache_size.h"

namespace hardface::model {
namespace {

// A network with every kind of layer, a tensor that two layers read, and weights that two layers share.
NetworkSpec SmallNetwork() {
  NetworkSpec network;
  const auto conv = [&](std::string name, std::string input, int channels, int dilation, bool relu, std::string weights,
                        NetworkPart part) {
    network.layers.push_back({name, LayerKind::kConv2d, {input}, channels, 3, dilation, relu, weights, part});
  };
  network.layers.push_back({"image", LayerKind::kInput});
  conv("early", "image", 4, 1, true, "early", NetworkPart::kEarly);
  network.layers.push_back({"pool", LayerKind::kMaxPool, {"early"}});
  conv("deep", "pool", 4, 1, true, "deep", NetworkPart::kBody);
  network.layers.push_back({"up", LayerKind::kUpsample, {"deep"}});
  conv("side", "early", 5, 1, false, "side", NetworkPart::kBody);
  network.layers.push_back({"both", LayerKind::kConcat, {"up", "side"}});
  conv("mid", "both", 3, 1, false, "mid", NetworkPart::kBody);
  conv("out_1", "mid", 3, 1, false, "out", NetworkPart::kHead);
  conv("out_2", "mid", 3, 2, false, "out", NetworkPart::kHead);
  network.outputs = {"out_1", "out_2"};
  return network;
}

constexpr Shape kInput{2, 3, 6, 8};

struct Harness {
  explicit Harness(const ExecutorOptions& options) : network(SmallNetwork()), specs(ListParameters(network)) {
    auto created = Executor::Create(network, kInput, options);
    EXPECT_TRUE(created.ok()) << created.status();
    executor = *std::move(created);
    parameters = InitializeParameters(specs, Initialization::kHe, 1);
    Random random(2);
    for (auto& [name, array] : parameters) {
      if (array.dims.size() == 1) {
        for (float& value : array.values) value = static_cast<float>(random.Uniform(-0.2, 0.2));
      }
    }
    image.resize(static_cast<size_t>(kInput.size()));
    for (float& value : image) value = static_cast<float>(random.Uniform(-1, 1));
    for (auto& weights : loss_weights) {
      weights.resize(2 * 3 * 6 * 8);
      for (float& value : weights) value = static_cast<float>(random.Uniform(-1, 1));
    }
  }

  // A linear function of both outputs.
  double Loss() {
    executor->SetParameters(parameters);
    std::copy(image.begin(), image.end(), executor->input().data);
    executor->Forward();
    double loss = 0;
    for (int o = 0; o < 2; ++o) {
      const TensorView out = executor->output(o == 0 ? "out_1" : "out_2");
      for (size_t i = 0; i < loss_weights[o].size(); ++i) loss += double{out.data[i]} * loss_weights[o][i];
    }
    return loss;
  }

  ParameterSet Gradients() {
    Loss();
    for (int o = 0; o < 2; ++o) {
      const TensorView gradient = executor->output_gradient(o == 0 ? "out_1" : "out_2");
      std::copy(loss_weights[o].begin(), loss_weights[o].end(), gradient.data);
    }
    ParameterSet gradients = ZeroParameters(specs);
    executor->Backward(&gradients);
    return gradients;
  }

  NetworkSpec network;
  std::vector<ParameterSpec> specs;
  std::unique_ptr<Executor> executor;
  ParameterSet parameters;
  std::vector<float> image;
  std::vector<float> loss_weights[2];
};

class ExecutorTest : public ::testing::TestWithParam<Conv2dEngine> {};
INSTANTIATE_TEST_SUITE_P(Engines, ExecutorTest, ::testing::Values(Conv2dEngine::kReference, Conv2dEngine::kFastest));

TEST_P(ExecutorTest, ParameterGradientsMatchCentralDifferences) {
  ExecutorOptions options;
  options.training = true;
  options.engine = GetParam();
  Harness harness(options);
  const ParameterSet gradients = harness.Gradients();
  for (auto& [name, array] : harness.parameters) {
    for (size_t i = 0; i < array.values.size(); i += 1 + array.values.size() / 12) {
      constexpr float kStep = 5e-4f;
      const float kept = array.values[i];
      array.values[i] = kept + kStep;
      const double above = harness.Loss();
      array.values[i] = kept - kStep;
      const double below = harness.Loss();
      array.values[i] = kept;
      const double numeric = (above - below) / (2.0 * kStep);
      // A ReLU or a maximum that switches within the step bends the loss, hence the loose bound.
      EXPECT_NEAR(gradients.at(name).values[i], numeric, 0.03 * std::max(1.0, std::fabs(numeric)))
          << name << "[" << i << "]";
    }
  }
}

TEST_P(ExecutorTest, InferenceAndTrainingGiveTheSameOutputs) {
  ExecutorOptions training, inference;
  training.training = true;
  training.engine = inference.engine = GetParam();
  Harness a(training), b(inference);
  EXPECT_NEAR(a.Loss(), b.Loss(), 1e-4);
  EXPECT_LT(b.executor->activation_bytes(), a.executor->activation_bytes());
}

// Products of 1e-20 and 1e-20 are denormal, on which processors are slow.
TEST_P(ExecutorTest, DenormalActivationsAreZero) {
  ExecutorOptions options;
  options.training = true;  // keeps all layers' outputs
  options.engine = GetParam();
  Harness harness(options);
  for (auto& [name, array] : harness.parameters) {
    const bool tiny = name == "early.weight" || name == "deep.weight" || name == "side.weight";
    for (float& value : array.values) value = array.dims.size() == 1 ? 0.0f : tiny ? 1e-20f : value;
  }
  harness.Loss();
  for (const char* const name : {"deep", "side"}) {
    const Tensor output = harness.executor->LayerOutput(name);
    for (int64_t i = 0; i < output.shape().size(); ++i) EXPECT_EQ(output.data()[i], 0) << name << "[" << i << "]";
  }
}

TEST(ExecutorTest, BackwardAddsToTheGradients) {
  ExecutorOptions options;
  options.training = true;
  Harness harness(options);
  ParameterSet once = harness.Gradients(), twice = harness.Gradients();
  harness.Loss();
  for (int o = 0; o < 2; ++o) {
    const TensorView gradient = harness.executor->output_gradient(o == 0 ? "out_1" : "out_2");
    std::copy(harness.loss_weights[o].begin(), harness.loss_weights[o].end(), gradient.data);
  }
  harness.executor->Backward(&twice);
  for (const auto& [name, array] : once) {
    for (size_t i = 0; i < array.values.size(); ++i)
      EXPECT_FLOAT_EQ(twice[name].values[i], 2 * array.values[i]) << name;
  }
}

TEST(ExecutorTest, FrozenPartsGetNoGradientAndChangeNoOther) {
  ExecutorOptions all, frozen;
  all.training = frozen.training = true;
  frozen.frozen = [](NetworkPart part) { return part == NetworkPart::kEarly; };
  Harness a(all), b(frozen);
  const ParameterSet expected = a.Gradients(), actual = b.Gradients();
  for (const float value : actual.at("early.weight").values) EXPECT_EQ(value, 0);
  for (const char* name : {"deep.weight", "side.weight", "out.bias"}) {
    for (size_t i = 0; i < expected.at(name).values.size(); ++i) {
      EXPECT_NEAR(actual.at(name).values[i], expected.at(name).values[i], 1e-4) << name;
    }
  }
}

TEST(ExecutorCacheTest, KeepsExecutorsAndRenewsParameters) {
  const NetworkSpec network = SmallNetwork();
  ParameterSet parameters = InitializeParameters(ListParameters(network), Initialization::kHe, 1);
  ExecutorCache cache(network, {});
  const auto run = [&](const Shape& shape, int64_t version) {
    Executor* executor = *cache.Get(shape, parameters, version);
    std::fill(executor->input().data, executor->input().data + shape.size(), 0.5f);
    executor->Forward();
    return executor->output("out_1").data[0];
  };
  const float first = run(kInput, 0);
  EXPECT_EQ(run({1, 3, 16, 16}, 0), run({1, 3, 16, 16}, 0));
  EXPECT_EQ(run(kInput, 0), first);
  for (float& value : parameters["out.bias"].values) value += 1;
  EXPECT_EQ(run(kInput, 0), first);  // the same version: not looked at
  EXPECT_NEAR(run(kInput, 1), first + 1, 1e-5);
}

TEST(ExecutorCacheTest, ExecutorsThatShareMemoryDoNotReadEachOthersLeftovers) {
  const NetworkSpec network = SmallNetwork();
  const ParameterSet parameters = InitializeParameters(ListParameters(network), Initialization::kHe, 1);
  for (const bool training : {false, true}) {
    ExecutorOptions options;
    options.training = training;
    ExecutorCache cache(network, options);
    const auto run = [&](const Shape& shape, float value) {
      Executor* const executor = *cache.Get(shape, parameters, 0);
      std::fill(executor->input().data, executor->input().data + shape.size(), value);
      executor->Forward();
      std::vector<float> result(executor->output("out_1").data, executor->output("out_1").data + 3 * shape.h * shape.w);
      if (!training) return result;
      for (const char* output : {"out_1", "out_2"}) {
        const TensorView gradient = executor->output_gradient(output);
        std::fill(gradient.data, gradient.data + gradient.stored(), value);
      }
      ParameterSet gradients = ZeroParameters(ListParameters(network));
      executor->Backward(&gradients);
      for (const auto& [name, array] : gradients) {
        result.insert(result.end(), array.values.begin(), array.values.end());
      }
      return result;
    };
    const std::vector<float> expected = run(kInput, 0.5f);
    run({1, 3, 32, 32}, std::numeric_limits<float>::quiet_NaN());
    EXPECT_EQ(run(kInput, 0.5f), expected);
  }
}

TEST(ExecutorTest, PoolingIsFusedInInferenceOnly) {
  NetworkSpec network;
  network.layers = {{"image", LayerKind::kInput},
                    {"a", LayerKind::kConv2d, {"image"}, 64, 3, 1, true, "a", NetworkPart::kBody},
                    {"b", LayerKind::kConv2d, {"a"}, 16, 3, 1, true, "b", NetworkPart::kBody},
                    {"pool", LayerKind::kMaxPool, {"b"}},
                    {"c", LayerKind::kConv2d, {"pool"}, 16, 3, 1, true, "c", NetworkPart::kBody},
                    {"pool_c", LayerKind::kMaxPool, {"c"}},
                    {"up", LayerKind::kUpsample, {"pool_c"}},
                    {"both", LayerKind::kConcat, {"up", "c"}},
                    {"out", LayerKind::kConv2d, {"both"}, 2, 1, 1, false, "out", NetworkPart::kHead}};
  network.outputs = {"out"};
  const ParameterSet parameters = InitializeParameters(ListParameters(network), Initialization::kHe, 1);
  const Shape shape{2, 3, 24, 40};
  std::vector<std::vector<float>> results;
  std::vector<int64_t> bytes;
  for (const Conv2dEngine engine : {Conv2dEngine::kReference, Conv2dEngine::kFastest}) {
    ExecutorOptions options;
    options.engine = engine;
    auto executor = *Executor::Create(network, shape, options);
    executor->SetParameters(parameters);
    Random random(4);
    for (int64_t i = 0; i < shape.size(); ++i) executor->input().data[i] = static_cast<float>(random.Uniform(-1, 1));
    executor->Forward();
    const TensorView out = executor->output("out");
    results.emplace_back(out.data, out.data + out.stored());
    bytes.push_back(executor->activation_bytes());
  }
  for (size_t i = 0; i < results[0].size(); ++i) ASSERT_NEAR(results[0][i], results[1][i], 2e-5) << i;
  EXPECT_LT(bytes[1], bytes[0]);  // "b" is never written at full size
}

// Two pairs of convolutions: on the image, and on a map whose height is no whole number of tiles; "c" has another tile
// than "d" where the engine chooses.
NetworkSpec PairsOfConvolutions() {
  NetworkSpec network;
  network.layers = {{"image", LayerKind::kInput},
                    {"a", LayerKind::kConv2d, {"image"}, 64, 3, 1, true, "a", NetworkPart::kBody},
                    {"b", LayerKind::kConv2d, {"a"}, 20, 3, 1, true, "b", NetworkPart::kBody},
                    {"pool", LayerKind::kMaxPool, {"b"}},
                    {"c", LayerKind::kConv2d, {"pool"}, 40, 3, 1, true, "c", NetworkPart::kBody},
                    {"d", LayerKind::kConv2d, {"c"}, 8, 3, 1, false, "d", NetworkPart::kBody}};
  network.outputs = {"d"};
  return network;
}

TEST(ExecutorTest, StripsTakeLessMemoryAndChangeNoBit) {
  const NetworkSpec network = PairsOfConvolutions();
  const ParameterSet parameters = InitializeParameters(ListParameters(network), Initialization::kHe, 1);
  const Shape shape{2, 3, 1246, 40};
  const int threads_before = omp_get_max_threads();
  SetSecondLevelCacheBytesForTest(int64_t{1} << 20);  // with larger caches strips are too high for this map
  for (const Conv2dEngine engine : {Conv2dEngine::kFastest, Conv2dEngine::kWinograd4, Conv2dEngine::kWinograd6}) {
    std::vector<float> whole;
    int64_t whole_bytes = 0;
    for (const int threads : {0, 1, 2, 3}) {  // 0: without strips
      omp_set_num_threads(std::max(1, threads));
      ExecutorOptions options;
      options.engine = engine;
      options.strips = threads > 0;
      auto executor = *Executor::Create(network, shape, options);
      executor->SetParameters(parameters);
      Random random(4);
      for (int64_t i = 0; i < shape.size(); ++i) executor->input().data[i] = static_cast<float>(random.Uniform(-1, 1));
      executor->Forward();
      const TensorView out = executor->output("d");
      if (threads == 0) {
        whole.assign(out.data, out.data + out.stored());
        whole_bytes = executor->activation_bytes();
        continue;
      }
      // Without strips "a" is there as a whole.
      EXPECT_LT(executor->activation_bytes(), whole_bytes * 2 / 3) << threads;
      for (int64_t i = 0; i < out.stored(); ++i) ASSERT_EQ(out.data[i], whole[static_cast<size_t>(i)]) << i;
    }
  }
  omp_set_num_threads(threads_before);
  SetSecondLevelCacheBytesForTest(0);
}

TEST(ExecutorTest, WhatAnotherLayerReadsIsNotComputedInStrips) {
  NetworkSpec network = PairsOfConvolutions();
  network.outputs = {"a", "c", "d"};
  const Shape shape{1, 3, 1246, 40};
  ExecutorOptions options;
  const auto with = *Executor::Create(network, shape, options);
  options.strips = false;
  const auto without = *Executor::Create(network, shape, options);
  EXPECT_EQ(with->activation_bytes(), without->activation_bytes());
}

TEST(ExecutorTest, WhatIsOnlyRunIsNotTrained) {
  for (const char* const name : {"ssh", "s3fd", "pyramidbox"}) {
    ExecutorOptions options;
    options.training = true;
    const auto executor = Executor::Create(BuildDetector({name, 16})->network, {1, 3, 64, 64}, options);
    EXPECT_EQ(executor.status().code(), absl::StatusCode::kUnimplemented) << name << ": " << executor.status();
  }
}

// VGG16's trunk, He weights: relative L2 error against sums in double precision.
TEST(ExecutorTest, WinogradLosesLittlePrecisionOverTheTrunk) {
  // The environment variable is for docs/RESULTS.md: the full width takes minutes.
  const char* const divisor = std::getenv("HARDFACE_TRUNK_DIVISOR");
  NetworkSpec network = BuildDetector({"smallhard", divisor == nullptr ? 8 : std::atoi(divisor), true})->network;
  const auto last = std::find_if(network.layers.begin(), network.layers.end(),
                                 [](const LayerSpec& layer) { return layer.name == "conv5_3"; });
  network.layers.erase(last + 1, network.layers.end());
  network.outputs = {"conv5_3"};
  const Shape shape{1, 3, 96, 96};
  const ParameterSet parameters = InitializeParameters(ListParameters(network), Initialization::kHe, 1);
  const auto run = [&](Conv2dEngine engine) {
    ExecutorOptions options;
    options.engine = engine;
    const auto executor = *Executor::Create(network, shape, options);
    executor->SetParameters(parameters);
    Random random(5);
    for (int64_t i = 0; i < shape.size(); ++i) executor->input().data[i] = static_cast<float>(random.Uniform(-2, 2));
    executor->Forward();
    const TensorView out = executor->output("conv5_3");
    return std::vector<float>(out.data, out.data + out.stored());
  };
  const std::vector<float> expected = run(Conv2dEngine::kReference);
  const auto error = [&](Conv2dEngine engine) {
    const std::vector<float> actual = run(engine);
    double difference = 0, norm = 0;
    for (size_t i = 0; i < actual.size(); ++i) {
      difference += (double{actual[i]} - expected[i]) * (double{actual[i]} - expected[i]);
      norm += double{expected[i]} * expected[i];
    }
    return std::sqrt(difference / norm);
  };
  const double four = error(Conv2dEngine::kWinograd4), six = error(Conv2dEngine::kWinograd6);
  std::printf("relative L2: F4 %.2e, F6 %.2e\n", four, six);
  EXPECT_LT(four, 2e-6);
  EXPECT_LT(six, 6e-6);
  EXPECT_GT(six, four);
}

// All weights positive, no bias, one bright pixel: outputs differ from zero exactly where they can depend on it.
TEST(ReceptiveRadiusTest, IsWhatOnePixelReaches) {
  for (const DetectorOptions& options :
       std::vector<DetectorOptions>{{"smallhard", 64, true}, {"smallhard", 64, false}, {"three_maps", 64, true}}) {
    const DetectorSpec detector = *BuildDetector(options);
    ParameterSet parameters = ZeroParameters(ListParameters(detector.network));
    for (auto& [name, array] : parameters) {
      if (array.dims.size() == 4) std::fill(array.values.begin(), array.values.end(), 0.25f);
    }
    ExecutorOptions executor_options;
    executor_options.engine = Conv2dEngine::kReference;
    const Shape shape{1, 3, 32, 1024};
    const auto executor = *Executor::Create(detector.network, shape, executor_options);
    executor->SetParameters(parameters);
    std::fill(executor->input().data, executor->input().data + shape.size(), 0.0f);
    constexpr int kBright = 512;
    executor->input().at(0, 0, 16, kBright) = 1e6f;
    executor->Forward();
    int reach = 0;
    for (const std::string& name : detector.network.outputs) {
      const TensorView out = executor->output(name);
      const int stride = shape.w / out.shape.w;
      for (int x = 0; x < out.shape.w; ++x) {
        if (out.at(0, 0, out.shape.h / 2, x) == 0) continue;
        // The cell stands for pixels x * stride .. x * stride + stride - 1.
        reach = std::max({reach, kBright - (x * stride + stride - 1), x * stride - kBright});
      }
    }
    EXPECT_GT(reach, 0);
    EXPECT_LE(reach, ReceptiveRadius(detector.network)) << options.architecture;
    EXPECT_GT(reach, ReceptiveRadius(detector.network) - 64) << options.architecture;
  }
}

TEST(PlanMemoryTest, BuffersThatLiveTogetherDoNotOverlap) {
  Random random(3);
  std::vector<BufferLifetime> buffers;
  for (int i = 0; i < 60; ++i) {
    const int first = random.Integer(0, 40);
    buffers.push_back({random.Integer(1, 5000), first, first + random.Integer(0, 8)});
  }
  const MemoryPlan plan = PlanMemory(buffers);
  int64_t sum = 0;
  for (size_t i = 0; i < buffers.size(); ++i) {
    sum += buffers[i].floats;
    EXPECT_EQ(plan.offsets[i] % 16, 0);
    EXPECT_LE(plan.offsets[i] + buffers[i].floats, plan.total);
    for (size_t j = 0; j < i; ++j) {
      const bool together = buffers[i].first <= buffers[j].last && buffers[j].first <= buffers[i].last;
      const bool apart = plan.offsets[i] + buffers[i].floats <= plan.offsets[j] ||
                         plan.offsets[j] + buffers[j].floats <= plan.offsets[i];
      EXPECT_TRUE(!together || apart) << i << " and " << j;
    }
  }
  EXPECT_LT(plan.total, sum / 2);
}

}  // namespace
}  // namespace hardface::model
