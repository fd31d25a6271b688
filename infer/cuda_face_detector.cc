#include "infer/cuda_face_detector.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "model/detectors/anchors.h"
#include "model/execution/device_image.h"

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
  std::unique_ptr<CudaFaceDetector> detector(new CudaFaceDetector(model, options));
  model::CudaContextOptions context_options;
  context_options.device = options.device;
  ASSIGN_OR_RETURN(detector->context_, model::CudaContext::Create(context_options));
  ASSIGN_OR_RETURN(detector->copies_, model::CudaStream::Create());
  for (ImageSlot& slot : detector->slots_) {
    ASSIGN_OR_RETURN(slot.copied, model::CudaEvent::Create(/*timed=*/false));
  }
  const model::CudaStream& stream = detector->context_->stream();
  ASSIGN_OR_RETURN(detector->parameters_,
                   model::DeviceParameters::Create(model::ListParameters(model.detector.network), stream.handle()));
  RETURN_IF_ERROR(detector->parameters_.Upload(model.parameters, stream));
  detector->resources_ = std::make_shared<model::CudaExecutorResources>(detector->context_);
  detector->max_workspace_ = WorkspaceWithin(options.memory_limit);
  model::CudaExecutorOptions executor_options;
  executor_options.precision = options.precision;
  executor_options.resources = detector->resources_;
  executor_options.max_workspace = detector->max_workspace_;
  const model::NetworkSpec& network = model.detector.network;
  detector->executors_ = std::make_unique<model::CudaExecutorCache>(network, executor_options);
  ASSIGN_OR_RETURN(const int64_t probe,
                   model::CudaExecutor::ActivationBytes(network, {1, 3, kProbeSide, kProbeSide}, executor_options));
  detector->rules_ = TileRulesOf(model.detector, static_cast<double>(probe) / (kProbeSide * kProbeSide));
  ASSIGN_OR_RETURN(detector->detections_, DeviceDetections::Create(options.detections, detector->context_));
  return detector;
}

// What is still queued after an error uses the memory that goes.
CudaFaceDetector::~CudaFaceDetector() {
  if (context_ == nullptr || copies_.handle() == nullptr || !context_->MakeCurrent().ok()) return;
  copies_.Synchronize().IgnoreError();
  context_->stream().Synchronize().IgnoreError();
}

absl::Status CudaFaceDetector::Upload(const cv::Mat& image, ImageSlot* slot) const {
  HARDFACE_CHECK(image.type() == CV_8UC3);
  const int64_t row_bytes = int64_t{3} * image.cols, bytes = row_bytes * image.rows;
  // The copy before last may still read the staging memory; kernels are through with the pixels since this Start().
  RETURN_IF_ERROR(slot->copied.Synchronize());
  RETURN_IF_ERROR(slot->staging.Grow(bytes));
  RETURN_IF_ERROR(slot->pixels.Grow(bytes, "the image"));
  for (int y = 0; y < image.rows; ++y) {
    std::memcpy(slot->staging.as<uint8_t>() + y * row_bytes, image.ptr(y), static_cast<size_t>(row_bytes));
  }
  RETURN_IF_ERROR(model::CopyToDevice(slot->staging.data(), slot->pixels.data(), bytes, copies_.handle()));
  return slot->copied.Record(copies_.handle());
}

void CudaFaceDetector::Preload(const cv::Mat& image) {
  ImageSlot* const slot = &slots_[1 - current_];
  slot->image = Upload(image, slot).ok() ? image : cv::Mat();
}

absl::Status CudaFaceDetector::Start(const cv::Mat& image) {
  RETURN_IF_ERROR(context_->MakeCurrent());
  // Idle but after an error, when kernels of the last image may still be under way.
  RETURN_IF_ERROR(context_->stream().Synchronize());
  ImageSlot& other = slots_[1 - current_];
  const bool preloaded = !other.image.empty() && other.image.data == image.data && other.image.size() == image.size();
  if (preloaded) {
    current_ = 1 - current_;
  } else {
    RETURN_IF_ERROR(Upload(image, &slots_[current_]));
  }
  other.image.release();
  rows_ = image.rows;
  columns_ = image.cols;
  detections_->Start(/*kept=*/0);
  return slots_[current_].copied.HoldBack(context_->stream().handle());
}

absl::StatusOr<model::CudaExecutor*> CudaFaceDetector::ExecutorFor(const model::Shape& shape) {
  // Engines are timed in memory of its own, which would come on top of the last shape's activations.
  if (options_.memory_limit > 0 && !executors_->Has(shape)) RETURN_IF_ERROR(resources_->Release());
  return executors_->Get(shape, parameters_, /*version=*/0);
}

absl::Status CudaFaceDetector::WriteInput(const model::LevelGeometry& geometry, const model::CudaExecutor& executor,
                                          bool mirror_first, int from_x, int from_y) const {
  model::DeviceLevel level{geometry.rows, geometry.columns, geometry.x_step, geometry.y_step};
  std::copy(model_.detector.bgr_mean.begin(), model_.detector.bgr_mean.end(), level.mean);
  level.factor = 1.0f / model_.info.input_divisor;
  level.mirror_first = mirror_first;
  level.from_x = from_x;
  level.from_y = from_y;
  return model::WriteNetworkInput({slots_[current_].pixels.as<uint8_t>(), rows_, columns_}, level, executor.input(),
                                  context_->stream().handle());
}

