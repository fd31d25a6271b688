// What one thread of each of our CUDA kernels computes, as functions of the thread's index that run on the CPU, too:
// the tests of the default build go through all indices and compare with the CPU's ops. device_ops.cu launches them.
//
// Device tensors are dense NHWC with channels filled up with zeros to a multiple of 8 (StoredChannels); a thread works
// on the 8 channels of a group, which lie together. Arithmetic is fp32 whatever the element type.
#ifndef HARDFACE_MODEL_OPS_DEVICE_KERNELS_H_
#define HARDFACE_MODEL_OPS_DEVICE_KERNELS_H_

#include <cmath>
#include <cstdint>

#include "base/host_device.h"
#include "model/cuda/weight_order.h"

namespace hardface::model {

// Conversions of an element type; device_element.cuh has those of the 16-bit types.
template <typename T>
struct Element {
  HARDFACE_HOST_DEVICE static float ToFloat(T value) { return value; }
  HARDFACE_HOST_DEVICE static T FromFloat(float value) { return value; }
};

// A group of channels; aligned so that it is read and written 16 bytes at a time.
template <typename T>
struct alignas(16) Channels {
  T values[8];

  HARDFACE_HOST_DEVICE float get(int k) const { return Element<T>::ToFloat(values[k]); }
  HARDFACE_HOST_DEVICE void set(int k, float value) { values[k] = Element<T>::FromFloat(value); }
};

// An index of groups of a tensor (n, h, w, groups), taken apart.
struct GroupIndex {
  int group, x, y;
  int64_t n;

  HARDFACE_HOST_DEVICE GroupIndex(int64_t i, int height, int width, int groups) {
    group = static_cast<int>(i % groups);
    i /= groups;
    x = static_cast<int>(i % width);
    i /= width;
    y = static_cast<int>(i % height);
    n = i / height;
  }
};

HARDFACE_HOST_DEVICE inline float Larger(float a, float b) { return a > b ? a : b; }

// 2x2 max pooling; indices are of OUT (n, height, width, groups).
template <typename T>
struct MaxPoolKernel {
  const Channels<T>* in;
  Channels<T>* out;
  int height, width, groups;

  // The upper left of the four inputs.
  HARDFACE_HOST_DEVICE static int64_t Corner(const GroupIndex& o, int height, int width, int groups) {
    return (((o.n * height + o.y) * 2 * width + o.x) * 2) * groups + o.group;
  }
  HARDFACE_HOST_DEVICE void operator()(int64_t i) const {
    const GroupIndex o(i, height, width, groups);
    const Channels<T>* const upper = in + Corner(o, height, width, groups);
    const Channels<T>* const lower = upper + int64_t{2} * width * groups;
    const Channels<T> a = upper[0], b = upper[groups], c = lower[0], d = lower[groups];
    Channels<T> result;
    for (int k = 0; k < 8; ++k) result.set(k, Larger(Larger(a.get(k), b.get(k)), Larger(c.get(k), d.get(k))));
    out[i] = result;
  }
};

// The gradient goes to the first of the four places that holds the maximum. (The CPU's op hands on what a rounding of
// the difference leaves, which is nothing.) Indices are of GRAD_OUT. Which place it is is kept in flags: an array with
// an index known only at run time would lie in memory.
template <typename T>
struct MaxPoolBackwardKernel {
  const Channels<T>* in;
  const Channels<T>* grad_out;
  Channels<T>* grad_in;
  int height, width, groups;

