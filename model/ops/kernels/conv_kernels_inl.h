// The kernels of conv_kernels.h over one vector type. Each conv_kernels_*.cc includes this with HARDFACE_WIDTH defined
// and is compiled for its instruction set. Everything is in an unnamed namespace, and no inline function of the
// standard library is called: a copy compiled for AVX-512 must not be linked into what runs elsewhere.
#include <cstdint>
#include <cstring>

#include "model/ops/kernels/conv_kernels.h"

#if defined(__AVX__)
#include <immintrin.h>
#endif

namespace hardface::model {
namespace {

constexpr int kWidth = HARDFACE_WIDTH;
typedef float Vec __attribute__((vector_size(4 * kWidth)));

// Rows of Gemm's register block: accumulators for two vectors a row, two vectors of B and a broadcast fit the
// registers.
#if defined(__AVX512F__)
constexpr int kRows = 14, kOuterRows = 8;
#elif defined(__AVX__)
constexpr int kRows = 6, kOuterRows = 4;
#else
constexpr int kRows = 3, kOuterRows = 2;
#endif

#define HARDFACE_INLINE inline __attribute__((always_inline))

HARDFACE_INLINE Vec Load(const float* p) { return *reinterpret_cast<const Vec*>(p); }
HARDFACE_INLINE void Store(float* p, Vec v) { *reinterpret_cast<Vec*>(p) = v; }
HARDFACE_INLINE Vec Broadcast(float x) { return x - Vec{}; }
HARDFACE_INLINE int Least(int a, int b) { return a < b ? a : b; }

// The second where either is not a number, so that Max(0, NaN) stays NaN and training sees it.
HARDFACE_INLINE Vec Max(Vec a, Vec b) {
#if defined(__AVX512F__)
  return reinterpret_cast<Vec>(_mm512_max_ps(reinterpret_cast<__m512>(a), reinterpret_cast<__m512>(b)));
#elif defined(__AVX__)
  return reinterpret_cast<Vec>(_mm256_max_ps(reinterpret_cast<__m256>(a), reinterpret_cast<__m256>(b)));
#else
  return a > b ? a : b;
#endif
}

// Asks for the cache line at P: for reading, into the first or the second level, or for writing. P need not be valid.
HARDFACE_INLINE void Prefetch(const float* p) { __builtin_prefetch(p, 0, 3); }
HARDFACE_INLINE void PrefetchFar(const float* p) { __builtin_prefetch(p, 0, 2); }
HARDFACE_INLINE void PrefetchToWrite(const float* p) { __builtin_prefetch(p, 1, 3); }

// ---- products

constexpr int kLine = 16;  // floats of a cache line

// FURTHER_LINES of the lines from FURTHER on are fetched for each channel block of A: the weights of a later call,
// whose way from memory so takes place beside products. Loops are unrolled by name lest the sums go through memory.
template <int kR, int kBlocks>
HARDFACE_INLINE void GemmRows(const float* a, int64_t a_stride, const float* b, int k, float* c, int64_t c_stride,
                              const float* further, int further_lines) {
  constexpr int kAhead = 24;  // rows of B to prefetch ahead; measured on L2-resident B
  Vec sum[kR][kBlocks];
#pragma GCC unroll 16
  for (int r = 0; r < kR; ++r) {
#pragma GCC unroll 2
    for (int j = 0; j < kBlocks; ++j) sum[r][j] = Vec{};
  }
  const auto step = [&](const float* row) __attribute__((always_inline)) {
    Vec weights[kBlocks];
#pragma GCC unroll 2
    for (int j = 0; j < kBlocks; ++j) {
      weights[j] = Load(b + j * kWidth);
      Prefetch(b + kAhead * kBlocks * kWidth + j * kWidth);
    }
#pragma GCC unroll 16
    for (int r = 0; r < kR; ++r) {
      const Vec x = Broadcast(row[r * kWidth]);
#pragma GCC unroll 2
      for (int j = 0; j < kBlocks; ++j) sum[r][j] += x * weights[j];
    }
    b += kBlocks * kWidth;
  };
  for (; k >= kWidth; k -= kWidth, a += a_stride) {
    for (int i = 0; i < further_lines; ++i, further += kLine) PrefetchFar(further);
#pragma GCC unroll 16
    for (int i = 0; i < kWidth; ++i) {
      if (i < kR) Prefetch(a + a_stride + i * kWidth);  // the next channel block
      step(a + i);
    }
  }
  for (int i = 0; i < k; ++i) step(a + i);
#pragma GCC unroll 16
  for (int r = 0; r < kR; ++r) {
#pragma GCC unroll 2
    for (int j = 0; j < kBlocks; ++j) Store(c + j * c_stride + r * kWidth, sum[r][j]);
  }
}

using GemmFunction = void (*)(const float*, int64_t, const float*, int, float*, int64_t, const float*, int);

template <int kR, int kBlocks>
void GemmEntry(const float* a, int64_t a_stride, const float* b, int k, float* c, int64_t c_stride,
               const float* further, int further_lines) {
  GemmRows<kR, kBlocks>(a, a_stride, b, k, c, c_stride, further, further_lines);
}

template <int kBlocks, int kR = kRows>
struct GemmTable {
  static void Fill(GemmFunction* table) {
    table[kR] = &GemmEntry<kR, kBlocks>;
    if constexpr (kR > 1) GemmTable<kBlocks, kR - 1>::Fill(table);
  }
};

struct GemmTables {
  GemmFunction functions[2][kRows + 1] = {};
  GemmTables() {
    GemmTable<1>::Fill(functions[0]);
    GemmTable<2>::Fill(functions[1]);
  }
};

void Gemm(const float* a, int64_t a_stride, int rows, const float* b, int k, int blocks, float* c, int64_t c_stride) {
  static const GemmTables tables;
  const GemmFunction* const functions = tables.functions[blocks - 1];
  // Groups of nearly equal size rather than full ones and a small rest. Each fetches its share of the weights behind B.
  const int all = (rows + kRows - 1) / kRows;
  const int lines = (kWidth * blocks * kWidth / kLine + all - 1) / all;
  const float* further = b + int64_t{k} * blocks * kWidth;
  for (int groups = all; groups > 0; --groups, further += int64_t{k / kWidth} * lines * kLine) {
    const int now = (rows + groups - 1) / groups;
    functions[now](a, a_stride, b, k, c, c_stride, further, lines);
    a += int64_t{now} * kWidth;
    c += int64_t{now} * kWidth;
    rows -= now;
  }
}

template <int kR, int kBlocks>
HARDFACE_INLINE void OuterRows(const float* a, const float* b, int64_t b_stride, int tiles, float* c,
                               int64_t c_stride) {
  Vec sum[kR][kBlocks];
  for (int r = 0; r < kR; ++r) {
    for (int j = 0; j < kBlocks; ++j) sum[r][j] = Load(c + r * c_stride + j * kWidth);
  }
  for (int t = 0; t < tiles; ++t) {
    Vec gradient[kBlocks];
    for (int j = 0; j < kBlocks; ++j) gradient[j] = Load(b + j * b_stride);
#pragma GCC unroll 8
    for (int r = 0; r < kR; ++r) {
      const Vec x = Broadcast(a[r]);
      for (int j = 0; j < kBlocks; ++j) sum[r][j] += x * gradient[j];
    }
    a += kWidth;
    b += kWidth;
  }
  for (int r = 0; r < kR; ++r) {
    for (int j = 0; j < kBlocks; ++j) Store(c + r * c_stride + j * kWidth, sum[r][j]);
  }
}

template <int kBlocks>
void OuterBlocks(const float* a, int channels, const float* b, int64_t b_stride, int tiles, float* c,
                 int64_t c_stride) {
  int r = 0;
  for (; r + kOuterRows <= channels; r += kOuterRows) {
    OuterRows<kOuterRows, kBlocks>(a + r, b, b_stride, tiles, c + r * c_stride, c_stride);
  }
  for (; r < channels; ++r) OuterRows<1, kBlocks>(a + r, b, b_stride, tiles, c + r * c_stride, c_stride);
}

void Outer(const float* a, int channels, const float* b, int64_t b_stride, int blocks, int tiles, float* c,
           int64_t c_stride) {
  blocks == 2 ? OuterBlocks<2>(a, channels, b, b_stride, tiles, c, c_stride)
              : OuterBlocks<1>(a, channels, b, b_stride, tiles, c, c_stride);
}

// ---- Winograd's one-dimensional transforms; STEP and TO_STEP are in vectors

// n inputs to n values: rows of B^T, from the polynomials that vanish at all points but one.
template <int kM>
HARDFACE_INLINE void TransformInput(const Vec* d, int step, Vec* to, int to_step) {
  if constexpr (kM == 4) {
    constexpr float a = kWinograd4Points[0], b = kWinograd4Points[1], a2 = a * a, b2 = b * b;
    const Vec d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step];
    to[0] = a2 * b2 * d0 - (a2 + b2) * d2 + d4;
    Vec even = d4 - b2 * d2, odd = a * d3 - (a * b2) * d1;
    to[to_step] = even + odd;
    to[2 * to_step] = even - odd;
    even = d4 - a2 * d2, odd = b * d3 - (b * a2) * d1;
    to[3 * to_step] = even + odd;
    to[4 * to_step] = even - odd;
    to[5 * to_step] = a2 * b2 * d1 - (a2 + b2) * d3 + d5;
  } else {
    constexpr float a = kWinograd6Points[0], b = kWinograd6Points[1], c = kWinograd6Points[2];
    constexpr float a2 = a * a, b2 = b * b, c2 = c * c;
    constexpr float e0 = -a2 * b2 * c2, e1 = a2 * b2 + a2 * c2 + b2 * c2, e2 = -(a2 + b2 + c2);
    const Vec d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step],
              d6 = d[6 * step], d7 = d[7 * step];
    to[0] = e0 * d0 + e1 * d2 + e2 * d4 + d6;
    to[7 * to_step] = e0 * d1 + e1 * d3 + e2 * d5 + d7;
    const auto pair = [&](int i, float p, float q, float r) __attribute__((always_inline)) {
      const Vec even = (q * r) * d2 - (q + r) * d4 + d6, odd = (p * q * r) * d1 - (p * (q + r)) * d3 + p * d5;
      to[i * to_step] = even + odd;
      to[(i + 1) * to_step] = even - odd;
    };
    pair(1, a, b2, c2);
    pair(3, b, a2, c2);
    pair(5, c, a2, b2);
  }
}

