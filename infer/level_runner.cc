#include "infer/level_runner.h"

#include <cstring>
#include <map>
#include <memory>
#include <string>

#include "base/check.h"
#include "base/status_macros.h"
#include "model/execution/detector_runner.h"

namespace hardface::infer {
namespace {

// Activations grow in proportion to the pixels: of an image of this side, by which all others are judged.
constexpr int kProbeSide = 512;

double MeasureBytesPerPixel(const model::Model& model, model::ExecutorOptions options) {
  options.resources = std::make_shared<model::ExecutorResources>();
  options.strips = false;  // which save least on small levels, and depend on the number of threads
  const auto executor = model::Executor::Create(model.detector.network, {1, 3, kProbeSide, kProbeSide}, options);
  HARDFACE_CHECK(executor.ok());
  return static_cast<double>((*executor)->activation_bytes()) / (kProbeSide * kProbeSide);
}

// Copies the cells that stand for a tile's core from its output map to the level's.
void CopyCore(const model::TensorView& tile, const TileSpan& rows, const TileSpan& columns, int stride,
              const model::TensorView& level) {
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

LevelRunner::LevelRunner(const model::Model& model, const model::ExecutorOptions& options)
    : model_(model),
      runner_(model, options),
      rules_(TileRulesOf(model.detector, MeasureBytesPerPixel(model, options))) {}

absl::Status LevelRunner::RunWhole(const cv::Mat& level, const LevelPlan& plan, const model::Shape& padded, bool flip,
                                   const Visitor& visit) {
  const int passes = flip ? 2 : 1, batch = plan.passes_together ? passes : 1;
  for (int first = 0; first < passes; first += batch) {
    std::vector<model::ShownImage> images;
    for (int n = 0; n < batch; ++n) images.push_back({level, /*mirror=*/first + n == 1});
    RETURN_IF_ERROR(runner_.Forward({batch, 3, padded.h, padded.w}, images));
    for (int n = 0; n < batch; ++n) visit(images[static_cast<size_t>(n)].mirror, runner_.planes(n));
  }
  return absl::OkStatus();
}

absl::Status LevelRunner::RunTiles(const cv::Mat& level, const LevelPlan& plan, const model::Shape& padded,
                                   bool mirrored, const Visitor& visit) {
  ASSIGN_OR_RETURN(const auto shapes, model::InferShapes(model_.detector.network, padded));
  std::map<std::string, model::Tensor> outputs;
  for (const std::string& name : model_.detector.network.outputs) outputs.emplace(name, model::Tensor(shapes.at(name)));
  for (const TileSpan& rows : TileRows(rules_, plan, padded.h)) {
    for (const TileSpan& columns : TileColumns(rules_, plan, padded.w)) {
      RETURN_IF_ERROR(
          runner_.Forward({1, 3, plan.tile_height, plan.tile_width}, {{level, mirrored, {columns.begin, rows.begin}}}));
      for (auto& [name, output] : outputs) {
        CopyCore(runner_.output(name), rows, columns, padded.h / output.shape().h, output.view());
      }
    }
  }
  visit(mirrored, model::PlanesOf(
                      model_.detector, [&outputs](const std::string& name) { return outputs.at(name).view(); }, 0));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<model::AnchorPlane>> LevelRunner::RunTile(const cv::Mat& tile, const model::Shape& shape,
                                                                     bool mirrored) {
  RETURN_IF_ERROR(runner_.Forward(shape, {{tile, mirrored}}));
  return runner_.planes(0);
}

absl::Status LevelRunner::Run(const cv::Mat& level, bool flip, int64_t activation_bytes, const Visitor& visit) {
  const model::Shape padded = model::PaddedShape(model_.detector, level.rows, level.cols);
  ASSIGN_OR_RETURN(const LevelPlan plan, Plan(padded.h, padded.w, flip, activation_bytes));
  if (plan.whole()) return RunWhole(level, plan, padded, flip, visit);
  RETURN_IF_ERROR(RunTiles(level, plan, padded, /*mirrored=*/false, visit));
  return flip ? RunTiles(level, plan, padded, /*mirrored=*/true, visit) : absl::OkStatus();
}

}  // namespace hardface::infer
