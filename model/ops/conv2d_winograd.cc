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
#include "model/ops/cache_size.h"
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

  // Of dilation 1: tiles of a row, and of an image.
  int columns() const { return phases_[0].columns; }
  int64_t per_image() const { return per_image_; }

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

// A tensor, or a window on some rows of it that are there for one image at a time (ForwardAfter).
struct Map {
  const TensorView* tensor = nullptr;  // null: not wanted. Of a window: (1, C, rows of the window, W)
  int first_row = 0;                   // of a window: the row of the whole map that it begins with
  int map_rows = 0;                    // of a window: the whole map's; 0: the tensor is the map

  // With rows counted in the whole map; a window's are those of any image.
  BlockPlane Plane(int block) const {
    if (tensor == nullptr) return {};
    if (map_rows == 0) return PlaneOf(*tensor, block);
    return {tensor->row(0, block, -first_row), /*image_stride=*/0, map_rows, tensor->shape.w};
  }
};

// Tiles first .. first + count - 1 of a TileGrid.
struct TileRange {
  int64_t first = 0, count = 0;
};

// How the tiles of a layer are worked off.
struct Blocking {
  int tiles = 0;      // of a block
  bool local = true;  // each thread has blocks of its own; else all threads work on one block together
};

// Whether the weights are so few that threads work on blocks of their own.
bool HasLocalBlocks(int channels_in, int channels_out) { return int64_t{channels_in} * channels_out <= 128 * 128; }

// Few channels: a block's transformed tiles stay in a core's second-level cache, and threads need not wait for each
// other. Many: the transformed weights are what must be read seldom, so blocks are large and all threads share one.
// Results do not depend on it. The shares of the cache were the fastest on processors with 1 and 2 MiB of it.
Blocking ChooseBlocking(int channels_in, int channels_out, int frequencies, int64_t tiles, int row_group) {
  Blocking blocking;
  const int64_t cache = SecondLevelCacheBytes(), channels = std::max(channels_in, channels_out);
  const int64_t float_bytes = sizeof(float), tile_bytes = frequencies * channels * float_bytes;
  const int64_t weight_bytes = int64_t{frequencies} * channels_in * channels_out * float_bytes;
  blocking.local = HasLocalBlocks(channels_in, channels_out);
  int64_t wanted;
  if (blocking.local) {
    // Weights that fit beside the tiles are read again by every block.
    const int64_t budget = cache * 8 / 10 - (weight_bytes <= cache / 2 ? weight_bytes : cache * 2 / 10);
    wanted = std::clamp<int64_t>(budget / tile_bytes, 2 * row_group, 112);
  } else {
    // A third of the cache for the tiles of one frequency, the rest for products and weights.
    wanted = std::clamp<int64_t>(cache / 3 / (channels * 2 * float_bytes), 112, 384);
  }
  // Blocks of equal size, whole register groups.
  const int64_t blocks = std::max<int64_t>(1, (tiles + wanted - 1) / wanted);
  const int64_t even = (tiles + blocks - 1) / blocks;
  blocking.tiles = static_cast<int>((even + row_group - 1) / row_group * row_group);
  return blocking;
}

