#include "model/cuda/device_parameters.h"

#include <algorithm>
#include <vector>

#include "base/status_macros.h"
#include "model/cuda/weight_order.h"

namespace hardface::model {
namespace {

constexpr int64_t kFloat = sizeof(float);

}  // namespace

absl::StatusOr<DeviceParameters> DeviceParameters::Create(const std::vector<ParameterSpec>& specs,
                                                          CudaStreamHandle stream) {
  DeviceParameters parameters;
  int64_t total = 0;
  for (const ParameterSpec& spec : specs) {
    Place place{total, spec.size()};
    if (spec.dims.size() == 4) {
      place.out = spec.dims[0];
      place.in = spec.dims[1];
      place.taps = int64_t{spec.dims[2]} * spec.dims[3];
    }
    parameters.places_[spec.name] = place;
    total += (spec.size() + kParameterBlock - 1) / kParameterBlock * kParameterBlock;
  }
  ASSIGN_OR_RETURN(parameters.memory_, DeviceMemory::Allocate(total * kFloat, "the network's parameters"));
  RETURN_IF_ERROR(FillWithZeros(parameters.memory_.data(), total * kFloat, stream));
  return parameters;
}

absl::Status DeviceParameters::Upload(const ParameterSet& parameters, const CudaStream& stream) {
  std::vector<float> all(static_cast<size_t>(size()));
  for (const auto& [name, place] : places_) {
    const float* const from = parameters.at(name).values.data();
    float* const to = all.data() + place.offset;
    if (place.in_order()) {
      std::copy(from, from + place.size, to);
    } else {
      ToDeviceOrder(from, place.out, place.in, place.taps, to);
    }
  }
  RETURN_IF_ERROR(CopyToDevice(all.data(), memory_.data(), memory_.bytes(), stream.handle()));
  return stream.Synchronize();
}

absl::Status DeviceParameters::Download(ParameterSet* parameters, const CudaStream& stream) const {
  std::vector<float> all(static_cast<size_t>(size()));
  RETURN_IF_ERROR(CopyToHost(memory_.data(), all.data(), memory_.bytes(), stream.handle()));
  RETURN_IF_ERROR(stream.Synchronize());
  for (const auto& [name, place] : places_) {
    const float* const from = all.data() + place.offset;
    float* const to = parameters->at(name).values.data();
    if (place.in_order()) {
      std::copy(from, from + place.size, to);
    } else {
      FromDeviceOrder(from, place.out, place.in, place.taps, to);
    }
  }
  return absl::OkStatus();
}

}  // namespace hardface::model