// n values to m outputs: A^T, powers of the points.
template <int kM>
HARDFACE_INLINE void TransformOutput(const Vec* m, int step, Vec* to, int to_step) {
  if constexpr (kM == 4) {
    constexpr float a = kWinograd4Points[0], b = kWinograd4Points[1];
    const Vec s1 = m[step] + m[2 * step], d1 = m[step] - m[2 * step];
    const Vec s2 = m[3 * step] + m[4 * step], d2 = m[3 * step] - m[4 * step];
    to[0] = m[0] + s1 + s2;
    to[to_step] = a * d1 + b * d2;
    to[2 * to_step] = (a * a) * s1 + (b * b) * s2;
    to[3 * to_step] = (a * a * a) * d1 + (b * b * b) * d2 + m[5 * step];
  } else {
    constexpr float a = kWinograd6Points[0], b = kWinograd6Points[1], c = kWinograd6Points[2];
    const Vec s1 = m[step] + m[2 * step], d1 = m[step] - m[2 * step];
    const Vec s2 = m[3 * step] + m[4 * step], d2 = m[3 * step] - m[4 * step];
    const Vec s3 = m[5 * step] + m[6 * step], d3 = m[5 * step] - m[6 * step];
    to[0] = m[0] + s1 + s2 + s3;
    to[to_step] = a * d1 + b * d2 + c * d3;
    to[2 * to_step] = (a * a) * s1 + (b * b) * s2 + (c * c) * s3;
    to[3 * to_step] = (a * a * a) * d1 + (b * b * b) * d2 + (c * c * c) * d3;
    to[4 * to_step] = (a * a * a * a) * s1 + (b * b * b * b) * s2 + (c * c * c * c) * s3;
    to[5 * to_step] = (a * a * a * a * a) * d1 + (b * b * b * b * b) * d2 + (c * c * c * c * c) * d3 + m[7 * step];
  }
}

