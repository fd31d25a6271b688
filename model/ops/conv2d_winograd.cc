// Our own convolution: Winograd for 3x3, matrix products for 1x1, a direct kernel for 3x3 on a plain image of few
// channels.
//
// A layer's output is cut into tiles of m x m pixels. A block of tiles is transformed (V = B^T d B), multiplied by the
// transformed weights at each of n * n frequencies (a matrix product over the channels: M = V U), and transformed back
// with bias, ReLU and pooling applied (Y = A^T M A). A convolution of dilation d falls apart into d * d plain ones,
// each on every d-th pixel ("phases"), so its tiles are tiles with a pixel step of d.
//
// Every output is computed by the same operations in the same order whatever the number of threads and however tiles
// are grouped into blocks, hence the same bits.
#include <omp.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "model/ops/conv2d_internal.h"
#include "model/ops/instruction_set.h"
#include "model/ops/kernels/conv_kernels.h"

namespace hardface::model {
namespace {

// The m x m tiles of a batch of planes, numbered image by image, phase by phase, in rows.
class TileGrid {
 public:
  TileGrid(const Shape& shape, int dilation, int m) : images_(shape.n), dilation_(dilation), m_(m) {
    for (int py = 0; py < std::min(dilation, shape.h); ++py) {
      for (int px = 0; px < std::min(dilation, shape.w); ++px) {
        Phase phase{py, px, (CeilDiv(shape.h - py, dilation) + m - 1) / m,
                    (CeilDiv(shape.w - px, dilation) + m - 1) / m, per_image_};
        per_image_ += int64_t{phase.rows} * phase.columns;
        phases_.push_back(phase);
      }
    }
  }

  int64_t count() const { return per_image_ * images_; }

  // Tiles first .. first + count - 1.
  void Place(int64_t first, int count, TilePlace* places) const {
    for (int i = 0; i < count; ++i) {
      const int64_t within = (first + i) % per_image_;
      size_t p = phases_.size() - 1;
      while (phases_[p].first > within) --p;
      const Phase& phase = phases_[p];
      const int64_t tile = within - phase.first;
      places[i] = {static_cast<int>((first + i) / per_image_),
                   phase.y + static_cast<int>(tile / phase.columns) * m_ * dilation_,
                   phase.x + static_cast<int>(tile % phase.columns) * m_ * dilation_};
    }
  }

 private:
  struct Phase {
    int y, x, rows, columns;
    int64_t first;
  };
  static int CeilDiv(int a, int b) { return (a + b - 1) / b; }

  const int images_, dilation_, m_;
  int64_t per_image_ = 0;
  std::vector<Phase> phases_;
};

int BlocksOf(int channels, int width) { return (channels + width - 1) / width; }

BlockPlane PlaneOf(const TensorView& tensor, int block) {
  const int64_t image_stride = int64_t{tensor.blocks()} * tensor.shape.h * tensor.shape.w * tensor.block;
  return {tensor.row(0, block, 0), image_stride, tensor.shape.h, tensor.shape.w};
}

// How the tiles of a layer are worked off.
struct Blocking {
  int tiles = 0;      // of a block
  bool local = true;  // each thread has blocks of its own; else all threads work on one block together
};

// Few channels: a block's transformed tiles fit a core's second-level cache, and threads need not wait for each other.
// Many: the transformed weights are what must be read seldom, so blocks have 112 to 512 tiles and all threads share
// one. The sizes are those that a prototype ran fastest with on 1 MiB of second-level cache.
Blocking ChooseBlocking(int channels_in, int channels_out, int frequencies, int64_t tiles, int row_group) {
  Blocking blocking;
  const int64_t floats_a_tile = int64_t{frequencies} * (channels_in + channels_out);
  blocking.local = int64_t{channels_in} * channels_out <= 128 * 128;
  const int64_t wanted = blocking.local ? std::clamp<int64_t>((int64_t{400} << 10) / floats_a_tile, 2 * row_group, 112)
                                        : std::clamp<int64_t>((int64_t{12} << 20) / floats_a_tile, 112, 512);
  // Blocks of equal size, whole register groups.
  const int64_t blocks = std::max<int64_t>(1, (tiles + wanted - 1) / wanted);
  const int64_t even = (tiles + blocks - 1) / blocks;
  blocking.tiles = static_cast<int>((even + row_group - 1) / row_group * row_group);
  return blocking;
}

class WinogradConv2d : public Conv2d {
 public:
  explicit WinogradConv2d(const Conv2dConfig& config)
      : Conv2d(config),
        spec_(config.spec),
        shape_(config.input),
        engine_(config.engine),
        kernels_(KernelsFor(ActiveInstructionSet())),
        width_(kernels_.width),
        planar_(config.in_block == 1),
        tile_(ChooseTile()),
        no_bias_({1, config.spec.in_channels, 1, 1}, kernels_.width) {
    HARDFACE_CHECK(config.out_block == width_ && (planar_ || config.in_block == width_));
  }

