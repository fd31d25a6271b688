#include "data_tools/images/exif.h"

#include <cstdint>

#include "absl/strings/match.h"

namespace hardface::data {
namespace {

constexpr int kUpright = 1;

// Reads numbers of either byte order; beyond the end everything is 0.
class Tiff {
 public:
  explicit Tiff(absl::string_view bytes) : bytes_(bytes), little_(absl::StartsWith(bytes, "II")) {}

  uint32_t Number(size_t at, int size) const {
    if (at > bytes_.size() || bytes_.size() - at < static_cast<size_t>(size)) return 0;
    uint32_t value = 0;
    for (int i = 0; i < size; ++i) {
      const auto byte = static_cast<unsigned char>(bytes_[at + (little_ ? size - 1 - i : i)]);
      value = value << 8 | byte;
    }
    return value;
  }

 private:
  const absl::string_view bytes_;
  const bool little_;
};

// The first image directory: a count, then entries of 12 bytes: tag, type, count, value.
int OrientationIn(absl::string_view tiff_bytes) {
  constexpr uint32_t kOrientationTag = 0x0112;
  const Tiff tiff(tiff_bytes);
  const size_t directory = tiff.Number(4, 4);
  const uint32_t entries = tiff.Number(directory, 2);
  for (uint32_t i = 0; i < entries; ++i) {
    const size_t entry = directory + 2 + 12 * static_cast<size_t>(i);
    if (tiff.Number(entry, 2) != kOrientationTag) continue;
    const uint32_t value = tiff.Number(entry + 8, 2);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : kUpright;
  }
  return kUpright;
}

}  // namespace

int ExifOrientation(absl::string_view bytes) {
  if (!absl::StartsWith(bytes, "\xff\xd8")) return kUpright;
  size_t at = 2;
  // Segments: FF, kind, length of two bytes (its own included), data. DA starts the picture.
  while (at + 4 <= bytes.size() && bytes[at] == '\xff' && bytes[at + 1] != '\xda') {
    const size_t length = static_cast<unsigned char>(bytes[at + 2]) << 8 | static_cast<unsigned char>(bytes[at + 3]);
    const absl::string_view data = bytes.substr(at + 4, length < 2 ? 0 : length - 2);
    constexpr absl::string_view kExif("Exif\0\0", 6);
    if (bytes[at + 1] == '\xe1' && absl::StartsWith(data, kExif)) return OrientationIn(data.substr(kExif.size()));
    at += 2 + length;
  }
  return kUpright;
}

}  // namespace hardface::data