// m output gradients to n values: A, the adjoint of TransformOutput.
template <int kM>
HARDFACE_INLINE void TransformGradient(const Vec* y, int step, Vec* to, int to_step) {
  const auto pair = [&](int i, float p) __attribute__((always_inline)) {
    Vec even = y[0] + (p * p) * y[2 * step], odd = p * y[step] + (p * p * p) * y[3 * step];
    if constexpr (kM == 6) {
      even += (p * p * p * p) * y[4 * step];
      odd += (p * p * p * p * p) * y[5 * step];
    }
    to[i * to_step] = even + odd;
    to[(i + 1) * to_step] = even - odd;
  };
  to[0] = y[0];
  if constexpr (kM == 4) {
    pair(1, kWinograd4Points[0]);
    pair(3, kWinograd4Points[1]);
  } else {
    pair(1, kWinograd6Points[0]);
    pair(3, kWinograd6Points[1]);
    pair(5, kWinograd6Points[2]);
  }
  to[(kM + 1) * to_step] = y[(kM - 1) * step];
}

// ---- two-dimensional transforms of tiles

// kSize x kSize pixels from (y, x) on, STEP apart, zero outside the image: a pointer to where they can be read with the
// given strides. Copies only at the image's edges.
template <int kSize>
HARDFACE_INLINE const float* PixelsOf(const BlockPlane& in, const TilePlace& tile, int border, int step, float* copy,
                                      int64_t* row_stride, int64_t* pixel_stride) {
  const int y = tile.y - border * step, x = tile.x - border * step;
  const float* const image = in.data + tile.n * in.image_stride;
  if (y >= 0 && x >= 0 && y + (kSize - 1) * step < in.h && x + (kSize - 1) * step < in.w) {
    *row_stride = int64_t{step} * in.w * kWidth;
    *pixel_stride = int64_t{step} * kWidth;
    return image + (int64_t{y} * in.w + x) * kWidth;
  }
  for (int r = 0; r < kSize; ++r) {
    const int row = y + r * step;
    for (int c = 0; c < kSize; ++c) {
      const int column = x + c * step;
      const bool inside = row >= 0 && row < in.h && column >= 0 && column < in.w;
      Store(copy + (r * kSize + c) * kWidth, inside ? Load(image + (int64_t{row} * in.w + column) * kWidth) : Vec{});
    }
  }
  *row_stride = kSize * kWidth;
  *pixel_stride = kWidth;
  return copy;
}

