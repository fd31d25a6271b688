#include "data_tools/images/exif.h"

#include <zlib.h>

#include <algorithm>
#include <opencv2/core.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"

namespace hardface::data {
namespace {

// Of an EXIF block; the orientation stands at its start, thumbnails behind.
constexpr size_t kMaxBlock = 1 << 20;

uint32_t Number(absl::string_view bytes, size_t at, int size, bool little_endian) {
  if (at > bytes.size() || bytes.size() - at < static_cast<size_t>(size)) return 0;
  uint32_t value = 0;
  for (int i = 0; i < size; ++i) {
    const auto byte = static_cast<unsigned char>(bytes[at + static_cast<size_t>(little_endian ? size - 1 - i : i)]);
    value = value << 8 | byte;
  }
  return value;
}

// Bytes that a field of a TIFF type has a value in; 0: none that could hold an orientation.
int ValueBytes(uint32_t type) {
  constexpr uint32_t kByte = 1, kShort = 3, kLong = 4;
  if (type == kByte) return 1;
  if (type == kShort) return 2;
  return type == kLong ? 4 : 0;
}

// The first image directory: a count, then entries of 12 bytes: tag, type, count, value. What lies beyond the end reads
// as 0.
int OrientationIn(absl::string_view block) {
  constexpr uint32_t kOrientationTag = 0x0112;
  // PNG and WebP hold the TIFF data alone, JPEG behind this mark; writers mix the two up.
  absl::ConsumePrefix(&block, absl::string_view("Exif\0\0", 6));
  const bool little = absl::StartsWith(block, absl::string_view("II*\0", 4));
  if (!little && !absl::StartsWith(block, absl::string_view("MM\0*", 4))) return kUpright;
  const size_t directory = Number(block, 4, 4, little);
  const uint32_t entries = Number(block, directory, 2, little);
  for (uint32_t i = 0; i < entries; ++i) {
    const size_t entry = directory + 2 + 12 * static_cast<size_t>(i);
    if (Number(block, entry, 2, little) != kOrientationTag) continue;
    const uint32_t value = Number(block, entry + 8, ValueBytes(Number(block, entry + 2, 2, little)), little);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : kUpright;
  }
  return kUpright;
}

// Segments: FF (any number of them), kind, length of two bytes (its own included), data. DA starts the picture.
int OrientationOfJpeg(const ReadAt& read) {
  constexpr int kMaxFill = 1000;  // writers use a few; a forged file could hold millions
  uint64_t at = 2;
  int fill = 0;
  while (true) {
    const std::string head = read(at, 4);
    if (head.size() < 4 || head[0] != '\xff' || fill > kMaxFill) return kUpright;
    if (head[1] == '\xff') {
      ++at;
      ++fill;
      continue;
    }
    if (head[1] == '\xda' || head[1] == '\xd9') return kUpright;
    const uint32_t length = Number(head, 2, 2, /*little_endian=*/false);
    if (length < 2) return kUpright;
    if (head[1] == '\xe1') {
      const std::string data = read(at + 4, length - 2);
      if (absl::StartsWith(data, absl::string_view("Exif\0\0", 6))) return OrientationIn(data);
    }
    at += 2 + uint64_t{length};
  }
}

// At most kMaxBlock bytes of what was compressed.
std::string Inflate(absl::string_view compressed) {
  std::string plain(kMaxBlock, '\0');
  uLongf size = plain.size();
  const int result = uncompress(reinterpret_cast<Bytef*>(plain.data()), &size,
                                reinterpret_cast<const Bytef*>(compressed.data()), compressed.size());
  plain.resize(result == Z_OK || result == Z_BUF_ERROR ? size : 0);
  return plain;
}

// ImageMagick's older way: "\nexif\n    1234\n" and the block's bytes in hexadecimal, broken into lines.
std::string BlockOfRawProfile(absl::string_view text) {
  for (int line = 0; line < 3; ++line) {
    const size_t end = text.find('\n');
    if (end == absl::string_view::npos) return "";
    text.remove_prefix(end + 1);
  }
  std::string block;
  int digits = 0, byte = 0;
  for (const char c : text) {
    if (!absl::ascii_isxdigit(static_cast<unsigned char>(c))) continue;
    byte =
        byte * 16 + (absl::ascii_isdigit(static_cast<unsigned char>(c)) ? c - '0' : absl::ascii_tolower(c) - 'a' + 10);
    if (++digits % 2 != 0) continue;
    block.push_back(static_cast<char>(byte));
    byte = 0;
  }
  return block;
}

// Of a tEXt or zTXt chunk: a keyword, a zero byte, of zTXt another for the method, text.
std::string BlockOfText(absl::string_view chunk, bool compressed) {
  const size_t end = chunk.find('\0');
  if (end == absl::string_view::npos) return "";
  const absl::string_view keyword = chunk.substr(0, end), text = chunk.substr(end + 1);
  if (keyword != "Raw profile type exif" && keyword != "Raw profile type APP1") return "";
  if (!compressed) return BlockOfRawProfile(text);
  return text.empty() ? "" : BlockOfRawProfile(Inflate(text.substr(1)));
}

// Chunks: length of the data, kind, data, checksum.
int OrientationOfPng(const ReadAt& read) {
  uint64_t at = 8;
  while (true) {
    const std::string head = read(at, 8);
    if (head.size() < 8) return kUpright;
    const uint32_t length = Number(head, 0, 4, /*little_endian=*/false);
    const absl::string_view kind = absl::string_view(head).substr(4);
    if (kind == "IEND") return kUpright;
    if (kind == "eXIf") return OrientationIn(read(at + 8, std::min<size_t>(length, kMaxBlock)));
    if (kind == "tEXt" || kind == "zTXt") {
      const std::string block = BlockOfText(read(at + 8, std::min<size_t>(length, kMaxBlock)), kind == "zTXt");
      if (!block.empty()) return OrientationIn(block);
    }
    at += 12 + uint64_t{length};
  }
}

// Chunks: kind, length of the data, data, filled up to an even length.
int OrientationOfWebp(const ReadAt& read) {
  uint64_t at = 12;
  while (true) {
    const std::string head = read(at, 8);
    if (head.size() < 8) return kUpright;
    const uint32_t length = Number(head, 4, 4, /*little_endian=*/true);
    if (absl::StartsWith(head, "EXIF")) return OrientationIn(read(at + 8, std::min<size_t>(length, kMaxBlock)));
    at += 8 + uint64_t{length} + length % 2;
  }
}

}  // namespace

int ExifOrientation(const ReadAt& read) {
  const std::string start = read(0, 12);
  if (absl::StartsWith(start, "\xff\xd8")) return OrientationOfJpeg(read);
  if (absl::StartsWith(start, "\x89PNG\r\n\x1a\n")) return OrientationOfPng(read);
  if (absl::StartsWith(start, "RIFF") && absl::EndsWith(start, "WEBP")) return OrientationOfWebp(read);
  return kUpright;
}

int ExifOrientation(absl::string_view bytes) {
  return ExifOrientation([bytes](uint64_t offset, size_t count) {
    return offset >= bytes.size() ? std::string() : std::string(bytes.substr(offset, count));
  });
}

cv::Mat TurnUpright(const cv::Mat& stored, int orientation) {
  constexpr int kUpsideDown = 0, kMirror = 1, kHalfTurn = -1;  // cv::flip's codes
  if (orientation <= kUpright || orientation > 8) return stored;
  cv::Mat seen = stored;
  if (orientation >= 5) cv::transpose(stored, seen);
  if (orientation == 5) return seen;
  const int flips[] = {kMirror, kHalfTurn, kUpsideDown, 0, kMirror, kHalfTurn, kUpsideDown};  // of orientations 2 to 8
  cv::Mat turned;
  cv::flip(seen, turned, flips[orientation - 2]);
  return turned;
}

ImageSize TurnSize(const ImageSize& size, int orientation) {
  return orientation >= 5 ? ImageSize{size.height, size.width} : size;
}

Rect BoxAsStored(const Rect& box, int orientation, const ImageSize& stored) {
  // Undoing what TurnUpright does, the flip first; of 5 to 8 the box's x and y are the stored y and x.
  const bool swapped = orientation >= 5;
  Rect turned = swapped ? Rect{box.y, box.x, box.h, box.w} : box;
  const bool mirrored = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool upside_down = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  if (mirrored) turned.x = static_cast<float>(stored.width) - turned.x - turned.w;
  if (upside_down) turned.y = static_cast<float>(stored.height) - turned.y - turned.h;
  return turned;
}

}  // namespace hardface::data
