// The factor that keeps fp16 gradients from vanishing: as large as it can be without overflow (Micikevicius et al.,
// "Mixed Precision Training", 2018).
#ifndef HARDFACE_TRAIN_STEP_LOSS_SCALE_H_
#define HARDFACE_TRAIN_STEP_LOSS_SCALE_H_

#include <algorithm>

namespace hardface::train {

class LossScale {
 public:
  static constexpr float kStart = 65536, kMin = 1, kMax = 16777216;
  static constexpr int kStepsToGrow = 2000;

  // ADAPTS: of fp16. Else the factor is 1, and a step that is not finite has another reason.
  explicit LossScale(bool adapts) : adapts_(adapts), value_(adapts ? kStart : 1) {}

  float value() const { return value_; }
  int finite_steps() const { return finite_steps_; }
  // As a checkpoint has them.
  void Set(float value, int finite_steps) {
    if (!adapts_) return;
    value_ = std::clamp(value, kMin, kMax);
    finite_steps_ = finite_steps;
  }

  // After a step: whether its gradient was FINITE. True when a step that was not is to be left out and training can go
  // on with a smaller factor; false for a step that is sound, or beyond help.
  bool LeaveOut(bool finite) {
    if (!adapts_) return false;
    if (finite) {
      if (++finite_steps_ % kStepsToGrow == 0) value_ = std::min(2 * value_, kMax);
      return false;
    }
    finite_steps_ = 0;
    if (value_ == kMin) return false;
    value_ = std::max(value_ / 2, kMin);
    return true;
  }

 private:
  const bool adapts_;
  float value_;
  int finite_steps_ = 0;  // since the last change to a smaller factor
};

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_STEP_LOSS_SCALE_H_
