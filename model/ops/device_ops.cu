#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "model/cuda/device_element.cuh"
#include "model/cuda/launch.cuh"
#include "model/ops/device_kernels.h"
#include "model/ops/device_ops.h"
#include "model/ops/l2_norm.h"

namespace hardface::model {
namespace {

// Calls function(T()) for the element type.
template <typename Function>
absl::Status WithElement(ElementType type, const Function& function) {
  switch (type) {
    case ElementType::kFloat:
      return function(float());
    case ElementType::kBfloat16:
      return function(DeviceBfloat16());
    case ElementType::kHalf:
      break;
  }
  return function(DeviceHalf());
}

template <typename T>
Channels<T>* GroupsOf(const DeviceTensor& tensor) {
  return static_cast<Channels<T>*>(tensor.data);
}

int GroupCount(const DeviceTensor& tensor) { return tensor.stored_channels() / 8; }
int64_t AllGroups(const DeviceTensor& tensor) { return tensor.pixels() * GroupCount(tensor); }

absl::Status Require(bool holds, const char* op, const DeviceTensor& a, const DeviceTensor& b) {
  if (holds && a.type == b.type) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(op, ": tensors of ", a.shape.ToString(), " and ", b.shape.ToString(), " do not fit together"));
}

bool IsTwice(const DeviceTensor& large, const DeviceTensor& small) {
  const Shape& l = large.shape;
  const Shape& s = small.shape;
  return l.n == s.n && l.c == s.c && l.h == 2 * s.h && l.w == 2 * s.w;
}

bool Concatenates(const DeviceTensor& a, const DeviceTensor& b, const DeviceTensor& out) {
  const Shape expected{a.shape.n, a.shape.c + b.shape.c, a.shape.h, a.shape.w};
  return a.type == b.type && a.shape.n == b.shape.n && a.shape.h == b.shape.h && a.shape.w == b.shape.w &&
         out.shape == expected;
}

// The sums of a bias gradient: so many threads take the pixels, at least so many pixels each; their sums become so few
// parts. Fixed numbers, whatever the device, so that all give the same bits.
constexpr int kBiasThreads = 1 << 18;
constexpr int64_t kMinBiasPixels = 16;
constexpr int kFewerBiasParts = 64;

int BiasParts(int64_t pixels, int groups) {
  const int64_t most = (pixels + kMinBiasPixels - 1) / kMinBiasPixels;
  return static_cast<int>(std::clamp<int64_t>(kBiasThreads / groups, 1, most));
}

}  // namespace

absl::Status MaxPool2x2(const DeviceTensor& in, const DeviceTensor& out, CudaStreamHandle stream) {
  RETURN_IF_ERROR(Require(IsTwice(in, out), "MaxPool2x2", in, out));
  return WithElement(in.type, [&](auto zero) {
    using T = decltype(zero);
    return ForEachIndex(AllGroups(out),
                        MaxPoolKernel<T>{GroupsOf<T>(in), GroupsOf<T>(out), out.shape.h, out.shape.w, GroupCount(out)},
                        stream, "MaxPool2x2");
  });
}

absl::Status MaxPool2x2Backward(const DeviceTensor& in, const DeviceTensor& grad_out, const DeviceTensor& grad_in,
                                CudaStreamHandle stream) {
  RETURN_IF_ERROR(Require(IsTwice(in, grad_out), "MaxPool2x2Backward", in, grad_out));
  RETURN_IF_ERROR(Require(in.shape == grad_in.shape, "MaxPool2x2Backward", in, grad_in));
  return WithElement(in.type, [&](auto zero) {
    using T = decltype(zero);
    return ForEachIndex(AllGroups(grad_out),
                        MaxPoolBackwardKernel<T>{GroupsOf<T>(in), GroupsOf<T>(grad_out), GroupsOf<T>(grad_in),
                                                 grad_out.shape.h, grad_out.shape.w, GroupCount(grad_out)},
                        stream, "MaxPool2x2Backward");
  });
}