  HARDFACE_HOST_DEVICE void operator()(int64_t i) const {
    const GroupIndex o(i, height, width, groups);
    const int64_t upper = MaxPoolKernel<T>::Corner(o, height, width, groups);
    const int64_t lower = upper + int64_t{2} * width * groups;
    const Channels<T> a = in[upper], b = in[upper + groups], c = in[lower], d = in[lower + groups];
    const Channels<T> gradient = grad_out[i];
    Channels<T> to_a, to_b, to_c, to_d;
    for (int k = 0; k < 8; ++k) {
      float best = a.get(k);
      const bool beats_a = b.get(k) > best;
      if (beats_a) best = b.get(k);
      const bool beats_two = c.get(k) > best;
      if (beats_two) best = c.get(k);
      const bool is_d = d.get(k) > best, is_c = beats_two && !is_d, is_b = beats_a && !beats_two && !is_d;
      const float g = gradient.get(k);
      to_a.set(k, is_b || is_c || is_d ? 0.0f : g);
      to_b.set(k, is_b ? g : 0.0f);
      to_c.set(k, is_c ? g : 0.0f);
      to_d.set(k, is_d ? g : 0.0f);
    }
    grad_in[upper] = to_a;
    grad_in[upper + groups] = to_b;
    grad_in[lower] = to_c;
    grad_in[lower + groups] = to_d;
  }
};

// gradient = output > 0 ? gradient : 0.
template <typename T>
struct ReluBackwardKernel {
  const Channels<T>* output;
  Channels<T>* gradient;

  HARDFACE_HOST_DEVICE void operator()(int64_t i) const {
    const Channels<T> y = output[i];
    Channels<T> g = gradient[i];
    for (int k = 0; k < 8; ++k) g.set(k, y.get(k) > 0 ? g.get(k) : 0.0f);
    gradient[i] = g;
  }
};

// tensor = tensor + bias, then ReLU on request: after a convolution that could not fuse them.
template <typename T>
struct BiasReluKernel {
  const Channels<T>* bias;
  Channels<T>* tensor;
  int groups;
  bool relu;

  HARDFACE_HOST_DEVICE void operator()(int64_t i) const {
    const Channels<T> b = bias[i % groups];
    Channels<T> value = tensor[i];
    for (int k = 0; k < 8; ++k) {
      const float sum = value.get(k) + b.get(k);
      value.set(k, relu ? Larger(sum, 0.0f) : sum);
    }
    tensor[i] = value;
  }
};

// to = to + from.
template <typename T>
struct AddKernel {
  const Channels<T>* from;
  Channels<T>* to;

  HARDFACE_HOST_DEVICE void operator()(int64_t i) const {
    const Channels<T> a = from[i];
    Channels<T> b = to[i];
    for (int k = 0; k < 8; ++k) b.set(k, b.get(k) + a.get(k));
    to[i] = b;
  }
};

// out = a + b, then ReLU on request (elementwise.h).
template <typename T>
struct AddMapsKernel {
  const Channels<T>* a;
  const Channels<T>* b;
  Channels<T>* out;
  bool relu;

  HARDFACE_HOST_DEVICE void operator()(int64_t i) const {
    const Channels<T> left = a[i], right = b[i];
    Channels<T> result;
    for (int k = 0; k < 8; ++k) {
      const float sum = left.get(k) + right.get(k);
      result.set(k, relu ? Larger(sum, 0.0f) : sum);
    }
    out[i] = result;
  }
};

// out = a * b.
template <typename T>
struct MultiplyMapsKernel {
  const Channels<T>* a;
  const Channels<T>* b;
  Channels<T>* out;

  HARDFACE_HOST_DEVICE void operator()(int64_t i) const {
    const Channels<T> left = a[i], right = b[i];
    Channels<T> result;
    for (int k = 0; k < 8; ++k) result.set(k, left.get(k) * right.get(k));
    out[i] = result;
  }
};

// L2 normalisation across the channels (l2_norm.h). Indices are of pixels, whose groups lie together; SCALE has a
// number for every stored channel, 0 for the filling.
template <typename T>
struct L2NormKernel {
  const Channels<T>* in;
  const Channels<T>* scale;
  Channels<T>* out;
  int groups;
  float epsilon;

  HARDFACE_HOST_DEVICE void operator()(int64_t i) const {
    const Channels<T>* const pixel = in + i * groups;
    float sum = epsilon;
    for (int g = 0; g < groups; ++g) {
      const Channels<T> value = pixel[g];
      for (int k = 0; k < 8; ++k) sum += value.get(k) * value.get(k);
    }
    const float factor = 1.0f / sqrtf(sum);
    for (int g = 0; g < groups; ++g) {
      const Channels<T> value = pixel[g], of_group = scale[g];
      Channels<T> result;
      for (int k = 0; k < 8; ++k) result.set(k, value.get(k) * factor * of_group.get(k));
      out[i * groups + g] = result;
    }
  }
};

// The largest logit of each of two classes (max_out.h), all of them among the first 8 channels. Indices are of pixels;
// OUT has one group.
template <typename T>
struct MaxOutKernel {
  const Channels<T>* in;
  Channels<T>* out;
  int groups, background, face;