  using Conv2d::Forward;
  void Forward(const TensorView& in, const TensorView* out, const TensorView* pooled) override {
    if (planar_) {
      HARDFACE_CHECK(pooled == nullptr);
      return PlanarForward(in, *out);
    }
    const Product product{spec_.in_channels, spec_.out_channels, weights_->PackedBias(width_), spec_.relu};
    if (spec_.kernel == 1) {
      HARDFACE_CHECK(pooled == nullptr);
      return PointwiseProduct(product, weights_->Packed(WeightForm::kPointwise, width_), in, *out);
    }
    const float* const packed = weights_->Packed(tile_ == 4 ? WeightForm::kWinograd4 : WeightForm::kWinograd6, width_);
    WinogradProduct(product, packed, in, out, pooled);
  }

  void BackwardData(const TensorView& grad_out, const TensorView& grad_in) override {
    HARDFACE_CHECK(!planar_);
    const Product product{spec_.out_channels, spec_.in_channels, no_bias_.data(), /*relu=*/false};
    if (spec_.kernel == 1) {
      return PointwiseProduct(product, weights_->Packed(WeightForm::kPointwiseData, width_), grad_out, grad_in);
    }
    const float* const packed =
        weights_->Packed(tile_ == 4 ? WeightForm::kWinograd4Data : WeightForm::kWinograd6Data, width_);
    WinogradProduct(product, packed, grad_out, &grad_in, nullptr);
  }

  void BackwardWeights(const TensorView& in, const TensorView& grad_out, float* grad_weights,
                       float* grad_bias) override {
    AddBiasGradient(grad_out, grad_bias);
    if (planar_) return PlanarWeightGradient(in, grad_out, grad_weights);
    if (spec_.kernel == 1) return PointwiseWeightGradient(in, grad_out, grad_weights);
    WinogradWeightGradient(in, grad_out, grad_weights);
  }

 private:
  // out (.., outputs) = in (.., k) * weights: forward, or the gradient of the input with the roles exchanged.
  struct Product {
    int k, outputs;
    const float* bias;
    bool relu;
  };

  // Side of the tiles, forward and backward. F(6x6) needs 1.78 products an output, F(4x4) 2.25, but its tiles overhang
  // small images more, its transforms cost more and its weights are 1.8 times as large. In units of products a channel
  // pair; the choices are held against times of both in docs/RESULTS.md.
  int ChooseTile() const {
    if (engine_ == Conv2dEngine::kWinograd4) return 4;
    if (engine_ == Conv2dEngine::kWinograd6) return 6;
    const auto cost = [&](int m) {
      const double frequencies = (m + 2) * (m + 2);
      const auto tiles = static_cast<double>(TileGrid(shape_, spec_.dilation, m).count());
      const double channels =  // harmonic mean
          2.0 * spec_.in_channels * spec_.out_channels / (spec_.in_channels + spec_.out_channels);
      const double transforms = 1 + (m == 4 ? 14.0 : 20.0) / channels;
      // Streaming a weight from memory costs as much as some 20 tiles' products with it.
      return frequencies * (tiles * transforms + 20);
    };
    return cost(6) < 0.97 * cost(4) ? 6 : 4;
  }

  static constexpr int kRun = 28;  // tiles that a thread transforms at a time where all share a block

  // One block of tiles: V and M, (frequency, channel block, tile, width), one behind the other.
  struct Scratch {
    int64_t v_stride, m_stride;  // floats from a frequency to the next
    int64_t floats;              // of both
    float *v = nullptr, *m = nullptr;
  };

  Scratch ScratchOf(const Product& product, int frequencies, int tiles) const {
    Scratch scratch;
    scratch.v_stride = int64_t{tiles} * BlocksOf(product.k, width_) * width_ + kFrequencyPadding;
    scratch.m_stride = int64_t{tiles} * BlocksOf(product.outputs, width_) * width_ + kFrequencyPadding;
    scratch.floats = frequencies * (scratch.v_stride + scratch.m_stride);
    return scratch;
  }

