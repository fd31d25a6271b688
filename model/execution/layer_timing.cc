#include "model/execution/layer_timing.h"

#include <chrono>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "model/execution/executor.h"
#include "model/execution/timing.h"
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
  const ParameterSet parameters = InitializeParameters(ListParameters(network), Initialization::kHe, /*seed=*/1);
  ExecutorOptions options;
  options.engine = engine;
  options.strips = false;  // each layer by itself
  ASSIGN_OR_RETURN(const auto executor, Executor::Create(network, input, options));
  executor->SetParameters(parameters);
  FillInputForTiming(executor->input());
  executor->Forward();

  std::vector<LayerTime> times;
  std::vector<std::vector<double>> seconds;  // by layer, then round
  for (int round = 0; round < rounds; ++round) {
    size_t place = 0;
    auto start = Clock::now();
    executor->Forward([&](const LayerSpec& layer, const Conv2d* convolution) {
      const std::chrono::duration<double> taken = Clock::now() - start;
      if (place == times.size()) {
        times.push_back({layer.name});
        if (convolution != nullptr) {
          times.back().direct_gflop = convolution->direct_flops() * 1e-9;
          times.back().product_gflop = convolution->forward_flops() * 1e-9;
        }
        seconds.emplace_back();
      }
      seconds[place++].push_back(taken.count());
      start = Clock::now();
    });
  }
  for (size_t i = 0; i < times.size(); ++i) times[i].seconds = Median(seconds[i]);
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