absl::Status ReluBackward(const DeviceTensor& output, const DeviceTensor& gradient, CudaStreamHandle stream) {
  RETURN_IF_ERROR(Require(output.shape == gradient.shape, "ReluBackward", output, gradient));
  return WithElement(output.type, [&](auto zero) {
    using T = decltype(zero);
    return ForEachIndex(AllGroups(output), ReluBackwardKernel<T>{GroupsOf<T>(output), GroupsOf<T>(gradient)}, stream,
                        "ReluBackward");
  });
}

absl::Status AddBias(const void* bias, bool relu, const DeviceTensor& tensor, CudaStreamHandle stream) {
  return WithElement(tensor.type, [&](auto zero) {
    using T = decltype(zero);
    return ForEachIndex(
        AllGroups(tensor),
        BiasReluKernel<T>{static_cast<const Channels<T>*>(bias), GroupsOf<T>(tensor), GroupCount(tensor), relu}, stream,
        "AddBias");
  });
}

absl::Status Add(const DeviceTensor& from, const DeviceTensor& to, CudaStreamHandle stream) {
  RETURN_IF_ERROR(Require(from.shape == to.shape, "Add", from, to));
  return WithElement(from.type, [&](auto zero) {
    using T = decltype(zero);
    return ForEachIndex(AllGroups(from), AddKernel<T>{GroupsOf<T>(from), GroupsOf<T>(to)}, stream, "Add");
  });
}

absl::Status AddMaps(const DeviceTensor& a, const DeviceTensor& b, bool relu, const DeviceTensor& out,
                     CudaStreamHandle stream) {
  RETURN_IF_ERROR(Require(a.shape == out.shape, "AddMaps", a, out));
  RETURN_IF_ERROR(Require(b.shape == out.shape, "AddMaps", b, out));
  return WithElement(out.type, [&](auto zero) {
    using T = decltype(zero);
    return ForEachIndex(AllGroups(out), AddMapsKernel<T>{GroupsOf<T>(a), GroupsOf<T>(b), GroupsOf<T>(out), relu},
                        stream, "AddMaps");
  });
}

absl::Status MultiplyMaps(const DeviceTensor& a, const DeviceTensor& b, const DeviceTensor& out,
                          CudaStreamHandle stream) {
  RETURN_IF_ERROR(Require(a.shape == out.shape, "MultiplyMaps", a, out));
  RETURN_IF_ERROR(Require(b.shape == out.shape, "MultiplyMaps", b, out));
  return WithElement(out.type, [&](auto zero) {
    using T = decltype(zero);
    return ForEachIndex(AllGroups(out), MultiplyMapsKernel<T>{GroupsOf<T>(a), GroupsOf<T>(b), GroupsOf<T>(out)}, stream,
                        "MultiplyMaps");
  });
}

absl::Status L2Normalize(const DeviceTensor& in, const void* scale, const DeviceTensor& out, CudaStreamHandle stream) {
  RETURN_IF_ERROR(Require(in.shape == out.shape, "L2Normalize", in, out));
  return WithElement(out.type, [&](auto zero) {
    using T = decltype(zero);
    return ForEachIndex(out.pixels(),
                        L2NormKernel<T>{GroupsOf<T>(in), static_cast<const Channels<T>*>(scale), GroupsOf<T>(out),
                                        GroupCount(out), kL2NormEpsilon},
                        stream, "L2Normalize");
  });
}

absl::Status MaxOut(const DeviceTensor& in, int background, int face, const DeviceTensor& out,
                    CudaStreamHandle stream) {
  const Shape expected{in.shape.n, 2, in.shape.h, in.shape.w};
  const int logits = background + face;
  RETURN_IF_ERROR(Require(out.shape == expected && logits <= in.shape.c && logits <= 8, "MaxOut", in, out));
  return WithElement(out.type, [&](auto zero) {
    using T = decltype(zero);
    return ForEachIndex(out.pixels(),
                        MaxOutKernel<T>{GroupsOf<T>(in), GroupsOf<T>(out), GroupCount(in), background, face}, stream,
                        "MaxOut");
  });
}