  static Scratch Place(Scratch scratch, float* base, int frequencies) {
    scratch.v = base;
    scratch.m = base + frequencies * scratch.v_stride;
    return scratch;
  }

  // The products of frequencies FREQUENCY and output blocks 2 * PAIR and, where there is one, 2 * PAIR + 1.
  void Multiply(const Product& product, const float* packed, int frequency, int pair, int count, int block_tiles,
                const Scratch& scratch) const {
    const int blocks = BlocksOf(product.outputs, width_);
    const float* const b = packed + frequency * PackedFrequencyStride(product.outputs, product.k, width_) +
                           int64_t{2} * pair * width_ * product.k;
    float* const c = scratch.m + frequency * scratch.m_stride + int64_t{2} * pair * block_tiles * width_;
    kernels_.gemm(scratch.v + frequency * scratch.v_stride, int64_t{block_tiles} * width_, count, b, product.k,
                  std::min(2, blocks - 2 * pair), c, int64_t{block_tiles} * width_);
  }

  void WinogradProduct(const Product& product, const float* packed, const TensorView& in, const TensorView* out,
                       const TensorView* pooled) {
    const int m = tile_, frequencies = (m + 2) * (m + 2), step = spec_.dilation;
    const TileGrid grid(shape_, spec_.dilation, m);
    const int in_blocks = BlocksOf(product.k, width_), out_blocks = BlocksOf(product.outputs, width_);
    const int pairs = (out_blocks + 1) / 2;
    const Blocking blocking =
        ChooseBlocking(in_blocks * width_, out_blocks * width_, frequencies, grid.count(), kernels_.row_group);
    const int64_t blocks = (grid.count() + blocking.tiles - 1) / blocking.tiles;
    const int threads = omp_get_max_threads(), scratches = blocking.local ? threads : 1;
    const Scratch unplaced = ScratchOf(product, frequencies, blocking.tiles);
    float* const base = workspace_->Get(unplaced.floats * scratches);
    std::vector<TilePlace> all_places(static_cast<size_t>(blocking.tiles) * static_cast<size_t>(scratches));
    const auto transform_in = [&](int block, const TilePlace* places, int first, int count, const Scratch& scratch) {
      kernels_.input_tiles(m, PlaneOf(in, block), places + first, count, step,
                           scratch.v + (int64_t{block} * blocking.tiles + first) * width_, scratch.v_stride);
    };
    const auto transform_out = [&](int block, const TilePlace* places, int first, int count, const Scratch& scratch) {
      kernels_.output_tiles(m, scratch.m + (int64_t{block} * blocking.tiles + first) * width_, scratch.m_stride,
                            places + first, count, step, product.bias + block * width_, product.relu,
                            out == nullptr ? BlockPlane() : PlaneOf(*out, block),
                            pooled == nullptr ? BlockPlane() : PlaneOf(*pooled, block));
    };
    const auto count_of = [&](int64_t b) {
      return static_cast<int>(std::min<int64_t>(blocking.tiles, grid.count() - b * blocking.tiles));
    };

    if (blocking.local) {
#pragma omp parallel for schedule(dynamic, 1)
      for (int64_t b = 0; b < blocks; ++b) {
        const int thread = omp_get_thread_num(), count = count_of(b);
        const Scratch scratch = Place(unplaced, base + thread * unplaced.floats, frequencies);
        TilePlace* const places = all_places.data() + int64_t{thread} * blocking.tiles;
        grid.Place(b * blocking.tiles, count, places);
        for (int block = 0; block < in_blocks; ++block) transform_in(block, places, 0, count, scratch);
        for (int f = 0; f < frequencies; ++f) {
          for (int pair = 0; pair < pairs; ++pair) Multiply(product, packed, f, pair, count, blocking.tiles, scratch);
        }
        for (int block = 0; block < out_blocks; ++block) transform_out(block, places, 0, count, scratch);
      }
      return;
    }
    const Scratch scratch = Place(unplaced, base, frequencies);
    TilePlace* const places = all_places.data();
    for (int64_t b = 0; b < blocks; ++b) {
      const int count = count_of(b), runs = (count + kRun - 1) / kRun;
      grid.Place(b * blocking.tiles, count, places);
#pragma omp parallel
      {
#pragma omp for schedule(static)
        for (int task = 0; task < in_blocks * runs; ++task) {
          const int first = task % runs * kRun;
          transform_in(task / runs, places, first, std::min(kRun, count - first), scratch);
        }
        // A frequency's tiles are read by all its pairs: one after the other, so that they stay in the thread's cache.
#pragma omp for schedule(dynamic, 4)
        for (int task = 0; task < frequencies * pairs; ++task) {
          Multiply(product, packed, task / pairs, task % pairs, count, blocking.tiles, scratch);
        }
#pragma omp for schedule(static)
        for (int task = 0; task < out_blocks * runs; ++task) {
          const int first = task % runs * kRun;
          transform_out(task / runs, places, first, std::min(kRun, count - first), scratch);
        }
      }
    }
  }

