// ReLU, max pooling, upsampling, concatenation and softmax: hand-computed values, and gradients by central differences,
// in the plain layout and in channel blocks that the channels do not fill.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "model/ops/concat.h"
#include "model/ops/gradient_check.h"
#include "model/ops/max_pool.h"
#include "model/ops/relu.h"
#include "model/ops/softmax.h"
#include "model/ops/upsample.h"

namespace hardface::model {
namespace {

class OpsTest : public ::testing::TestWithParam<int> {
 protected:
  int block() const { return GetParam(); }
};

INSTANTIATE_TEST_SUITE_P(ChannelBlocks, OpsTest, ::testing::Values(1, 8, 16));

Tensor Plain(const Shape& shape, std::vector<float> values) {
  Tensor tensor(shape);
  std::copy(values.begin(), values.end(), tensor.data());
  return tensor;
}

TEST_P(OpsTest, ConvertLayoutRoundTrips) {
  const Tensor plain = RandomTensor({2, 5, 3, 4}, 1, 1);
  const Tensor blocked({2, 5, 3, 4}, block()), back({2, 5, 3, 4});
  ConvertLayout(plain.view(), blocked.view());
  ConvertLayout(blocked.view(), back.view());
  EXPECT_EQ(RelativeError(back.view(), plain.view()), 0);
  EXPECT_EQ(blocked.view().at(1, 4, 2, 3), plain.view().at(1, 4, 2, 3));
}

TEST(ReluTest, ClampsAndMasks) {
  const Tensor values = Plain({1, 1, 1, 4}, {-2, 0, 3, -0.5}), gradient = Plain({1, 1, 1, 4}, {1, 2, 3, 4});
  Relu(values.view(), values.view());
  ReluBackward(values.view(), gradient.view());
  const float expected[4] = {0, 0, 3, 0};
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(values.data()[i], expected[i]);
    EXPECT_EQ(gradient.data()[i], expected[i]);  // by chance the kept gradient is 3 too
  }
}

TEST_P(OpsTest, ReluGradient) {
  const Shape shape{1, 3, 2, 5};
  const Tensor in = RandomTensor(shape, block(), 1), weight = RandomTensor(shape, block(), 2), out(shape, block());
  const auto loss = [&] {
    Relu(in.view(), out.view());
    return Dot(out.view(), weight.view());
  };
  loss();
  const Tensor gradient(shape, block());
  ConvertLayout(weight.view(), gradient.view());
  ReluBackward(out.view(), gradient.view());
  ExpectGradient(in.data(), gradient.data(), in.view().stored(), loss, "relu", /*step=*/1e-4f);
}

TEST(MaxPoolTest, TakesTheLargestAndSendsGradientToTheFirst) {
  const Tensor in = Plain({1, 1, 2, 4}, {1, 5, 2, 2, 3, 4, 2, 2}), out({1, 1, 1, 2}), grad_in({1, 1, 2, 4});
  MaxPool2x2(in.view(), out.view());
  EXPECT_EQ(out.data()[0], 5);
  EXPECT_EQ(out.data()[1], 2);
  MaxPool2x2Backward(in.view(), Plain({1, 1, 1, 2}, {10, 20}).view(), grad_in.view());
  const float expected[8] = {0, 10, 20, 0, 0, 0, 0, 0};
  for (int i = 0; i < 8; ++i) EXPECT_EQ(grad_in.data()[i], expected[i]) << i;
}

TEST_P(OpsTest, MaxPoolGradient) {
  const Shape large{2, 3, 4, 6}, small{2, 3, 2, 3};
  const Tensor in = RandomTensor(large, block(), 1), weight = RandomTensor(small, block(), 2);
  const Tensor out(small, block()), gradient(large, block());
  const auto loss = [&] {
    MaxPool2x2(in.view(), out.view());
    return Dot(out.view(), weight.view());
  };
  loss();
  MaxPool2x2Backward(in.view(), weight.view(), gradient.view());
  ExpectGradient(in.data(), gradient.data(), in.view().stored(), loss, "max pool", /*step=*/1e-4f);
}

TEST(UpsampleTest, MatchesTheDeconvolution) {
  const Tensor in = Plain({1, 1, 1, 2}, {16, 32}), out({1, 1, 2, 4});
  Upsample2x(in.view(), out.view());
  // Rows weigh 0.75 (the other input row is outside); columns: .75*16, .75*16+.25*32, .75*32+.25*16, .75*32.
  const float expected[4] = {9, 15, 21, 18};
  for (int y = 0; y < 2; ++y) {
    for (int x = 0; x < 4; ++x) EXPECT_FLOAT_EQ(out.view().at(0, 0, y, x), expected[x]);
  }
}

TEST_P(OpsTest, UpsampleGradient) {
  const Shape small{1, 3, 3, 2}, large{1, 3, 6, 4};
  const Tensor in = RandomTensor(small, block(), 1), weight = RandomTensor(large, block(), 2);
  const Tensor out(large, block()), gradient(small, block());
  const auto loss = [&] {
    Upsample2x(in.view(), out.view());
    return Dot(out.view(), weight.view());
  };
  Upsample2xBackward(weight.view(), gradient.view());
  ExpectGradient(in.data(), gradient.data(), in.view().stored(), loss, "upsample");
}

TEST_P(OpsTest, ConcatKeepsOrderAndSplitsGradients) {
  for (const int first : {3, 8, 16, 20}) {
    const Shape shape_a{2, first, 2, 3}, shape_b{2, 5, 2, 3}, shape{2, first + 5, 2, 3};
    const Tensor a = RandomTensor(shape_a, block(), 1), b = RandomTensor(shape_b, block(), 2), out(shape, block());
    std::fill(out.data(), out.data() + out.view().stored(), 77.0f);
    ConcatChannels(a.view(), b.view(), out.view());
    EXPECT_EQ(out.view().at(1, first - 1, 1, 2), a.view().at(1, first - 1, 1, 2));
    EXPECT_EQ(out.view().at(1, first, 1, 2), b.view().at(1, 0, 1, 2));
    EXPECT_EQ(out.view().at(0, first + 4, 0, 0), b.view().at(0, 4, 0, 0));
    for (int c = first + 5; c < out.view().blocks() * block(); ++c) EXPECT_EQ(out.view().at(0, c, 0, 0), 0);

    const Tensor grad_a(shape_a, block()), grad_b(shape_b, block());
    ConcatChannelsBackward(out.view(), grad_a.view(), grad_b.view());
    EXPECT_EQ(RelativeError(grad_a.view(), a.view()), 0);
    EXPECT_EQ(RelativeError(grad_b.view(), b.view()), 0);
  }
}

TEST(SoftmaxTest, IsStableAndConsistent) {
  EXPECT_FLOAT_EQ(FaceProbability(0, 0), 0.5f);
  EXPECT_FLOAT_EQ(FaceProbability(1, 3), std::exp(3.0f) / (std::exp(1.0f) + std::exp(3.0f)));
  EXPECT_EQ(FaceProbability(-500, 500), 1.0f);
  EXPECT_EQ(FaceProbability(500, -500), 0.0f);
  EXPECT_NEAR(SoftmaxLoss(3, 1), -std::log(FaceProbability(1, 3)), 1e-6);
  EXPECT_FLOAT_EQ(SoftmaxLoss(-500, 500), 1000.0f);
  EXPECT_EQ(SoftmaxLoss(500, -500), 0.0f);
}

}  // namespace
}  // namespace hardface::model