template <int kM>
void InputTiles(const BlockPlane& in, const TilePlace* tiles, int count, int step, float* v, int64_t v_row_stride,
                int64_t v_stride) {
  constexpr int kN = kM + 2;
  constexpr int kTilesAhead = 2;  // whose place in V is fetched
  alignas(64) float copy[kN * kN * kWidth];
  for (int t = 0; t < count; ++t, v += kWidth) {
    int64_t row_stride, pixel_stride;
    const float* const pixels = PixelsOf<kN>(in, tiles[t], /*border=*/1, step, copy, &row_stride, &pixel_stride);
    // The next tile's pixels but for the two columns that it shares with this one.
    const TilePlace& next = tiles[Least(t + 1, count - 1)];
    const float* const next_pixels =
        in.data + next.n * in.image_stride + ((int64_t{next.y} - step) * in.w + next.x + step) * kWidth;
    Vec half[kN * kN];
    for (int c = 0; c < kN; ++c) {
      for (int r = 0; r < kN && c < kM; ++r) Prefetch(next_pixels + (int64_t{r} * in.w + c) * step * kWidth);
      Vec column[kN];
      for (int r = 0; r < kN; ++r) column[r] = Load(pixels + r * row_stride + c * pixel_stride);
      TransformInput<kM>(column, 1, half + c, kN);
    }
    for (int r = 0; r < kN; ++r) {
      Vec row[kN];
      TransformInput<kM>(half + r * kN, 1, row, 1);
      for (int c = 0; c < kN; ++c) {
        float* const target = v + r * v_row_stride + c * v_stride;
        Store(target, row[c]);
        PrefetchToWrite(target + kTilesAhead * kWidth);
      }
    }
  }
}

template <int kM>
void GradientTiles(const BlockPlane& grad_out, const TilePlace* tiles, int count, int step, float* v,
                   int64_t v_stride) {
  constexpr int kN = kM + 2;
  alignas(64) float copy[kM * kM * kWidth];
  for (int t = 0; t < count; ++t, v += kWidth) {
    int64_t row_stride, pixel_stride;
    const float* const pixels = PixelsOf<kM>(grad_out, tiles[t], /*border=*/0, step, copy, &row_stride, &pixel_stride);
    Vec half[kN * kM];
    for (int c = 0; c < kM; ++c) {
      Vec column[kM];
      for (int r = 0; r < kM; ++r) column[r] = Load(pixels + r * row_stride + c * pixel_stride);
      TransformGradient<kM>(column, 1, half + c, kM);
    }
    for (int r = 0; r < kN; ++r) {
      Vec row[kN];
      TransformGradient<kM>(half + r * kM, 1, row, 1);
      for (int c = 0; c < kN; ++c) Store(v + (r * kN + c) * v_stride, row[c]);
    }
  }
}

