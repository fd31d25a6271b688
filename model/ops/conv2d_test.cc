#include "model/ops/conv2d.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/random.h"
#include "model/ops/cache_size.h"
#include "model/ops/gradient_check.h"
#include "model/ops/instruction_set.h"
#include "model/ops/max_pool.h"

namespace hardface::model {
namespace {

std::vector<float> RandomVector(size_t count, uint64_t seed) {
  Random random(seed);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(random.Uniform(-1, 1));
  return values;
}

std::unique_ptr<Conv2d> Make(const Conv2dConfig& config) {
  auto conv = MakeConv2d(config);
  EXPECT_TRUE(conv.ok()) << conv.status();
  return *std::move(conv);
}

TEST(ReferenceConv2dTest, MatchesHandComputedValues) {
  Conv2dConfig config{{1, 1, 3, 1, false}, {1, 1, 2, 3}};
  config.engine = Conv2dEngine::kReference;
  const auto conv = Make(config);
  const float weights[9] = {0, 1, 0, 2, 3, 4, 0, 5, 0};  // (1, 1, 3, 3)
  const float bias[1] = {10};
  conv->weights().Set(weights, bias);
  Tensor in({1, 1, 2, 3}), out({1, 1, 2, 3});
  for (int i = 0; i < 6; ++i) in.data()[i] = static_cast<float>(i + 1);  // 1 2 3 / 4 5 6
  conv->Forward(in.view(), out.view());
  // (0, 0): 10 + 3*1 + 4*2 + 5*4 = 41; (1, 1): 10 + 1*2 + 2*4 + 3*5 + 4*6 = 59.
  EXPECT_EQ(out.view().at(0, 0, 0, 0), 41);
  EXPECT_EQ(out.view().at(0, 0, 1, 1), 59);
}

TEST(ReferenceConv2dTest, DilationReachesFurther) {
  Conv2dConfig config{{1, 1, 3, 2, true}, {1, 1, 5, 5}};
  config.engine = Conv2dEngine::kReference;
  const auto conv = Make(config);
  const float weights[9] = {1, 0, 0, 0, 0, 0, 0, 0, -1}, bias[1] = {0};
  conv->weights().Set(weights, bias);
  Tensor in({1, 1, 5, 5}), out({1, 1, 5, 5});
  in.view().at(0, 0, 0, 0) = 7;
  in.view().at(0, 0, 4, 4) = 9;
  conv->Forward(in.view(), out.view());
  EXPECT_EQ(out.view().at(0, 0, 2, 2), 0);  // 7 - 9, below zero
  EXPECT_EQ(out.view().at(0, 0, 2, 3), 0);
  in.view().at(0, 0, 4, 4) = 1;
  conv->Forward(in.view(), out.view());
  EXPECT_EQ(out.view().at(0, 0, 2, 2), 6);
}

// S3FD's stride-2 layers and its fc6, whose padding makes the map larger.
TEST(ReferenceConv2dTest, StrideAndPaddingByHand) {
  Conv2dConfig config{{1, 1, 3, 1, false, /*stride=*/2, /*padding=*/1}, {1, 1, 3, 4}};
  config.engine = Conv2dEngine::kReference;
  const std::vector<float> weights = {1, 2, 3, 4, 5, 6, 7, 8, 9}, bias = {10};
  const Tensor in({1, 1, 3, 4});
  for (int i = 0; i < 12; ++i) in.data()[i] = static_cast<float>(i);  // rows 0 1 2 3, 4 5 6 7, 8 9 10 11
  const auto run = [&](const Tensor& out) {
    const auto conv = Make(config);
    conv->weights().Set(weights.data(), bias.data());
    conv->Forward(in.view(), out.view());
  };
  const Tensor halved({1, 1, 2, 2});
  run(halved);
  EXPECT_EQ(halved.view().at(0, 0, 0, 0), 10 + 5 * 0 + 6 * 1 + 8 * 4 + 9 * 5);
  EXPECT_EQ(halved.view().at(0, 0, 1, 1), 10 + 1 * 5 + 2 * 6 + 3 * 7 + 4 * 9 + 5 * 10 + 6 * 11);
  config.spec.stride = 1;
  config.spec.padding = 3;
  EXPECT_EQ(config.spec.OutputShape(in.shape()), (Shape{1, 1, 7, 8}));
  const Tensor grown({1, 1, 7, 8});
  run(grown);
  EXPECT_EQ(grown.view().at(0, 0, 0, 0), 10);                  // nothing but zeros
  EXPECT_EQ(grown.view().at(0, 0, 1, 2), 10 + 8 * 0 + 9 * 1);  // the image's corner comes in
  EXPECT_EQ(grown.view().at(0, 0, 6, 7), 10);
}

TEST(Conv2dGeometryTest, EnginesAgreeWithTheReference) {
  for (const char* const engine : {"fastest", "winograd4", "onednn_winograd", "onednn_direct"}) {
    for (const Conv2dSpec& spec :
         {Conv2dSpec{16, 32, 3, 1, true, 2, 1}, Conv2dSpec{32, 24, 3, 1, false, 1, 3}, Conv2dSpec{8, 16, 3, 2, true, 2},
          Conv2dSpec{3, 16, 3, 1, true, 2, 0}, Conv2dSpec{16, 8, 1, 1, false, 2}}) {
      Conv2dConfig config{spec, {2, spec.in_channels, 7, 10}};
      config.in_block = spec.in_channels == 3 ? 1 : PreferredBlock();
      config.out_block = PreferredBlock();
      const std::vector<float> weights =
          RandomVector(static_cast<size_t>(spec.out_channels) * spec.in_channels * spec.kernel * spec.kernel, 1);
      const std::vector<float> bias = RandomVector(spec.out_channels, 2);
      const Shape shape = spec.OutputShape(config.input);
      const Tensor in = RandomTensor(config.input, config.in_block, 3);
      const Tensor out(shape, config.out_block), expected(shape, config.out_block);
      for (const bool reference : {true, false}) {
        config.engine = reference ? Conv2dEngine::kReference : *ParseConv2dEngine(engine);
        EXPECT_FALSE(FusesPooling(config));
        const auto conv = Make(config);
        conv->weights().Set(weights.data(), bias.data());
        conv->Forward(in.view(), reference ? expected.view() : out.view());
      }
      EXPECT_LT(RelativeError(out.view(), expected.view()), 1e-5) << engine << " stride " << spec.stride;
    }
  }
}

TEST(Conv2dGeometryTest, OnlyThoseOfOneSizeAreTrained) {
  Conv2dConfig config{{16, 16, 3, 1, false, /*stride=*/2}, {1, 16, 8, 8}};
  config.training = true;
  const auto conv = MakeConv2d(config);
  EXPECT_EQ(conv.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_NE(conv.status().message().find("stride 2"), std::string::npos) << conv.status();
  config.spec.stride = 0;
  EXPECT_EQ(MakeConv2d(config).status().code(), absl::StatusCode::kInvalidArgument);
}

struct Case {
  Conv2dSpec spec;
  Shape input;
  std::string engine;
  std::string instruction_set = "auto";
};

std::string CaseName(const ::testing::TestParamInfo<Case>& info) {
  const Case& c = info.param;
  return "in" + std::to_string(c.spec.in_channels) + "out" + std::to_string(c.spec.out_channels) + "k" +
         std::to_string(c.spec.kernel) + "d" + std::to_string(c.spec.dilation) + (c.spec.relu ? "relu" : "") + "at" +
         c.input.ToString() + c.engine + c.instruction_set;
}

// The engines against the reference, forward and backward.
class Conv2dEngineTest : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    if (!ParseConv2dEngine(GetParam().engine).ok()) GTEST_SKIP() << ParseConv2dEngine(GetParam().engine).status();
    ASSERT_TRUE(SetInstructionSet(GetParam().instruction_set).ok());
  }
  void TearDown() override { ASSERT_TRUE(SetInstructionSet("auto").ok()); }

