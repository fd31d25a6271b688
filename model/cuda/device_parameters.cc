#include "model/cuda/device_parameters.h"

#include "base/status_macros.h"

namespace hardface::model {
namespace {

constexpr int64_t kFloat = sizeof(float);

}  // namespace

absl::StatusOr<DeviceParameters> DeviceParameters::Create(const std::vector<ParameterSpec>& specs,
                                                          CudaStreamHandle stream) {
  DeviceParameters parameters;
  int64_t total = 0;
  for (const ParameterSpec& spec : specs) {
    parameters.places_[spec.name] = {total, spec.size()};
    total += (spec.size() + 63) / 64 * 64;
  }
  ASSIGN_OR_RETURN(parameters.memory_, DeviceMemory::Allocate(total * kFloat, "the network's parameters"));
  RETURN_IF_ERROR(FillWithZeros(parameters.memory_.data(), total * kFloat, stream));
  return parameters;
}

absl::Status DeviceParameters::Upload(const ParameterSet& parameters, const CudaStream& stream) {
  for (const auto& [name, place] : places_) {
    RETURN_IF_ERROR(CopyToDevice(parameters.at(name).values.data(), at(name), place.size * kFloat, stream.handle()));
  }
  return stream.Synchronize();
}

absl::Status DeviceParameters::Download(ParameterSet* parameters, const CudaStream& stream) const {
  for (const auto& [name, place] : places_) {
    RETURN_IF_ERROR(CopyToHost(at(name), parameters->at(name).values.data(), place.size * kFloat, stream.handle()));
  }
  return stream.Synchronize();
}

}  // namespace hardface::model
