// Optimisers: SGD with momentum as Caffe does it (the paper's), and Adam (Kingma and Ba, 2015) for training from
// scratch; learning rate schedules; a moving average of the weights.
#ifndef HARDFACE_TRAIN_STEP_SOLVER_H_
#define HARDFACE_TRAIN_STEP_SOLVER_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "model/detectors/network.h"
#include "model/weights/parameters.h"

namespace hardface::train {

struct Schedule {
  enum class Kind { kStep, kCosine };
  Kind kind = Kind::kStep;
  double base = 0.004;
  int64_t iterations = 60000;            // of the whole training
  int64_t warmup = 0;                    // iterations of linear growth from 0
  std::vector<int64_t> steps = {46000};  // kStep: iterations at which the rate is multiplied by `factor`
  double factor = 0.1;
  double floor = 0;  // kCosine: the rate at the end
};

inline std::vector<std::pair<std::string, Schedule::Kind>> FlagChoices(Schedule::Kind) {
  return {{"step", Schedule::Kind::kStep}, {"cosine", Schedule::Kind::kCosine}};
}

// The learning rate of an iteration (counted from 0).
double LearningRate(const Schedule& schedule, int64_t iteration);

struct SolverOptions {
  enum class Kind { kSgd, kAdam };
  Kind kind = Kind::kSgd;
  Schedule schedule;
  double momentum = 0.9;                              // kSgd
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;  // kAdam
  double weight_decay = 0.00025;                      // L2, in the gradient
  double clip_norm = 0;                               // of the whole gradient; 0: no clipping
  double average = 0;                                 // decay of the moving average of the weights; 0: none
  // Learning-rate multipliers, as in the paper's code: VGG16's first two blocks (conv1_*, conv2_*) are frozen, what
  // lies between them and the heads learns at twice the heads' rate. Biases learn at twice their weight's rate, and
  // head biases do not decay.
  double early_rate = 0, body_rate = 2, head_rate = 1;
  double bias_rate = 2;
};

inline std::vector<std::pair<std::string, SolverOptions::Kind>> FlagChoices(SolverOptions::Kind) {
  return {{"sgd", SolverOptions::Kind::kSgd}, {"adam", SolverOptions::Kind::kAdam}};
}

// The learning rate's multiplier of a parameter, and its weight decay.
double RateOf(const SolverOptions& options, const model::ParameterSpec& spec);
double DecayOf(const SolverOptions& options, const model::ParameterSpec& spec);

// What an optimiser remembers between steps. The same names in a checkpoint whatever device trains.
struct SolverState {
  model::ParameterSet first;    // momentum, or Adam's mean
  model::ParameterSet second;   // Adam's mean of squares; empty with SGD
  model::ParameterSet average;  // moving average of the weights; empty where none is kept, or before the first step

  // As one set of named arrays, and back: takes from ARRAYS what this has (shapes included). An error names what is
  // missing.
  model::ParameterSet Pack() const;
  absl::Status Unpack(const model::ParameterSet& arrays, const std::string& source);
};
// Zeros of what OPTIONS need, the average included.
SolverState ZeroSolverState(const std::vector<model::ParameterSpec>& specs, const SolverOptions& options);

// Owns the optimiser's state. Deterministic: one order of operations whatever the number of threads.
class Solver {
 public:
  Solver(std::vector<model::ParameterSpec> specs, const SolverOptions& options);

  // One step on PARAMETERS from GRADIENTS (already averaged over images). Parts with rate 0 stay.
  // Returns the gradient's norm before clipping; where that is not finite, nothing has been changed.
  double Step(int64_t iteration, const model::ParameterSet& gradients, model::ParameterSet* parameters);

  // The averaged weights, or PARAMETERS where no average is kept.
  const model::ParameterSet& AveragedOr(const model::ParameterSet& parameters) const;

  // Everything a resumed training needs, as named arrays; and back (an error names what is missing).
  model::ParameterSet State() const { return state_.Pack(); }
  absl::Status Restore(const model::ParameterSet& state, const std::string& source);

 private:
  // The moving average starts as a copy and follows faster at first, so that it does not drag the initial weights
  // along.
  void UpdateAverage(int64_t iteration, const model::ParameterSet& parameters);

  const std::vector<model::ParameterSpec> specs_;
  const SolverOptions options_;
  SolverState state_;
};

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_STEP_SOLVER_H_
