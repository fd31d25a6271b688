#include "train/ranks/nccl_id.h"

#include <cstring>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace hardface::train {

std::string EncodeId(const char* bytes, size_t count) {
  return absl::BytesToHexString(absl::string_view(bytes, count));
}

absl::Status DecodeId(const std::string& text, size_t count, char* bytes) {
  const bool hexadecimal = text.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!hexadecimal || text.size() != 2 * count) {
    return absl::InternalError(absl::StrCat("rank 0 sent \"", text, "\" where an NCCL id of ", count,
                                            " bytes was expected; do all ranks run the same program?"));
  }
  const std::string decoded = absl::HexStringToBytes(text);
  std::memcpy(bytes, decoded.data(), count);
  return absl::OkStatus();
}

}  // namespace hardface::train