  Conv2dConfig Config(Conv2dEngine engine) const {
    Conv2dConfig config{GetParam().spec, GetParam().input};
    config.in_block = GetParam().spec.in_channels == 3 ? 1 : PreferredBlock();
    config.out_block = PreferredBlock();
    config.training = true;
    config.input_grad = config.in_block != 1;  // nobody needs the image's
    config.engine = engine;
    return config;
  }
};

TEST_P(Conv2dEngineTest, AgreesWithReference) {
  const Conv2dSpec& spec = GetParam().spec;
  const Conv2dConfig config = Config(*ParseConv2dEngine(GetParam().engine));
  const auto conv = Make(config);
  const auto reference = Make(Config(Conv2dEngine::kReference));
  const size_t weight_count = static_cast<size_t>(spec.out_channels) * spec.in_channels * spec.kernel * spec.kernel;
  const std::vector<float> weights = RandomVector(weight_count, 1), bias = RandomVector(spec.out_channels, 2);
  conv->weights().Set(weights.data(), bias.data());
  reference->weights().Set(weights.data(), bias.data());

  Shape out_shape = GetParam().input;
  out_shape.c = spec.out_channels;
  const Tensor in = RandomTensor(GetParam().input, config.in_block, 3);
  const Tensor grad_out = RandomTensor(out_shape, config.out_block, 4);
  const Tensor out(out_shape, config.out_block), expected(out_shape, config.out_block);
  const Tensor grad_in(GetParam().input, config.in_block), expected_grad_in(GetParam().input, config.in_block);
  std::fill(out.data(), out.data() + out.view().stored(), -999.0f);
  std::fill(grad_in.data(), grad_in.data() + grad_in.view().stored(), -999.0f);

  conv->Forward(in.view(), out.view());
  reference->Forward(in.view(), expected.view());
  // Winograd F(4x4) loses about a digit against direct sums. A bf16 number has eight binary digits, so that a product
  // is off by 2e-3 (root of the mean square); sums of random products lose nothing more. The image's layer is not
  // rounded.
  const bool rounded = GetParam().engine == "onednn_bf16" && config.in_block != 1;
  const double tolerance = rounded ? 6e-3 : 1e-5;
  EXPECT_LT(RelativeError(out.view(), expected.view()), tolerance);
  if (rounded) {
    EXPECT_GT(RelativeError(out.view(), expected.view()), 1e-5) << "this was not computed in bf16";
  }
  const TensorView view = out.view();
  for (int c = spec.out_channels; c < view.blocks() * view.block; ++c) {
    EXPECT_EQ(view.at(0, c, 0, 0), 0) << "filling channel " << c;
  }

  if (config.input_grad) {
    conv->BackwardData(grad_out.view(), grad_in.view());
    reference->BackwardData(grad_out.view(), expected_grad_in.view());
    EXPECT_LT(RelativeError(grad_in.view(), expected_grad_in.view()), tolerance);
  }

  // "Adds to": both start from 1.
  std::vector<float> grad_weights(weight_count, 1.0f), expected_weights(weight_count, 1.0f);
  std::vector<float> grad_bias(spec.out_channels, 1.0f), expected_bias(spec.out_channels, 1.0f);
  conv->BackwardWeights(in.view(), grad_out.view(), grad_weights.data(), grad_bias.data());
  reference->BackwardWeights(in.view(), grad_out.view(), expected_weights.data(), expected_bias.data());
  double scale = 1;
  for (float value : expected_weights) scale = std::max(scale, std::fabs(double{value}));
  for (size_t i = 0; i < weight_count; ++i)
    ASSERT_NEAR(grad_weights[i], expected_weights[i], 2 * tolerance * scale) << i;
  for (int i = 0; i < spec.out_channels; ++i) {
    ASSERT_NEAR(grad_bias[i], expected_bias[i], 10 * tolerance * std::max(1.0, std::fabs(double{expected_bias[i]})));
  }
}

std::vector<Case> Cases() {
  std::vector<Case> cases;
  const auto add = [&](const std::string& engine, const std::string& set) {
    cases.push_back({{3, 16, 3, 1, true}, {1, 3, 16, 24}, engine, set});
    cases.push_back({{3, 4, 3, 1, true}, {2, 3, 11, 9}, engine, set});
    cases.push_back({{3, 83, 3, 1, false}, {1, 3, 5, 7}, engine, set});
    cases.push_back({{16, 16, 3, 1, true}, {1, 16, 16, 16}, engine, set});
    cases.push_back({{16, 20, 3, 1, false}, {2, 16, 37, 42}, engine, set});  // several blocks of the weight gradient
    cases.push_back({{64, 64, 3, 1, false}, {1, 64, 13, 18}, engine, set});
    cases.push_back({{8, 12, 3, 1, false}, {1, 8, 7, 5}, engine, set});
    cases.push_back({{21, 37, 3, 1, true}, {3, 21, 1, 2}, engine, set});
    cases.push_back({{144, 136, 3, 1, false}, {1, 144, 9, 10}, engine, set});  // one block for all threads
    cases.push_back({{32, 32, 3, 2, false}, {1, 32, 9, 12}, engine, set});
    cases.push_back({{32, 32, 3, 4, true}, {2, 32, 12, 9}, engine, set});
    cases.push_back({{16, 16, 3, 4, false}, {1, 16, 3, 2}, engine, set});
    cases.push_back({{32, 2, 1, 1, false}, {2, 32, 9, 7}, engine, set});
    cases.push_back({{20, 4, 1, 1, true}, {1, 20, 1, 1}, engine, set});
    cases.push_back({{48, 40, 1, 1, true}, {2, 48, 31, 17}, engine, set});
  };
  for (const InstructionSet set : SupportedInstructionSets()) {
    for (const char* engine : {"fastest", "winograd4", "winograd6"}) add(engine, InstructionSetName(set));
  }
  for (const char* engine : {"onednn_winograd", "onednn_direct", "onednn_bf16"}) add(engine, "auto");
  return cases;
}

// oneDNN writes beyond its buffers there (conv2d.cc), hence such a layer must be computed by our own kernels, to the
// bit.
TEST(Bf16Conv2dTest, WideRowsTrainInFp32) {
  if (!ParseConv2dEngine("onednn_bf16").ok()) GTEST_SKIP() << ParseConv2dEngine("onednn_bf16").status();
  Conv2dConfig config{{16, 16, 3, 1, true}, {1, 16, 2, 319}};
  config.in_block = config.out_block = PreferredBlock();
  config.training = true;
  const std::vector<float> weights = RandomVector(16 * 16 * 9, 1), bias = RandomVector(16, 2);
  const Tensor in = RandomTensor(config.input, config.in_block, 3), out(config.input, config.out_block);
  const Tensor expected(config.input, config.out_block);
  for (const auto& [engine, to] :
       {std::pair(Conv2dEngine::kOneDnnBf16, &out), std::pair(Conv2dEngine::kFastest, &expected)}) {
    config.engine = engine;
    const auto conv = Make(config);
    conv->weights().Set(weights.data(), bias.data());
    conv->Forward(in.view(), to->view());
  }
  for (int64_t i = 0; i < out.view().stored(); ++i) ASSERT_EQ(out.data()[i], expected.data()[i]) << i;
}

INSTANTIATE_TEST_SUITE_P(Shapes, Conv2dEngineTest, ::testing::ValuesIn(Cases()), CaseName);

TEST_P(Conv2dEngineTest, PoolsAsItGoes) {
  const Conv2dConfig config = Config(*ParseConv2dEngine(GetParam().engine));
  if (!FusesPooling(config)) GTEST_SKIP() << "this engine does not";
  const Conv2dSpec& spec = GetParam().spec;
  const auto conv = Make(config);
  const std::vector<float> weights = RandomVector(static_cast<size_t>(spec.out_channels) * spec.in_channels * 9, 1);
  const std::vector<float> bias = RandomVector(spec.out_channels, 2);
  conv->weights().Set(weights.data(), bias.data());
  Shape shape = config.input;
  shape.c = spec.out_channels;
  const Tensor in = RandomTensor(config.input, config.in_block, 3), out(shape, config.out_block);
  shape.h /= 2;
  shape.w /= 2;
  const Tensor expected(shape, config.out_block), both(shape, config.out_block), alone(shape, config.out_block);
  conv->Forward(in.view(), out.view());
  MaxPool2x2(out.view(), expected.view());
  const TensorView out_view = out.view(), both_view = both.view(), alone_view = alone.view();
  std::fill(out.data(), out.data() + out_view.stored(), -999.0f);
  conv->Forward(in.view(), &out_view, &both_view);
  conv->Forward(in.view(), nullptr, &alone_view);
  for (int64_t i = 0; i < both_view.stored(); ++i) {
    ASSERT_EQ(both.data()[i], expected.data()[i]) << i;
    ASSERT_EQ(alone.data()[i], expected.data()[i]) << i;
  }
  for (int64_t i = 0; i < out_view.stored(); ++i) ASSERT_NE(out.data()[i], -999.0f) << i;
}

// Detectors are made by one thread and run by another.
TEST_P(Conv2dEngineTest, AnotherThreadMayRunIt) {
  const Conv2dConfig config = Config(*ParseConv2dEngine(GetParam().engine));
  const Conv2dSpec& spec = GetParam().spec;
  const size_t weight_count = static_cast<size_t>(spec.out_channels) * spec.in_channels * spec.kernel * spec.kernel;
  const std::vector<float> weights = RandomVector(weight_count, 1), bias = RandomVector(spec.out_channels, 2);
  Shape out_shape = config.input;
  out_shape.c = spec.out_channels;
  const Tensor in = RandomTensor(config.input, config.in_block, 3);
  const Tensor grad_out = RandomTensor(out_shape, config.out_block, 4);
  const auto run = [&](Conv2d* conv) {
    const Tensor out(out_shape, config.out_block);
    std::vector<float> grad_weights(weight_count), grad_bias(spec.out_channels);
    conv->Forward(in.view(), out.view());
    conv->BackwardWeights(in.view(), grad_out.view(), grad_weights.data(), grad_bias.data());
    std::vector<float> result(out.data(), out.data() + out.view().stored());
    result.insert(result.end(), grad_weights.begin(), grad_weights.end());
    return result;
  };
  const auto conv = Make(config);
  conv->weights().Set(weights.data(), bias.data());
  const std::vector<float> expected = run(conv.get());
  std::vector<float> result;
  std::thread([&] { result = run(conv.get()); }).join();
  EXPECT_EQ(result, expected);
}

TEST_P(Conv2dEngineTest, NeitherThreadsNorCacheChangeABit) {
  if (GetParam().engine.find("onednn") == 0) GTEST_SKIP() << "oneDNN promises no such thing";
  const Conv2dConfig config = Config(*ParseConv2dEngine(GetParam().engine));
  const Conv2dSpec& spec = GetParam().spec;
  const size_t weight_count = static_cast<size_t>(spec.out_channels) * spec.in_channels * spec.kernel * spec.kernel;
  const std::vector<float> weights = RandomVector(weight_count, 1), bias = RandomVector(spec.out_channels, 2);
  Shape out_shape = config.input;
  out_shape.c = spec.out_channels;
  const Tensor in = RandomTensor(config.input, config.in_block, 3);
  const Tensor grad_out = RandomTensor(out_shape, config.out_block, 4);
  const int threads_before = omp_get_max_threads();
  std::vector<std::vector<float>> results;
  constexpr int64_t kSmallCache = int64_t{128} << 10, kLargeCache = int64_t{64} << 20;
  for (const auto& [threads, cache] : std::vector<std::pair<int, int64_t>>{
           {1, 0}, {2, 0}, {5, 0}, {1, kSmallCache}, {2, kSmallCache}, {1, kLargeCache}, {2, kLargeCache}}) {
    omp_set_num_threads(threads);
    SetSecondLevelCacheBytesForTest(cache);
    const auto conv = Make(config);
    conv->weights().Set(weights.data(), bias.data());
    const Tensor out(out_shape, config.out_block), grad_in(config.input, config.in_block);
    std::vector<float> grad_weights(weight_count), grad_bias(spec.out_channels);
    conv->Forward(in.view(), out.view());
    if (config.input_grad) conv->BackwardData(grad_out.view(), grad_in.view());
    conv->BackwardWeights(in.view(), grad_out.view(), grad_weights.data(), grad_bias.data());
    std::vector<float>& result = results.emplace_back(out.data(), out.data() + out.view().stored());
    result.insert(result.end(), grad_in.data(), grad_in.data() + grad_in.view().stored());
    result.insert(result.end(), grad_weights.begin(), grad_weights.end());
    result.insert(result.end(), grad_bias.begin(), grad_bias.end());
  }
  omp_set_num_threads(threads_before);
  SetSecondLevelCacheBytesForTest(0);
  for (size_t i = 1; i < results.size(); ++i) EXPECT_EQ(results[0], results[i]) << i;
}

// The reference's own gradients, by central differences on input, weights and bias.
TEST(ReferenceConv2dTest, GradientsMatchCentralDifferences) {
  for (int dilation : {1, 2}) {
    Conv2dConfig config{{2, 3, 3, dilation, false}, {2, 2, 4, 5}};
    config.training = true;
    config.engine = Conv2dEngine::kReference;
    const auto conv = Make(config);
    std::vector<float> weights = RandomVector(3 * 2 * 9, 5), bias = RandomVector(3, 6);
    const Tensor in = RandomTensor(config.input, 1, 7), grad_out = RandomTensor({2, 3, 4, 5}, 1, 8);
    const Tensor out({2, 3, 4, 5}), grad_in(config.input);
    const auto loss = [&] {
      conv->weights().Set(weights.data(), bias.data());
      conv->Forward(in.view(), out.view());
      return Dot(out.view(), grad_out.view());
    };
    loss();
    std::vector<float> grad_weights(weights.size()), grad_bias(bias.size());
    conv->BackwardData(grad_out.view(), grad_in.view());
    conv->BackwardWeights(in.view(), grad_out.view(), grad_weights.data(), grad_bias.data());
    ExpectGradient(in.data(), grad_in.data(), config.input.size(), loss, "input");
    ExpectGradient(weights.data(), grad_weights.data(), static_cast<int64_t>(weights.size()), loss, "weights");
    ExpectGradient(bias.data(), grad_bias.data(), static_cast<int64_t>(bias.size()), loss, "bias");
  }
}

// Of 512 x 512 channels F(6x6) must save a tenth of the time, since its weights take 1.8 times the memory: at 80x80 it
// would save 8 %.
TEST(MakeConv2dTest, ChoosesTheTileByTimeAndMemory) {
  const auto products = [](int channels_in, int side) {
    Conv2dConfig config;
    config.spec = {channels_in, 512, 3, 1, true};
    config.input = {1, channels_in, side, side};
    config.in_block = config.out_block = PreferredBlock();
    const auto convolution = *MakeConv2d(config);
    return convolution->forward_flops() / 2 / channels_in / 512;
  };
  EXPECT_EQ(products(512, 40), 36 * 10 * 10);
  EXPECT_EQ(products(512, 80), 36 * 20 * 20);
  EXPECT_EQ(products(256, 80), 64 * 14 * 14);
  EXPECT_EQ(products(512, 192), 64 * 32 * 32);
}

TEST(MakeConv2dTest, RefusesWhatItCannotCompute) {
  EXPECT_THAT(std::string(MakeConv2d({{3, 8, 5, 1, false}, {1, 3, 8, 8}}).status().message()),
              ::testing::HasSubstr("not 5"));
  EXPECT_THAT(std::string(MakeConv2d({{3, 8, 3, 1, false}, {1, 4, 8, 8}}).status().message()),
              ::testing::HasSubstr("1x4x8x8"));
  EXPECT_FALSE(MakeConv2d({{3, 0, 3, 1, false}, {1, 3, 8, 8}}).ok());
}

}  // namespace
}  // namespace hardface::model
