// The layers that only the compared detectors have (S3FD, PyramidBox, SSH): values by hand and as NumPy gives them, in
// the plain layout and in channel blocks that the channels do not fill. They are run, not trained.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "model/ops/elementwise.h"
#include "model/ops/gradient_check.h"
#include "model/ops/l2_norm.h"
#include "model/ops/max_out.h"
#include "model/ops/tensor.h"

namespace hardface::model {
namespace {

class FieldOpsTest : public ::testing::TestWithParam<int> {
 protected:
  // VALUES in the plain order, in the test's layout.
  Tensor Blocked(const Shape& shape, const std::vector<float>& values) const {
    Tensor plain(shape), blocked(shape, GetParam());
    std::copy(values.begin(), values.end(), plain.data());
    ConvertLayout(plain.view(), blocked.view());
    return blocked;
  }
  static void ExpectValues(const Tensor& actual, const std::vector<float>& expected) {
    Tensor plain(actual.shape());
    ConvertLayout(actual.view(), plain.view());
    ASSERT_EQ(plain.shape().size(), static_cast<int64_t>(expected.size()));
    for (size_t i = 0; i < expected.size(); ++i) EXPECT_FLOAT_EQ(plain.data()[i], expected[i]) << i;
    const TensorView view = actual.view();
    for (int c = view.shape.c; c < view.blocks() * view.block; ++c) {
      EXPECT_EQ(view.at(0, c, view.shape.h - 1, view.shape.w - 1), 0) << "filling channel " << c;
    }
  }
};

INSTANTIATE_TEST_SUITE_P(ChannelBlocks, FieldOpsTest, ::testing::Values(1, 8, 16));

TEST_P(FieldOpsTest, L2NormScalesEveryChannel) {
  // Pixels (3, 4, 0), (1, 2, 2), (0, 0, 0).
  const Tensor in = Blocked({1, 3, 1, 3}, {3, 1, 0, 4, 2, 0, 0, 2, 0}), out({1, 3, 1, 3}, GetParam());
  const float scale[3] = {10, 20, 30};
  std::fill(out.data(), out.data() + out.view().stored(), -1.0f);
  L2Normalize(in.view(), scale, out.view());
  ExpectValues(out, {6, 10.0f / 3, 0, 16, 40.0f / 3, 0, 0, 20, 0});
}

// numpy.random.RandomState(5).uniform(-1, 1, (2, 5, 2, 2)) rounded to 3 places, in float64:
// x / numpy.sqrt((x ** 2).sum(axis=1, keepdims=True) + 1e-10) * numpy.array([10, 8, 5, 1, 2])[None, :, None, None]
TEST_P(FieldOpsTest, L2NormAsNumPyComputesIt) {
  const std::vector<float> values = {-0.556f, 0.741f,  -0.587f, 0.837f, -0.023f, 0.223f,  0.532f,  0.037f,
                                     -0.406f, -0.625f, -0.839f, 0.477f, -0.117f, -0.683f, 0.76f,   -0.452f,
                                     -0.172f, -0.408f, 0.258f,  0.16f,  0.2f,    -0.468f, -0.431f, -0.493f,
                                     -0.345f, -0.712f, -0.669f, 0.928f, 0.92f,   -0.623f, -0.951f, -0.591f,
                                     0.4f,    0.559f,  -0.954f, 0.155f, -0.997f, 0.031f,  0.28f,   0.971f};
  const std::vector<float> expected = {
      -7.72689f, 5.81756f,  -4.17619f,  7.77346f,  -0.25571f,  1.40061f,   3.02791f,   0.274904f,  -2.82115f, -2.45342f,
      -2.98452f, 2.21502f,  -0.162598f, -0.53622f, 0.540699f,  -0.419785f, -0.478067f, -0.640638f, 0.367106f, 0.297193f,
      1.36101f,  -3.91698f, -2.71169f,  -3.16888f, -1.87819f,  -4.76734f,  -3.36728f,  4.77195f,   3.13031f,  -2.60714f,
      -2.99167f, -1.8994f,  0.272201f,  0.467862f, -0.600221f, 0.09963f,   -1.35692f,  0.0518917f, 0.352331f, 1.24827f};
  const Shape shape{2, 5, 2, 2};
  const Tensor in = Blocked(shape, values), out(shape, GetParam());
  const float scale[5] = {10, 8, 5, 1, 2};
  L2Normalize(in.view(), scale, out.view());
  Tensor plain(shape);
  ConvertLayout(out.view(), plain.view());
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(plain.data()[i], expected[i], 1e-5) << i;
}

TEST_P(FieldOpsTest, SumsAndProducts) {
  const Shape shape{1, 2, 1, 2};
  const Tensor a = Blocked(shape, {1, -2, 3, 4}), b = Blocked(shape, {5, 1, -4, 0.5f}), out(shape, GetParam());
  AddMaps(a.view(), b.view(), /*relu=*/false, out.view());
  ExpectValues(out, {6, -1, -1, 4.5f});
  AddMaps(a.view(), b.view(), /*relu=*/true, out.view());
  ExpectValues(out, {6, 0, 0, 4.5f});
  MultiplyMaps(a.view(), b.view(), out.view());
  ExpectValues(out, {5, -2, -12, 2});
}

TEST_P(FieldOpsTest, MaxOutTakesTheLargestOfEachClass) {
  // Six channels of two pixels; the last two channels belong to something else.
  const Tensor in = Blocked({1, 6, 1, 2}, {-3, 1, -1, 5, -2, 2, 7, -4, 9, 9, 9, 9}), out({1, 2, 1, 2}, GetParam());
  std::fill(out.data(), out.data() + out.view().stored(), -1.0f);
  MaxOut(in.view(), /*background=*/3, /*face=*/1, out.view());
  ExpectValues(out, {-1, 5, 7, -4});
  MaxOut(in.view(), /*background=*/1, /*face=*/3, out.view());
  ExpectValues(out, {-3, 1, 7, 5});
}

TEST(FieldOpsDeathTest, WrongShapesAreBugs) {
  const Tensor a({1, 4, 1, 3}), b({1, 4, 1, 4}), two({1, 2, 1, 3});
  const float scale[4] = {1, 1, 1, 1};
  EXPECT_DEATH(AddMaps(a.view(), b.view(), false, a.view()), "shape");
  EXPECT_DEATH(L2Normalize(a.view(), scale, b.view()), "shape");
  EXPECT_DEATH(MaxOut(a.view(), 3, 2, two.view()), "shape");
}

}  // namespace
}  // namespace hardface::model
