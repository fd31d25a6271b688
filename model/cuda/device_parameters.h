// A network's parameters, or their gradients, as fp32 in one piece of device memory.
#ifndef HARDFACE_MODEL_CUDA_DEVICE_PARAMETERS_H_
#define HARDFACE_MODEL_CUDA_DEVICE_PARAMETERS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/cuda/cuda_memory.h"
#include "model/detectors/network.h"
#include "model/weights/parameters.h"

namespace hardface::model {

// Parameters lie in the order of their specs, each at a multiple of 64 floats; what lies between is zero. The weights
// of a convolution lie in the order of weight_order.h.
class DeviceParameters {
 public:
  // Zeros, once STREAM gets there.
  static absl::StatusOr<DeviceParameters> Create(const std::vector<ParameterSpec>& specs, CudaStreamHandle stream);

  float* at(const std::string& name) const { return memory_.as<float>() + places_.at(name).offset; }
  int64_t size_of(const std::string& name) const { return places_.at(name).size; }
  // All of it, gaps included.
  float* data() const { return memory_.as<float>(); }
  int64_t size() const { return memory_.bytes() / static_cast<int64_t>(sizeof(float)); }

  // PARAMETERS has been checked by CheckParameters. Both wait until the copy is done.
  absl::Status Upload(const ParameterSet& parameters, const CudaStream& stream);
  // PARAMETERS has the arrays (ZeroParameters).
  absl::Status Download(ParameterSet* parameters, const CudaStream& stream) const;

 private:
  struct Place {
    int64_t offset = 0, size = 0;                // floats
    int64_t out = 0, in = 0, taps = 0;           // of a convolution's weights
    bool in_order() const { return taps <= 1; }  // the device's is that of files
  };
  std::map<std::string, Place> places_;
  DeviceMemory memory_;
};

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_CUDA_DEVICE_PARAMETERS_H_
