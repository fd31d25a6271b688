// The safetensors file format: an 8-byte little-endian header length, a JSON header, then the tensors' bytes.
// https://github.com/huggingface/safetensors (format section of its README)
#ifndef HARDFACE_MODEL_WEIGHTS_SAFETENSORS_H_
#define HARDFACE_MODEL_WEIGHTS_SAFETENSORS_H_

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/weights/parameters.h"

namespace hardface::model {

struct SafeTensors {
  ParameterSet tensors;
  std::map<std::string, std::string> metadata;  // the header's __metadata__
};

// Reads tensors of type F32, F16 and BF16 (as floats). Errors, which name the file and the tensor: another type, a cut
// file, a header of more than 8 MB, one whose tensors overlap, leave bytes out or lie beyond the file, a shape that
// does not fit its bytes, and numbers that are not finite. Takes no more memory than three times the file, whatever the
// header says. PyTorch's "num_batches_tracked" counters are left out.
absl::StatusOr<SafeTensors> ReadSafeTensors(const std::string& path);

// How the values of a file are stored.
enum class Storage {
  kF32,
  kF16,  // half the bytes; values are rounded to the nearest of 11 bits
};

// Equal content gives equal bytes. An error where a value is not finite; what was at PATH stays. OutOfRange where a
// value is too large for Storage::kF16 (65,504), naming the tensor.
absl::Status WriteSafeTensors(const std::string& path, const SafeTensors& content, Storage storage = Storage::kF32);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_WEIGHTS_SAFETENSORS_H_
