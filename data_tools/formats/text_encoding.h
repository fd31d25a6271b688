// Text in the encodings of other times and places.
#ifndef HARDFACE_DATA_TOOLS_FORMATS_TEXT_ENCODING_H_
#define HARDFACE_DATA_TOOLS_FORMATS_TEXT_ENCODING_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace hardface::data {

// TEXT, which is in ENCODING ("gbk", "windows-1252": any name that iconv knows), as UTF-8. PLACE stands before errors:
// an encoding that is not known here, or bytes that are none of its characters.
absl::StatusOr<std::string> ConvertToUtf8(absl::string_view text, const std::string& encoding,
                                          const std::string& place);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_FORMATS_TEXT_ENCODING_H_
