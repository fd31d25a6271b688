// What computes the steps of a training: forward, loss, backward, the sum over passes and ranks, and the solver. One
// for the CPU, one for a CUDA device; checkpoints of either go on with the other.
#ifndef HARDFACE_TRAIN_STEP_STEP_ENGINE_H_
#define HARDFACE_TRAIN_STEP_STEP_ENGINE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "data_tools/augmentation/training_sample.h"
#include "mining/anchor_targets.h"
#include "mining/face_score.h"
#include "model/cuda/precision.h"
#include "model/detectors/network.h"
#include "model/execution/cpu_detector_runner.h"
#include "model/execution/device.h"
#include "model/ops/conv2d.h"
#include "model/ops/tensor.h"
#include "model/weights/model_file.h"
#include "model/weights/parameters.h"
#include "train/ranks/communicator.h"
#include "train/ranks/gradient_exchange.h"
#include "train/step/losses.h"
#include "train/step/solver.h"

namespace hardface::train {

struct StepEngineOptions {
  SolverOptions solver;
  mining::TargetOptions targets;
  int batch = 1;     // images of a pass
  int pad_to = 0;    // pixels: sides of a pass are multiples of it, and of what the detector wants in any case
  int itersize = 2;  // of a step, on each rank
  Reduction reduction = Reduction::kFast;
  int64_t bucket_bytes = int64_t{4} << 20;
  uint64_t seed = 1;
  model::Device device;
  model::Conv2dEngine engine = model::Conv2dEngine::kFastest;  // of the CPU
  model::Precision precision = model::Precision::kBf16;        // of a CUDA device
  bool deterministic = true;                                   // of a CUDA device: the same bits at every run
  // A model to learn from beside the labels (teacher.h), and its share in the targets, 0..1.
  const model::Model* teacher = nullptr;
  float teacher_weight = 0.5f;
  std::string teacher_name;  // for errors
};

// An image of a pass. SAMPLE is null where it could not be read: the image then counts as empty, without a loss.
struct PassImage {
  int64_t number = 0;  // of the visit, in the whole training: decides what is drawn at random
  const data::TrainingSample* sample = nullptr;
};

// Whether a part has no gradient: the early blocks, where they do not learn.
std::function<bool(model::NetworkPart)> FrozenParts(const SolverOptions& options);

// The sample's faces as targets are made from them.
std::vector<mining::FaceBox> FacesOf(const data::TrainingSample& sample);

struct ImageOutcome {
  int64_t number = 0;
  LossParts loss;
  std::vector<mining::FaceScore> faces;  // of the sample's faces
};

struct StepOutcome {
  // Of the gradient, before clipping. Where it is not finite the weights have not changed.
  double gradient_norm = 0;
  // An fp16 step that overflowed and was left out; the loss scale has been lowered. No error.
  bool left_out = false;
  std::vector<ImageOutcome> images;  // those that were read, pass by pass
};

// Every rank makes the same calls. Not thread-safe.
class StepEngine {
 public:
  virtual ~StepEngine() = default;

  // HARD_NEGATIVES: TargetOptions::hard_negative_share of this step.
  virtual absl::Status BeginStep(float hard_negatives) = 0;
  // Passes 0 .. passes - 1, with `batch` images each.
  virtual absl::Status Pass(int pass, const std::vector<PassImage>& images) = 0;
  // ITERATION decides the learning rate. MEANWHILE, where given, is called once all of the step's work is queued and
  // before a device is waited for; the CPU has done its work by then and does not call it.
  virtual absl::StatusOr<StepOutcome> FinishStep(int64_t iteration,
                                                 const std::function<absl::Status()>& meanwhile = nullptr) = 0;
  // Within MEANWHILE: IMAGES, with which the next step's Pass(0) will be called, begin their way to the device. They
  // may lie elsewhere then; their numbers tell them.
  virtual absl::Status Stage(const std::vector<PassImage>& /*images*/) { return absl::OkStatus(); }

  // Brings the parameters of the model up to date.
  virtual absl::Status UpdateModel() = 0;
  // The averaged weights, or the model's (UpdateModel) where no average is kept.
  virtual absl::StatusOr<model::ParameterSet> AveragedParameters() = 0;

  // The solver's state; and back, with the model's parameters as they are then. SOURCE is named in errors.
  virtual absl::StatusOr<model::ParameterSet> SolverArrays() = 0;
  virtual absl::Status Restore(const model::ParameterSet& solver, const std::string& source) = 0;

  // Bytes held for activations, gradients, weights in their layouts and workspace.
  virtual int64_t bytes() const = 0;
};

// The images of a pass as the CPU's networks are shown them; those that could not be read are zeros.
std::vector<model::ShownImage> ShownImages(const std::vector<PassImage>& images);

// The input of a pass: the largest of its images, each side rounded up to a multiple of SIZE_MULTIPLE.
model::Shape PassShape(const std::vector<PassImage>& images, int size_multiple);

// MODEL and COMMUNICATOR must outlive the engine, which trains MODEL's parameters. Errors: FailedPrecondition where the
// device, or the program's part for it, is missing; ResourceExhausted where its memory is too small.
absl::StatusOr<std::unique_ptr<StepEngine>> MakeStepEngine(model::Model* model, const StepEngineOptions& options,
                                                           Communicator* communicator);

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_STEP_STEP_ENGINE_H_
