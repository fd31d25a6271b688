#include "train/step/cuda_step_engine.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <opencv2/core/mat.hpp>
#include <string>
#include <utility>

#include "base/random.h"
#include "base/status_macros.h"
#include "model/detectors/anchors.h"
#include "model/execution/cuda_executor.h"
#include "model/execution/device_image.h"
#include "model/execution/image_input.h"
#include "train/data/random_stream.h"
#include "train/ranks/nccl_communicator.h"
#include "train/ranks/range_buckets.h"
#include "train/step/device_loss.h"
#include "train/step/device_solver.h"
#include "train/step/loss_scale.h"
#include "train/step/teacher.h"

namespace hardface::train {
namespace {

constexpr int64_t kFloat = sizeof(float);
// Filling between two parameters in DeviceParameters is shorter than this.
constexpr int64_t kLargestGap = 63;
// In a checkpoint, beside the solver's arrays: the factor, and the finite steps since it last fell.
constexpr char kLossScaleName[] = "loss_scale";

// A teacher (teacher.h) beside the network that it teaches, on the same stream.
class DeviceTeacher {
 public:
  static absl::StatusOr<std::unique_ptr<DeviceTeacher>> Create(const model::Model* teacher,
                                                               const model::DetectorSpec& student,
                                                               const StepEngineOptions& options,
                                                               std::shared_ptr<model::CudaContext> context) {
    RETURN_IF_ERROR(CheckTeacher(teacher->detector, student, options.teacher_name));
    const model::CudaStream& stream = context->stream();
    auto made = std::unique_ptr<DeviceTeacher>(new DeviceTeacher(teacher));
    ASSIGN_OR_RETURN(made->parameters_, model::DeviceParameters::Create(
                                            model::ListParameters(teacher->detector.network), stream.handle()));
    RETURN_IF_ERROR(made->parameters_.Upload(teacher->parameters, stream));
    model::CudaExecutorOptions executor;
    executor.precision = options.precision;
    executor.deterministic = options.deterministic;
    executor.resources = std::make_shared<model::CudaExecutorResources>(std::move(context));
    made->executors_ = std::make_unique<model::CudaExecutorCache>(teacher->detector.network, executor);
    return made;
  }

  // For images of SHAPE, which are to be written into its input. Valid until the next call.
  absl::StatusOr<model::CudaExecutor*> Executor(const model::Shape& shape) {
    ASSIGN_OR_RETURN(executor_, executors_->Get(shape, parameters_, /*version=*/0));
    return executor_;
  }
  float input_factor() const { return 1.0f / model_->info.input_divisor; }

  // What it says of image N, after Forward() of the executor.
  std::vector<model::AnchorPlane> Planes(int n) const {
    return model::PlanesOf(
        model_->detector, [this](const std::string& name) { return executor_->output(name); }, n);
  }

  // Counts when what it says comes to lie elsewhere.
  int64_t moves() const { return executors_->resources().moves; }
  int64_t bytes() const { return executors_->resources().bytes() + parameters_.size() * kFloat; }

 private:
  explicit DeviceTeacher(const model::Model* model) : model_(model) {}

  const model::Model* const model_;
  model::DeviceParameters parameters_;
  std::unique_ptr<model::CudaExecutorCache> executors_;
  model::CudaExecutor* executor_ = nullptr;
};

class CudaStepEngine : public StepEngine {
 public:
  CudaStepEngine(model::Model* model, const StepEngineOptions& options, Communicator* communicator)
      : options_(options),
        model_(model),
        specs_(model::ListParameters(model->detector.network)),
        step_images_(options.batch * options.itersize * communicator->size()),
        loss_scale_(options.precision == model::Precision::kFp16),
        communicator_(communicator) {}

