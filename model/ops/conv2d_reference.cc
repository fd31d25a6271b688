// The convolution as its definition reads: slow, obvious, in double precision.
#include <algorithm>
#include <vector>

#include "base/check.h"
#include "model/ops/conv2d_internal.h"

namespace hardface::model {
namespace {

class ReferenceConv2d : public Conv2d {
 public:
  explicit ReferenceConv2d(const Conv2dConfig& config) : Conv2d(config), spec_(config.spec), shape_(config.input) {}

  using Conv2d::Forward;
  void Forward(const TensorView& in, const TensorView* out, const TensorView* pooled) override {
    HARDFACE_CHECK(out != nullptr && pooled == nullptr);
    const float* const weights = weights_->weights();
    const float* const bias = weights_->bias();
    ForEachOutput([&](int n, int o, int y, int x) {
      double sum = bias[o];
      ForEachTap(o, y, x, [&](int w, int i, int iy, int ix) { sum += double{weights[w]} * in.at(n, i, iy, ix); });
      out->at(n, o, y, x) = static_cast<float>(spec_.relu ? std::max(sum, 0.0) : sum);
    });
  }

  void BackwardData(const TensorView& grad_out, const TensorView& grad_in) override {
    const float* const weights = weights_->weights();
    std::fill(grad_in.data, grad_in.data + grad_in.stored(), 0.0f);
    ForEachOutput([&](int n, int o, int y, int x) {
      const float g = grad_out.at(n, o, y, x);
      ForEachTap(o, y, x, [&](int w, int i, int iy, int ix) { grad_in.at(n, i, iy, ix) += g * weights[w]; });
    });
  }

  void BackwardWeights(const TensorView& in, const TensorView& grad_out, float* grad_weights,
                       float* grad_bias) override {
    std::vector<double> weights(WeightCount()), bias(spec_.out_channels);
    ForEachOutput([&](int n, int o, int y, int x) {
      const double g = grad_out.at(n, o, y, x);
      bias[o] += g;
      ForEachTap(o, y, x, [&](int w, int i, int iy, int ix) { weights[w] += g * in.at(n, i, iy, ix); });
    });
    for (size_t i = 0; i < weights.size(); ++i) grad_weights[i] += static_cast<float>(weights[i]);
    for (size_t i = 0; i < bias.size(); ++i) grad_bias[i] += static_cast<float>(bias[i]);
  }

 private:
  size_t WeightCount() const {
    return static_cast<size_t>(spec_.out_channels) * spec_.in_channels * spec_.kernel * spec_.kernel;
  }

  template <typename Function>
  void ForEachOutput(const Function& function) const {
    for (int n = 0; n < shape_.n; ++n) {
      for (int o = 0; o < spec_.out_channels; ++o) {
        for (int y = 0; y < spec_.OutputSize(shape_.h); ++y) {
          for (int x = 0; x < spec_.OutputSize(shape_.w); ++x) function(n, o, y, x);
        }
      }
    }
  }

  // function(weight index, input channel, input y, input x) for the taps of output (o, y, x) that lie inside the image.
  template <typename Function>
  void ForEachTap(int o, int y, int x, const Function& function) const {
    for (int i = 0; i < spec_.in_channels; ++i) {
      for (int ky = 0; ky < spec_.kernel; ++ky) {
        for (int kx = 0; kx < spec_.kernel; ++kx) {
          const int iy = y * spec_.stride - spec_.pad() + ky * spec_.dilation;
          const int ix = x * spec_.stride - spec_.pad() + kx * spec_.dilation;
          if (iy < 0 || iy >= shape_.h || ix < 0 || ix >= shape_.w) continue;
          function(((o * spec_.in_channels + i) * spec_.kernel + ky) * spec_.kernel + kx, i, iy, ix);
        }
      }
    }
  }

  const Conv2dSpec spec_;
  const Shape shape_;
};

}  // namespace

std::unique_ptr<Conv2d> MakeReferenceConv2d(const Conv2dConfig& config) {
  return std::make_unique<ReferenceConv2d>(config);
}

}  // namespace hardface::model
