#include "model/ops/conv_weights.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "model/ops/instruction_set.h"
#include "model/ops/kernels/conv_kernels.h"

namespace hardface::model {
namespace {

constexpr int kLargestN = 8;

// G of F(m x m, 3x3), n = m + 2 rows: row j holds the powers of point j over the product of its differences to the
// other points, the last row is the point at infinity.
struct WeightTransform {
  int n = 0;
  double g[kLargestN][3] = {};
};

WeightTransform MakeTransform(const float* points, int count) {
  WeightTransform transform;
  transform.n = 2 * count + 2;
  std::array<double, kLargestN> all = {};
  for (int i = 0; i < count; ++i) {
    all[1 + 2 * i] = points[i];
    all[2 + 2 * i] = -double{points[i]};
  }
  for (int j = 0; j < transform.n - 1; ++j) {
    double product = 1;
    for (int l = 0; l < transform.n - 1; ++l) product *= l == j ? 1 : all[j] - all[l];
    for (int k = 0; k < 3; ++k) transform.g[j][k] = std::pow(all[j], k) / product;
  }
  transform.g[transform.n - 1][2] = 1;
  return transform;
}

constexpr int kMaxWidth = 16;

int BlocksOf(int channels, int width) { return (channels + width - 1) / width; }

}  // namespace

void ConvWeights::Set(const float* weights, const float* bias) {
  weights_ = weights;
  bias_ = bias;
  ++version_;
}

int64_t ConvWeights::packed_bytes() const {
  int64_t floats = 0;
  for (const auto& [key, form] : forms_) floats += form.values.size();
  return floats * static_cast<int64_t>(sizeof(float));
}

const float* ConvWeights::Packed(int form, int width) {
  HARDFACE_CHECK(weights_ != nullptr);
  Form& packed = forms_[{form, width}];
  if (packed.version != version_) {
    Pack(form, width, &packed);
    packed.version = version_;
  }
  return packed.values.data();
}

void ConvWeights::Pack(int form, int width, Form* packed) const {
  const auto is = [form](WeightForm f) { return form == static_cast<int>(f); };
  const bool data = is(WeightForm::kPointwiseData) || is(WeightForm::kWinograd4Data) || is(WeightForm::kWinograd6Data);
  const int outputs = data ? in_channels_ : out_channels_, k = data ? out_channels_ : in_channels_;
  const int blocks = BlocksOf(outputs, width);
  const int m = is(WeightForm::kWinograd4) || is(WeightForm::kWinograd4Data)   ? 4
                : is(WeightForm::kWinograd6) || is(WeightForm::kWinograd6Data) ? 6
                                                                               : 0;
  const int frequencies = m == 0 ? 1 : (m + 2) * (m + 2);
  const int taps = kernel_ * kernel_;
  const int64_t frequency_stride = PackedFrequencyStride(outputs, k, width);
  // Gemm prefetches beyond the end, which is harmless; the buffer need not be longer for that.
  const int64_t floats = form == kBiasForm         ? int64_t{blocks} * width
                         : is(WeightForm::kPlanar) ? int64_t{k} * taps * blocks * width
                                                   : frequencies * frequency_stride;
  if (packed->values.size() != floats) {
    packed->values = AlignedBuffer(floats);
    std::memset(packed->values.data(), 0, static_cast<size_t>(floats) * sizeof(float));  // the filling stays zero
  }
  float* const to = packed->values.data();
  if (form == kBiasForm) {
    std::copy(bias_, bias_ + out_channels_, to);
    return;
  }
  if (is(WeightForm::kPlanar)) {
    for (int o = 0; o < out_channels_; ++o) {
      for (int i = 0; i < k * taps; ++i) to[int64_t{i} * blocks * width + o] = weights_[int64_t{o} * k * taps + i];
    }
    return;
  }
  const auto tap = [&](int output, int input, int t) {
    return data ? weights_[(int64_t{input} * in_channels_ + output) * taps + taps - 1 - t]
                : weights_[(int64_t{output} * in_channels_ + input) * taps + t];
  };
  const ConvKernels& kernels = KernelsFor(ActiveInstructionSet());
  HARDFACE_CHECK(m == 0 || kernels.width == width);
#pragma omp parallel for schedule(static)
  for (int first = 0; first < blocks * width; first += width) {
    const int pair = first / (2 * width), lanes = std::max(0, std::min(width, outputs - first));
    const int pair_width = width * std::min(2, blocks - 2 * pair);
    for (int i = 0; i < k; ++i) {
      float* const target = to + (int64_t{pair} * 2 * width) * k + int64_t{i} * pair_width + first % (2 * width);
      if (m == 0) {
        for (int l = 0; l < lanes; ++l) target[l] = tap(first + l, i, 0);
        continue;
      }
      alignas(64) float lane_taps[9 * kMaxWidth] = {};
      for (int l = 0; l < lanes; ++l) {
        for (int t = 0; t < 9; ++t) lane_taps[t * width + l] = tap(first + l, i, t);
      }
      kernels.transform_taps(WinogradWeightTransform(m), m + 2, lane_taps, target, frequency_stride, lanes);
    }
  }
}

const double* WinogradWeightTransform(int m) {
  static const WeightTransform four = MakeTransform(kWinograd4Points, 2), six = MakeTransform(kWinograd6Points, 3);
  return m == 4 ? four.g[0] : six.g[0];
}

}  // namespace hardface::model
