#include "data_tools/images/bmp_image.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace hardface::data {
namespace {

constexpr size_t kFileHeader = 14;
constexpr uint32_t kOs2Header = 12, kWindowsHeader = 40;

enum Compression : uint32_t { kPlain = 0, kRle8 = 1, kRle4 = 2, kMasks = 3, kMasksWithAlpha = 6 };

absl::Status Broken(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("broken or truncated BMP: ", what));
}

absl::Status TooShort() { return Broken("the file ends too early"); }

// Little-endian; beyond the end everything is 0.
uint32_t Number(absl::string_view bytes, size_t at, int size) {
  uint32_t value = 0;
  for (int i = size - 1; i >= 0; --i) {
    const size_t here = at + static_cast<size_t>(i);
    value = value << 8 | (here < bytes.size() ? static_cast<unsigned char>(bytes[here]) : 0u);
  }
  return value;
}

struct Header {
  int64_t width = 0, height = 0;
  bool from_top = false;  // the first row is the top one
  int bits = 0;           // of a pixel
  uint32_t compression = kPlain;
  std::array<uint32_t, 3> masks = {};  // of blue, green, red
  std::vector<cv::Vec3b> palette;
  size_t pixels_at = 0;
};

absl::Status CheckKind(const Header& header) {
  const auto one_of = [&header](std::initializer_list<int> bits) {
    return std::find(bits.begin(), bits.end(), header.bits) != bits.end();
  };
  bool known = false;
  if (header.compression == kPlain) known = one_of({1, 2, 4, 8, 16, 24, 32});
  if (header.compression == kRle8) known = one_of({8}) && !header.from_top;
  if (header.compression == kRle4) known = one_of({4}) && !header.from_top;
  if (header.compression == kMasks || header.compression == kMasksWithAlpha) known = one_of({16, 32});
  if (known) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("a kind of BMP that is not read (compression ", header.compression,
                                                 ", ", header.bits, " bits a pixel); save it as PNG"));
}

// The masks lie behind the first 40 bytes of the second header, whether they count as part of it or not.
void ReadMasks(absl::string_view bytes, Header* header) {
  if (header->compression == kPlain) {
    if (header->bits == 16) header->masks = {0x1f, 0x3e0, 0x7c00};
    if (header->bits == 32) header->masks = {0xff, 0xff00, 0xff0000};
    return;
  }
  for (size_t c = 0; c < 3; ++c) header->masks[c] = Number(bytes, kFileHeader + kWindowsHeader + 4 * (2 - c), 4);
}

void ReadPalette(absl::string_view bytes, uint32_t header_size, uint32_t used, Header* header) {
  if (header->bits > 8) return;
  const size_t entry = header_size == kOs2Header ? 3 : 4;
  const size_t most = size_t{1} << header->bits;
  const size_t count = used == 0 ? most : std::min<size_t>(used, most);
  header->palette.assign(most, cv::Vec3b(0, 0, 0));  // colours that the file does not name are black
  for (size_t i = 0; i < count; ++i) {
    const size_t at = kFileHeader + header_size + entry * i;
    for (int c = 0; c < 3; ++c) {
      header->palette[i][c] = static_cast<uchar>(Number(bytes, at + static_cast<size_t>(c), 1));
    }
  }
}

absl::StatusOr<Header> ReadHeader(absl::string_view bytes) {
  const uint32_t size = Number(bytes, kFileHeader, 4);
  if (bytes.size() < kFileHeader + size) return TooShort();
  Header header;
  header.pixels_at = Number(bytes, 10, 4);
  if (size == kOs2Header) {
    header.width = Number(bytes, kFileHeader + 4, 2);
    header.height = Number(bytes, kFileHeader + 6, 2);
    header.bits = static_cast<int>(Number(bytes, kFileHeader + 10, 2));
  } else {
    header.width = static_cast<int32_t>(Number(bytes, kFileHeader + 4, 4));
    header.height = static_cast<int32_t>(Number(bytes, kFileHeader + 8, 4));
    header.bits = static_cast<int>(Number(bytes, kFileHeader + 14, 2));
    // The 16-byte header of OS/2 ends here.
    if (size >= kWindowsHeader) header.compression = Number(bytes, kFileHeader + 16, 4);
  }
  header.from_top = header.height < 0;
  header.height = std::abs(header.height);
  RETURN_IF_ERROR(CheckKind(header));
  ReadMasks(bytes, &header);
  ReadPalette(bytes, size, size >= kWindowsHeader ? Number(bytes, kFileHeader + 32, 4) : 0, &header);
  return header;
}

// The bits of MASK in VALUE, stretched to 0..255.
uchar Sample(uint32_t value, uint32_t mask) {
  if (mask == 0) return 0;
  const int shift = __builtin_ctz(mask);
  const uint64_t most = mask >> shift;
  return static_cast<uchar>(((value & mask) >> shift) * uint64_t{255} / most);
}