absl::Status Upsample2x(const DeviceTensor& in, const DeviceTensor& out, CudaStreamHandle stream) {
  RETURN_IF_ERROR(Require(IsTwice(out, in), "Upsample2x", in, out));
  return WithElement(in.type, [&](auto zero) {
    using T = decltype(zero);
    return ForEachIndex(AllGroups(out),
                        UpsampleKernel<T>{GroupsOf<T>(in), GroupsOf<T>(out), in.shape.h, in.shape.w, GroupCount(in)},
                        stream, "Upsample2x");
  });
}

absl::Status Upsample2xBackward(const DeviceTensor& grad_out, const DeviceTensor& grad_in, CudaStreamHandle stream) {
  RETURN_IF_ERROR(Require(IsTwice(grad_out, grad_in), "Upsample2xBackward", grad_out, grad_in));
  return WithElement(grad_in.type, [&](auto zero) {
    using T = decltype(zero);
    return ForEachIndex(AllGroups(grad_in),
                        UpsampleBackwardKernel<T>{GroupsOf<T>(grad_out), GroupsOf<T>(grad_in), grad_in.shape.h,
                                                  grad_in.shape.w, GroupCount(grad_in)},
                        stream, "Upsample2xBackward");
  });
}

absl::Status ConcatChannels(const DeviceTensor& a, const DeviceTensor& b, const DeviceTensor& out,
                            CudaStreamHandle stream) {
  RETURN_IF_ERROR(Require(Concatenates(a, b, out), "ConcatChannels", a, out));
  return WithElement(out.type, [&](auto zero) {
    using T = decltype(zero);
    if (a.shape.c % 8 == 0) {
      return ForEachIndex(
          AllGroups(out),
          ConcatGroupsKernel<T>{GroupsOf<T>(a), GroupsOf<T>(b), GroupsOf<T>(out), GroupCount(a), GroupCount(b)}, stream,
          "ConcatChannels");
    }
    return ForEachIndex(
        AllGroups(out),
        ConcatKernel<T>{static_cast<const T*>(a.data), static_cast<const T*>(b.data), GroupsOf<T>(out), a.shape.c,
                        b.shape.c, a.stored_channels(), b.stored_channels(), GroupCount(out)},
        stream, "ConcatChannels");
  });
}

absl::Status ConcatChannelsBackward(const DeviceTensor& grad_out, const DeviceTensor& grad_a,
                                    const DeviceTensor& grad_b, CudaStreamHandle stream) {
  RETURN_IF_ERROR(Require(Concatenates(grad_a, grad_b, grad_out), "ConcatChannelsBackward", grad_a, grad_out));
  return WithElement(grad_out.type, [&](auto zero) {
    using T = decltype(zero);
    const auto slice = [&](int offset, const DeviceTensor& to) {
      // What follows the last channels of GRAD_OUT is filling, as in TO.
      const bool last = offset + to.shape.c == grad_out.shape.c;
      if (offset % 8 == 0 && (to.shape.c % 8 == 0 || last)) {
        return ForEachIndex(AllGroups(to),
                            SliceGroupsKernel<T>{GroupsOf<T>(grad_out), GroupsOf<T>(to), offset / 8,
                                                 GroupCount(grad_out), GroupCount(to)},
                            stream, "ConcatChannelsBackward");
      }
      return ForEachIndex(AllGroups(to),
                          SliceKernel<T>{static_cast<const T*>(grad_out.data), GroupsOf<T>(to), offset, to.shape.c,
                                         grad_out.stored_channels(), GroupCount(to)},
                          stream, "ConcatChannelsBackward");
    };
    RETURN_IF_ERROR(slice(0, grad_a));
    return slice(grad_a.shape.c, grad_b);
  });
}

absl::Status ToPlanar(const DeviceTensor& from, float* to, CudaStreamHandle stream) {
  return WithElement(from.type, [&](auto zero) {
    using T = decltype(zero);
    return ForEachIndex(from.shape.size(),
                        ToPlanarKernel<T>{static_cast<const T*>(from.data), to, from.shape.c, from.stored_channels(),
                                          int64_t{from.shape.h} * from.shape.w},
                        stream, "ToPlanar");
  });
}

absl::Status FromPlanar(const float* from, float scale, const DeviceTensor& to, CudaStreamHandle stream) {
  return WithElement(to.type, [&](auto zero) {
    using T = decltype(zero);
    return ForEachIndex(
        AllGroups(to),
        FromPlanarKernel<T>{from, GroupsOf<T>(to), to.shape.c, GroupCount(to), int64_t{to.shape.h} * to.shape.w, scale},
        stream, "FromPlanar");
  });
}