  HARDFACE_HOST_DEVICE void operator()(int64_t i) const {
    const Channels<T> value = in[i * groups];
    float classes[2] = {value.get(0), 0};
    Channels<T> result;
    for (int k = 0; k < 8; ++k) {
      const float v = value.get(k);
      if (k < background) classes[0] = Larger(classes[0], v);
      if (k == background) classes[1] = v;
      if (k > background && k < background + face) classes[1] = Larger(classes[1], v);
      result.set(k, 0.0f);
    }
    result.set(0, classes[0]);
    result.set(1, classes[1]);
    out[i] = result;
  }
};

// Bilinear upsampling by 2 (upsample.h); IN (n, height, width, groups), indices are of OUT (n, 2 height, 2 width,
// groups).
template <typename T>
struct UpsampleKernel {
  const Channels<T>* in;
  Channels<T>* out;
  int height, width, groups;

  HARDFACE_HOST_DEVICE void operator()(int64_t i) const {
    const GroupIndex o(i, 2 * height, 2 * width, groups);
    const int near_y = o.y / 2, far_y = o.y % 2 == 0 ? near_y - 1 : near_y + 1;
    const int near_x = o.x / 2, far_x = o.x % 2 == 0 ? near_x - 1 : near_x + 1;
    const bool y_inside = far_y >= 0 && far_y < height, x_inside = far_x >= 0 && far_x < width;
    const Channels<T>* const image = in + o.n * height * width * groups + o.group;
    const auto at = [&](int y, int x) { return image + (int64_t{y} * width + x) * groups; };
    // Whole groups: 16 bytes a load.
    const Channels<T> near_near = *at(near_y, near_x), near_far = *at(y_inside ? far_y : near_y, near_x);
    const Channels<T> far_near = *at(near_y, x_inside ? far_x : near_x);
    const Channels<T> far_far = *at(y_inside ? far_y : near_y, x_inside ? far_x : near_x);
    const float y_weight = y_inside ? 0.25f : 0.0f, x_weight = x_inside ? 0.25f : 0.0f;
    Channels<T> result;
    for (int k = 0; k < 8; ++k) {
      const float near_column = 0.75f * near_near.get(k) + y_weight * near_far.get(k);
      const float far_column = 0.75f * far_near.get(k) + y_weight * far_far.get(k);
      result.set(k, 0.75f * near_column + x_weight * far_column);
    }
    out[i] = result;
  }
};

// Indices are of GRAD_IN (n, height, width, groups).
template <typename T>
struct UpsampleBackwardKernel {
  const Channels<T>* grad_out;
  Channels<T>* grad_in;
  int height, width, groups;

  HARDFACE_HOST_DEVICE void operator()(int64_t i) const {
    const GroupIndex o(i, height, width, groups);
    float sums[8] = {};
    for (int dy = 0; dy < 4; ++dy) {
      const int out_y = 2 * o.y - 1 + dy;
      if (out_y < 0 || out_y >= 2 * height) continue;
      for (int dx = 0; dx < 4; ++dx) {
        const int out_x = 2 * o.x - 1 + dx;
        if (out_x < 0 || out_x >= 2 * width) continue;
        const float weight = (dy == 0 || dy == 3 ? 0.25f : 0.75f) * (dx == 0 || dx == 3 ? 0.25f : 0.75f);
        const Channels<T> g = grad_out[((o.n * 2 * height + out_y) * 2 * width + out_x) * groups + o.group];
        for (int k = 0; k < 8; ++k) sums[k] += weight * g.get(k);
      }
    }
    Channels<T> result;
    for (int k = 0; k < 8; ++k) result.set(k, sums[k]);
    grad_in[i] = result;
  }
};

// OUT = A's channels, then B's. Channel counts are real ones, strides (elements) stored ones; indices are of OUT's
// groups (pixels, groups).
template <typename T>
struct ConcatKernel {
  const T* a;
  const T* b;
  Channels<T>* out;
  int a_channels, b_channels, a_stride, b_stride, groups;

