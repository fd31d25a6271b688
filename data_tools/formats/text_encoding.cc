#include "data_tools/formats/text_encoding.h"

#include <iconv.h>

#include <cerrno>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace hardface::data {
namespace {

class Converter {
 public:
  explicit Converter(const std::string& encoding) : handle_(iconv_open("UTF-8", encoding.c_str())) {}
  ~Converter() {
    if (good()) iconv_close(handle_);
  }
  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;

  bool good() const { return handle_ != reinterpret_cast<iconv_t>(-1); }

  // False where a byte is no character, *offset being its place.
  bool Run(absl::string_view text, std::string* converted, size_t* offset) {
    char* from = const_cast<char*>(text.data());  // iconv's signature; it does not write there
    size_t left = text.size();
    while (left > 0) {
      if (Step(&from, &left, converted)) continue;
      *offset = text.size() - left;
      return false;
    }
    return Step(nullptr, nullptr, converted);  // what the encoding holds back
  }

 private:
  // As much as a buffer holds.
  bool Step(char** from, size_t* left, std::string* converted) {
    char buffer[4096];
    char* to = buffer;
    size_t room = sizeof(buffer);
    const size_t result = iconv(handle_, from, left, &to, &room);
    const bool good = result != static_cast<size_t>(-1) || errno == E2BIG;
    converted->append(buffer, static_cast<size_t>(to - buffer));
    return good;
  }

  const iconv_t handle_;
};

}  // namespace

absl::StatusOr<std::string> ConvertToUtf8(absl::string_view text, const std::string& encoding,
                                          const std::string& place) {
  Converter converter(encoding);
  if (!converter.good()) {
    return absl::InvalidArgumentError(absl::StrCat(place, ": declares the encoding ", encoding,
                                                   ", which this system's iconv does not know; convert the file to "
                                                   "UTF-8 elsewhere (Debian has more encodings in "
                                                   "libc-gconv-modules-extra)"));
  }
  std::string converted;
  size_t offset = 0;
  if (converter.Run(text, &converted, &offset)) return converted;
  return absl::InvalidArgumentError(absl::StrCat(place, ": declares the encoding ", encoding, ", but its byte ", offset,
                                                 " is none of its characters; correct the declaration or the file"));
}

}  // namespace hardface::data