int64_t PackedWeightBytes(int out_channels, int in_channels, int kernel, ElementType type) {
  return int64_t{StoredChannels(out_channels)} * kernel * kernel * StoredChannels(in_channels) * ElementBytes(type);
}

absl::Status PackWeights(const float* weights, int out_channels, int in_channels, int kernel, ElementType type,
                         void* packed, CudaStreamHandle stream) {
  return WithElement(type, [&](auto zero) {
    using T = decltype(zero);
    return ForEachIndex(PackedWeightBytes(out_channels, in_channels, kernel, type) / ElementBytes(type),
                        PackWeightsKernel<T>{weights, static_cast<T*>(packed), out_channels, in_channels,
                                             kernel * kernel, StoredChannels(in_channels)},
                        stream, "PackWeights");
  });
}

absl::Status PackBias(const float* bias, int channels, ElementType type, void* packed, CudaStreamHandle stream) {
  return WithElement(type, [&](auto zero) {
    using T = decltype(zero);
    return ForEachIndex(StoredChannels(channels),
                        PackWeightsKernel<T>{bias, static_cast<T*>(packed), channels, 1, 1, 1}, stream, "PackBias");
  });
}

absl::Status PackAll(const float* parameters, int64_t count, const int* parameter_of_block,
                     const PackedParameter* packed, ElementType type, CudaStreamHandle stream) {
  return WithElement(type, [&](auto zero) {
    using T = decltype(zero);
    return ForEachIndex(count, PackAllKernel<T>{parameters, parameter_of_block, packed}, stream, "PackAll");
  });
}

absl::Status AddPackedWeights(const void* packed, int out_channels, int in_channels, int kernel, ElementType type,
                              float* gradients, CudaStreamHandle stream) {
  return WithElement(type, [&](auto zero) {
    using T = decltype(zero);
    return ForEachIndex(
        int64_t{out_channels} * in_channels * kernel * kernel,
        AddPackedKernel<T>{static_cast<const T*>(packed), gradients, in_channels, StoredChannels(in_channels)}, stream,
        "AddPackedWeights");
  });
}

int64_t BiasGradientScratchBytes(const Shape& gradient) {
  const int channels = StoredChannels(gradient.c);
  const int parts = BiasParts(int64_t{gradient.n} * gradient.h * gradient.w, channels / 8);
  return (int64_t{parts} + kFewerBiasParts) * channels * static_cast<int64_t>(sizeof(float));
}

absl::Status ReluBiasBackward(const DeviceTensor* output, const DeviceTensor& gradient, float* scratch,
                              float* bias_gradient, CudaStreamHandle stream) {
  if (output != nullptr) {
    RETURN_IF_ERROR(Require(output->shape == gradient.shape, "ReluBiasBackward", *output, gradient));
  }
  const int channels = gradient.stored_channels(), parts = BiasParts(gradient.pixels(), GroupCount(gradient));
  const int fewer = std::min(parts, kFewerBiasParts);
  float* const fewer_sums = scratch + int64_t{parts} * channels;
  RETURN_IF_ERROR(WithElement(gradient.type, [&](auto zero) {
    using T = decltype(zero);
    return ForEachIndex(
        int64_t{parts} * GroupCount(gradient),
        ReluBiasPartsKernel<T>{output != nullptr ? GroupsOf<T>(*output) : nullptr, GroupsOf<T>(gradient), scratch,
                               gradient.pixels(), GroupCount(gradient), parts},
        stream, "ReluBiasBackward");
  }));
  RETURN_IF_ERROR(ForEachIndex(int64_t{fewer} * channels,
                               FewerChannelSumsKernel{scratch, fewer_sums, channels, parts, fewer}, stream,
                               "ReluBiasBackward"));
  return ForEachIndex(gradient.shape.c, AddChannelSumsKernel{fewer_sums, bias_gradient, channels, fewer}, stream,
                      "ReluBiasBackward");
}

}  // namespace hardface::model