  absl::Status Allocate() {
    if (options_.reduction == Reduction::kOrdered) {
      return absl::InvalidArgumentError(
          "--reduction=ordered is for training on the CPU; on GPUs take fast, which gives the same bits at every run "
          "with the same ranks");
    }
    model::CudaContextOptions context;
    context.device = options_.device.index;
    ASSIGN_OR_RETURN(context_, model::CudaContext::Create(context));
    if (communicator_->size() > 1) {
      ASSIGN_OR_RETURN(nccl_, JoinNccl(context_, communicator_));
      communicator_ = nccl_.get();
    }
    ASSIGN_OR_RETURN(parameters_, model::DeviceParameters::Create(specs_, stream()));
    ASSIGN_OR_RETURN(gradients_, model::DeviceParameters::Create(specs_, stream()));
    RETURN_IF_ERROR(parameters_.Upload(model_->parameters, context_->stream()));
    ASSIGN_OR_RETURN(solver_, DeviceSolver::Create(specs_, options_.solver, context_));
    ASSIGN_OR_RETURN(loss_, DeviceDetectionLoss::Create(options_.targets, options_.batch, context_));
    model::CudaExecutorOptions executor;
    executor.training = true;
    executor.precision = options_.precision;
    executor.deterministic = options_.deterministic;
    executor.resources = std::make_shared<model::CudaExecutorResources>(context_);
    executor.frozen = FrozenParts(options_.solver);
    executors_ = std::make_unique<model::CudaExecutorCache>(model_->detector.network, executor);
    if (options_.teacher != nullptr) {
      ASSIGN_OR_RETURN(teacher_, DeviceTeacher::Create(options_.teacher, model_->detector, options_, context_));
    }
    ASSIGN_OR_RETURN(copies_, model::CudaStream::Create());
    for (Staging& staging : staging_) {
      ASSIGN_OR_RETURN(staging.copied, model::CudaEvent::Create(/*timed=*/false));
      ASSIGN_OR_RETURN(staging.used, model::CudaEvent::Create(/*timed=*/false));
      RETURN_IF_ERROR(staging.copied.Record(copies_.handle()));
      RETURN_IF_ERROR(staging.used.Record(stream()));
    }
    return absl::OkStatus();
  }

  absl::Status BeginStep(float hard_negatives) override {
    // Validation may have made another device current in this thread.
    RETURN_IF_ERROR(context_->MakeCurrent());
    loss_->SetHardNegativeShare(hard_negatives);
    numbers_.clear();
    return model::FillWithZeros(gradients_.data(), gradients_.size() * kFloat, stream());
  }

  absl::Status Pass(int pass, const std::vector<PassImage>& images) override {
    const model::Shape shape =
        PassShape(images, model::PaddedMultiple(model_->detector.size_multiple, options_.pad_to));
    ASSIGN_OR_RETURN(model::CudaExecutor* const executor, executors_->Get(shape, parameters_, updates_));
    std::vector<NetworkInput> inputs = {{executor, 1.0f / model_->info.input_divisor}};
    if (teacher_ != nullptr) {
      ASSIGN_OR_RETURN(model::CudaExecutor* const teacher, teacher_->Executor(shape));
      inputs.push_back({teacher, teacher_->input_factor()});
    }
    RETURN_IF_ERROR(WriteInput(images, inputs));
    if (teacher_ != nullptr) RETURN_IF_ERROR(inputs[1].executor->Forward());
    RETURN_IF_ERROR(BeginLoss(images, *executor));
    // Sums over ranks begin within the last backward pass, which is queued call by call then. All else of a pass is
    // recorded as a graph where its shape comes often.
    const bool sums = pass == options_.itersize - 1 && communicator_->size() > 1;
    const auto work = [&]() -> absl::Status {
      RETURN_IF_ERROR(executor->Forward());
      RETURN_IF_ERROR(AddLosses(images, *executor));
      return sums ? absl::OkStatus() : executor->Backward(loss_scale_.value(), gradients_);
    };
    const bool all_read =
        std::all_of(images.begin(), images.end(), [](const PassImage& image) { return image.sample != nullptr; });
    RETURN_IF_ERROR(all_read ? executor->Run(KeyOfPass(sums), work) : work());
    RETURN_IF_ERROR(loss_->End());
    if (!sums) return absl::OkStatus();
    return executor->Backward(loss_scale_.value(), gradients_, [&](const std::string& layer) {
      Complete(layer);
      return absl::OkStatus();
    });
  }

  absl::StatusOr<StepOutcome> FinishStep(int64_t iteration, const std::function<absl::Status()>& meanwhile) override {
    buckets_.Flush();
    RETURN_IF_ERROR(communicator_->Wait());
    RETURN_IF_ERROR(solver_->Step(iteration, loss_scale_.value(), gradients_, parameters_));
    ++updates_;
    if (meanwhile != nullptr) RETURN_IF_ERROR(meanwhile());
    ASSIGN_OR_RETURN(const std::vector<DeviceOutcome> outcomes, loss_->Outcomes());
    ASSIGN_OR_RETURN(const GradientScale gradient, solver_->LastGradient());
    StepOutcome result;
    result.gradient_norm = gradient.norm;
    result.left_out = loss_scale_.LeaveOut(gradient.finite);
    for (size_t i = 0; i < outcomes.size(); ++i) {
      const LossParts loss{outcomes[i].loss.classification, outcomes[i].loss.regression};
      result.images.push_back({numbers_[i], loss, outcomes[i].faces});
    }
    return result;
  }

  absl::Status Stage(const std::vector<PassImage>& images) override {
    ASSIGN_OR_RETURN(staged_, Upload(images));
    return absl::OkStatus();
  }

