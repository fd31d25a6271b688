// The device's ops against the CPU's. Values come and go through FromPlanar and ToPlanar, so these are tested, too.
#include "model/ops/device_ops.h"

#include <gtest/gtest.h>

#include <tuple>

#include "model/ops/concat.h"
#include "model/ops/cuda_test_util.h"
#include "model/ops/elementwise.h"
#include "model/ops/l2_norm.h"
#include "model/ops/max_out.h"
#include "model/ops/max_pool.h"
#include "model/ops/relu.h"
#include "model/ops/upsample.h"

namespace hardface::model {
namespace {

class DeviceOpsTest : public ::testing::TestWithParam<std::tuple<Shape, Precision>> {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_GPU();
    context_ = TestContext();
    ASSERT_NE(context_, nullptr);
  }
  const CudaStream& stream() const { return context_->stream(); }
  Tensor Random(const Shape& shape, uint64_t seed) const {
    return Rounded(RandomTensor(shape, 1, seed), precision_, stream());
  }
  TestTensor ToDevice(const Tensor& values) const { return TestTensor(values, precision_, stream()); }
  TestTensor Empty(const Shape& shape) const { return TestTensor(shape, precision_, stream()); }

  const Shape small_ = std::get<0>(GetParam());
  const Shape large_{small_.n, small_.c, 2 * small_.h, 2 * small_.w};
  const Precision precision_ = std::get<1>(GetParam());
  std::shared_ptr<CudaContext> context_;
};

TEST_P(DeviceOpsTest, MaxPool) {
  const Tensor in = Random(large_, 1), gradient = Random(small_, 2);
  Tensor out(small_), grad_in(large_);
  MaxPool2x2(in.view(), out.view());
  // In 16 bits neighbours may be equal: the first has the gradient on the device, the CPU agrees.
  MaxPool2x2Backward(in.view(), gradient.view(), grad_in.view());
  const TestTensor device_in = ToDevice(in), device_gradient = ToDevice(gradient);
  const TestTensor device_out = Empty(small_), device_grad_in = Empty(large_);
  ASSERT_OK(MaxPool2x2(device_in.get(), device_out.get(), stream().handle()));
  ASSERT_OK(MaxPool2x2Backward(device_in.get(), device_gradient.get(), device_grad_in.get(), stream().handle()));
  ExpectClose(device_out.ToHost().view(), out.view(), precision_, "MaxPool2x2");
  ExpectClose(device_grad_in.ToHost().view(), grad_in.view(), precision_, "MaxPool2x2Backward");
}

TEST_P(DeviceOpsTest, Upsample) {
  const Tensor in = Random(small_, 3), gradient = Random(large_, 4);
  Tensor out(large_), grad_in(small_);
  Upsample2x(in.view(), out.view());
  Upsample2xBackward(gradient.view(), grad_in.view());
  const TestTensor device_in = ToDevice(in), device_gradient = ToDevice(gradient);
  const TestTensor device_out = Empty(large_), device_grad_in = Empty(small_);
  ASSERT_OK(Upsample2x(device_in.get(), device_out.get(), stream().handle()));
  ASSERT_OK(Upsample2xBackward(device_gradient.get(), device_grad_in.get(), stream().handle()));
  ExpectClose(device_out.ToHost().view(), out.view(), precision_, "Upsample2x");
  ExpectClose(device_grad_in.ToHost().view(), grad_in.view(), precision_, "Upsample2xBackward");
}

TEST_P(DeviceOpsTest, Concat) {
  const Shape other{small_.n, 13, small_.h, small_.w}, both{small_.n, small_.c + 13, small_.h, small_.w};
  const Tensor a = Random(small_, 5), b = Random(other, 6);
  Tensor out(both);
  ConcatChannels(a.view(), b.view(), out.view());
  const TestTensor device_a = ToDevice(a), device_b = ToDevice(b), device_out = Empty(both);
  const TestTensor split_a = Empty(small_), split_b = Empty(other);
  ASSERT_OK(ConcatChannels(device_a.get(), device_b.get(), device_out.get(), stream().handle()));
  ASSERT_OK(ConcatChannelsBackward(device_out.get(), split_a.get(), split_b.get(), stream().handle()));
  EXPECT_EQ(RelativeError(device_out.ToHost().view(), out.view()), 0);
  EXPECT_EQ(RelativeError(split_a.ToHost().view(), a.view()), 0);
  EXPECT_EQ(RelativeError(split_b.ToHost().view(), b.view()), 0);
}

TEST_P(DeviceOpsTest, LayersOfTheComparedDetectors) {
  const Tensor a = Random(small_, 21), b = Random(small_, 22), scale = Random({1, small_.c, 1, 1}, 23);
  Tensor sum(small_), product(small_), normalised(small_);
  AddMaps(a.view(), b.view(), /*relu=*/true, sum.view());
  MultiplyMaps(a.view(), b.view(), product.view());
  L2Normalize(a.view(), scale.data(), normalised.view());
  const TestTensor device_a = ToDevice(a), device_b = ToDevice(b), device_scale = ToDevice(scale);
  const TestTensor out = Empty(small_);
  ASSERT_OK(AddMaps(device_a.get(), device_b.get(), /*relu=*/true, out.get(), stream().handle()));
  ExpectClose(out.ToHost().view(), sum.view(), precision_, "AddMaps");
  ASSERT_OK(MultiplyMaps(device_a.get(), device_b.get(), out.get(), stream().handle()));
  ExpectClose(out.ToHost().view(), product.view(), precision_, "MultiplyMaps");
  ASSERT_OK(L2Normalize(device_a.get(), device_scale.get().data, out.get(), stream().handle()));
  ExpectClose(out.ToHost().view(), normalised.view(), precision_, "L2Normalize");

  const Shape logits{small_.n, 6, small_.h, small_.w}, classes{small_.n, 2, small_.h, small_.w};
  const Tensor in = Random(logits, 24);
  Tensor largest(classes);
  MaxOut(in.view(), 1, 3, largest.view());
  const TestTensor device_in = ToDevice(in), device_largest = Empty(classes);
  ASSERT_OK(MaxOut(device_in.get(), 1, 3, device_largest.get(), stream().handle()));
  EXPECT_EQ(RelativeError(device_largest.ToHost().view(), largest.view()), 0);
  EXPECT_EQ(MaxOut(device_in.get(), 4, 3, device_largest.get(), stream().handle()).code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_P(DeviceOpsTest, ReluBackwardAndAdd) {
  const Tensor a = Random(small_, 7), b = Random(small_, 8);
  Tensor output(small_), gradient = Random(small_, 8), sum(small_);
  Relu(a.view(), output.view());
  ReluBackward(output.view(), gradient.view());
  for (int64_t i = 0; i < small_.size(); ++i) sum.data()[i] = a.data()[i] + b.data()[i];
  const TestTensor device_output = ToDevice(output), device_gradient = ToDevice(b), device_sum = ToDevice(b);
  ASSERT_OK(ReluBackward(device_output.get(), device_gradient.get(), stream().handle()));
  ASSERT_OK(Add(ToDevice(a).get(), device_sum.get(), stream().handle()));
  EXPECT_EQ(RelativeError(device_gradient.ToHost().view(), gradient.view()), 0);
  ExpectClose(device_sum.ToHost().view(), sum.view(), precision_, "Add");
}

TEST_P(DeviceOpsTest, ReluBiasBackward) {
  const Tensor output = Random(small_, 11), gradient = Random(small_, 12);
  const TestTensor device_output = ToDevice(output);
  const int64_t bytes = small_.c * static_cast<int64_t>(sizeof(float));
  const auto scratch = DeviceMemory::Allocate(BiasGradientScratchBytes(small_), "a test");
  const auto sums = DeviceMemory::Allocate(bytes, "a test");
  ASSERT_TRUE(scratch.ok() && sums.ok());
  for (const bool relu : {true, false}) {
    Tensor cleared(small_), expected({1, small_.c, 1, 1}), actual({1, small_.c, 1, 1});
    ConvertLayout(gradient.view(), cleared.view());
    if (relu) ReluBackward(output.view(), cleared.view());
    for (int64_t i = 0; i < small_.size(); ++i) {
      expected.data()[i / (small_.h * small_.w) % small_.c] += cleared.data()[i];
    }
    for (int c = 0; c < small_.c; ++c) {
      actual.data()[c] = 3;  // it is added to what is there
      expected.data()[c] += 3;
    }
    ASSERT_OK(CopyToDevice(actual.data(), sums->data(), bytes, stream().handle()));
    const TestTensor device_gradient = ToDevice(gradient);
    ASSERT_OK(ReluBiasBackward(relu ? &device_output.get() : nullptr, device_gradient.get(), scratch->as<float>(),
                               sums->as<float>(), stream().handle()));
    ASSERT_OK(CopyToHost(sums->data(), actual.data(), bytes, stream().handle()));
    ASSERT_OK(context_->stream().Synchronize());
    EXPECT_EQ(RelativeError(device_gradient.ToHost().view(), cleared.view()), 0) << relu;
    EXPECT_LT(RelativeError(actual.view(), expected.view()), 1e-5) << relu;
  }
}

TEST_P(DeviceOpsTest, TensorsThatDoNotFitAreErrors) {
  const TestTensor a = Empty(small_), b = Empty({small_.n, small_.c + 1, small_.h, small_.w});
  for (const absl::Status& status :
       {MaxPool2x2(a.get(), b.get(), stream().handle()), Upsample2x(a.get(), b.get(), stream().handle()),
        ReluBackward(a.get(), b.get(), stream().handle()), Add(a.get(), b.get(), stream().handle()),
        ConcatChannels(a.get(), b.get(), a.get(), stream().handle())}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, DeviceOpsTest,
                         ::testing::Combine(::testing::Values(Shape{1, 1, 1, 1}, Shape{2, 8, 3, 5}, Shape{1, 13, 17, 9},
                                                              Shape{2, 64, 31, 33}),
                                            ::testing::Values(Precision::kFp32, Precision::kBf16, Precision::kFp16)),
                         [](const auto& info) {
                           return "s" + std::get<0>(info.param).ToString() + "_" +
                                  PrecisionName(std::get<1>(info.param));
                         });

}  // namespace
}  // namespace hardface::model
