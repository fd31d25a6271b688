// The weights of one convolution, in the forms that the engines compute with.
#ifndef HARDFACE_MODEL_OPS_CONV_WEIGHTS_H_
#define HARDFACE_MODEL_OPS_CONV_WEIGHTS_H_

#include <cstdint>
#include <map>
#include <utility>

#include "model/ops/tensor.h"

namespace hardface::model {

// Which packed form. kData forms compute the gradient of the input: taps mirrored, input and output channels exchanged.
enum class WeightForm {
  kPointwise,  // of 1x1
  kPointwiseData,
  kPlanar,     // of 3x3 on a plain image (conv1_1)
  kWinograd4,  // transformed for F(4x4, 3x3)
  kWinograd4Data,
  kWinograd6,  // ... for F(6x6, 3x3)
  kWinograd6Data,
};

// The reference to one layer's weights and bias and what was made of them. Layers that share weights, and executors of
// several input shapes, share one of these, so that each form exists once. Not thread-safe; packing uses all OpenMP
// threads.
class ConvWeights {
 public:
  ConvWeights(int out_channels, int in_channels, int kernel)
      : out_channels_(out_channels), in_channels_(in_channels), kernel_(kernel) {}

  // WEIGHTS (out, in, kernel, kernel) and BIAS (out) are not copied: they must stay where they are until the next call,
  // which is due whenever their values have changed.
  void Set(const float* weights, const float* bias);

  const float* weights() const { return weights_; }
  const float* bias() const { return bias_; }
  // Counts the calls of Set.
  int64_t version() const { return version_; }

  // The bias filled up with zeros to whole blocks of WIDTH channels.
  const float* PackedBias(int width) { return Packed(kBiasForm, width); }
  // FORM for vectors of WIDTH floats, made when first asked for after a Set.
  //   kPlanar: (in, 3, 3, blocks * width), blocks = ceil(out / width).
  //   All others: (frequency, pair of blocks, k, floats of the pair), k the channels that are summed over: frequencies
  //   are 1, 36 or 64 and PackedFrequencyStride floats apart; the last pair is a single block where their number is
  //   odd.
  const float* Packed(WeightForm form, int width) { return Packed(static_cast<int>(form), width); }

  // Bytes of all forms held.
  int64_t packed_bytes() const;

 private:
  static constexpr int kBiasForm = -1;
  struct Form {
    int64_t version = -1;
    AlignedBuffer values;
  };
  const float* Packed(int form, int width);
  void Pack(int form, int width, Form* packed) const;

  const int out_channels_, in_channels_, kernel_;
  const float* weights_ = nullptr;
  const float* bias_ = nullptr;
  int64_t version_ = 0;
  std::map<std::pair<int, int>, Form> forms_;  // by form and width
};

// Keeps frequencies from falling into the same cache sets: 5 cache lines beyond any power of two.
inline constexpr int64_t kFrequencyPadding = 80;

// Floats from a frequency to the next of weights packed for `outputs` channels summed over `k`.
inline int64_t PackedFrequencyStride(int outputs, int k, int width) {
  return int64_t{(outputs + width - 1) / width} * width * k + kFrequencyPadding;
}

// Winograd's G (m + 2, 3) of F(m x m, 3x3), M 4 or 6: taps g transform to G g G^T.
const double* WinogradWeightTransform(int m);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_OPS_CONV_WEIGHTS_H_