  absl::Status UpdateModel() override {
    RETURN_IF_ERROR(context_->MakeCurrent());
    return parameters_.Download(&model_->parameters, context_->stream());
  }

  absl::StatusOr<model::ParameterSet> AveragedParameters() override {
    if (solver_->average() == nullptr) return model_->parameters;
    model::ParameterSet averaged = model::ZeroParameters(specs_);
    RETURN_IF_ERROR(solver_->average()->Download(&averaged, context_->stream()));
    return averaged;
  }

  absl::StatusOr<model::ParameterSet> SolverArrays() override {
    ASSIGN_OR_RETURN(model::ParameterSet arrays, solver_->State());
    if (options_.precision == model::Precision::kFp16) {
      arrays[kLossScaleName] = {{2}, {loss_scale_.value(), static_cast<float>(loss_scale_.finite_steps())}};
    }
    return arrays;
  }

  absl::Status Restore(const model::ParameterSet& solver, const std::string& source) override {
    ++updates_;
    RETURN_IF_ERROR(parameters_.Upload(model_->parameters, context_->stream()));
    // A training in another precision has none: then it starts anew.
    const auto scale = solver.find(kLossScaleName);
    if (scale != solver.end() && scale->second.values.size() == 2) {
      loss_scale_.Set(scale->second.values[0], static_cast<int>(scale->second.values[1]));
    }
    return solver_->Restore(solver, source);
  }

  int64_t bytes() const override {
    const int64_t teacher = teacher_ != nullptr ? teacher_->bytes() : 0;
    return executors_->resources().bytes() + (parameters_.size() + gradients_.size()) * kFloat + teacher;
  }

 private:
  // A pass's images on their way to the device.
  struct Staging {
    model::PinnedMemory host;    // a DeviceSample of each, then their pixels; read until COPIED
    model::DeviceMemory device;  // the same; read until USED
    model::CudaEvent copied, used;
    std::vector<int64_t> numbers;  // of the images
  };

  model::CudaStreamHandle stream() const { return context_->stream().handle(); }

  static std::vector<int64_t> NumbersOf(const std::vector<PassImage>& images) {
    std::vector<int64_t> numbers;
    for (const PassImage& image : images) numbers.push_back(image.number);
    return numbers;
  }

  // The samples go to the device as they are, beside what is being computed. Two passes' ways there take turns, so that
  // a pass need not wait for the one before it.
  absl::StatusOr<Staging*> Upload(const std::vector<PassImage>& images) {
    Staging& staging = staging_[next_staging_];
    staging.numbers = NumbersOf(images);
    next_staging_ = (next_staging_ + 1) % staging_.size();
    int64_t bytes = SampleBytes(images);
    for (const PassImage& image : images) {
      if (image.sample != nullptr) bytes += static_cast<int64_t>(image.sample->image.total()) * 3 * kFloat;
    }
    RETURN_IF_ERROR(staging.copied.Synchronize());  // of the pass before last
    RETURN_IF_ERROR(staging.host.Grow(bytes));
    if (staging.device.bytes() < bytes) {
      RETURN_IF_ERROR(context_->stream().Synchronize());  // what is queued may use the old memory
      RETURN_IF_ERROR(staging.device.Grow(bytes, "a pass's images"));
    }
    auto* sample = staging.host.as<model::DeviceSample>();
    auto* const first = reinterpret_cast<float*>(staging.host.as<char>() + SampleBytes(images));
    float* host = first;
    for (const PassImage& image : images) {
      *sample++ = image.sample != nullptr
                      ? model::DeviceSample{host - first, image.sample->image.rows, image.sample->image.cols}
                      : model::DeviceSample();
      if (image.sample == nullptr) continue;
      const cv::Mat& pixels = image.sample->image;
      const size_t row_floats = static_cast<size_t>(pixels.cols) * 3;
      for (int y = 0; y < pixels.rows; ++y, host += row_floats) {
        std::memcpy(host, pixels.ptr<float>(y), row_floats * kFloat);
      }
    }
    RETURN_IF_ERROR(staging.used.HoldBack(copies_.handle()));
    RETURN_IF_ERROR(model::CopyToDevice(staging.host.data(), staging.device.data(), bytes, copies_.handle()));
    RETURN_IF_ERROR(staging.copied.Record(copies_.handle()));
    return &staging;
  }

  // A network that sees the samples, and what their pixels are multiplied with for it.
  struct NetworkInput {
    model::CudaExecutor* executor;
    float factor;
  };