cv::Vec3b Pixel(const Header& header, absl::string_view row, int x) {
  if (header.bits <= 8) {
    const int bit = x * header.bits;
    const uint32_t byte = Number(row, static_cast<size_t>(bit / 8), 1);
    return header.palette[byte >> (8 - header.bits - bit % 8) & ((1u << header.bits) - 1)];
  }
  const auto at = static_cast<size_t>(x) * static_cast<size_t>(header.bits / 8);
  const uint32_t value = Number(row, at, header.bits / 8);
  if (header.bits == 24) {
    return {static_cast<uchar>(value), static_cast<uchar>(value >> 8), static_cast<uchar>(value >> 16)};
  }
  return {Sample(value, header.masks[0]), Sample(value, header.masks[1]), Sample(value, header.masks[2])};
}

// Rows are filled up to whole words of 4 bytes; some writers leave that out behind the last one.
absl::Status DecodeRows(const Header& header, absl::string_view data, cv::Mat* image) {
  const uint64_t used = (static_cast<uint64_t>(header.width) * static_cast<uint64_t>(header.bits) + 7) / 8;
  const uint64_t step = (used + 3) / 4 * 4;
  if (data.size() < step * static_cast<uint64_t>(header.height - 1) + used) return TooShort();
  for (int y = 0; y < image->rows; ++y) {
    const absl::string_view row = data.substr(step * static_cast<uint64_t>(y), used);
    cv::Vec3b* const to = image->ptr<cv::Vec3b>(header.from_top ? y : image->rows - 1 - y);
    for (int x = 0; x < image->cols; ++x) to[x] = Pixel(header, row, x);
  }
  return absl::OkStatus();
}

// Run-length codes: (count, colours) repeats; (0, 0) ends the row, (0, 1) the picture, (0, 2, dx, dy) goes on
// elsewhere, (0, count, colours ...) is a stretch as it stands, filled up to whole words of 2 bytes.
class RunDecoder {
 public:
  RunDecoder(const Header& header, absl::string_view data, cv::Mat* image)
      : header_(header), data_(data), image_(image) {}

  absl::Status Run() {
    image_->setTo(header_.palette[0]);  // what the codes leave out
    while (y_ < image_->rows) {
      if (at_ + 2 > data_.size()) return TooShort();
      const int count = Next(), code = Next();
      if (count > 0) {
        for (int i = 0; i < count; ++i) Put(ColourAt(code, i));
      } else if (code == 0) {
        x_ = 0;
        ++y_;
      } else if (code == 1) {
        return absl::OkStatus();
      } else if (code == 2) {
        x_ = std::min(x_ + Next(), image_->cols);
        y_ += Next();
      } else {
        Stretch(code);
      }
      if (at_ > data_.size()) return TooShort();
    }
    return absl::OkStatus();
  }

 private:
  int Next() { return static_cast<int>(Number(data_, at_++, 1)); }

  // Colour I of those that a byte repeats in turn.
  int ColourAt(int byte, int i) const {
    if (header_.bits == 8) return byte;
    return i % 2 == 0 ? byte >> 4 : byte & 15;
  }

  void Put(int colour) {
    if (x_ < image_->cols && y_ < image_->rows) {
      image_->at<cv::Vec3b>(image_->rows - 1 - y_, x_) = header_.palette[static_cast<size_t>(colour)];
    }
    x_ = std::min(x_ + 1, image_->cols);
  }

  void Stretch(int count) {
    const int per_byte = header_.bits == 8 ? 1 : 2;
    const int bytes = (count + per_byte - 1) / per_byte;
    int byte = 0;
    for (int i = 0; i < count; ++i) {
      if (i % per_byte == 0) byte = Next();
      Put(ColourAt(byte, i));
    }
    at_ += static_cast<size_t>(bytes % 2);
  }

  const Header& header_;
  const absl::string_view data_;
  cv::Mat* const image_;
  size_t at_ = 0;
  int x_ = 0, y_ = 0;  // y from below
};

}  // namespace

absl::StatusOr<ImageSize> BmpSize(absl::string_view bytes) {
  ASSIGN_OR_RETURN(const Header header, ReadHeader(bytes));
  return ImageSize{static_cast<int>(std::min<int64_t>(header.width, INT32_MAX)),
                   static_cast<int>(std::min<int64_t>(header.height, INT32_MAX))};
}

absl::StatusOr<cv::Mat> DecodeBmp(absl::string_view bytes) {
  ASSIGN_OR_RETURN(const Header header, ReadHeader(bytes));
  RETURN_IF_ERROR(CheckImageSize(header.width, header.height, static_cast<int64_t>(bytes.size())));
  if (header.pixels_at < kFileHeader || header.pixels_at > bytes.size()) return TooShort();
  cv::Mat image(static_cast<int>(header.height), static_cast<int>(header.width), CV_8UC3);
  const absl::string_view data = bytes.substr(header.pixels_at);
  if (header.compression == kRle8 || header.compression == kRle4) {
    RETURN_IF_ERROR(RunDecoder(header, data, &image).Run());
  } else {
    RETURN_IF_ERROR(DecodeRows(header, data, &image));
  }
  return image;
}

}  // namespace hardface::data
