#include "model/execution/layer_timing.h"

#include <algorithm>
#include <chrono>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "model/execution/executor.h"
#include "model/weights/parameters.h"

namespace hardface::model {
namespace {

using Clock = std::chrono::steady_clock;

std::string Line(const LayerTime& time, double peak, double all_seconds) {
  std::string line = absl::StrFormat("| %s | %.2f | %.1f %% |", time.layer, time.seconds * 1e3,
                                     all_seconds > 0 ? 100 * time.seconds / all_seconds : 0);
  if (time.direct_gflop == 0) return absl::StrCat(line, " | | |\n");
  absl::StrAppendFormat(&line, " %.2f | %.0f %% | %.2f |\n", time.direct_gflop,
                        100 * time.product_gflop * 1e9 / time.seconds / peak,
                        time.direct_gflop * 1e9 / time.seconds / peak);
  return line;
}

}  // namespace

absl::StatusOr<std::vector<LayerTime>> TimeLayers(const NetworkSpec& network, const Shape& input, Conv2dEngine engine,
                                                  int rounds) {
  ASSIGN_OR_RETURN(const auto shapes, InferShapes(network, input));
  const ParameterSet parameters = InitializeParameters(ListParameters(network), Initialization::kHe, /*seed=*/1);
  ExecutorOptions options;
  options.engine = engine;
  ASSIGN_OR_RETURN(const auto executor, Executor::Create(network, input, options));
  executor->SetParameters(parameters);
  const TensorView image = executor->input();
  for (int64_t i = 0; i < image.stored(); ++i) image.data[i] = static_cast<float>(i % 255 - 127) / 64;
  executor->Forward();

  std::vector<LayerTime> times;
  std::vector<std::vector<double>> seconds;  // by layer, then round
  for (int round = 0; round < rounds; ++round) {
    size_t place = 0;
    auto start = Clock::now();
    executor->Forward([&](const LayerSpec& layer, double flops) {
      const auto now = Clock::now();
      if (place == times.size()) {
        LayerTime time{layer.name};
        if (layer.kind == LayerKind::kConv2d) {
          const double in_channels = shapes.at(layer.inputs[0]).c;
          time.direct_gflop =
              2e-9 * static_cast<double>(shapes.at(layer.name).size()) * in_channels * layer.kernel * layer.kernel;
          time.product_gflop = flops * 1e-9;
        }
        times.push_back(time);
        seconds.emplace_back();
      }
      seconds[place++].push_back(std::chrono::duration<double>(now - start).count());
      start = Clock::now();
    });
  }
  for (size_t i = 0; i < times.size(); ++i) {
    std::sort(seconds[i].begin(), seconds[i].end());
    times[i].seconds = seconds[i][seconds[i].size() / 2];
  }
  return times;
}

std::string LayersMarkdown(const std::vector<LayerTime>& layers, double peak) {
  LayerTime all{"all"};
  for (const LayerTime& time : layers) {
    all.seconds += time.seconds;
    all.direct_gflop += time.direct_gflop;
    all.product_gflop += time.product_gflop;
  }
  std::string text = absl::StrFormat(
      "Multiply-add peak: %.0f GFLOP/s\n\n"
      "| layer | ms | of all | GFLOP, direct | its products: share of the peak | against a direct convolution at the "
      "peak |\n"
      "|---|---|---|---|---|---|\n",
      peak * 1e-9);
  for (const LayerTime& time : layers) absl::StrAppend(&text, Line(time, peak, all.seconds));
  return absl::StrCat(text, Line(all, peak, all.seconds));
}

}  // namespace hardface::model
