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

absl::Status CudaDetectorRunner::Upload(const cv::Mat& image, ImageSlot* slot) const {
  HARDFACE_CHECK(image.type() == CV_8UC3);
  const int64_t row_bytes = int64_t{3} * image.cols, bytes = row_bytes * image.rows;
  // The copy before last may still read the staging memory; kernels are through with the pixels since this Start().
  RETURN_IF_ERROR(slot->copied.Synchronize());
  RETURN_IF_ERROR(slot->staging.Grow(bytes));
  RETURN_IF_ERROR(slot->pixels.Grow(bytes, "the image"));
  for (int y = 0; y < image.rows; ++y) {
    std::memcpy(slot->staging.as<uint8_t>() + y * row_bytes, image.ptr(y), static_cast<size_t>(row_bytes));
  }
  RETURN_IF_ERROR(CopyToDevice(slot->staging.data(), slot->pixels.data(), bytes, copies_.handle()));
  return slot->copied.Record(copies_.handle());
}

void CudaDetectorRunner::Preload(const cv::Mat& image) {
  ImageSlot* const slot = &slots_[1 - current_];
  slot->image = Upload(image, slot).ok() ? image : cv::Mat();
}

absl::Status CudaDetectorRunner::Start(const cv::Mat& image) {
  RETURN_IF_ERROR(context()->MakeCurrent());
  // Idle but after an error, when kernels of the last image may still be under way.
  RETURN_IF_ERROR(context()->stream().Synchronize());
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
  return slots_[current_].copied.HoldBack(context()->stream().handle());
}

absl::StatusOr<const CudaExecutor*> CudaDetectorRunner::Forward(const Shape& shape, const LevelGeometry& level,
                                                                bool mirror_first, cv::Point from) {
  ASSIGN_OR_RETURN(CudaExecutor* const executor, executors_->Get(shape, parameters_, updates_));
  DeviceLevel on_device{level.rows, level.columns, level.x_step, level.y_step};
  std::copy(model_.detector.bgr_mean.begin(), model_.detector.bgr_mean.end(), on_device.mean);
  on_device.factor = 1.0f / model_.info.input_divisor;
  on_device.mirror_first = mirror_first;
  on_device.from_x = from.x;
  on_device.from_y = from.y;
  RETURN_IF_ERROR(WriteNetworkInput({slots_[current_].pixels.as<uint8_t>(), rows_, columns_}, on_device,
                                    executor->input(), context()->stream().handle()));
  RETURN_IF_ERROR(executor->Forward());
  return executor;
}

absl::StatusOr<std::vector<AnchorPlane>> CudaDetectorRunner::Run(const cv::Mat& image, double scale, bool mirror,
                                                                 const std::function<cv::Mat()>& upcoming) {
  RETURN_IF_ERROR(Start(image));
  const LevelGeometry level = LevelGeometryOf(image.rows, image.cols, scale);
  const Shape shape = PaddedShape(model_.detector, level.rows, level.columns);
  ASSIGN_OR_RETURN(const CudaExecutor* const executor, Forward(shape, level, mirror));
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
    const cv::Mat next = upcoming();
    if (!next.empty()) Preload(next);
  }
  RETURN_IF_ERROR(context()->stream().Synchronize());
  return PlanesOf(
      model_.detector, [&on_host](const std::string& name) { return on_host.at(name); }, 0);
}

}  // namespace hardface::model