absl::Status CudaFaceDetector::AddPass(const model::LevelGeometry& geometry, double scale, bool mirrored,
                                       const std::function<model::TensorView(const std::string&)>& output, int n) {
  PassGeometry pass;
  pass.level_width = geometry.columns;
  pass.level_height = geometry.rows;
  pass.factor = static_cast<float>(1.0 / scale);
  pass.image_width = static_cast<float>(columns_);
  pass.mirrored = mirrored;
  return detections_->AddPass(model::PlanesOf(model_.detector, output, n), pass);
}

absl::Status CudaFaceDetector::RunWhole(const model::LevelGeometry& geometry, double scale, const LevelPlan& plan,
                                        int first_pass) {
  const int passes = plan.passes_together ? 2 : 1;
  ASSIGN_OR_RETURN(model::CudaExecutor* const executor, ExecutorFor({passes, 3, plan.tile_height, plan.tile_width}));
  RETURN_IF_ERROR(WriteInput(geometry, *executor, /*mirror_first=*/first_pass == 1, 0, 0));
  RETURN_IF_ERROR(executor->Forward());
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
    RETURN_IF_ERROR(context_->stream().Synchronize());  // what is queued may use the old memory
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
      ASSIGN_OR_RETURN(model::CudaExecutor* const executor, ExecutorFor(shape));
      RETURN_IF_ERROR(WriteInput(geometry, *executor, mirrored, columns.begin, rows.begin));
      RETURN_IF_ERROR(executor->Forward());
      for (const auto& [name, map] : maps) {
        RETURN_IF_ERROR(
            CopyCore(executor->output(name), rows, columns, padded.h / map.shape.h, map, context_->stream().handle()));
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
  int64_t weights = 0;
  for (const auto& [name, of_layer] : resources_->weights) weights += of_layer->bytes();
  if (weights == 0) weights = parameters_.size() * 4;  // before the first executor
  // The image and the next one.
  const int64_t held = kContextBytes + 2 * int64_t{3} * rows_ * columns_ + parameters_.size() * 4 + weights +
                       detections_->bytes() + of_level + max_workspace_;
  if (held < options_.memory_limit) return options_.memory_limit - held;
  return absl::ResourceExhaustedError(absl::StrCat(
      "an image of ", columns_, " x ", rows_, " pixels and this model take ", held / 1000000, " MB of cuda:",
      options_.device, " before any activations; raise --memory_limit (", options_.memory_limit / 1000000, " MB)"));
}

absl::StatusOr<LevelPlan> CudaFaceDetector::Plan(const model::Shape& padded) const {
  const double max_pixels = kMaxElements / ElementsPerPixel(model_.detector.network);
  int64_t most = std::min(max_activations_, static_cast<int64_t>(rules_.bytes_per_pixel * max_pixels));
  if (options_.memory_limit > 0) {
    ASSIGN_OR_RETURN(const int64_t left, BytesLeft(padded));
    most = std::min(most, left);
  }
  ASSIGN_OR_RETURN(const LevelPlan plan, PlanLevel(rules_, padded.h, padded.w, options_.flip, most));
  const int64_t held = resources_->arena.bytes();
  if (rules_.BytesOf(plan) <= held) return plan;
  // More than ever before: a first guess that saves failing attempts, of which each may time engines in vain.
  ASSIGN_OR_RETURN(const int64_t free, model::FreeDeviceBytes());
  const int64_t usable = free + held + resources_->workspace.bytes();
  if (rules_.BytesOf(plan) <= usable - usable / 8) return plan;
  auto smaller = PlanLevel(rules_, padded.h, padded.w, options_.flip, std::max<int64_t>(1, usable - usable / 8));
  return smaller.ok() ? smaller : plan;  // the attempt's error says more
}

absl::Status CudaFaceDetector::RunLevel(double scale) {
  const model::LevelGeometry geometry = model::LevelGeometryOf(rows_, columns_, scale);
  const int multiple = model_.detector.size_multiple;
  const model::Shape padded{1, 3, model::RoundUp(geometry.rows, multiple), model::RoundUp(geometry.columns, multiple)};
  const int passes = detections_->passes();
  ASSIGN_OR_RETURN(const LevelPlan plan, Plan(padded));
  RETURN_IF_ERROR(RunInSmallerPieces(
      rules_, padded.h, padded.w, plan,
      [&](const LevelPlan& pieces) {
        detections_->Start(passes);  // without those that an attempt has added
        last_plan_ = pieces;
        return RunPlan(geometry, scale, padded, pieces);
      },
      [this] { return resources_->Release(); }));
  if (rules_.BytesOf(last_plan_) < rules_.BytesOf(plan)) max_activations_ = rules_.BytesOf(last_plan_);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<data::Detection>> CudaFaceDetector::Finish() {
  ASSIGN_OR_RETURN(const std::vector<ScoredBox> boxes, detections_->Finish());
  return ToDetections(boxes);
}

}  // namespace hardface::infer