  void PointwiseProduct(const Product& product, const float* packed, const TensorView& in, const TensorView& out) {
    const int64_t pixels = int64_t{shape_.h} * shape_.w;
    const int out_blocks = BlocksOf(product.outputs, width_), pairs = (out_blocks + 1) / 2;
    const int run = 8 * kernels_.row_group;
    const int64_t runs = (pixels + run - 1) / run;
#pragma omp parallel for schedule(static) collapse(2)
    for (int n = 0; n < shape_.n; ++n) {
      for (int64_t r = 0; r < runs; ++r) {
        const int count = static_cast<int>(std::min<int64_t>(run, pixels - r * run));
        for (int pair = 0; pair < pairs; ++pair) {
          const int blocks = std::min(2, out_blocks - 2 * pair);
          float* const c = out.row(n, 2 * pair, 0) + r * run * width_;
          kernels_.gemm(in.row(n, 0, 0) + r * run * width_, pixels * width_, count,
                        packed + int64_t{2} * pair * width_ * product.k, product.k, blocks, c, pixels * width_);
          for (int j = 0; j < blocks; ++j) {
            kernels_.bias_relu(c + j * pixels * width_, count, product.bias + (2 * pair + j) * width_, product.relu);
          }
        }
      }
    }
  }

  // IN with a border of zeros: (image, channel, h + 2, w + 2).
  float* PadPlanar(const TensorView& in) {
    const int64_t row = shape_.w + 2, plane = row * (shape_.h + 2);
    float* const padded = workspace_->Get(plane * shape_.n * shape_.c);
#pragma omp parallel for schedule(static) collapse(2)
    for (int n = 0; n < shape_.n; ++n) {
      for (int c = 0; c < shape_.c; ++c) {
        float* to = padded + (int64_t{n} * shape_.c + c) * plane;
        std::fill(to, to + row, 0.0f);
        for (int y = 0; y < shape_.h; ++y) {
          to += row;
          to[0] = to[row - 1] = 0;
          std::memcpy(to + 1, in.row(n, c, y), static_cast<size_t>(shape_.w) * sizeof(float));
        }
        std::fill(to + row, to + 2 * row, 0.0f);
      }
    }
    return padded;
  }

  void PlanarForward(const TensorView& in, const TensorView& out) {
    const float* const packed = weights_->Packed(WeightForm::kPlanar, width_);
    const float* const bias = weights_->PackedBias(width_);
    const int blocks = BlocksOf(spec_.out_channels, width_);
    const int64_t row = shape_.w + 2, plane = row * (shape_.h + 2);
    const int64_t out_plane = int64_t{shape_.h} * shape_.w * width_;
    const float* const padded = PadPlanar(in);
#pragma omp parallel for schedule(static) collapse(2)
    for (int n = 0; n < shape_.n; ++n) {
      for (int y = 0; y < shape_.h; ++y) {
        const float* const from = padded + int64_t{n} * shape_.c * plane + y * row;
        for (int b = 0; b < blocks; b += 4) {
          kernels_.planar_row(from, plane, row, shape_.c, packed + int64_t{b} * width_, int64_t{blocks} * width_,
                              std::min(4, blocks - b), bias + b * width_, spec_.relu, shape_.w, out.row(n, b, y),
                              out_plane);
        }
      }
    }
  }

  // Sums over rows of the image, in a fixed number of parts so that the order does not depend on the threads.
  static constexpr int kParts = 32;