  HARDFACE_HOST_DEVICE void operator()(int64_t i) const {
    const int first = static_cast<int>(i % groups) * 8;
    const int64_t pixel = i / groups;
    Channels<T> result;
    for (int k = 0; k < 8; ++k) {
      const int c = first + k;
      if (c < a_channels) {
        result.values[k] = a[pixel * a_stride + c];
      } else if (c < a_channels + b_channels) {
        result.values[k] = b[pixel * b_stride + c - a_channels];
      } else {
        result.set(k, 0.0f);
      }
    }
    out[i] = result;
  }
};

// The same where A's channels are a multiple of 8: whole groups.
template <typename T>
struct ConcatGroupsKernel {
  const Channels<T>* a;
  const Channels<T>* b;
  Channels<T>* out;
  int a_groups, b_groups;

  HARDFACE_HOST_DEVICE void operator()(int64_t i) const {
    const int groups = a_groups + b_groups, group = static_cast<int>(i % groups);
    const int64_t pixel = i / groups;
    out[i] = group < a_groups ? a[pixel * a_groups + group] : b[pixel * b_groups + group - a_groups];
  }
};

// OUT = CHANNELS channels of FROM from OFFSET on; indices are of OUT's groups.
template <typename T>
struct SliceKernel {
  const T* from;
  Channels<T>* out;
  int offset, channels, from_stride, groups;

  HARDFACE_HOST_DEVICE void operator()(int64_t i) const {
    const int first = static_cast<int>(i % groups) * 8;
    const T* const source = from + (i / groups) * from_stride + offset;
    Channels<T> result;
    for (int k = 0; k < 8; ++k) {
      if (first + k < channels) {
        result.values[k] = source[first + k];
      } else {
        result.set(k, 0.0f);
      }
    }
    out[i] = result;
  }
};

// The same of whole groups: those of FROM from FIRST on.
template <typename T>
struct SliceGroupsKernel {
  const Channels<T>* from;
  Channels<T>* out;
  int first, from_groups, groups;

  HARDFACE_HOST_DEVICE void operator()(int64_t i) const {
    out[i] = from[(i / groups) * from_groups + first + i % groups];
  }
};

// From the device's layout to planar floats (n, channels, pixels of an image); indices are of the latter.
template <typename T>
struct ToPlanarKernel {
  const T* from;
  float* to;
  int channels, stride;
  int64_t pixels;  // of an image

  HARDFACE_HOST_DEVICE void operator()(int64_t i) const {
    const int64_t pixel = i % pixels, plane = i / pixels;
    const int64_t c = plane % channels, n = plane / channels;
    to[i] = Element<T>::ToFloat(from[(n * pixels + pixel) * stride + c]);
  }
};

// ... and back, times SCALE; the filling becomes zero. Indices are of groups (n, pixels, groups).
template <typename T>
struct FromPlanarKernel {
  const float* from;
  Channels<T>* to;
  int channels, groups;
  int64_t pixels;
  float scale;

  HARDFACE_HOST_DEVICE void operator()(int64_t i) const {
    const int first = static_cast<int>(i % groups) * 8;
    const int64_t pixel = i / groups % pixels, n = i / groups / pixels;
    Channels<T> result;
    for (int k = 0; k < 8; ++k) {
      const int c = first + k;
      result.set(k, c < channels ? scale * from[(n * channels + c) * pixels + pixel] : 0.0f);
    }
    to[i] = result;
  }
};

// Weights (out, in, taps) as fp32 to (stored out, taps, stored in), zeros in the filling. Indices are of the latter.
template <typename T>
struct PackWeightsKernel {
  const float* from;
  T* to;
  int out_channels, in_channels, taps, in_stride;

  HARDFACE_HOST_DEVICE void operator()(int64_t i) const {
    const int64_t c = i % in_stride, tap = i / in_stride % taps, o = i / in_stride / taps;
    const bool real = o < out_channels && c < in_channels;
    to[i] = Element<T>::FromFloat(real ? from[(o * taps + tap) * in_channels + c] : 0.0f);
  }
};

// PackWeightsKernel of all of a network's parameters at once, but for the fillings, which are zero since the first
// time. Indices are of the parameters' memory (DeviceParameters).
template <typename T>
struct PackAllKernel {
  const float* from;
  const int* parameter_of_block;  // -1: none that is packed
  const PackedParameter* parameters;