template <int kM>
void OutputTiles(const float* products, int64_t row_stride, int64_t stride, const TilePlace* tiles, int count, int step,
                 const float* bias, bool relu, const BlockPlane& out, const BlockPlane& pooled) {
  constexpr int kN = kM + 2;
  const Vec bias_vector = Load(bias);
  // Least value of the result: zero with ReLU.
  const Vec floor = relu ? Vec{} : Broadcast(-__builtin_inff());
  for (int t = 0; t < count; ++t, products += kWidth) {
    Vec half[kM * kN], values[kM * kM];
    for (int c = 0; c < kN; ++c) {
      Vec column[kN];
      for (int r = 0; r < kN; ++r) column[r] = Load(products + r * row_stride + c * stride);
      TransformOutput<kM>(column, 1, half + c, kN);
    }
    for (int r = 0; r < kM; ++r) TransformOutput<kM>(half + r * kN, 1, values + r * kM, 1);
    const TilePlace& tile = tiles[t];
    const int h = out.data != nullptr ? out.h : 2 * pooled.h, w = out.data != nullptr ? out.w : 2 * pooled.w;
    const int rows = Least(kM, (h - tile.y + step - 1) / step), columns = Least(kM, (w - tile.x + step - 1) / step);
    if (out.data != nullptr) {
      float* const corner = out.data + tile.n * out.image_stride + (int64_t{tile.y} * w + tile.x) * kWidth;
      for (int r = 0; r < rows; ++r) {
        float* const row = corner + int64_t{r} * step * w * kWidth;
        for (int c = 0; c < columns; ++c) {
          Store(row + int64_t{c} * step * kWidth, Max(floor, values[r * kM + c] + bias_vector));
        }
      }
    }
    if (pooled.data == nullptr) continue;
    float* const corner =
        pooled.data + tile.n * pooled.image_stride + (int64_t{tile.y / 2} * pooled.w + tile.x / 2) * kWidth;
    for (int r = 0; r < rows / 2; ++r) {
      for (int c = 0; c < columns / 2; ++c) {
        const Vec* const four = values + 2 * r * kM + 2 * c;
        const Vec largest = Max(Max(four[0], four[1]), Max(four[kM], four[kM + 1]));
        Store(corner + (int64_t{r} * pooled.w + c) * kWidth, Max(floor, largest + bias_vector));
      }
    }
  }
}

void InputTilesOf(int m, const BlockPlane& in, const TilePlace* tiles, int count, int step, float* v,
                  int64_t v_row_stride, int64_t v_stride) {
  m == 4 ? InputTiles<4>(in, tiles, count, step, v, v_row_stride, v_stride)
         : InputTiles<6>(in, tiles, count, step, v, v_row_stride, v_stride);
}

void GradientTilesOf(int m, const BlockPlane& in, const TilePlace* tiles, int count, int step, float* v,
                     int64_t v_stride) {
  m == 4 ? GradientTiles<4>(in, tiles, count, step, v, v_stride)
         : GradientTiles<6>(in, tiles, count, step, v, v_stride);
}

void OutputTilesOf(int m, const float* products, int64_t row_stride, int64_t stride, const TilePlace* tiles, int count,
                   int step, const float* bias, bool relu, const BlockPlane& out, const BlockPlane& pooled) {
  m == 4 ? OutputTiles<4>(products, row_stride, stride, tiles, count, step, bias, relu, out, pooled)
         : OutputTiles<6>(products, row_stride, stride, tiles, count, step, bias, relu, out, pooled);
}

// ---- 3x3 over a plain image of few channels

