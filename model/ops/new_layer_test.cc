// A layer of one's own, added as CONTRIBUTING.md says: forward and backward over TensorViews, values by hand, and the
// gradient by central differences. The layer here: leaky ReLU, x or 0.1 x.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

#include "base/check.h"
#include "model/ops/gradient_check.h"
#include "model/ops/tensor.h"

namespace hardface::model {
namespace {

constexpr float kLeak = 0.1f;

// IN and OUT of one shape and layout.
void LeakyRelu(const TensorView& in, const TensorView& out) {
  HARDFACE_CHECK(in.shape == out.shape && in.block == out.block);
  for (int64_t i = 0; i < in.stored(); ++i) out.data[i] = in.data[i] > 0 ? in.data[i] : kLeak * in.data[i];
}

// GRADIENT (in place), of the layer's output, becomes that of its input.
void LeakyReluBackward(const TensorView& in, const TensorView& gradient) {
  HARDFACE_CHECK(in.shape == gradient.shape && in.block == gradient.block);
  for (int64_t i = 0; i < in.stored(); ++i) gradient.data[i] *= in.data[i] > 0 ? 1 : kLeak;
}

TEST(NewLayerTest, ValuesByHand) {
  const Tensor in({1, 1, 1, 3}), out({1, 1, 1, 3});
  const float values[3] = {-2, 0, 3};
  std::copy(values, values + 3, in.data());
  LeakyRelu(in.view(), out.view());
  EXPECT_FLOAT_EQ(out.data()[0], -0.2f);
  EXPECT_EQ(out.data()[1], 0);
  EXPECT_EQ(out.data()[2], 3);
}

class NewLayerLayoutTest : public ::testing::TestWithParam<int> {};

INSTANTIATE_TEST_SUITE_P(ChannelBlocks, NewLayerLayoutTest, ::testing::Values(1, 8));

TEST_P(NewLayerLayoutTest, GradientAgreesWithDifferencesOfTheForwardFunction) {
  const Shape shape{2, 3, 4, 5};
  const int block = GetParam();
  const Tensor in = RandomTensor(shape, block, 1), weight = RandomTensor(shape, block, 2), out(shape, block);
  const auto loss = [&] {
    LeakyRelu(in.view(), out.view());
    return Dot(out.view(), weight.view());
  };
  const Tensor gradient(shape, block);
  ConvertLayout(weight.view(), gradient.view());
  LeakyReluBackward(in.view(), gradient.view());
  // A small step: across the kink at 0 the differences say something else.
  ExpectGradient(in.data(), gradient.data(), in.view().stored(), loss, "leaky ReLU", /*step=*/1e-3f);
}

TEST(NewLayerDeathTest, WrongShapesAreBugs) {
  const Tensor in({1, 1, 1, 3}), out({1, 1, 1, 4});
  EXPECT_DEATH(LeakyRelu(in.view(), out.view()), "shape");
}

}  // namespace
}  // namespace hardface::model