// Tiles of a block of the weight gradient, whose input and output gradient have CHANNELS channels together. All threads
// work on a block, whose transformed tiles take half of their second-level caches together. Where there are many
// channels blocks are larger: the sums, which are as large as the transformed weights, are read and written once a
// block. Results do not depend on it.
int GradientBlockTiles(int channels, int frequencies, int64_t tiles) {
  const int64_t tile_bytes = int64_t{frequencies} * channels * static_cast<int64_t>(sizeof(float));
  const int64_t budget = SecondLevelCacheBytes() / 2 * omp_get_max_threads();
  return static_cast<int>(std::min(tiles, std::clamp<int64_t>(budget / tile_bytes, 112, 2048)));
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
        grid_(shape_, spec_.dilation, tile_),
        no_bias_({1, config.spec.in_channels, 1, 1}, kernels_.width) {
    HARDFACE_CHECK(config.out_block == width_ && (planar_ || config.in_block == width_));
  }

  double forward_flops() const override {
    if (planar_ || spec_.kernel == 1) return direct_flops();
    const auto tiles = static_cast<double>(grid_.count());
    return 2.0 * (tile_ + 2) * (tile_ + 2) * tiles * spec_.in_channels * spec_.out_channels;
  }

  using Conv2d::Forward;
  void Forward(const TensorView& in, const TensorView* out, const TensorView* pooled) override {
    if (planar_) {
      HARDFACE_CHECK(pooled == nullptr);
      for (int n = 0; n < shape_.n; ++n) PlanarForward(in, n, 0, shape_.h, {out});
      return;
    }
    if (spec_.kernel == 1) {
      HARDFACE_CHECK(pooled == nullptr);
      const Product product{spec_.in_channels, spec_.out_channels, weights_->PackedBias(width_), spec_.relu};
      return PointwiseProduct(product, weights_->Packed(WeightForm::kPointwise, width_), in, *out);
    }
    WinogradForward({&in}, {out}, {pooled}, {0, grid_.count()});
  }

  // A strip should be some blocks of tiles for every thread, so that all have work to its end.
  int StripRows(const Conv2d& before) const override {
    const auto* const first = dynamic_cast<const WinogradConv2d*>(&before);
    if (first == nullptr || planar_ || !RunsInStrips() || !first->RunsInStrips()) return 0;
    constexpr int kBlocksOfAThread = 4;
    const Blocking blocking =
        ChooseBlocking(BlocksOf(spec_.in_channels, width_) * width_, BlocksOf(spec_.out_channels, width_) * width_,
                       (tile_ + 2) * (tile_ + 2), grid_.count(), kernels_.row_group);
    const int tiles = kBlocksOfAThread * omp_get_max_threads() * blocking.tiles;
    const int tile_rows = (tiles + grid_.columns() - 1) / grid_.columns();
    const int64_t rows = int64_t{tile_rows} * tile_ + first->RowsBeside();
    return 2 * rows <= shape_.h ? static_cast<int>(rows) : 0;
  }

  // Each strip moves the last rows of the one before to the window's beginning and has FIRST compute what is missing.
  // Both convolutions work on the tiles that they have without strips, hence the same bits.
  void ForwardAfter(Conv2d* before, const TensorView& in, const TensorView& window, const TensorView* out,
                    const TensorView* pooled) override {
    auto* const first = dynamic_cast<WinogradConv2d*>(before);
    HARDFACE_CHECK(first != nullptr);
    const int h = shape_.h, strip = (window.shape.h - first->RowsBeside()) / tile_ * tile_;
    HARDFACE_CHECK(strip > 0);
    for (int n = 0; n < shape_.n; ++n) {
      int begin = 0, end = 0;  // the rows of FIRST's output that the window holds
      for (int y = 0; y < h; y += strip) {
        const int from = std::max(0, y - 1), until = std::min(h, y + strip + 1);
        MoveRows(window, from - begin, end - from);
        begin = from;
        const int computed = std::min(h, (until + first->RowStep() - 1) / first->RowStep() * first->RowStep());
        const Map between{&window, begin, h};
        if (end < computed) first->ForwardRows(in, n, end, computed, between);
        end = std::max(end, computed);
        WinogradForward(between, {out}, {pooled}, TilesOfRows(n, y, std::min(h, y + strip)));
      }
    }
  }

  void BackwardData(const TensorView& grad_out, const TensorView& grad_in) override {
    HARDFACE_CHECK(!planar_);
    const Product product{spec_.out_channels, spec_.in_channels, no_bias_.data(), /*relu=*/false};
    if (spec_.kernel == 1) {
      return PointwiseProduct(product, weights_->Packed(WeightForm::kPointwiseData, width_), grad_out, grad_in);
    }
    const float* const packed =
        weights_->Packed(tile_ == 4 ? WeightForm::kWinograd4Data : WeightForm::kWinograd6Data, width_);
    WinogradProduct(product, packed, {&grad_out}, {&grad_in}, {}, {0, grid_.count()});
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
    // Of 512 x 512 channels, F(6x6)'s weights take 67 MB a layer and F(4x4)'s 38: the larger ones must save a tenth.
    const bool large = int64_t{spec_.in_channels} * spec_.out_channels >= 512 * 512;
    return cost(6) < (large ? 0.9 : 0.97) * cost(4) ? 6 : 4;
  }

  static constexpr int kRun = 28;  // tiles that a thread transforms at a time where all share a block

  // The transformed tiles of a block and their products: (row of n frequencies, frequency, channel block, tile, width).
  // M of a frequency lies where V of the frequency before lay, which has been used up by then. So a block needs half of
  // the memory, and products are stored into lines that a cache already holds.
  struct Slots {
    int n;                       // frequencies of a row
    int64_t stride, row_stride;  // floats from a frequency to the next, and from a row to the next
    int64_t floats;
    float* v = nullptr;

    float* V(int frequency) const { return v + frequency / n * row_stride + frequency % n * stride; }
    float* M(int frequency) const { return V(frequency) - stride; }
    Slots At(float* base) const {
      Slots placed = *this;
      placed.v = base + stride;
      return placed;
    }
  };

  // One pass over a layer: what is multiplied, from where and into what.
  struct Pass {
    Product product;
    const float* packed;  // transformed weights
    Map in, out, pooled;
    TileRange tiles;
    int in_blocks, out_blocks;
    Blocking blocking = {};

    int64_t blocks() const { return (tiles.count + blocking.tiles - 1) / blocking.tiles; }
    int64_t FirstTileOf(int64_t block) const { return tiles.first + block * blocking.tiles; }
    int TilesOf(int64_t block) const {
      return static_cast<int>(std::min<int64_t>(blocking.tiles, tiles.count - block * blocking.tiles));
    }
  };

  // A row of frequencies has a slot more than frequencies where all threads share a block, so that threads can work on
  // rows in any order.
  Slots SlotsOf(const Pass& pass) const {
    Slots slots;
    slots.n = tile_ + 2;
    slots.stride =
        int64_t{pass.blocking.tiles} * std::max(pass.in_blocks, pass.out_blocks) * width_ + kFrequencyPadding;
    slots.row_stride = slots.stride * (pass.blocking.local ? slots.n : slots.n + 1);
    slots.floats = slots.row_stride * slots.n + (pass.blocking.local ? slots.stride : 0);
    return slots;
  }

  // V of COUNT tiles from FIRST on, of one channel block.
  void TransformIn(const Pass& pass, int block, const TilePlace* places, int first, int count,
                   const Slots& slots) const {
    kernels_.input_tiles(tile_, pass.in.Plane(block), places + first, count, spec_.dilation,
                         slots.V(0) + (int64_t{block} * pass.blocking.tiles + first) * width_, slots.row_stride,
                         slots.stride);
  }

  // M = V U of one frequency, for COUNT tiles from FIRST on.
  void Multiply(const Pass& pass, int frequency, int first, int count, const Slots& slots) const {
    const Product& product = pass.product;
    const int64_t stride = int64_t{pass.blocking.tiles} * width_;
    const float* const a = slots.V(frequency) + int64_t{first} * width_;
    const float* b = pass.packed + frequency * PackedFrequencyStride(product.outputs, product.k, width_);
    float* c = slots.M(frequency) + int64_t{first} * width_;
    for (int block = 0; block < pass.out_blocks; block += 2) {
      const int now = std::min(2, pass.out_blocks - block);
      kernels_.gemm(a, stride, count, b, product.k, now, c, stride);
      b += int64_t{now} * width_ * product.k;
      c += now * stride;
    }
  }

  // The outputs of COUNT tiles from FIRST on, of one channel block.
  void TransformOut(const Pass& pass, int block, const TilePlace* places, int first, int count,
                    const Slots& slots) const {
    kernels_.output_tiles(tile_, slots.M(0) + (int64_t{block} * pass.blocking.tiles + first) * width_, slots.row_stride,
                          slots.stride, places + first, count, spec_.dilation, pass.product.bias + block * width_,
                          pass.product.relu, pass.out.Plane(block), pass.pooled.Plane(block));
  }

  void WinogradForward(const Map& in, const Map& out, const Map& pooled, const TileRange& tiles) {
    const Product product{spec_.in_channels, spec_.out_channels, weights_->PackedBias(width_), spec_.relu};
    const float* const packed = weights_->Packed(tile_ == 4 ? WeightForm::kWinograd4 : WeightForm::kWinograd6, width_);
    WinogradProduct(product, packed, in, out, pooled, tiles);
  }

  void WinogradProduct(const Product& product, const float* packed, const Map& in, const Map& out, const Map& pooled,
                       const TileRange& tiles) {
    Pass pass{product, packed, in, out, pooled, tiles, BlocksOf(product.k, width_), BlocksOf(product.outputs, width_)};
    pass.blocking = ChooseBlocking(pass.in_blocks * width_, pass.out_blocks * width_, (tile_ + 2) * (tile_ + 2),
                                   tiles.count, kernels_.row_group);
    pass.blocking.local ? BlocksOfThreads(pass) : SharedBlocks(pass);
  }

  void BlocksOfThreads(const Pass& pass) {
    const Slots unplaced = SlotsOf(pass);
    const int threads = omp_get_max_threads();
    float* const base = workspace_->Get(unplaced.floats * threads);
    std::vector<TilePlace> all_places(static_cast<size_t>(pass.blocking.tiles) * static_cast<size_t>(threads));
#pragma omp parallel for schedule(dynamic, 1)
    for (int64_t b = 0; b < pass.blocks(); ++b) {
      const int thread = omp_get_thread_num(), count = pass.TilesOf(b);
      const Slots slots = unplaced.At(base + thread * unplaced.floats);
      TilePlace* const places = all_places.data() + int64_t{thread} * pass.blocking.tiles;
      grid_.Place(pass.FirstTileOf(b), count, places);
      for (int block = 0; block < pass.in_blocks; ++block) TransformIn(pass, block, places, 0, count, slots);
      for (int f = 0; f < slots.n * slots.n; ++f) Multiply(pass, f, 0, count, slots);
      for (int block = 0; block < pass.out_blocks; ++block) TransformOut(pass, block, places, 0, count, slots);
    }
  }

  void SharedBlocks(const Pass& pass) {
    const Slots unplaced = SlotsOf(pass);
    const Slots slots = unplaced.At(workspace_->Get(unplaced.floats));
    const int n = slots.n, row_group = kernels_.row_group;
    std::vector<TilePlace> all_places(static_cast<size_t>(pass.blocking.tiles));
    TilePlace* const places = all_places.data();
    for (int64_t b = 0; b < pass.blocks(); ++b) {
      const int count = pass.TilesOf(b), runs = (count + kRun - 1) / kRun;
      // The products fall into tasks of a row of frequencies for a part of the tiles: two tasks a thread or more.
      const int groups = (count + row_group - 1) / row_group;
      const int parts = std::min(groups, (2 * omp_get_max_threads() + n - 1) / n);
      grid_.Place(pass.FirstTileOf(b), count, places);
#pragma omp parallel
      {
#pragma omp for schedule(static)
        for (int task = 0; task < pass.in_blocks * runs; ++task) {
          const int first = task % runs * kRun;
          TransformIn(pass, task / runs, places, first, std::min(kRun, count - first), slots);
        }
#pragma omp for schedule(dynamic, 1)
        for (int task = 0; task < n * parts; ++task) {
          const int row = task / parts, part = task % parts;
          const int first = groups * part / parts * row_group;
          const int end = std::min(count, groups * (part + 1) / parts * row_group);
          for (int f = row * n; f < (row + 1) * n; ++f) Multiply(pass, f, first, end - first, slots);
        }
#pragma omp for schedule(static)
        for (int task = 0; task < pass.out_blocks * runs; ++task) {
          const int first = task % runs * kRun;
          TransformOut(pass, task / runs, places, first, std::min(kRun, count - first), slots);
        }
      }
    }
  }

  void PointwiseProduct(const Product& product, const float* packed, const TensorView& in, const TensorView& out) {
    const int64_t pixels = int64_t{shape_.h} * shape_.w;
    const int out_blocks = BlocksOf(product.outputs, width_), pairs = (out_blocks + 1) / 2;
    // Of a run, all input channels stay in the second-level cache of any processor; longer and shorter ones take the
    // same time.
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

  // ---- two convolutions in strips (ForwardAfter)

  bool RunsInStrips() const {
    return spec_.kernel == 3 && spec_.dilation == 1 &&
           (planar_ || HasLocalBlocks(BlocksOf(spec_.in_channels, width_) * width_,
                                      BlocksOf(spec_.out_channels, width_) * width_));
  }

  // Rows of the output that are computed together.
  int RowStep() const { return planar_ ? 1 : tile_; }

  // Of the first of two: the rows that its window needs beside those of the strip, which are one above and one below,
  // and what whole tiles add to them.
  int RowsBeside() const { return 2 + RowStep() - 1; }

  // The tiles of image N that begin in rows BEGIN .. END - 1, BEGIN the first row of a tile.
  TileRange TilesOfRows(int n, int begin, int end) const {
    const int first = begin / tile_, rows = (end + tile_ - 1) / tile_ - first;
    return {n * grid_.per_image() + int64_t{first} * grid_.columns(), int64_t{rows} * grid_.columns()};
  }

  // The output's rows BEGIN .. END - 1 of image N.
  void ForwardRows(const TensorView& in, int n, int begin, int end, const Map& out) {
    planar_ ? PlanarForward(in, n, begin, end, out) : WinogradForward({&in}, out, {}, TilesOfRows(n, begin, end));
  }

  // The window's COUNT rows from FROM on, to its beginning.
  static void MoveRows(const TensorView& window, int from, int count) {
    if (from == 0 || count <= 0) return;
    const auto bytes = static_cast<size_t>(count) * window.shape.w * window.block * sizeof(float);
    for (int b = 0; b < window.blocks(); ++b) std::memmove(window.row(0, b, 0), window.row(0, b, from), bytes);
  }

  // Rows BEGIN .. END - 1 of COUNT images of IN from FIRST on, with a border of a row or pixel around them, which is
  // zero outside the image: (image, channel, END - BEGIN + 2, w + 2).
  float* PadPlanar(const TensorView& in, int first, int count, int begin, int end) {
    const int64_t row = shape_.w + 2, plane = row * (end - begin + 2);
    float* const padded = workspace_->Get(plane * count * shape_.c);
#pragma omp parallel for schedule(static) collapse(2)
    for (int n = 0; n < count; ++n) {
      for (int c = 0; c < shape_.c; ++c) {
        float* to = padded + (int64_t{n} * shape_.c + c) * plane;
        for (int y = begin - 1; y <= end; ++y, to += row) {
          if (y < 0 || y >= shape_.h) {
            std::fill(to, to + row, 0.0f);
            continue;
          }
          to[0] = to[row - 1] = 0;
          std::memcpy(to + 1, in.row(first + n, c, y), static_cast<size_t>(shape_.w) * sizeof(float));
        }
      }
    }
    return padded;
  }

  void PlanarForward(const TensorView& in, int n, int begin, int end, const Map& out) {
    const float* const packed = weights_->Packed(WeightForm::kPlanar, width_);
    const float* const bias = weights_->PackedBias(width_);
    const int blocks = BlocksOf(spec_.out_channels, width_);
    const int64_t row = shape_.w + 2, plane = row * (end - begin + 2);
    const int64_t out_plane = int64_t{out.tensor->shape.h} * shape_.w * width_;
    const float* const padded = PadPlanar(in, n, /*count=*/1, begin, end);
#pragma omp parallel for schedule(static)
    for (int y = begin; y < end; ++y) {
      for (int b = 0; b < blocks; b += 4) {
        const BlockPlane to = out.Plane(b);
        kernels_.planar_row(padded + (y - begin) * row, plane, row, shape_.c, packed + int64_t{b} * width_,
                            int64_t{blocks} * width_, std::min(4, blocks - b), bias + b * width_, spec_.relu, shape_.w,
                            to.data + n * to.image_stride + int64_t{y} * shape_.w * width_, out_plane);
      }
    }
  }

  // Sums over rows of the image, in a fixed number of parts so that the order does not depend on the threads.
  static constexpr int kParts = 32;

  void PlanarWeightGradient(const TensorView& in, const TensorView& grad_out, float* grad_weights) {
    const int64_t row = shape_.w + 2, plane = row * (shape_.h + 2);
    const int taps = shape_.c * 9, blocks = BlocksOf(spec_.out_channels, width_);
    const float* const padded = PadPlanar(in, 0, shape_.n, 0, shape_.h);
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
    // A task sums for some blocks of the input. It goes over runs of pixels whose channels, of these blocks and of the
    // whole output gradient, take a third of the second-level cache, so that each is read from afar once a task.
    const int group = std::clamp(in_blocks / (2 * omp_get_max_threads()), 1, 4);
    const int64_t pixel_bytes = int64_t{group + out_blocks} * width_ * static_cast<int64_t>(sizeof(float));
    const int64_t run = std::max<int64_t>(SecondLevelCacheBytes() / 3 / pixel_bytes, 64);
#pragma omp parallel for schedule(dynamic, 1)
    for (int first_block = 0; first_block < in_blocks; first_block += group) {
      for (int64_t first = 0; first < shape_.n * pixels; first += std::min(run, pixels - first % pixels)) {
        const auto n = static_cast<int>(first / pixels);
        const int64_t from = first % pixels * width_, count = std::min(run, pixels - first % pixels);
        for (int i = first_block; i < std::min(in_blocks, first_block + group); ++i) {
          for (int pair = 0; pair < pairs; ++pair) {
            kernels_.outer(in.row(n, i, 0) + from, std::min(width_, spec_.in_channels - i * width_),
                           grad_out.row(n, 2 * pair, 0) + from, pixels * width_, std::min(2, out_blocks - 2 * pair),
                           static_cast<int>(count), sums.data() + i * width_ * c_stride + int64_t{2} * pair * width_,
                           c_stride);
          }
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
    const int block_tiles = GradientBlockTiles((in_blocks + out_blocks) * width_, kFrequencies, grid.count());
    const int64_t v_stride = int64_t{block_tiles} * in_blocks * width_ + kFrequencyPadding;
    const int64_t m_stride = int64_t{block_tiles} * out_blocks * width_ + kFrequencyPadding;
    const int64_t floats = kFrequencies * (v_stride + m_stride);
    // The gradient of the transformed weights, in their packed form: (frequency, pair of blocks, in, floats of the
    // pair).
    const int64_t sum_stride = PackedFrequencyStride(spec_.out_channels, spec_.in_channels, width_);
    const auto sum_at = [&](int pair, int i, int64_t* c_stride) {
      *c_stride = int64_t{width_} * std::min(2, out_blocks - 2 * pair);
      return (int64_t{2} * pair * width_ * spec_.in_channels) + i * *c_stride;
    };
    float* const v = workspace_->Get(floats + kFrequencies * sum_stride);
    float* const gradients = v + kFrequencies * v_stride;
    float* const sums = v + floats;
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
                                 v + (int64_t{block} * block_tiles + first) * width_, (kM + 2) * v_stride, v_stride);
          } else {
            const int b = block - in_blocks;
            kernels_.gradient_tiles(kM, PlaneOf(grad_out, b), places.data() + first, now, step,
                                    gradients + (int64_t{b} * block_tiles + first) * width_, m_stride);
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
            kernels_.outer(v + f * v_stride + int64_t{i} * block_tiles * width_, channels,
                           gradients + f * m_stride + int64_t{2} * pair * block_tiles * width_,
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
  const TileGrid grid_;
  const Tensor no_bias_;  // zeros, for the gradient of the input
};

}  // namespace

std::unique_ptr<Conv2d> MakeWinogradConv2d(const Conv2dConfig& config) {
  return std::make_unique<WinogradConv2d>(config);
}

}  // namespace hardface::model
