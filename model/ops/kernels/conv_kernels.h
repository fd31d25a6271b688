// The inner loops of convolution, compiled once for each instruction set and chosen at run time. Activations are in
// blocks of `width` channels (tensor.h), `width` being the floats of a vector register: 16 for AVX-512, else 8.
//
// Winograd's F(m x m, 3x3) computes m x m outputs from n x n inputs, n = m + 2, by n * n products ("frequencies")
// instead of 9 * m * m (Lavin and Gray, 2016). Its points are 0, infinity and, for m = 4, +-5/8 and +-3/2, which halve
// the error of the usual +-1 and +-2; for m = 6, +-1/2, +-1 and +-2.
#ifndef HARDFACE_MODEL_OPS_KERNELS_CONV_KERNELS_H_
#define HARDFACE_MODEL_OPS_KERNELS_CONV_KERNELS_H_

#include <cstdint>

namespace hardface::model {

enum class InstructionSet;  // model/ops/instruction_set.h

// Interpolation points of F(4x4) and F(6x6) beside 0 and infinity; each stands for itself and its negative.
inline constexpr float kWinograd4Points[2] = {0.625f, 1.5f};
inline constexpr float kWinograd6Points[3] = {0.5f, 1.0f, 2.0f};

// One channel block of a batch: `width` floats a pixel, rows of w pixels.
struct BlockPlane {
  float* data = nullptr;     // of image 0
  int64_t image_stride = 0;  // floats from an image to the next
  int h = 0, w = 0;
};

// A tile's first output pixel in image n. Its pixels are `step` apart: the dilation.
struct TilePlace {
  int n = 0, y = 0, x = 0;
};

// Weights packed for Gemm: for each pair of output blocks (the last may be single), K rows of the pair's floats.
struct ConvKernels {
  int width = 0;
  const char* name = "";
  // Tile rows that Gemm computes at a time; numbers of rows that are multiples of it run fastest.
  int row_group = 0;

  // C = A * B for ROWS rows. A: row r of channel block i at a + i * a_stride + r * width. B: K rows of BLOCKS * width
  // floats, BLOCKS 1 or 2, which the weights of the next call should lie behind, since they are fetched ahead. C: row r
  // of block j at c + j * c_stride + r * width.
  void (*gemm)(const float* a, int64_t a_stride, int rows, const float* b, int k, int blocks, float* c,
               int64_t c_stride);
  // C += A^T * B over TILES rows: C[i][j block] for the CHANNELS (1 .. width) channels of one block of A and BLOCKS (1
  // or 2) blocks of B, at b + j * b_stride. C: row i at c + i * c_stride, blocks one after the other.
  void (*outer)(const float* a, int channels, const float* b, int64_t b_stride, int blocks, int tiles, float* c,
                int64_t c_stride);

  // B^T d B of COUNT tiles: frequency (r, c) of tile t goes to v + r * v_row_stride + c * v_stride + t * width. Pixels
  // outside the image are 0.
  void (*input_tiles)(int m, const BlockPlane& in, const TilePlace* tiles, int count, int step, float* v,
                      int64_t v_row_stride, int64_t v_stride);
  // A^T m A of COUNT tiles + bias, ReLU where asked for, into OUT (data may be null) and, max-pooled 2x2, into POOLED
  // (data may be null; step must be 1).
  void (*output_tiles)(int m, const float* products, int64_t row_stride, int64_t stride, const TilePlace* tiles,
                       int count, int step, const float* bias, bool relu, const BlockPlane& out,
                       const BlockPlane& pooled);
  // A dY A^T of COUNT tiles of an output gradient, the adjoint of output_tiles: frequency f of tile t goes to v + f *
  // v_stride + t * width.
  void (*gradient_tiles)(int m, const BlockPlane& grad_out, const TilePlace* tiles, int count, int step, float* v,
                         int64_t v_stride);

  // 3x3 over few channels of a plain image that has a border of one pixel of zeros: one row of W pixels and BLOCKS (1
  // .. 4) blocks of channels. WEIGHTS: (in, 3, 3, blocks_total * width) from this row's first block on, rows
  // weights_stride apart.
  void (*planar_row)(const float* in, int64_t in_plane, int64_t in_row, int channels, const float* weights,
                     int64_t weights_stride, int blocks, const float* bias, bool relu, int w, float* out,
                     int64_t out_stride);
  // Its weight gradient: C (channels * 9, width) += sum over W pixels of in * grad_out.
  void (*planar_row_outer)(const float* in, int64_t in_plane, int64_t in_row, int channels, const float* grad_out,
                           int w, float* c);

  // Winograd's transform of the taps of `width` filters, G g G^T: TAPS (9, width) -> frequency f at to + f * stride,
  // LANES of its values. G (n, 3). In double precision, so that only the result is rounded.
  void (*transform_taps)(const double* g, int n, const float* taps, float* to, int64_t stride, int lanes);
  // Its adjoint G^T u G, for the gradient: frequency f at u + f * stride -> TAPS (9, width).
  void (*tap_gradients)(const double* g, int n, const float* u, int64_t stride, float* taps);

  // Multiply-adds on registers alone, to measure what the processor does at best: ROUNDS of `multiply_add_vectors`
  // vectors, each independent of the others. Returns a sum that keeps the compiler from leaving them out.
  int multiply_add_vectors = 0;
  float (*multiply_adds)(int64_t rounds);

  // In place: + bias, then ReLU where asked for, on ROWS vectors.
  void (*bias_relu)(float* values, int64_t rows, const float* bias, bool relu);
  // SUM (width) += the sum of ROWS vectors.
  void (*add_rows)(const float* values, int64_t rows, float* sum);
};

const ConvKernels& KernelsFor(InstructionSet set);

// Compiled for one instruction set each; KernelsFor chooses.
const ConvKernels& BaselineConvKernels();
const ConvKernels& Avx2ConvKernels();
const ConvKernels& Avx512ConvKernels();

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_OPS_KERNELS_CONV_KERNELS_H_
