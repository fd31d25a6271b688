#include "infer/level_runner.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "data_tools/base/check.h"
#include "data_tools/base/status_macros.h"
#include "model/image_input.h"

namespace hardface {
namespace {

// Activations grow in proportion to the pixels: of an image of this side, by which all others are judged.
constexpr int kProbeSide = 512;

double MeasureBytesPerPixel(const Model& model, ExecutorOptions options) {
  options.resources = std::make_shared<ExecutorResources>();
  const auto executor = Executor::Create(model.detector.network, {1, 3, kProbeSide, kProbeSide}, options);
  HARDFACE_CHECK(executor.ok());
  return static_cast<double>((*executor)->activation_bytes()) / (kProbeSide * kProbeSide);
}

// Tiles' cores are equal but for the last; a tile is its core and the overlap around it, moved inside the level.
struct Span {
  int core_begin, core_end;  // pixels
  int begin;                 // of the tile
};

std::vector<Span> SpansOf(int size, int count, int tile, int overlap, int multiple) {
  const int core = RoundUp((size + count - 1) / count, multiple);
  std::vector<Span> spans;
  for (int begin = 0; begin < size; begin += core) {
    spans.push_back({begin, std::min(begin + core, size), std::clamp(begin - overlap, 0, size - tile)});
  }
  return spans;
}

int TileSize(int size, int count, int overlap, int multiple) {
  return count == 1 ? size : std::min(size, RoundUp((size + count - 1) / count, multiple) + 2 * overlap);
}

// Copies the cells that stand for a tile's core from its output map to the level's.
void CopyCore(const TensorView& tile, const Span& rows, const Span& columns, int stride, const TensorView& level) {
  const int width = (columns.core_end - columns.core_begin) / stride;
  for (int c = 0; c < tile.shape.c; ++c) {
    for (int y = rows.core_begin; y < rows.core_end; y += stride) {
      std::memcpy(level.row(0, c, y / stride) + columns.core_begin / stride,
                  tile.row(0, c, (y - rows.begin) / stride) + (columns.core_begin - columns.begin) / stride,
                  static_cast<size_t>(width) * sizeof(float));
    }
  }
}

}  // namespace

LevelRunner::LevelRunner(const Model& model, const ExecutorOptions& options)
    : model_(model), executors_(model.detector.network, options) {
  overlap_ = RoundUp(ReceptiveRadius(model.detector.network), model.detector.size_multiple);
  bytes_per_pixel_ = MeasureBytesPerPixel(model, options);
}

absl::StatusOr<LevelPlan> LevelRunner::Plan(int height, int width, bool flip, int64_t activation_bytes) const {
  const double limit =
      activation_bytes == 0 ? std::numeric_limits<double>::infinity() : static_cast<double>(activation_bytes);
  LevelPlan plan{flip, 1, 1, height, width};
  const double whole = bytes_per_pixel_ * height * width;
  if (whole * (flip ? 2 : 1) <= limit) return plan;
  plan.passes_together = false;
  if (whole <= limit) return plan;
  const int multiple = model_.detector.size_multiple;
  double best = std::numeric_limits<double>::infinity(), least = whole;
  for (int rows = 1; rows <= (height + multiple - 1) / multiple; ++rows) {
    for (int columns = 1; columns <= (width + multiple - 1) / multiple; ++columns) {
      const int tile_height = TileSize(height, rows, overlap_, multiple);
      const int tile_width = TileSize(width, columns, overlap_, multiple);
      const double tile = static_cast<double>(tile_height) * tile_width, all = tile * rows * columns;
      least = std::min(least, bytes_per_pixel_ * tile);
      if (bytes_per_pixel_ * tile > limit || all >= best) continue;
      best = all;
      plan = {false, rows, columns, tile_height, tile_width};
    }
  }
  if (std::isfinite(best)) return plan;
  return absl::ResourceExhaustedError(absl::StrCat("even the smallest tile of a level of ", width, " x ", height,
                                                   " pixels needs ", static_cast<int64_t>(least * 1e-6) + 1,
                                                   " MB for activations, and ", activation_bytes / 1000000,
                                                   " MB are left for them"));
}

absl::Status LevelRunner::RunWhole(const cv::Mat& level, const LevelPlan& plan, const Shape& padded, bool flip,
                                   const Visitor& visit) {
  const int passes = flip ? 2 : 1, batch = plan.passes_together ? passes : 1;
  for (int first = 0; first < passes; first += batch) {
    const Shape shape{batch, 3, padded.h, padded.w};
    ASSIGN_OR_RETURN(Executor* const executor, executors_.Get(shape, model_.parameters, /*version=*/0));
    for (int n = 0; n < batch; ++n) {
      WriteNetworkInput(level, model_.info.input_divisor, /*mirror=*/first + n == 1, n, executor->input());
    }
    executor->Forward();
    for (int n = 0; n < batch; ++n) {
      visit(
          first + n == 1, [executor](const std::string& name) { return executor->output(name); }, n);
    }
  }
  return absl::OkStatus();
}

absl::Status LevelRunner::RunTiles(const cv::Mat& level, const LevelPlan& plan, const Shape& padded, bool mirrored,
                                   const Visitor& visit) {
  const int multiple = model_.detector.size_multiple;
  ASSIGN_OR_RETURN(const auto shapes, InferShapes(model_.detector.network, padded));
  std::map<std::string, Tensor> outputs;
  for (const std::string& name : model_.detector.network.outputs) outputs.emplace(name, Tensor(shapes.at(name)));
  for (const Span& rows : SpansOf(padded.h, plan.rows, plan.tile_height, overlap_, multiple)) {
    for (const Span& columns : SpansOf(padded.w, plan.columns, plan.tile_width, overlap_, multiple)) {
      const Shape shape{1, 3, plan.tile_height, plan.tile_width};
      ASSIGN_OR_RETURN(Executor* const executor, executors_.Get(shape, model_.parameters, /*version=*/0));
      WriteNetworkInput(level, model_.info.input_divisor, mirrored, 0, executor->input(), {columns.begin, rows.begin});
      executor->Forward();
      for (auto& [name, output] : outputs) {
        CopyCore(executor->output(name), rows, columns, padded.h / output.shape().h, output.view());
      }
    }
  }
  visit(
      mirrored, [&outputs](const std::string& name) { return outputs.at(name).view(); }, 0);
  return absl::OkStatus();
}

absl::Status LevelRunner::Run(const cv::Mat& level, bool flip, int64_t activation_bytes, const Visitor& visit) {
  const int multiple = model_.detector.size_multiple;
  const Shape padded{1, 3, RoundUp(level.rows, multiple), RoundUp(level.cols, multiple)};
  ASSIGN_OR_RETURN(const LevelPlan plan, Plan(padded.h, padded.w, flip, activation_bytes));
  if (plan.rows == 1 && plan.columns == 1) return RunWhole(level, plan, padded, flip, visit);
  RETURN_IF_ERROR(RunTiles(level, plan, padded, /*mirrored=*/false, visit));
  return flip ? RunTiles(level, plan, padded, /*mirrored=*/true, visit) : absl::OkStatus();
}

}  // namespace hardface
