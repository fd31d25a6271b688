// Which processor computes: the meaning of --device.
#ifndef HARDFACE_MODEL_EXECUTION_DEVICE_H_
#define HARDFACE_MODEL_EXECUTION_DEVICE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace hardface::model {

struct Device {
  enum class Kind { kCpu, kCuda };
  Kind kind = Kind::kCpu;
  int index = 0;  // of kCuda

  bool cuda() const { return kind == Kind::kCuda; }
  std::string ToString() const;  // "cpu", "cuda:0"
};

// "cpu"; "cuda" and "cuda:N"; "auto", which is cuda:0 where there is one, else cpu. InvalidArgument for any other text;
// FailedPrecondition when CUDA is asked for and the build, the driver or the GPU is missing, saying which and what to
// do.
absl::StatusOr<Device> ParseDevice(const std::string& text);

// The meaning of --devices, several GPUs that share work: "cuda:N" each, or "all" alone, of a machine that has
// CUDA_DEVICES of them. InvalidArgument for any other text, a device named twice and none at all; FailedPrecondition as
// of ParseDevice.
absl::StatusOr<std::vector<Device>> ParseDevices(const std::vector<std::string>& texts, int cuda_devices);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_EXECUTION_DEVICE_H_
