#include "infer/cuda_face_detector.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "model/detectors/anchors.h"
#include "model/execution/detector_runner.h"

namespace hardface::infer {
namespace {

// Activations grow in proportion to the pixels: of an image of this side, by which all others are judged.
constexpr int kProbeSide = 512;
// What the driver takes for a process: its context, code and cuDNN's kernels. A guess that a first run on a GPU should
// replace.
constexpr int64_t kContextBytes = int64_t{512} << 20;
// cuDNN's engines count the elements of a tensor in 32 bits, with few exceptions.
constexpr double kMaxElements = std::numeric_limits<int32_t>::max();

// The most elements of a layer for each pixel of the input.
double ElementsPerPixel(const model::NetworkSpec& network) {
  const auto shapes = model::InferShapes(network, {1, 3, kProbeSide, kProbeSide});
  HARDFACE_CHECK(shapes.ok());
  int64_t most = 0;
  for (const auto& [name, shape] : *shapes)
    most = std::max(most, int64_t{model::StoredChannels(shape.c)} * shape.h * shape.w);
  return static_cast<double>(most) / (kProbeSide * kProbeSide);
}

// Under a limit, an eighth of it for the convolutions' workspace: engines that want more are rarely faster here.
int64_t WorkspaceWithin(int64_t memory_limit) {
  return memory_limit == 0 ? model::kMaxConvWorkspace : std::min(model::kMaxConvWorkspace, memory_limit / 8);
}

}  // namespace

absl::StatusOr<std::unique_ptr<CudaFaceDetector>> CudaFaceDetector::Create(const model::Model& model,
                                                                           const CudaFaceDetectorOptions& options) {
  model::CudaDetectorRunnerOptions of_runner;
  of_runner.device = options.device;
  of_runner.precision = options.precision;
  of_runner.max_workspace = WorkspaceWithin(options.memory_limit);
  ASSIGN_OR_RETURN(auto runner, model::CudaDetectorRunner::Create(model, of_runner));
  std::unique_ptr<CudaFaceDetector> detector(new CudaFaceDetector(model, options, std::move(runner)));
  detector->max_workspace_ = of_runner.max_workspace;
  model::CudaExecutorOptions of_executor;
  of_executor.precision = options.precision;
  ASSIGN_OR_RETURN(const int64_t probe, model::CudaExecutor::ActivationBytes(
                                            model.detector.network, {1, 3, kProbeSide, kProbeSide}, of_executor));
  detector->rules_ = TileRulesOf(model.detector, static_cast<double>(probe) / (kProbeSide * kProbeSide));
  ASSIGN_OR_RETURN(detector->detections_, DeviceDetections::Create(options.detections, detector->runner_->context()));
  return detector;
}

absl::Status CudaFaceDetector::Start(const cv::Mat& image) {
  RETURN_IF_ERROR(runner_->Start({image}));
  detections_->Start(/*kept=*/0);
  return absl::OkStatus();
}

absl::StatusOr<const model::CudaExecutor*> CudaFaceDetector::Forward(const model::Shape& shape,
                                                                     const model::LevelGeometry& geometry,
                                                                     bool mirror_first, cv::Point from) {
  // Engines are timed in memory of its own, which would come on top of the last shape's activations.
  if (options_.memory_limit > 0 && !runner_->Has(shape)) RETURN_IF_ERROR(runner_->resources().Release());
  return runner_->Forward(shape, geometry, mirror_first, from);
}

absl::Status CudaFaceDetector::AddPass(const model::LevelGeometry& geometry, double scale, bool mirrored,
                                       const std::function<model::TensorView(const std::string&)>& output, int n) {
  PassGeometry pass;
  pass.level_width = geometry.columns;
  pass.level_height = geometry.rows;
  pass.factor = static_cast<float>(1.0 / scale);
  pass.image_width = static_cast<float>(runner_->columns());
  pass.mirrored = mirrored;
  return detections_->AddPass(model::PlanesOf(model_.detector, output, n), pass);
}

absl::Status CudaFaceDetector::RunWhole(const model::LevelGeometry& geometry, double scale, const LevelPlan& plan,
                                        int first_pass) {
  const int passes = plan.passes_together ? 2 : 1;
  ASSIGN_OR_RETURN(const model::CudaExecutor* const executor,
                   Forward({passes, 3, plan.tile_height, plan.tile_width}, geometry, /*mirror_first=*/first_pass == 1));
  const auto output = [executor](const std::string& name) { return executor->output(name); };
  for (int n = 0; n < passes; ++n) {
    RETURN_IF_ERROR(AddPass(geometry, scale, /*mirrored=*/first_pass + n == 1, output, n));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::map<std::string, model::TensorView>> CudaFaceDetector::LevelMaps(const model::Shape& padded) {
  ASSIGN_OR_RETURN(const auto shapes, model::InferShapes(model_.detector.network, padded));
  int64_t floats = 0;
  for (const std::string& name : model_.detector.network.outputs) floats += shapes.at(name).size();
  const int64_t bytes = floats * static_cast<int64_t>(sizeof(float));
  if (bytes > maps_.bytes()) {
    RETURN_IF_ERROR(runner_->context()->stream().Synchronize());  // what is queued may use the old memory
    RETURN_IF_ERROR(maps_.Grow(bytes, "the level's output maps"));
  }
  std::map<std::string, model::TensorView> maps;
  float* data = maps_.as<float>();
  for (const std::string& name : model_.detector.network.outputs) {
    maps[name] = {data, shapes.at(name), /*block=*/1};
    data += shapes.at(name).size();
  }
  return maps;
}

absl::Status CudaFaceDetector::RunTiles(const model::LevelGeometry& geometry, double scale, const model::Shape& padded,
                                        const LevelPlan& plan, bool mirrored) {
  ASSIGN_OR_RETURN(const auto maps, LevelMaps(padded));
  const model::Shape shape{1, 3, plan.tile_height, plan.tile_width};
  for (const TileSpan& rows : TileRows(rules_, plan, padded.h)) {
    for (const TileSpan& columns : TileColumns(rules_, plan, padded.w)) {
      ASSIGN_OR_RETURN(const model::CudaExecutor* const executor,
                       Forward(shape, geometry, mirrored, {columns.begin, rows.begin}));
      for (const auto& [name, map] : maps) {
        RETURN_IF_ERROR(CopyCore(executor->output(name), rows, columns, padded.h / map.shape.h, map,
                                 runner_->context()->stream().handle()));
      }
    }
  }
  return AddPass(
      geometry, scale, mirrored, [&maps](const std::string& name) { return maps.at(name); }, 0);
}

absl::Status CudaFaceDetector::RunPlan(const model::LevelGeometry& geometry, double scale, const model::Shape& padded,
                                       const LevelPlan& plan) {
  for (int pass = 0; pass < (options_.flip ? 2 : 1); pass += plan.passes_together ? 2 : 1) {
    if (plan.whole()) {
      RETURN_IF_ERROR(RunWhole(geometry, scale, plan, pass));
    } else {
      RETURN_IF_ERROR(RunTiles(geometry, scale, padded, plan, /*mirrored=*/pass == 1));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> CudaFaceDetector::BytesLeft(const model::Shape& padded) const {
  ASSIGN_OR_RETURN(const auto shapes, model::InferShapes(model_.detector.network, padded));
  int64_t of_level = 0;  // maps, and a key for each anchor
  for (const model::DetectionHead& head : model_.detector.heads) {
    const model::Shape& scores = shapes.at(head.scores);
    of_level += (scores.size() + shapes.at(head.boxes).size()) * static_cast<int64_t>(sizeof(float)) +
                scores.size() / 2 * DeviceDetections::kRankingBytes;
  }
  const int rows = runner_->rows(), columns = runner_->columns();
  int64_t weights = 0;
  for (const auto& [name, of_layer] : runner_->resources().weights) weights += of_layer->bytes();
  if (weights == 0) weights = runner_->parameters().size() * 4;  // before the first executor
  // The image and the next one.
  const int64_t held = kContextBytes + 2 * int64_t{3} * rows * columns + runner_->parameters().size() * 4 + weights +
                       detections_->bytes() + of_level + max_workspace_;
  if (held < options_.memory_limit) return options_.memory_limit - held;
  return absl::ResourceExhaustedError(absl::StrCat("an image of ", columns, " x ", rows, " pixels and this model take ",
                                                   held / 1000000, " MB of cuda:", options_.device,
                                                   " before any activations; raise --memory_limit (",
                                                   options_.memory_limit / 1000000, " MB)"));
}

absl::StatusOr<LevelPlan> CudaFaceDetector::Plan(const model::Shape& padded) const {
  const double max_pixels = kMaxElements / ElementsPerPixel(model_.detector.network);
  int64_t most = std::min(max_activations_, static_cast<int64_t>(rules_.bytes_per_pixel * max_pixels));
  if (options_.memory_limit > 0) {
    ASSIGN_OR_RETURN(const int64_t left, BytesLeft(padded));
    most = std::min(most, left);
  }
  ASSIGN_OR_RETURN(const LevelPlan plan, PlanLevel(rules_, padded.h, padded.w, options_.flip, most));
  const int64_t held = runner_->resources().arena.bytes();
  if (rules_.BytesOf(plan) <= held) return plan;
  // More than ever before: a first guess that saves failing attempts, of which each may time engines in vain.
  ASSIGN_OR_RETURN(const int64_t free, model::FreeDeviceBytes());
  const int64_t usable = free + held + runner_->resources().workspace.bytes();
  if (rules_.BytesOf(plan) <= usable - usable / 8) return plan;
  auto smaller = PlanLevel(rules_, padded.h, padded.w, options_.flip, std::max<int64_t>(1, usable - usable / 8));
  return smaller.ok() ? smaller : plan;  // the attempt's error says more
}

absl::Status CudaFaceDetector::RunLevel(double scale) {
  const model::LevelGeometry geometry = model::LevelGeometryOf(runner_->rows(), runner_->columns(), scale);
  const model::Shape padded = model::PaddedShape(model_.detector, geometry.rows, geometry.columns);
  const int passes = detections_->passes();
  ASSIGN_OR_RETURN(const LevelPlan plan, Plan(padded));
  RETURN_IF_ERROR(RunInSmallerPieces(
      rules_, padded.h, padded.w, plan,
      [&](const LevelPlan& pieces) {
        detections_->Start(passes);  // without those that an attempt has added
        last_plan_ = pieces;
        return RunPlan(geometry, scale, padded, pieces);
      },
      [this] { return runner_->resources().Release(); }));
  if (rules_.BytesOf(last_plan_) < rules_.BytesOf(plan)) max_activations_ = rules_.BytesOf(last_plan_);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<data::Detection>> CudaFaceDetector::Finish() {
  ASSIGN_OR_RETURN(const std::vector<ScoredBox> boxes, detections_->Finish());
  return ToDetections(boxes);
}

}  // namespace hardface::infer
