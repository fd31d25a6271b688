// Where the model that ships with the project lies.
#ifndef HARDFACE_INFER_SHIPPED_MODEL_H_
#define HARDFACE_INFER_SHIPPED_MODEL_H_

#include <string>

#include "absl/status/statusor.h"

namespace hardface::infer {

// The path of hardface-s.safetensors: in the release that this process's program lies in, or in Bazel's runfiles of
// this process, whose argv[0] is PROGRAM. It is found as well where the program was started by a link, or by its name
// alone as PATH finds it. NotFound, saying to give --model, where the program has been copied away from both.
absl::StatusOr<std::string> ShippedModelPath(const std::string& program);

}  // namespace hardface::infer

#endif  // HARDFACE_INFER_SHIPPED_MODEL_H_
