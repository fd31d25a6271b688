// What a training measures between two lines of its log: losses, gradients, and where the time goes.
#ifndef HARDFACE_TRAIN_RUN_METER_H_
#define HARDFACE_TRAIN_RUN_METER_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "train/ranks/communicator.h"
#include "train/step/losses.h"

namespace hardface::train {

// What the workers have done so far, ahead of its use.
struct WorkDone {
  int64_t samples = 0;
  double busy_seconds = 0;  // of all threads together
};

struct MeterReading {
  LossParts loss;            // mean over the images of all ranks
  double total_loss = 0;     // the mean of the parts' sum, rounded as one number
  double gradient_norm = 0;  // mean over the steps that were taken
  int64_t steps_left_out = 0;
  double images_per_second = 0;  // of all ranks
  // What either side alone would reach: the workers if nothing waited for the network, and the reverse.
  double data_images_per_second = 0, compute_images_per_second = 0;
  double data_wait_fraction = 0;  // share of the time, 0..1
};

class Meter {
 public:
  // CLOCK: seconds since some moment; for tests.
  explicit Meter(std::function<double()> clock = &SteadySeconds) : clock_(std::move(clock)) {}

  // From here on counts what follows.
  void Start(const WorkDone& work);
  void AddImage(const LossParts& loss);
  void AddStep(double gradient_norm);
  // A step that the loss scale left out: the same on all ranks.
  void AddStepLeftOut() { ++steps_left_out_; }
  void AddWaiting(double seconds) { sums_.waiting_seconds += seconds; }
  // Time that is not training's.
  void LeaveOut(double seconds) { start_ += seconds; }

  // The means since Start(), over all ranks, which call it together; then starts anew. WORKERS: threads of one rank.
  absl::StatusOr<MeterReading> Read(const WorkDone& work, int workers, Communicator* communicator);

  double Now() const { return clock_(); }
  static double SteadySeconds();

 private:
  // What is added up over the ranks.
  struct Sums {
    LossParts loss;
    int64_t images = 0;
    double waiting_seconds = 0;

    std::string ToText() const;
    absl::Status Add(const std::string& text);
  };

  std::function<double()> clock_;
  Sums sums_;
  double gradient_norm_ = 0;  // the same on all ranks
  int64_t steps_ = 0, steps_left_out_ = 0;
  double start_ = 0;
  WorkDone work_at_start_;
};

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_RUN_METER_H_
