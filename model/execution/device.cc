#include "model/execution/device.h"

#include <optional>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "model/cuda/cuda_device.h"

namespace hardface::model {
namespace {

// N of "cuda:N", 0 of "cuda"; nothing of any other text.
std::optional<int> CudaIndex(absl::string_view text) {
  int index = 0;
  if (text == "cuda") return index;
  if (!absl::ConsumePrefix(&text, "cuda:") || !absl::SimpleAtoi(text, &index) || index < 0) return std::nullopt;
  return index;
}

absl::Status CheckThereIs(int index, int count) {
  if (count == 0) return absl::FailedPreconditionError(WhyNoCuda());
  if (index < count) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("there is no cuda:", index, "; the last is cuda:", count - 1));
}

}  // namespace

std::string Device::ToString() const { return cuda() ? absl::StrCat("cuda:", index) : "cpu"; }

absl::StatusOr<Device> ParseDevice(const std::string& text) {
  if (text == "cpu") return Device{};
  if (text == "auto") return CudaDeviceCount() > 0 ? Device{Device::Kind::kCuda, 0} : Device{};
  const std::optional<int> index = CudaIndex(text);
  if (!index.has_value()) {
    return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is no device; give auto, cpu or cuda:N"));
  }
  RETURN_IF_ERROR(CheckThereIs(*index, CudaDeviceCount()));
  return Device{Device::Kind::kCuda, *index};
}

absl::StatusOr<std::vector<Device>> ParseDevices(const std::vector<std::string>& texts, int cuda_devices) {
  if (texts.empty()) return absl::InvalidArgumentError("no device is named; give cuda:0,cuda:1 or all");
  std::vector<Device> devices;
  if (texts.size() == 1 && texts[0] == "all") {
    RETURN_IF_ERROR(CheckThereIs(0, cuda_devices));
    for (int i = 0; i < cuda_devices; ++i) devices.push_back({Device::Kind::kCuda, i});
    return devices;
  }
  std::set<int> named;
  for (const std::string& text : texts) {
    const std::optional<int> index = CudaIndex(text);
    if (!index.has_value()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "\"", text, "\" is none of several GPUs; give cuda:0,cuda:1 or all (the CPU works alone, by --device=cpu)"));
    }
    if (!named.insert(*index).second) {
      return absl::InvalidArgumentError(absl::StrCat("cuda:", *index, " is named twice"));
    }
    devices.push_back({Device::Kind::kCuda, *index});
  }
  for (const Device& device : devices) RETURN_IF_ERROR(CheckThereIs(device.index, cuda_devices));
  return devices;
}

}  // namespace hardface::model