  // Lays the samples, which may have reached the device before, out in each of the INPUTS.
  absl::Status WriteInput(const std::vector<PassImage>& images, const std::vector<NetworkInput>& inputs) {
    Staging* way = std::exchange(staged_, nullptr);
    if (way == nullptr || way->numbers != NumbersOf(images)) {
      ASSIGN_OR_RETURN(way, Upload(images));
    }
    Staging& staging = *way;
    RETURN_IF_ERROR(staging.copied.HoldBack(stream()));
    const auto* const pixels = reinterpret_cast<const float*>(staging.device.as<char>() + SampleBytes(images));
    for (const NetworkInput& input : inputs) {
      RETURN_IF_ERROR(model::WriteSampleInput(staging.device.as<model::DeviceSample>(), pixels, model::kBgrMean,
                                              input.factor, input.executor->input(), stream()));
    }
    return staging.used.Record(stream());
  }

  static int64_t SampleBytes(const std::vector<PassImage>& images) {
    return static_cast<int64_t>(images.size() * sizeof(model::DeviceSample));
  }

  absl::Status BeginLoss(const std::vector<PassImage>& images, const model::CudaExecutor& executor) {
    std::vector<LossImage> of_loss;
    for (const PassImage& image : images) {
      if (image.sample == nullptr) continue;
      const uint64_t seed = Random({options_.seed, kNegativesStream, static_cast<uint64_t>(image.number)}).Next();
      of_loss.push_back({FacesOf(*image.sample), image.sample->image.cols, image.sample->image.rows, seed});
      numbers_.push_back(image.number);
    }
    return loss_->Begin(of_loss,
                        model::PlanesOf(
                            model_->detector, [&](const std::string& name) { return executor.output(name); }, 0));
  }

  // The losses of the images that were read.
  absl::Status AddLosses(const std::vector<PassImage>& images, const model::CudaExecutor& executor) {
    int read = 0;
    for (size_t i = 0; i < images.size(); ++i) {
      if (images[i].sample == nullptr) continue;
      const auto n = static_cast<int>(i);
      const auto planes = model::PlanesOf(
          model_->detector, [&](const std::string& name) { return executor.output(name); }, n);
      const auto gradients = model::PlanesOf(
          model_->detector, [&](const std::string& name) { return executor.output_gradient(name); }, n);
      TeacherView teacher;
      if (teacher_ != nullptr) teacher = {teacher_->Planes(n), options_.teacher_weight};
      RETURN_IF_ERROR(loss_->Add(read++, planes, 1.0f / static_cast<float>(step_images_), gradients, teacher));
    }
    return absl::OkStatus();
  }

  // All that decides, beside the shape, what a pass of images that were all read queues.
  std::vector<int64_t> KeyOfPass(bool sums) const {
    std::vector<int64_t> key = loss_->Key();
    key.push_back(sums);
    key.push_back(static_cast<int64_t>(loss_scale_.value()));
    if (teacher_ != nullptr) key.push_back(teacher_->moves());
    return key;
  }

  void Complete(const std::string& layer) {
    for (const char* const part : {".weight", ".bias"}) {
      const std::string name = layer + part;
      const int64_t begin = gradients_.at(name) - gradients_.data();
      buckets_.Add(begin, begin + gradients_.size_of(name));
    }
  }

  const StepEngineOptions options_;
  model::Model* const model_;
  const std::vector<model::ParameterSpec> specs_;
  const int step_images_;  // of all ranks
  LossScale loss_scale_;
  Communicator* communicator_;  // of the gradients
  std::shared_ptr<model::CudaContext> context_;
  std::unique_ptr<Communicator> nccl_;
  model::DeviceParameters parameters_, gradients_;
  RangeBuckets buckets_{options_.bucket_bytes / kFloat, kLargestGap, [this](int64_t begin, int64_t end) {
                          communicator_->StartSum(gradients_.data() + begin, end - begin);
                        }};
  std::unique_ptr<DeviceSolver> solver_;
  std::unique_ptr<DeviceDetectionLoss> loss_;
  std::unique_ptr<model::CudaExecutorCache> executors_;
  std::unique_ptr<DeviceTeacher> teacher_;  // may be null
  model::CudaStream copies_;                // images' way to the device
  std::array<Staging, 2> staging_;
  size_t next_staging_ = 0;
  Staging* staged_ = nullptr;     // what Stage() has uploaded for the next pass
  std::vector<int64_t> numbers_;  // of the step's images
  int64_t updates_ = 0;           // of the parameters
};

}  // namespace

absl::StatusOr<std::unique_ptr<StepEngine>> MakeCudaStepEngine(model::Model* model, const StepEngineOptions& options,
                                                               Communicator* communicator) {
  auto engine = std::make_unique<CudaStepEngine>(model, options, communicator);
  RETURN_IF_ERROR(engine->Allocate());
  return engine;
}

}  // namespace hardface::train
