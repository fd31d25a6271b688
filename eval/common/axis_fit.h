// Annotation styles differ: a box to the chin and the eyebrows, another to the crown. Detections can be moved and
// scaled to a data set's style before they are scored again, as face-eval does (Mathias et al., "Face detection without
// bells and whistles", 2014).
#ifndef HARDFACE_EVAL_COMMON_AXIS_FIT_H_
#define HARDFACE_EVAL_COMMON_AXIS_FIT_H_

#include <cstdint>

namespace hardface::eval {

// How faces lie to the detections that found them, along one axis: the mean offset of centres and the mean ratio of
// sizes, both in sizes of the detection.
class AxisFit {
 public:
  void Add(double face_low, double face_high, double low, double high) {
    const double size = high - low;
    offset_ += ((face_low + face_high) / 2 - (low + high) / 2) / size;
    ratio_ += (face_high - face_low) / size;
    ++count_;
  }
  double offset() const { return count_ == 0 ? 0 : offset_ / static_cast<double>(count_); }
  double ratio() const { return count_ == 0 ? 1 : ratio_ / static_cast<double>(count_); }
  // Moves and scales a detection; leaves it where nothing has been added.
  void Apply(double* low, double* high) const {
    if (count_ == 0) return;
    const double size = *high - *low;
    const double center = (*low + *high) / 2 + offset() * size;
    const double new_size = size * ratio_ / static_cast<double>(count_);
    *low = center - new_size / 2;
    *high = center + new_size / 2;
  }

 private:
  double offset_ = 0, ratio_ = 0;
  int64_t count_ = 0;
};

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_COMMON_AXIS_FIT_H_
