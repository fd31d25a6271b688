// Training a detector with hard image mining (paper section 4.1), by one process or by the ranks of an MPI job.
#ifndef HARDFACE_TRAIN_RUN_TRAINER_H_
#define HARDFACE_TRAIN_RUN_TRAINER_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "model/cuda/precision.h"
#include "model/detectors/detector.h"
#include "model/execution/device.h"
#include "model/weights/model_file.h"
#include "model/weights/parameters.h"
#include "train/data/sample_stream.h"
#include "train/ranks/communicator.h"
#include "train/run/validation.h"
#include "train/step/step_engine.h"

namespace hardface::train {

// A training and its parts. Defaults are the paper's. The flags that set it: training_flags.h.
struct TrainerOptions {
  std::string dataset;
  std::string output;
  std::string init;     // weights to start from; empty: random
  std::string teacher;  // a model to learn from beside the labels (step/teacher.h); empty: none
  bool resume = false;  // go on from the last checkpoint in `output`

  model::DetectorOptions detector;
  model::ModelInfo info;  // input divisor and pyramid of the model to be
  model::Initialization initialization = model::Initialization::kGaussian;  // of what `init` does not give

  // The parts' options. The trainer itself sets what follows from others: the seeds, the teacher's model, the device
  // and its precision, the ranks, and the samples of a step.
  StepEngineOptions step;      // step.solver.schedule holds the number of iterations
  SampleStreamOptions stream;  // stream.epoch.mining are the rules of hard image mining
  ValidationOptions validating;

  // The share of hard negatives changes linearly from this to step.targets.hard_negative_share over so many iterations.
  double hard_negatives_at_start = 1;
  int64_t hard_negatives_ramp = 0;
  // The published code: every rank mines from the visits of its own alone.
  bool own_ledger = false;

  std::string validation;      // a dataset; empty: none
  int64_t validate_every = 0;  // iterations; 0: never

  uint64_t seed = 1;
  int checkpoint_every = 1000;  // iterations
  int keep = 3;                 // checkpoints
  int log_every = 50;           // iterations
  model::Device device;
  model::Precision precision = model::Precision::kBf16;  // of a CUDA device
  int threads = 0;           // of computation on the CPU; 0: all processors that this process may use
  double rank_timeout = 60;  // seconds that a rank waits for the others (ranks/mpi_communicator.h)
  int max_bad_images = 10;   // images that cannot be read before training gives up, on each rank
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
