// The kernels' arithmetic, index by index on the CPU, against the CPU's ops.
#include "model/ops/device_kernels.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "model/cuda/precision.h"
#include "model/cuda/weight_order.h"
#include "model/ops/concat.h"
#include "model/ops/elementwise.h"
#include "model/ops/gradient_check.h"
#include "model/ops/l2_norm.h"
#include "model/ops/max_out.h"
#include "model/ops/max_pool.h"
#include "model/ops/relu.h"
#include "model/ops/tensor.h"
#include "model/ops/upsample.h"

namespace hardface::model {
namespace {

using Groups = std::vector<Channels<float>>;

template <typename Kernel>
void RunAll(int64_t count, const Kernel& kernel) {
  for (int64_t i = count - 1; i >= 0; --i) kernel(i);  // any order must do
}

int GroupCount(const Shape& shape) { return StoredChannels(shape.c) / 8; }
int64_t Pixels(const Shape& shape) { return int64_t{shape.h} * shape.w; }

Groups ToGroups(const TensorView& plain) {
  Groups groups(static_cast<size_t>(plain.shape.n * Pixels(plain.shape) * GroupCount(plain.shape)));
  RunAll(static_cast<int64_t>(groups.size()),
         FromPlanarKernel<float>{plain.data, groups.data(), plain.shape.c, GroupCount(plain.shape), Pixels(plain.shape),
                                 1.0f});
  return groups;
}

void ExpectSame(const Groups& actual, const TensorView& expected) {
  Tensor plain(expected.shape);
  RunAll(expected.shape.size(), ToPlanarKernel<float>{actual[0].values, plain.data(), expected.shape.c,
                                                      StoredChannels(expected.shape.c), Pixels(expected.shape)});
  int failures = 0;
  for (int64_t i = 0; i < expected.shape.size(); ++i) {
    if (plain.data()[i] != expected.data[i] && ++failures <= 3) {
      ADD_FAILURE() << i << ": " << plain.data()[i] << ", not " << expected.data[i];
    }
  }
  EXPECT_EQ(failures, 0);
  // The filling.
  for (size_t g = 0; g < actual.size(); ++g) {
    const int first = static_cast<int>(g) % GroupCount(expected.shape) * 8;
    for (int k = 0; k < 8; ++k) {
      const bool filling = first + k >= expected.shape.c;
      EXPECT_TRUE(!filling || actual[g].values[k] == 0.0f) << g;
    }
  }
}

class DeviceKernelsTest : public ::testing::TestWithParam<Shape> {
 protected:
  const Shape shape_ = GetParam();  // the small one
  const Shape large_{shape_.n, shape_.c, 2 * shape_.h, 2 * shape_.w};
  const int groups_ = GroupCount(shape_);
  const int64_t small_count_ = shape_.n * Pixels(shape_) * groups_;
};

TEST_P(DeviceKernelsTest, MaxPooling) {
  const Tensor in = RandomTensor(large_, 1, 1), gradient = RandomTensor(shape_, 1, 2);
  Tensor out(shape_), grad_in(large_);
  MaxPool2x2(in.view(), out.view());
  MaxPool2x2Backward(in.view(), gradient.view(), grad_in.view());
  const Groups device_in = ToGroups(in.view()), device_gradient = ToGroups(gradient.view());
  Groups device_out(device_gradient.size()), device_grad_in(device_in.size());
  RunAll(small_count_, MaxPoolKernel<float>{device_in.data(), device_out.data(), shape_.h, shape_.w, groups_});
  RunAll(small_count_, MaxPoolBackwardKernel<float>{device_in.data(), device_gradient.data(), device_grad_in.data(),
                                                    shape_.h, shape_.w, groups_});
  ExpectSame(device_out, out.view());
  ExpectSame(device_grad_in, grad_in.view());
}

TEST_P(DeviceKernelsTest, SumsAndProducts) {
  const Tensor a = RandomTensor(shape_, 1, 21), b = RandomTensor(shape_, 1, 22);
  Tensor expected(shape_);
  const Groups device_a = ToGroups(a.view()), device_b = ToGroups(b.view());
  Groups out(device_a.size());
  for (const bool relu : {false, true}) {
    AddMaps(a.view(), b.view(), relu, expected.view());
    RunAll(small_count_, AddMapsKernel<float>{device_a.data(), device_b.data(), out.data(), relu});
    ExpectSame(out, expected.view());
  }
  MultiplyMaps(a.view(), b.view(), expected.view());
  RunAll(small_count_, MultiplyMapsKernel<float>{device_a.data(), device_b.data(), out.data()});
  ExpectSame(out, expected.view());
}

TEST_P(DeviceKernelsTest, L2Norm) {
  const Tensor in = RandomTensor(shape_, 1, 23), scale = RandomTensor({1, shape_.c, 1, 1}, 1, 24);
  Tensor expected(shape_), actual(shape_);
  L2Normalize(in.view(), scale.data(), expected.view());
  const Groups device_in = ToGroups(in.view()), device_scale = ToGroups(scale.view());
  Groups out(device_in.size());
  RunAll(shape_.n * Pixels(shape_),
         L2NormKernel<float>{device_in.data(), device_scale.data(), out.data(), groups_, kL2NormEpsilon});
  RunAll(shape_.size(), ToPlanarKernel<float>{out[0].values, actual.data(), shape_.c, 8 * groups_, Pixels(shape_)});
  EXPECT_LT(RelativeError(actual.view(), expected.view()), 1e-6);
}

TEST_P(DeviceKernelsTest, MaxOutOfEightChannels) {
  const Shape wide{shape_.n, 8, shape_.h, shape_.w}, classes{shape_.n, 2, shape_.h, shape_.w};
  const Tensor in = RandomTensor(wide, 1, 25);
  const Groups device_in = ToGroups(in.view());
  Groups out(device_in.size());
  Tensor expected(classes);
  for (const auto& [background, face] : {std::pair(3, 1), {1, 3}, {1, 1}, {4, 4}}) {
    MaxOut(in.view(), background, face, expected.view());
    RunAll(wide.n * Pixels(wide), MaxOutKernel<float>{device_in.data(), out.data(), 1, background, face});
    ExpectSame(out, expected.view());
  }
}

TEST_P(DeviceKernelsTest, Upsampling) {
  const Tensor in = RandomTensor(shape_, 1, 3), gradient = RandomTensor(large_, 1, 4);
  Tensor out(large_), grad_in(shape_);
  Upsample2x(in.view(), out.view());
  Upsample2xBackward(gradient.view(), grad_in.view());
  const Groups device_in = ToGroups(in.view()), device_gradient = ToGroups(gradient.view());
  Groups device_out(device_gradient.size()), device_grad_in(device_in.size());
  RunAll(4 * small_count_, UpsampleKernel<float>{device_in.data(), device_out.data(), shape_.h, shape_.w, groups_});
  RunAll(small_count_,
         UpsampleBackwardKernel<float>{device_gradient.data(), device_grad_in.data(), shape_.h, shape_.w, groups_});
  ExpectSame(device_out, out.view());
  ExpectSame(device_grad_in, grad_in.view());
}

TEST_P(DeviceKernelsTest, Concatenation) {
  for (const int other : {3, 8, 13}) {
    const Shape other_shape{shape_.n, other, shape_.h, shape_.w}, both{shape_.n, shape_.c + other, shape_.h, shape_.w};
    const Tensor a = RandomTensor(shape_, 1, 5), b = RandomTensor(other_shape, 1, 6);
    Tensor out(both);
    ConcatChannels(a.view(), b.view(), out.view());
    const Groups device_a = ToGroups(a.view()), device_b = ToGroups(b.view());
    Groups device_out(static_cast<size_t>(both.n * Pixels(both) * GroupCount(both)));
    RunAll(static_cast<int64_t>(device_out.size()),
           ConcatKernel<float>{device_a[0].values, device_b[0].values, device_out.data(), shape_.c, other,
                               StoredChannels(shape_.c), StoredChannels(other), GroupCount(both)});
    ExpectSame(device_out, out.view());
    Groups split_a(device_a.size()), split_b(device_b.size());
    RunAll(static_cast<int64_t>(split_a.size()),
           SliceKernel<float>{device_out[0].values, split_a.data(), 0, shape_.c, StoredChannels(both.c), groups_});
    RunAll(static_cast<int64_t>(split_b.size()),
           SliceKernel<float>{device_out[0].values, split_b.data(), shape_.c, other, StoredChannels(both.c),
                              GroupCount(other_shape)});
    ExpectSame(split_a, a.view());
    ExpectSame(split_b, b.view());
  }
}

TEST_P(DeviceKernelsTest, ElementwiseOps) {
  const Tensor a = RandomTensor(shape_, 1, 7), b = RandomTensor(shape_, 1, 8),
               bias = RandomTensor({1, shape_.c, 1, 1}, 1, 9);
  Tensor relu(shape_), sum(shape_), biased(shape_), gradient = RandomTensor(shape_, 1, 8);
  Relu(a.view(), relu.view());
  ReluBackward(relu.view(), gradient.view());
  for (int64_t i = 0; i < shape_.size(); ++i) {
    sum.data()[i] = a.data()[i] + b.data()[i];
    biased.data()[i] = a.data()[i] + bias.data()[i / Pixels(shape_) % shape_.c];
  }
  Groups device_gradient = ToGroups(b.view()), device_sum = device_gradient, device_biased = ToGroups(a.view());
  const Groups device_a = device_biased, device_bias = ToGroups(bias.view());
  RunAll(small_count_, ReluBackwardKernel<float>{ToGroups(relu.view()).data(), device_gradient.data()});
  ExpectSame(device_gradient, gradient.view());
  RunAll(small_count_, AddKernel<float>{device_a.data(), device_sum.data()});
  ExpectSame(device_sum, sum.view());
  RunAll(small_count_, BiasReluKernel<float>{device_bias.data(), device_biased.data(), groups_, /*relu=*/false});
  ExpectSame(device_biased, biased.view());
  Relu(biased.view(), biased.view());
  RunAll(small_count_, BiasReluKernel<float>{ToGroups(Tensor(shape_).view()).data(), device_biased.data(), groups_,
                                             /*relu=*/true});
  ExpectSame(device_biased, biased.view());
}

TEST_P(DeviceKernelsTest, ReluAndBiasGradientInThreeSteps) {
  const Tensor gradient = RandomTensor(shape_, 1, 9), output = RandomTensor(shape_, 1, 10);
  const Groups device_output = ToGroups(output.view());
  const int channels = 8 * groups_;
  for (const bool relu : {true, false}) {
    Tensor cleared(shape_);
    ConvertLayout(gradient.view(), cleared.view());
    if (relu) ReluBackward(output.view(), cleared.view());
    for (const int parts : {1, 3, 64}) {
      Groups device_gradient = ToGroups(gradient.view());
      std::vector<float> sums(static_cast<size_t>(parts * channels)), fewer_sums(static_cast<size_t>(2 * channels));
      std::vector<float> result(static_cast<size_t>(shape_.c), 1.0f);
      RunAll(int64_t{parts} * groups_,
             ReluBiasPartsKernel<float>{relu ? device_output.data() : nullptr, device_gradient.data(), sums.data(),
                                        shape_.n * Pixels(shape_), groups_, parts});
      RunAll(2 * channels, FewerChannelSumsKernel{sums.data(), fewer_sums.data(), channels, parts, 2});
      RunAll(shape_.c, AddChannelSumsKernel{fewer_sums.data(), result.data(), channels, 2});
      ExpectSame(device_gradient, cleared.view());
      for (int c = 0; c < shape_.c; ++c) {
        double expected = 1;
        for (int n = 0; n < shape_.n; ++n) {
          for (int64_t p = 0; p < Pixels(shape_); ++p)
            expected += cleared.data()[(n * shape_.c + c) * Pixels(shape_) + p];
        }
        EXPECT_NEAR(result[static_cast<size_t>(c)], expected, 1e-3) << relu << " " << parts << " " << c;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, DeviceKernelsTest,
                         ::testing::Values(Shape{1, 1, 1, 1}, Shape{2, 8, 3, 5}, Shape{1, 13, 4, 2},
                                           Shape{3, 24, 1, 7}),
                         [](const auto& info) { return "s" + info.param.ToString(); });

TEST(PackWeightsTest, PackedWeightsComeBack) {
  constexpr int kOut = 5, kIn = 11, kTaps = 9, kStored = 16;
  const Tensor weights = RandomTensor({kOut, kIn, 3, 3}, 1, 11);
  std::vector<float> ordered(static_cast<size_t>(weights.shape().size()));
  ToDeviceOrder(weights.data(), kOut, kIn, kTaps, ordered.data());
  std::vector<float> packed(8 * kTaps * kStored, -1.0f), back(static_cast<size_t>(weights.shape().size()), 0.5f);
  RunAll(static_cast<int64_t>(packed.size()),
         PackWeightsKernel<float>{ordered.data(), packed.data(), kOut, kIn, kTaps, kStored});
  EXPECT_EQ(packed[(4 * kTaps + 7) * kStored + 10], weights.view().at(4, 10, 2, 1));
  EXPECT_EQ(packed[(4 * kTaps + 7) * kStored + 11], 0.0f) << "an input channel that only fills up";
  EXPECT_EQ(packed[(5 * kTaps + 7) * kStored + 10], 0.0f) << "an output channel that only fills up";
  RunAll(static_cast<int64_t>(back.size()), AddPackedKernel<float>{packed.data(), back.data(), kIn, kStored});
  for (size_t i = 0; i < back.size(); ++i) ASSERT_EQ(back[i], 0.5f + ordered[i]) << i;
  FromDeviceOrder(ordered.data(), kOut, kIn, kTaps, back.data());
  for (size_t i = 0; i < back.size(); ++i) ASSERT_EQ(back[i], weights.data()[i]) << i;
}

TEST(PackWeightsTest, AllAtOnceArePackedAsOneByOne) {
  constexpr int kOut = 5, kIn = 11, kTaps = 9, kStored = 16, kBias = 70;
  constexpr int64_t kWeights = kOut * kIn * kTaps, kSecond = 576;  // where the bias begins
  ASSERT_EQ(kSecond % kParameterBlock, 0);
  ASSERT_LT(kSecond - kWeights, 2 * kParameterBlock) << "a block that nothing lies in is wanted, too";
  const Tensor parameters = RandomTensor({1, 1, 1, kSecond + 2 * kParameterBlock}, 1, 12);
  std::vector<float> expected(8 * kTaps * kStored), expected_bias(72), weights(expected.size()), bias(72);
  RunAll(static_cast<int64_t>(expected.size()),
         PackWeightsKernel<float>{parameters.data(), expected.data(), kOut, kIn, kTaps, kStored});
  RunAll(72, PackWeightsKernel<float>{parameters.data() + kSecond, expected_bias.data(), kBias, 1, 1, 1});
  const PackedParameter packed[] = {{0, kWeights, weights.data(), kIn, kStored}, {kSecond, kBias, bias.data()}};
  std::vector<int> of_block(static_cast<size_t>(parameters.shape().size() / kParameterBlock), -1);
  for (size_t block = 0; block * kParameterBlock < kWeights; ++block) of_block[block] = 0;
  of_block[kSecond / kParameterBlock] = of_block[kSecond / kParameterBlock + 1] = 1;
  RunAll(parameters.shape().size(), PackAllKernel<float>{parameters.data(), of_block.data(), packed});
  EXPECT_EQ(weights, expected);
  EXPECT_EQ(bias, expected_bias);
}

}  // namespace
}  // namespace hardface::model