template <int kPixels, int kBlocks>
HARDFACE_INLINE void PlanarPixels(const float* in, int64_t in_plane, int64_t in_row, int channels, const float* weights,
                                  int64_t weights_stride, const float* bias, Vec floor, float* out,
                                  int64_t out_stride) {
  Vec sum[kPixels][kBlocks];
  for (int p = 0; p < kPixels; ++p) {
    for (int j = 0; j < kBlocks; ++j) sum[p][j] = Load(bias + j * kWidth);
  }
  for (int channel = 0; channel < channels; ++channel) {
    for (int ky = 0; ky < 3; ++ky) {
      const float* const row = in + channel * in_plane + ky * in_row;
      for (int kx = 0; kx < 3; ++kx, weights += weights_stride) {
        Vec taps[kBlocks];
        for (int j = 0; j < kBlocks; ++j) taps[j] = Load(weights + j * kWidth);
#pragma GCC unroll 8
        for (int p = 0; p < kPixels; ++p) {
          const Vec x = Broadcast(row[p + kx]);
          for (int j = 0; j < kBlocks; ++j) sum[p][j] += x * taps[j];
        }
      }
    }
  }
  for (int p = 0; p < kPixels; ++p) {
    for (int j = 0; j < kBlocks; ++j) Store(out + j * out_stride + p * kWidth, Max(floor, sum[p][j]));
  }
}

template <int kBlocks>
void PlanarRowBlocks(const float* in, int64_t in_plane, int64_t in_row, int channels, const float* weights,
                     int64_t weights_stride, const float* bias, bool relu, int w, float* out, int64_t out_stride) {
  constexpr int kPixels = kRows == 14 ? 6 : kRows == 6 ? 3 : 1;
  const Vec floor = relu ? Vec{} : Broadcast(-__builtin_inff());
  int x = 0;
  for (; x + kPixels <= w; x += kPixels) {
    PlanarPixels<kPixels, kBlocks>(in + x, in_plane, in_row, channels, weights, weights_stride, bias, floor,
                                   out + int64_t{x} * kWidth, out_stride);
  }
  for (; x < w; ++x) {
    PlanarPixels<1, kBlocks>(in + x, in_plane, in_row, channels, weights, weights_stride, bias, floor,
                             out + int64_t{x} * kWidth, out_stride);
  }
}

void PlanarRow(const float* in, int64_t in_plane, int64_t in_row, int channels, const float* weights,
               int64_t weights_stride, int blocks, const float* bias, bool relu, int w, float* out,
               int64_t out_stride) {
  const auto run = [&](auto function) {
    function(in, in_plane, in_row, channels, weights, weights_stride, bias, relu, w, out, out_stride);
  };
  switch (blocks) {
    case 1:
      return run(&PlanarRowBlocks<1>);
    case 2:
      return run(&PlanarRowBlocks<2>);
    case 3:
      return run(&PlanarRowBlocks<3>);
    default:
      return run(&PlanarRowBlocks<4>);
  }
}

template <int kChannels>
HARDFACE_INLINE void PlanarOuter(const float* in, int64_t in_plane, int64_t in_row, const float* grad_out, int w,
                                 float* c) {
  Vec sum[kChannels * 9];
#pragma GCC unroll 27
  for (int k = 0; k < kChannels * 9; ++k) sum[k] = Load(c + k * kWidth);
  for (int x = 0; x < w; ++x) {
    const Vec gradient = Load(grad_out + int64_t{x} * kWidth);
#pragma GCC unroll 27
    for (int k = 0; k < kChannels * 9; ++k) {
      sum[k] += Broadcast(in[k / 9 * in_plane + k % 9 / 3 * in_row + x + k % 3]) * gradient;
    }
  }
#pragma GCC unroll 27
  for (int k = 0; k < kChannels * 9; ++k) Store(c + k * kWidth, sum[k]);
}

void PlanarRowOuter(const float* in, int64_t in_plane, int64_t in_row, int channels, const float* grad_out, int w,
                    float* c) {
  if (kRows == 14 && channels == 3) return PlanarOuter<3>(in, in_plane, in_row, grad_out, w, c);  // 27 of 32 registers
  for (int channel = 0; channel < channels; ++channel) {
    PlanarOuter<1>(in + channel * in_plane, in_plane, in_row, grad_out, w, c + channel * 9 * kWidth);
  }
}

// ---- transforms of weights

typedef double DoubleVec __attribute__((vector_size(8 * kWidth)));
constexpr int kMaxPoints = 8;

// By pointer: as a result, a vector wider than the registers would change the calling convention.
HARDFACE_INLINE void ToDouble(Vec v, DoubleVec* to) { *to = __builtin_convertvector(v, DoubleVec); }

