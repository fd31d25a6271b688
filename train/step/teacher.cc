#include "train/step/teacher.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace hardface::train {
namespace {

// The anchors of a detector's outputs, as a text to compare and to show.
std::string AnchorsOf(const model::DetectorSpec& detector) {
  std::string text;
  for (const model::DetectionHead& head : detector.heads) {
    for (const int size : head.anchor_sizes) {
      absl::StrAppend(&text, text.empty() ? "" : ", ", size, " px at stride ", head.stride);
    }
  }
  return text;
}

}  // namespace

absl::Status CheckTeacher(const model::DetectorSpec& teacher, const model::DetectorSpec& student,
                          const std::string& name) {
  const std::string theirs = AnchorsOf(teacher), ours = AnchorsOf(student);
  if (theirs == ours) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(name, ": this teacher's anchors are (", theirs,
                                                 "), those of the network to train are (", ours,
                                                 "); give a teacher of the same --architecture and heads"));
}

absl::StatusOr<std::unique_ptr<Teacher>> Teacher::Create(const model::Model* teacher,
                                                         const model::DetectorSpec& student, model::Conv2dEngine engine,
                                                         const std::string& name) {
  RETURN_IF_ERROR(CheckTeacher(teacher->detector, student, name));
  return std::unique_ptr<Teacher>(new Teacher(*teacher, engine));
}

absl::Status Teacher::Run(const model::Shape& shape, const std::vector<PassImage>& images) {
  return runner_.Forward(shape, ShownImages(images));
}

}  // namespace hardface::train
