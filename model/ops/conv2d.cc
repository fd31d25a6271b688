#include "model/ops/conv2d.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/check.h"
#include "model/ops/conv2d_internal.h"

namespace hardface::model {
namespace {

const std::vector<std::pair<std::string, Conv2dEngine>>& Engines() {
  static const auto* const engines = new std::vector<std::pair<std::string, Conv2dEngine>>{
      {"fastest", Conv2dEngine::kFastest},
      {"winograd4", Conv2dEngine::kWinograd4},
      {"winograd6", Conv2dEngine::kWinograd6},
      {"onednn_winograd", Conv2dEngine::kOneDnnWinograd},
      {"onednn_direct", Conv2dEngine::kOneDnnDirect},
      {"onednn_bf16", Conv2dEngine::kOneDnnBf16},
      {"reference", Conv2dEngine::kReference},
  };
  return *engines;
}

// Those that compute with our own kernels where they can. With bf16 that is the image's layer only: its three channels
// are no work for AMX, and pixels keep their precision.
bool IsOurs(const Conv2dConfig& config) {
  const Conv2dEngine engine = config.engine;
  if (engine == Conv2dEngine::kOneDnnBf16) return config.in_block == 1;
  return engine == Conv2dEngine::kFastest || engine == Conv2dEngine::kWinograd4 || engine == Conv2dEngine::kWinograd6;
}

// What WinogradConv2d computes; the rest (a gradient of the image, plain layouts elsewhere) is left to oneDNN.
bool HasOwnKernel(const Conv2dConfig& config) {
  const int width = PreferredBlock();
  if (!IsOurs(config) || config.out_block != width || !config.spec.same_size()) return false;
  if (config.in_block == width) return true;
  const bool needs_image_gradient = config.training && config.input_grad;
  return config.in_block == 1 && config.spec.kernel == 3 && config.spec.dilation == 1 && !needs_image_gradient;
}

// A convolution of stride 1 with more padding than "same": the "same" one on an input with zeros around it, so that
// every engine computes it with its fastest kernel. (oneDNN's own have none for padding beyond the kernel, and its
// reference takes seconds for S3FD's fc6.) For inference.
class PaddedConv2d : public Conv2d {
 public:
  PaddedConv2d(const Conv2dConfig& config, int margin, const Shape& padded, std::unique_ptr<Conv2d> same)
      : Conv2d(config), margin_(margin), padded_(padded, config.in_block), same_(std::move(same)) {}

  using Conv2d::Forward;
  void Forward(const TensorView& in, const TensorView* out, const TensorView* pooled) override {
    HARDFACE_CHECK(pooled == nullptr);
    const TensorView to = padded_.view();  // its margin stays zero
    const auto row_floats = static_cast<size_t>(in.shape.w) * in.block;
    for (int n = 0; n < in.shape.n; ++n) {
      for (int b = 0; b < in.blocks(); ++b) {
        for (int y = 0; y < in.shape.h; ++y) {
          std::copy_n(in.row(n, b, y), row_floats, to.row(n, b, y + margin_) + int64_t{margin_} * in.block);
        }
      }
    }
    same_->Forward(to, out, nullptr);
  }
  void BackwardData(const TensorView&, const TensorView&) override { HARDFACE_CHECK(false); }
  void BackwardWeights(const TensorView&, const TensorView&, float*, float*) override { HARDFACE_CHECK(false); }

