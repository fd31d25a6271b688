// Training a detector with hard image mining (paper section 4.1), by one process or by the ranks of an MPI job.
#ifndef HARDFACE_TRAIN_RUN_TRAINER_H_
#define HARDFACE_TRAIN_RUN_TRAINER_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "data_tools/augmentation/training_sample.h"
#include "mining/anchor_targets.h"
#include "mining/difficulty.h"
#include "model/cuda/precision.h"
#include "model/execution/device.h"
#include "model/ops/conv2d.h"
#include "model/weights/model_file.h"
#include "train/data/sample_stream.h"
#include "train/ranks/communicator.h"
#include "train/ranks/gradient_exchange.h"
#include "train/run/validation.h"
#include "train/step/solver.h"

namespace hardface::train {

// Defaults are the paper's.
struct TrainerOptions {
  std::string dataset;
  std::string output;
  std::string init;  // weights to start from; empty: random
  // A model to learn from beside the labels (step/teacher.h), and its share in the targets, 0..1; empty: none.
  std::string teacher;
  float teacher_weight = 0.5f;
  bool resume = false;  // go on from the last checkpoint in `output`

  model::DetectorOptions detector;
  model::ModelInfo info;  // input divisor and pyramid of the model to be
  model::Initialization initialization = model::Initialization::kGaussian;  // of what `init` does not give

  int batch = 1;   // images of one forward and backward pass
  int passes = 2;  // passes of each rank whose gradients one step averages (Caffe's iter_size)
  data::AugmentOptions augment;
  mining::TargetOptions targets;
  // The share of hard negatives grows linearly from this to targets.hard_negative_share over so many iterations.
  double hard_negatives_at_start = 1;
  int64_t hard_negatives_ramp = 0;

  bool hard_image_mining = true;
  mining::HardImageOptions mining;
  // The published code: every rank mines from the visits of its own alone.
  bool own_ledger = false;

  Sharing sharing = Sharing::kShard;
  Reduction reduction = Reduction::kFast;
  int64_t bucket_bytes = int64_t{4} << 20;

  std::string validation;      // a dataset; empty: none
  int64_t validate_every = 0;  // iterations; 0: never
  ValidationOptions validating;

  SolverOptions solver;  // its schedule holds the number of iterations
  uint64_t seed = 1;
  int checkpoint_every = 1000;  // iterations
  int keep = 3;                 // checkpoints
  int log_every = 50;           // iterations
  model::Device device;
  model::Precision precision = model::Precision::kBf16;  // of a CUDA device
  bool deterministic = true;                             // of a CUDA device: the same bits at every run
  int threads = 0;  // of computation on the CPU; 0: all processors that this process may use
  model::Conv2dEngine engine = model::Conv2dEngine::kFastest;
  int loader_threads = 1;
  int64_t image_cache_bytes = int64_t{2} << 30;
  int max_bad_images = 10;  // images that cannot be read before training gives up, on each rank
  // Where it is not 0 after a step, on any rank, a checkpoint is written and training ends as Stopped()
  // (base/tool_main.h). A signal's number (stop_signals.h), for the message. Null: nobody asks.
  const std::atomic<int>* stop = nullptr;
};

// Trains to the last iteration. N ranks of M passes take the steps of one rank of N x M passes (Sharing::kShard).
// Rank 0 writes into `output`, which all must see when they resume: checkpoints/, model.safetensors (the last
// checkpoint's), best.safetensors (of the greatest validation AP), metrics.jsonl, ledger.jsonl (every visit's WPAS),
// difficulty.jsonl (the latest WPAS of every entry), TensorBoard's event files, flags.txt and provenance.json. A loss
// that is not finite ends the training with an error that names the iteration and the images.
absl::Status Train(const TrainerOptions& options, Communicator* communicator);

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_RUN_TRAINER_H_