  void PlanarWeightGradient(const TensorView& in, const TensorView& grad_out, float* grad_weights) {
    const int64_t row = shape_.w + 2, plane = row * (shape_.h + 2);
    const int taps = shape_.c * 9, blocks = BlocksOf(spec_.out_channels, width_);
    const float* const padded = PadPlanar(in);
    const int64_t sum_floats = int64_t{taps} * blocks * width_;
    const Tensor sums({kParts, 1, 1, static_cast<int>(sum_floats)});
    const int rows = shape_.n * shape_.h;
#pragma omp parallel for schedule(dynamic, 1)
    for (int part = 0; part < kParts; ++part) {
      for (int r = rows * part / kParts; r < rows * (part + 1) / kParts; ++r) {
        const int n = r / shape_.h, y = r % shape_.h;
        for (int b = 0; b < blocks; ++b) {
          kernels_.planar_row_outer(padded + int64_t{n} * shape_.c * plane + y * row, plane, row, shape_.c,
                                    grad_out.row(n, b, y), shape_.w,
                                    sums.data() + part * sum_floats + int64_t{b} * taps * width_);
        }
      }
    }
    for (int o = 0; o < spec_.out_channels; ++o) {
      for (int t = 0; t < taps; ++t) {
        float sum = 0;
        for (int part = 0; part < kParts; ++part) {
          sum += sums.data()[part * sum_floats + (int64_t{o / width_} * taps + t) * width_ + o % width_];
        }
        grad_weights[int64_t{o} * taps + t] += sum;
      }
    }
  }

  void AddBiasGradient(const TensorView& grad_out, float* grad_bias) {
    const int blocks = BlocksOf(spec_.out_channels, width_), rows = shape_.n * shape_.h;
    const Tensor sums({kParts, blocks, 1, width_});
#pragma omp parallel for schedule(dynamic, 1)
    for (int task = 0; task < kParts * blocks; ++task) {
      const int part = task / blocks, b = task % blocks;
      for (int r = rows * part / kParts; r < rows * (part + 1) / kParts; ++r) {
        kernels_.add_rows(grad_out.row(r / shape_.h, b, r % shape_.h), shape_.w, sums.data() + task * width_);
      }
    }
    for (int o = 0; o < spec_.out_channels; ++o) {
      float sum = 0;
      for (int part = 0; part < kParts; ++part) sum += sums.data()[part * blocks * width_ + o];
      grad_bias[o] += sum;
    }
  }

  void PointwiseWeightGradient(const TensorView& in, const TensorView& grad_out, float* grad_weights) {
    const int in_blocks = BlocksOf(spec_.in_channels, width_), out_blocks = BlocksOf(spec_.out_channels, width_);
    const int pairs = (out_blocks + 1) / 2;
    const int64_t pixels = int64_t{shape_.h} * shape_.w, c_stride = int64_t{out_blocks} * width_;
    const Tensor sums({1, in_blocks * width_, out_blocks, width_});  // (in, out)
#pragma omp parallel for schedule(dynamic, 1) collapse(2)
    for (int i = 0; i < in_blocks; ++i) {
      for (int pair = 0; pair < pairs; ++pair) {
        for (int n = 0; n < shape_.n; ++n) {
          kernels_.outer(in.row(n, i, 0), std::min(width_, spec_.in_channels - i * width_),
                         grad_out.row(n, 2 * pair, 0), pixels * width_, std::min(2, out_blocks - 2 * pair),
                         static_cast<int>(pixels), sums.data() + i * width_ * c_stride + int64_t{2} * pair * width_,
                         c_stride);
        }
      }
    }
    for (int o = 0; o < spec_.out_channels; ++o) {
      for (int i = 0; i < spec_.in_channels; ++i) {
        grad_weights[int64_t{o} * spec_.in_channels + i] += sums.data()[i * c_stride + o];
      }
    }
  }

