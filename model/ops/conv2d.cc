#include "model/ops/conv2d.h"

#include "absl/strings/str_cat.h"
#include "model/ops/conv2d_internal.h"

namespace hardface {

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
  if (config.input.c != spec.in_channels || config.input.size() <= 0) {
    return absl::InvalidArgumentError(absl::StrCat("a convolution over ", spec.in_channels,
                                                   " channels cannot take an input of ", config.input.ToString()));
  }
  if (config.engine == Conv2dEngine::kReference) return MakeReferenceConv2d(config);
  return MakeOneDnnConv2d(config);
}

}  // namespace hardface