 private:
  const int margin_;
  const Tensor padded_;
  const std::unique_ptr<Conv2d> same_;
};

absl::StatusOr<std::unique_ptr<Conv2d>> MakePaddedConv2d(Conv2dConfig config) {
  const int same = config.spec.dilation * (config.spec.kernel - 1) / 2, margin = config.spec.pad() - same;
  // Both use the same weights.
  if (config.weights == nullptr) {
    config.weights =
        std::make_shared<ConvWeights>(config.spec.out_channels, config.spec.in_channels, config.spec.kernel);
  }
  Conv2dConfig inner = config;
  inner.spec.padding = -1;
  inner.input.h += 2 * margin;
  inner.input.w += 2 * margin;
  auto convolution = MakeConv2d(inner);
  if (!convolution.ok()) return convolution.status();
  return std::make_unique<PaddedConv2d>(config, margin, inner.input, std::move(*convolution));
}

// oneDNN 2.6.3 computes gradients of weights by AMX, and in rows of 319, 324 and most greater numbers of pixels reaches
// beyond its buffers (seen with guard pages; rows up to 300 are sound). Wider layers train in fp32.
constexpr int kWidestBf16Gradient = 256;

}  // namespace

absl::StatusOr<Conv2dEngine> ParseConv2dEngine(const std::string& name) {
  std::vector<std::string> names;
  for (const auto& [known, engine] : Engines()) {
    if (name == known && engine == Conv2dEngine::kOneDnnBf16 && !HasBf16()) {
      return absl::InvalidArgumentError(
          "this processor has no instructions for bf16 (AVX-512 BF16 or AMX), which onednn_bf16 needs; give fastest");
    }
    if (name == known) return engine;
    names.push_back(known);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("unknown convolution engine \"", name, "\"; give one of ", absl::StrJoin(names, ", ")));
}

bool FusesPooling(const Conv2dConfig& config) {
  return HasOwnKernel(config) && config.in_block != 1 && config.spec.kernel == 3 && config.spec.dilation == 1 &&
         config.input.h % 2 == 0 && config.input.w % 2 == 0;
}

Conv2d::Conv2d(const Conv2dConfig& config)
    : weights_(config.weights != nullptr ? config.weights
                                         : std::make_shared<ConvWeights>(config.spec.out_channels,
                                                                         config.spec.in_channels, config.spec.kernel)),
      workspace_(config.workspace != nullptr ? config.workspace : std::make_shared<Workspace>()),
      direct_flops_(config.spec.DirectFlops(config.input)) {}

int Conv2d::StripRows(const Conv2d&) const { return 0; }

void Conv2d::ForwardAfter(Conv2d*, const TensorView&, const TensorView&, const TensorView*, const TensorView*) {
  HARDFACE_CHECK(false);  // StripRows is 0
}

absl::StatusOr<std::unique_ptr<Conv2d>> MakeConv2d(const Conv2dConfig& config) {
  const Conv2dSpec& spec = config.spec;
  if (spec.kernel != 1 && spec.kernel != 3) {
    return absl::InvalidArgumentError(absl::StrCat("a convolution's kernel is 1 or 3, not ", spec.kernel));
  }
  if (spec.in_channels < 1 || spec.out_channels < 1 || spec.dilation < 1) {
    return absl::InvalidArgumentError(absl::StrCat("a convolution of ", spec.in_channels, " to ", spec.out_channels,
                                                   " channels with dilation ", spec.dilation,
                                                   ": all must be at least 1"));
  }
  if (spec.stride < 1 || spec.padding < -1) {
    return absl::InvalidArgumentError(absl::StrCat("a convolution of stride ", spec.stride, " and padding ",
                                                   spec.padding, ": the stride is at least 1, the padding at least 0"));
  }
  if (config.training && !spec.same_size()) {
    return absl::UnimplementedError(absl::StrCat("a convolution of stride ", spec.stride, " and padding ", spec.pad(),
                                                 " has no backward step: only those of stride 1 that keep the size"));
  }
  if (config.input.c != spec.in_channels || config.input.size() <= 0 || spec.OutputShape(config.input).size() <= 0) {
    return absl::InvalidArgumentError(absl::StrCat("a convolution over ", spec.in_channels,
                                                   " channels cannot take an input of ", config.input.ToString()));
  }
  if (config.engine == Conv2dEngine::kReference) return MakeReferenceConv2d(config);
  if (spec.stride == 1 && spec.pad() > spec.dilation * (spec.kernel - 1) / 2) return MakePaddedConv2d(config);
  if (config.engine == Conv2dEngine::kOneDnnBf16 && config.training && config.input.w > kWidestBf16Gradient) {
    Conv2dConfig exact = config;
    exact.engine = Conv2dEngine::kFastest;
    return MakeConv2d(exact);
  }
  if (HasOwnKernel(config)) return MakeWinogradConv2d(config);
  return MakeOneDnnConv2d(config);
}

}  // namespace hardface::model
