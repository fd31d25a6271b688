// The text in which NCCL's unique id travels from rank 0 to the others.
#ifndef HARDFACE_TRAIN_RANKS_NCCL_ID_H_
#define HARDFACE_TRAIN_RANKS_NCCL_ID_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"

namespace hardface::train {

// Hexadecimal, and back into COUNT bytes; the error names a text that is no such id.
std::string EncodeId(const char* bytes, size_t count);
absl::Status DecodeId(const std::string& text, size_t count, char* bytes);

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_RANKS_NCCL_ID_H_
