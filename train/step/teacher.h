// Distillation: a larger detector that says, anchor by anchor, how sure it is of a face and where the box lies. A small
// network learns more from that than from yes and no (Hinton, Vinyals, Dean, 2015).
#ifndef HARDFACE_TRAIN_STEP_TEACHER_H_
#define HARDFACE_TRAIN_STEP_TEACHER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/detectors/anchors.h"
#include "model/detectors/detector.h"
#include "model/execution/cpu_detector_runner.h"
#include "model/weights/model_file.h"
#include "train/step/step_engine.h"

namespace hardface::train {

// InvalidArgument where TEACHER's anchors are not STUDENT's, naming both. NAME stands in errors.
absl::Status CheckTeacher(const model::DetectorSpec& teacher, const model::DetectorSpec& student,
                          const std::string& name);

// A trained model whose output planes are those of a student's: the same anchors at the same places, whatever the
// widths of the layers. On the CPU. Not thread-safe; a call uses all OpenMP threads.
class Teacher {
 public:
  // An error as CheckTeacher() gives it.
  static absl::StatusOr<std::unique_ptr<Teacher>> Create(const model::Model* teacher,
                                                         const model::DetectorSpec& student, model::Conv2dEngine engine,
                                                         const std::string& name);

  // Runs the images of a pass, as the student sees them. SHAPE: PassShape of them.
  absl::Status Run(const model::Shape& shape, const std::vector<PassImage>& images);
  // What the last Run() says of image N. Valid until the next one.
  std::vector<model::AnchorPlane> Planes(int n) const { return runner_.planes(n); }

 private:
  Teacher(const model::Model& model, model::Conv2dEngine engine) : runner_(model, {/*training=*/false, engine}) {}

  model::CpuDetectorRunner runner_;
};

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_STEP_TEACHER_H_
