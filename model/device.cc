#include "model/device.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "model/cuda/cuda_device.h"

namespace hardface {

std::string Device::ToString() const { return cuda() ? absl::StrCat("cuda:", index) : "cpu"; }

absl::StatusOr<Device> ParseDevice(const std::string& text) {
  if (text == "cpu") return Device{};
  if (text == "auto") return CudaDeviceCount() > 0 ? Device{Device::Kind::kCuda, 0} : Device{};
  int index = 0;
  absl::string_view rest = text;
  const bool known = text == "cuda" || (absl::ConsumePrefix(&rest, "cuda:") && absl::SimpleAtoi(rest, &index));
  if (!known || index < 0) {
    return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is no device; give auto, cpu or cuda:N"));
  }
  const int count = CudaDeviceCount();
  if (count == 0) return absl::FailedPreconditionError(WhyNoCuda());
  if (index >= count) {
    return absl::FailedPreconditionError(absl::StrCat("there is no cuda:", index, "; the last is cuda:", count - 1));
  }
  return Device{Device::Kind::kCuda, index};
}

}  // namespace hardface