  // dg = G^T (V^T (A dY A^T)) G with F(4x4, 3x3), V and the transformed gradient being summed over all tiles.
  void WinogradWeightGradient(const TensorView& in, const TensorView& grad_out, float* grad_weights) {
    constexpr int kM = 4, kFrequencies = 36;
    const TileGrid grid(shape_, spec_.dilation, kM);
    const int in_blocks = BlocksOf(spec_.in_channels, width_), out_blocks = BlocksOf(spec_.out_channels, width_);
    const int pairs = (out_blocks + 1) / 2, step = spec_.dilation;
    const Product product{spec_.in_channels, spec_.out_channels, nullptr, false};
    const int64_t floats_a_tile = int64_t{kFrequencies} * (in_blocks + out_blocks) * width_;
    const auto block_tiles =
        static_cast<int>(std::min(grid.count(), std::clamp<int64_t>((int64_t{1} << 20) / floats_a_tile, 160, 2048)));
    const Scratch unplaced = ScratchOf(product, kFrequencies, block_tiles);
    // The gradient of the transformed weights, in their packed form: (frequency, pair of blocks, in, floats of the
    // pair).
    const int64_t sum_stride = PackedFrequencyStride(spec_.out_channels, spec_.in_channels, width_);
    const auto sum_at = [&](int pair, int i, int64_t* c_stride) {
      *c_stride = int64_t{width_} * std::min(2, out_blocks - 2 * pair);
      return (int64_t{2} * pair * width_ * spec_.in_channels) + i * *c_stride;
    };
    float* const base = workspace_->Get(unplaced.floats + kFrequencies * sum_stride);
    const Scratch scratch = Place(unplaced, base, kFrequencies);
    float* const sums = base + unplaced.floats;
    std::vector<TilePlace> places(static_cast<size_t>(block_tiles));
    for (int64_t first_tile = 0; first_tile < grid.count(); first_tile += block_tiles) {
      const int count = static_cast<int>(std::min<int64_t>(block_tiles, grid.count() - first_tile));
      const int runs = (count + kRun - 1) / kRun;
      grid.Place(first_tile, count, places.data());
#pragma omp parallel
      {
#pragma omp for schedule(static)
        for (int task = 0; task < (in_blocks + out_blocks) * runs; ++task) {
          const int block = task / runs, first = task % runs * kRun, now = std::min(kRun, count - first);
          if (block < in_blocks) {
            kernels_.input_tiles(kM, PlaneOf(in, block), places.data() + first, now, step,
                                 scratch.v + (int64_t{block} * block_tiles + first) * width_, scratch.v_stride);
          } else {
            const int b = block - in_blocks;
            kernels_.gradient_tiles(kM, PlaneOf(grad_out, b), places.data() + first, now, step,
                                    scratch.m + (int64_t{b} * block_tiles + first) * width_, scratch.m_stride);
          }
        }
#pragma omp for schedule(dynamic, 1)
        for (int task = 0; task < kFrequencies * in_blocks; ++task) {
          const int f = task / in_blocks, i = task % in_blocks;
          const int channels = std::min(width_, spec_.in_channels - i * width_);
          for (int pair = 0; pair < pairs; ++pair) {
            int64_t c_stride;
            float* const c = sums + f * sum_stride + sum_at(pair, i * width_, &c_stride);
            if (first_tile == 0) std::fill(c, c + channels * c_stride, 0.0f);
            kernels_.outer(scratch.v + f * scratch.v_stride + int64_t{i} * block_tiles * width_, channels,
                           scratch.m + f * scratch.m_stride + int64_t{2} * pair * block_tiles * width_,
                           int64_t{block_tiles} * width_, std::min(2, out_blocks - 2 * pair), count, c, c_stride);
          }
        }
      }
    }
#pragma omp parallel for schedule(static)
    for (int b = 0; b < out_blocks; ++b) {
      alignas(64) float taps[9 * kMaxWidth];
      const int channels = std::min(width_, spec_.out_channels - b * width_);
      for (int i = 0; i < spec_.in_channels; ++i) {
        int64_t c_stride;
        const float* const u = sums + sum_at(b / 2, i, &c_stride) + b % 2 * width_;
        kernels_.tap_gradients(WinogradWeightTransform(kM), kM + 2, u, sum_stride, taps);
        for (int l = 0; l < channels; ++l) {
          float* const target = grad_weights + ((int64_t{b} * width_ + l) * spec_.in_channels + i) * 9;
          for (int t = 0; t < 9; ++t) target[t] += taps[t * width_ + l];
        }
      }
    }
  }

  static constexpr int kMaxWidth = 16;

  const Conv2dSpec spec_;
  const Shape shape_;
  const Conv2dEngine engine_;
  const ConvKernels& kernels_;
  const int width_;
  const bool planar_;
  const int tile_;
  const Tensor no_bias_;  // zeros, for the gradient of the input
};

}  // namespace

std::unique_ptr<Conv2d> MakeWinogradConv2d(const Conv2dConfig& config) {
  return std::make_unique<WinogradConv2d>(config);
}

}  // namespace hardface::model