void TransformTaps(const double* g, int n, const float* taps, float* to, int64_t stride, int lanes) {
  DoubleVec half[kMaxPoints][3];
  for (int x = 0; x < 3; ++x) {
    DoubleVec t0, t1, t2;
    ToDouble(Load(taps + x * kWidth), &t0);
    ToDouble(Load(taps + (3 + x) * kWidth), &t1);
    ToDouble(Load(taps + (6 + x) * kWidth), &t2);
    for (int a = 0; a < n; ++a) half[a][x] = g[3 * a] * t0 + g[3 * a + 1] * t1 + g[3 * a + 2] * t2;
  }
  for (int a = 0; a < n; ++a) {
    for (int b = 0; b < n; ++b) {
      const DoubleVec value = g[3 * b] * half[a][0] + g[3 * b + 1] * half[a][1] + g[3 * b + 2] * half[a][2];
      float* const target = to + (a * n + b) * stride;
      const Vec rounded = __builtin_convertvector(value, Vec);
      if (lanes == kWidth) {
        Store(target, rounded);
      } else {
        std::memcpy(target, &rounded, static_cast<size_t>(lanes) * sizeof(float));
      }
    }
  }
}

void TapGradients(const double* g, int n, const float* u, int64_t stride, float* taps) {
  Vec sums[9] = {};
  for (int b = 0; b < n; ++b) {
    Vec column[3] = {};
    for (int a = 0; a < n; ++a) {
      const Vec value = Load(u + (a * n + b) * stride);
      for (int y = 0; y < 3; ++y) column[y] += Broadcast(static_cast<float>(g[3 * a + y])) * value;
    }
    for (int k = 0; k < 9; ++k) sums[k] += Broadcast(static_cast<float>(g[3 * b + k % 3])) * column[k / 3];
  }
  for (int k = 0; k < 9; ++k) Store(taps + k * kWidth, sums[k]);
}

void BiasRelu(float* values, int64_t rows, const float* bias, bool relu) {
  const Vec bias_vector = Load(bias), floor = relu ? Vec{} : Broadcast(-__builtin_inff());
  for (int64_t i = 0; i < rows; ++i) Store(values + i * kWidth, Max(floor, Load(values + i * kWidth) + bias_vector));
}

void AddRows(const float* values, int64_t rows, float* sum) {
  Vec sums[4] = {Load(sum), Vec{}, Vec{}, Vec{}};
  int64_t i = 0;
  for (; i + 4 <= rows; i += 4) {
    for (int j = 0; j < 4; ++j) sums[j] += Load(values + (i + j) * kWidth);
  }
  for (; i < rows; ++i) sums[0] += Load(values + i * kWidth);
  Store(sum, (sums[0] + sums[1]) + (sums[2] + sums[3]));
}

// As many as hide a multiply-add's time and fit the registers.
constexpr int kMultiplyAddVectors = kRows == 14 ? 24 : kRows == 6 ? 12 : 6;

float MultiplyAdds(int64_t rounds) {
  Vec sums[kMultiplyAddVectors];
#pragma GCC unroll 24
  for (int j = 0; j < kMultiplyAddVectors; ++j) sums[j] = Broadcast(static_cast<float>(j));
  const Vec factor = Broadcast(0.999f), term = Broadcast(1e-6f);
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 24
    for (int j = 0; j < kMultiplyAddVectors; ++j) sums[j] = sums[j] * factor + term;
  }
  float sum = 0;
#pragma GCC unroll 24
  for (int j = 0; j < kMultiplyAddVectors; ++j) sum += sums[j][0];
  return sum;
}

ConvKernels MakeKernels(const char* name) {
  ConvKernels kernels;
  kernels.width = kWidth;
  kernels.name = name;
  kernels.row_group = kRows;
  kernels.gemm = &Gemm;
  kernels.outer = &Outer;
  kernels.input_tiles = &InputTilesOf;
  kernels.output_tiles = &OutputTilesOf;
  kernels.gradient_tiles = &GradientTilesOf;
  kernels.planar_row = &PlanarRow;
  kernels.planar_row_outer = &PlanarRowOuter;
  kernels.transform_taps = &TransformTaps;
  kernels.tap_gradients = &TapGradients;
  kernels.multiply_add_vectors = kMultiplyAddVectors;
  kernels.multiply_adds = &MultiplyAdds;
  kernels.bias_relu = &BiasRelu;
  kernels.add_rows = &AddRows;
  return kernels;
}

}  // namespace
}  // namespace hardface::model
