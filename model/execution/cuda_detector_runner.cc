#include "model/execution/cuda_detector_runner.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/status_macros.h"
#include "model/execution/device_image.h"

namespace hardface::model {

absl::StatusOr<std::unique_ptr<CudaDetectorRunner>> CudaDetectorRunner::Create(
    const Model& model, const CudaDetectorRunnerOptions& options) {
  std::unique_ptr<CudaDetectorRunner> runner(new CudaDetectorRunner(model));
  CudaContextOptions of_context;
  of_context.device = options.device;
  ASSIGN_OR_RETURN(auto context, CudaContext::Create(of_context));
  runner->resources_ = std::make_shared<CudaExecutorResources>(std::move(context));
  ASSIGN_OR_RETURN(runner->copies_, CudaStream::Create());
  for (ImageSlot& slot : runner->slots_) {
    ASSIGN_OR_RETURN(slot.copied, CudaEvent::Create(/*timed=*/false));
  }
  const CudaStream& stream = runner->context()->stream();
  const NetworkSpec& network = model.detector.network;
  ASSIGN_OR_RETURN(runner->parameters_, DeviceParameters::Create(ListParameters(network), stream.handle()));
  RETURN_IF_ERROR(runner->parameters_.Upload(model.parameters, stream));
  CudaExecutorOptions of_executor;
  of_executor.precision = options.precision;
  of_executor.max_workspace = options.max_workspace;
  of_executor.resources = runner->resources_;
  runner->executors_ = std::make_unique<CudaExecutorCache>(network, of_executor);
  return runner;
}

// What is still queued after an error uses the memory that goes.
CudaDetectorRunner::~CudaDetectorRunner() {
  if (copies_.handle() != nullptr) WaitForAll();
}

void CudaDetectorRunner::WaitForAll() const {
  if (!context()->MakeCurrent().ok()) return;
  copies_.Synchronize().IgnoreError();
  context()->stream().Synchronize().IgnoreError();
}

absl::Status CudaDetectorRunner::UpdateParameters() {
  RETURN_IF_ERROR(context()->MakeCurrent());
  RETURN_IF_ERROR(context()->stream().Synchronize());  // what is queued may use the old ones
  ++updates_;
  return parameters_.Upload(model_.parameters, context()->stream());
}

absl::Status CudaDetectorRunner::ReleaseMemory() {
  RETURN_IF_ERROR(context()->MakeCurrent());
  return resources_->Release();
}

absl::Status CudaDetectorRunner::Upload(const std::vector<cv::Mat>& images, ImageSlot* slot) const {
  const cv::Size size = images[0].size();
  const int64_t row_bytes = int64_t{3} * size.width;
  const int64_t bytes = row_bytes * size.height * static_cast<int64_t>(images.size());
  // The copy before last may still read the staging memory; kernels are through with the pixels since this Start().
  RETURN_IF_ERROR(slot->copied.Synchronize());
  RETURN_IF_ERROR(slot->staging.Grow(bytes));
  RETURN_IF_ERROR(slot->pixels.Grow(bytes, "the image"));
  auto* to = slot->staging.as<uint8_t>();
  for (const cv::Mat& image : images) {
    HARDFACE_CHECK(image.type() == CV_8UC3 && image.size() == size);
    for (int y = 0; y < image.rows; ++y, to += row_bytes) {
      std::memcpy(to, image.ptr(y), static_cast<size_t>(row_bytes));
    }
  }
  RETURN_IF_ERROR(CopyToDevice(slot->staging.data(), slot->pixels.data(), bytes, copies_.handle()));
  return slot->copied.Record(copies_.handle());
}

void CudaDetectorRunner::Preload(const std::vector<cv::Mat>& images) {
  ImageSlot* const slot = &slots_[1 - current_];
  slot->images = Upload(images, slot).ok() ? images : std::vector<cv::Mat>();
}

absl::Status CudaDetectorRunner::Start(const std::vector<cv::Mat>& images) {
  RETURN_IF_ERROR(context()->MakeCurrent());
  // Idle but after an error, when kernels of the last images may still be under way.
  RETURN_IF_ERROR(context()->stream().Synchronize());
  ImageSlot& other = slots_[1 - current_];
  const bool preloaded =
      std::equal(images.begin(), images.end(), other.images.begin(), other.images.end(),
                 [](const cv::Mat& a, const cv::Mat& b) { return a.data == b.data && a.size() == b.size(); });
  if (preloaded) {
    current_ = 1 - current_;
  } else {
    RETURN_IF_ERROR(Upload(images, &slots_[current_]));
  }
  other.images.clear();
  rows_ = images[0].rows;
  columns_ = images[0].cols;
  return slots_[current_].copied.HoldBack(context()->stream().handle());
}

DeviceLevel CudaDetectorRunner::OnDevice(const LevelGeometry& level) const {
  DeviceLevel on_device{level.rows, level.columns, level.x_step, level.y_step};
  std::copy(model_.detector.bgr_mean.begin(), model_.detector.bgr_mean.end(), on_device.mean);
  on_device.factor = 1.0f / model_.info.input_divisor;
  return on_device;
}

absl::StatusOr<const CudaExecutor*> CudaDetectorRunner::Forward(const Shape& shape, const LevelGeometry& level,
                                                                bool mirror_first, cv::Point from) {
  ASSIGN_OR_RETURN(CudaExecutor* const executor, executors_->Get(shape, parameters_, updates_));
  DeviceLevel on_device = OnDevice(level);
  on_device.mirror_first = mirror_first;
  on_device.from_x = from.x;
  on_device.from_y = from.y;
  RETURN_IF_ERROR(WriteNetworkInput({slots_[current_].pixels.as<uint8_t>(), rows_, columns_}, on_device,
                                    executor->input(), context()->stream().handle()));
  RETURN_IF_ERROR(executor->Forward());
  return executor;
}

absl::StatusOr<const CudaExecutor*> CudaDetectorRunner::ForwardBatch(const std::vector<RunnerImage>& images,
                                                                     const LevelGeometry& level) {
  Shape shape = PaddedShape(model_.detector, level.rows, level.columns);
  shape.n = static_cast<int>(images.size());
  ASSIGN_OR_RETURN(CudaExecutor* const executor, executors_->Get(shape, parameters_, updates_));
  const uint8_t* pixels = slots_[current_].pixels.as<uint8_t>();
  DeviceTensor input = executor->input();
  input.shape.n = 1;
  DeviceLevel on_device = OnDevice(level);
  for (const RunnerImage& image : images) {
    on_device.mirror_first = image.mirror;
    RETURN_IF_ERROR(WriteNetworkInput({pixels, rows_, columns_}, on_device, input, context()->stream().handle()));
    pixels += int64_t{3} * rows_ * columns_;
    input.data = static_cast<char*>(input.data) + input.bytes();
  }
  RETURN_IF_ERROR(executor->Forward());
  return executor;
}

absl::StatusOr<std::vector<std::vector<AnchorPlane>>> CudaDetectorRunner::Run(
    const std::vector<RunnerImage>& images, double scale, const std::function<std::vector<cv::Mat>()>& upcoming) {
  std::vector<cv::Mat> pixels;
  for (const RunnerImage& image : images) pixels.push_back(image.pixels);
  RETURN_IF_ERROR(Start(pixels));
  const auto forward = ForwardBatch(images, LevelGeometryOf(rows_, columns_, scale));
  // What this attempt holds is room that a smaller batch may need.
  if (absl::IsResourceExhausted(forward.status())) RETURN_IF_ERROR(resources_->Release());
  ASSIGN_OR_RETURN(const CudaExecutor* const executor, forward);
  constexpr auto kFloat = static_cast<int64_t>(sizeof(float));
  const std::vector<std::string>& names = model_.detector.network.outputs;
  int64_t floats = 0;
  for (const std::string& name : names) floats += executor->output(name).shape.size();
  RETURN_IF_ERROR(outputs_.Grow(floats * kFloat));
  std::map<std::string, TensorView> on_host;
  float* data = outputs_.as<float>();
  for (const std::string& name : names) {
    const TensorView output = executor->output(name);
    RETURN_IF_ERROR(CopyToHost(output.data, data, output.shape.size() * kFloat, context()->stream().handle()));
    on_host[name] = {data, output.shape, /*block=*/1};
    data += output.shape.size();
  }
  if (upcoming != nullptr) {
    const std::vector<cv::Mat> next = upcoming();
    if (!next.empty()) Preload(next);
  }
  RETURN_IF_ERROR(context()->stream().Synchronize());
  std::vector<std::vector<AnchorPlane>> planes;
  for (int n = 0; n < static_cast<int>(images.size()); ++n) {
    planes.push_back(PlanesOf(
        model_.detector, [&on_host](const std::string& name) { return on_host.at(name); }, n));
  }
  return planes;
}

}  // namespace hardface::model