  HARDFACE_HOST_DEVICE void operator()(int64_t i) const {
    const int index = parameter_of_block[i / kParameterBlock];
    if (index < 0) return;
    const PackedParameter own = parameters[index];
    const int64_t at = i - own.begin;
    if (at >= own.size) return;
    const int64_t row = at / own.in_channels, c = at - row * own.in_channels;
    static_cast<T*>(own.to)[row * own.in_stride + c] = Element<T>::FromFloat(from[i]);
  }
};

// Adds packed gradients to fp32 ones (out, taps, in). Indices are of the latter.
template <typename T>
struct AddPackedKernel {
  const T* from;
  float* to;
  int in_channels, in_stride;

  HARDFACE_HOST_DEVICE void operator()(int64_t i) const {
    const int64_t row = i / in_channels, c = i - row * in_channels;
    to[i] += Element<T>::ToFloat(from[row * in_stride + c]);
  }
};

// ReLU backward and the gradient of a bias in one, in three steps of fixed sums, so that it has the same bits at every
// run. First, index (part, group): clears GRADIENT where OUTPUT is not positive (OUTPUT null: nowhere), and sums it
// over the pixels part, part + parts, ... of each channel group. Four pixels are loaded before the first is used, since
// a thread that waits for each load in turn leaves the memory idle.
template <typename T>
struct ReluBiasPartsKernel {
  const Channels<T>* output;
  Channels<T>* gradient;
  float* sums;  // (parts, 8 groups)
  int64_t pixels;
  int groups, parts;

  HARDFACE_HOST_DEVICE void Add(int64_t at, Channels<T> g, const Channels<T>& y, float* totals) const {
    if (output != nullptr) {
      for (int k = 0; k < 8; ++k) g.set(k, y.get(k) > 0 ? g.get(k) : 0.0f);
      gradient[at] = g;
    }
    for (int k = 0; k < 8; ++k) totals[k] += g.get(k);
  }
  HARDFACE_HOST_DEVICE void operator()(int64_t i) const {
    const int64_t group = i % groups, step = int64_t{parts} * groups;
    const int64_t end = pixels * groups;
    const Channels<T>* const y = output != nullptr ? output : gradient;
    float totals[8] = {};
    int64_t at = i / groups * groups + group;
    for (; at + 3 * step < end; at += 4 * step) {
      const Channels<T> g0 = gradient[at], g1 = gradient[at + step], g2 = gradient[at + 2 * step],
                        g3 = gradient[at + 3 * step];
      const Channels<T> y0 = y[at], y1 = y[at + step], y2 = y[at + 2 * step], y3 = y[at + 3 * step];
      Add(at, g0, y0, totals);
      Add(at + step, g1, y1, totals);
      Add(at + 2 * step, g2, y2, totals);
      Add(at + 3 * step, g3, y3, totals);
    }
    for (; at < end; at += step) Add(at, gradient[at], y[at], totals);
    for (int k = 0; k < 8; ++k) sums[i * 8 + k] = totals[k];
  }
};

// Then over the parts part, part + fewer, ...: index (part, channel).
struct FewerChannelSumsKernel {
  const float* sums;  // (parts, channels)
  float* fewer_sums;  // (fewer, channels)
  int channels, parts, fewer;

  HARDFACE_HOST_DEVICE void operator()(int64_t i) const {
    const int64_t channel = i % channels;
    float total = 0;
    for (int64_t part = i / channels; part < parts; part += fewer) total += sums[part * channels + channel];
    fewer_sums[i] = total;
  }
};

// At last over those, added to TO; indices are real channels.
struct AddChannelSumsKernel {
  const float* sums;
  float* to;
  int stride, parts;  // stride = 8 groups

  HARDFACE_HOST_DEVICE void operator()(int64_t i) const {
    double total = 0;
    for (int part = 0; part < parts; ++part) total += sums[int64_t{part} * stride + i];
    to[i] += static_cast<float>(total);
  }
};

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_OPS_DEVICE_KERNELS_H_
