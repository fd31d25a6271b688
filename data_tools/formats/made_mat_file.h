// For tests: MATLAB 5 files made byte by byte, such as no library would write.
#ifndef HARDFACE_DATA_TOOLS_FORMATS_MADE_MAT_FILE_H_
#define HARDFACE_DATA_TOOLS_FORMATS_MADE_MAT_FILE_H_

#include <zlib.h>

#include <cstdint>
#include <string>

namespace hardface::data {

// An element: TYPE, the number of DATA's bytes, and DATA filled up to a multiple of 8 bytes.
inline std::string MadeMatElement(uint32_t type, std::string data) {
  const uint32_t tag[2] = {type, static_cast<uint32_t>(data.size())};
  data.resize((data.size() + 7) / 8 * 8);
  return std::string(reinterpret_cast<const char*>(tag), 8) + data;
}

// A file of one compressed variable NAME: COUNT x 1 elements of ARRAY_CLASS (1 is a cell array), whose content is BODY.
inline std::string MadeMatFile(const std::string& name, uint32_t array_class, uint32_t count, const std::string& body) {
  const uint32_t flags[2] = {array_class, 0}, dimensions[2] = {count, 1};
  const std::string matrix = MadeMatElement(14, MadeMatElement(6, {reinterpret_cast<const char*>(flags), 8}) +
                                                    MadeMatElement(5, {reinterpret_cast<const char*>(dimensions), 8}) +
                                                    MadeMatElement(1, name) + body);
  std::string packed(compressBound(matrix.size()), '\0');
  uLongf size = packed.size();
  compress2(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(matrix.data()),
            matrix.size(), 9);
  packed.resize(size);
  const uint32_t tag[2] = {15, static_cast<uint32_t>(size)};
  std::string header = "MATLAB 5.0 MAT-file";
  header.resize(124, ' ');
  return header + std::string("\0\1IM", 4) + std::string(reinterpret_cast<const char*>(tag), 8) + packed;
}

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_FORMATS_MADE_MAT_FILE_H_
