// How long each layer of a network takes on the CPU, and what share of the processor's multiply-add peak it reaches.
#ifndef HARDFACE_MODEL_EXECUTION_LAYER_TIMING_H_
#define HARDFACE_MODEL_EXECUTION_LAYER_TIMING_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "model/detectors/network.h"
#include "model/ops/conv2d.h"
#include "model/ops/tensor.h"

namespace hardface::model {

struct LayerTime {
  std::string layer;         // "conv1_2"; layers other than convolutions are told by their names, too
  double seconds = 0;        // median over rounds
  double direct_gflop = 0;   // 2 per multiply-add of a direct convolution; 0 of other layers
  double product_gflop = 0;  // of the products that the engine's method computes: fewer with Winograd
};

// Times the layers of NETWORK for INPUT (N, 3, H, W) with random weights, after one run that packs them. A convolution
// whose pooling is fused has both in its time. Layers come in the network's order.
absl::StatusOr<std::vector<LayerTime>> TimeLayers(const NetworkSpec& network, const Shape& input, Conv2dEngine engine,
                                                  int rounds);

// A table with a line for each layer and one for all. PEAK: operations a second (MeasureMultiplyAddPeak). The share of
// it counts the products that are computed; the ratio to a direct convolution at full peak may exceed 1 with Winograd.
std::string LayersMarkdown(const std::vector<LayerTime>& layers, double peak);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_EXECUTION_LAYER_TIMING_H_
