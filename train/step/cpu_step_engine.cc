#include "train/step/cpu_step_engine.h"

#include <functional>
#include <memory>
#include <opencv2/core/mat.hpp>
#include <utility>

#include "base/random.h"
#include "base/status_macros.h"
#include "model/detectors/anchors.h"
#include "model/execution/cpu_detector_runner.h"
#include "model/execution/executor.h"
#include "model/execution/image_input.h"
#include "train/data/random_stream.h"
#include "train/step/teacher.h"

namespace hardface::train {
namespace {

model::ExecutorOptions ExecutorOptionsOf(const StepEngineOptions& options) {
  model::ExecutorOptions executor;
  executor.training = true;
  executor.engine = options.engine;
  executor.frozen = FrozenParts(options.solver);
  return executor;
}

class CpuStepEngine : public StepEngine {
 public:
  CpuStepEngine(model::Model* model, const StepEngineOptions& options, Communicator* communicator,
                std::unique_ptr<Teacher> teacher)
      : options_(options),
        teacher_(std::move(teacher)),
        model_(model),
        step_images_(options.batch * options.itersize * communicator->size()),
        targets_(options.targets),
        solver_(model::ListParameters(model->detector.network), options.solver),
        gradients_(model::ListParameters(model->detector.network),
                   {options.reduction, options.itersize, options.bucket_bytes}, communicator),
        runner_(*model, ExecutorOptionsOf(options)) {}

  absl::Status BeginStep(float hard_negatives) override {
    targets_.hard_negative_share = hard_negatives;
    outcome_ = {};
    gradients_.BeginStep();
    return absl::OkStatus();
  }

  absl::Status Pass(int pass, const std::vector<PassImage>& images) override {
    const model::Shape shape =
        PassShape(images, model::PaddedMultiple(model_->detector.size_multiple, options_.pad_to));
    if (teacher_ != nullptr) RETURN_IF_ERROR(teacher_->Run(shape, images));
    RETURN_IF_ERROR(runner_.Forward(shape, ShownImages(images), updates_));
    for (int n = 0; n < shape.n; ++n) {
      if (images[static_cast<size_t>(n)].sample != nullptr) AddLoss(images[static_cast<size_t>(n)], n);
    }
    const bool last = pass == options_.itersize - 1;
    runner_.executor()->Backward(gradients_.pass_gradients(pass), [&](const std::string& layer) {
      if (last) gradients_.Complete(layer);
    });
    return absl::OkStatus();
  }

  absl::StatusOr<StepOutcome> FinishStep(int64_t iteration,
                                         const std::function<absl::Status()>& /*meanwhile*/) override {
    RETURN_IF_ERROR(gradients_.Finish());
    outcome_.gradient_norm = solver_.Step(iteration, gradients_.gradients(), &model_->parameters);
    ++updates_;
    return std::move(outcome_);
  }

  absl::Status UpdateModel() override { return absl::OkStatus(); }
  absl::StatusOr<model::ParameterSet> AveragedParameters() override { return solver_.AveragedOr(model_->parameters); }
  absl::StatusOr<model::ParameterSet> SolverArrays() override { return solver_.State(); }
  absl::Status Restore(const model::ParameterSet& solver, const std::string& source) override {
    ++updates_;
    return solver_.Restore(solver, source);
  }
  int64_t bytes() const override { return runner_.resources().bytes(); }

 private:
  void AddLoss(const PassImage& image, int n) {
    const data::TrainingSample& sample = *image.sample;
    const auto planes = runner_.planes(n);
    const auto gradients = model::PlanesOf(
        model_->detector, [this](const std::string& name) { return runner_.executor()->output_gradient(name); }, n);
    const std::vector<mining::FaceBox> faces = FacesOf(sample);
    const mining::AnchorLabels labels =
        mining::LabelAnchors(planes, faces, sample.image.cols, sample.image.rows, targets_);
    Random random({options_.seed, kNegativesStream, static_cast<uint64_t>(image.number)});
    const mining::SampledAnchors sampled = mining::SampleAnchors(planes, labels, targets_, &random);
    ImageOutcome outcome{image.number, {}, mining::FaceScores(planes, labels, faces.size())};
    TeacherView teacher;
    if (teacher_ != nullptr) teacher = {teacher_->Planes(n), options_.teacher_weight};
    outcome.loss = DetectionLoss(planes, labels, sampled, 1.0f / static_cast<float>(step_images_), gradients, teacher);
    outcome_.images.push_back(std::move(outcome));
  }

  const StepEngineOptions options_;
  const std::unique_ptr<Teacher> teacher_;  // may be null
  model::Model* const model_;
  const int step_images_;  // of all ranks
  mining::TargetOptions targets_;
  Solver solver_;
  GradientExchange gradients_;
  model::CpuDetectorRunner runner_;
  int64_t updates_ = 0;  // of the parameters
  StepOutcome outcome_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<StepEngine>> MakeCpuStepEngine(model::Model* model, const StepEngineOptions& options,
                                                              Communicator* communicator) {
  std::unique_ptr<Teacher> teacher;
  if (options.teacher != nullptr) {
    ASSIGN_OR_RETURN(teacher, Teacher::Create(options.teacher, model->detector, options.engine, options.teacher_name));
  }
  return std::make_unique<CpuStepEngine>(model, options, communicator, std::move(teacher));
}

}  // namespace hardface::train
