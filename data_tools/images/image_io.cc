#include "data_tools/images/image_io.h"

#include <turbojpeg.h>

#include <algorithm>
#include <fstream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "base/atomic_output.h"
#include "base/check.h"
#include "base/read_file.h"
#include "base/special_file.h"
#include "base/status_macros.h"
#include "data_tools/images/bmp_image.h"
#include "data_tools/images/exif.h"
#include "data_tools/images/image_kind.h"
#include "data_tools/images/jpeg_image.h"
#include "data_tools/images/png_image.h"
#include "data_tools/images/webp_image.h"

namespace hardface::data {
namespace {

absl::Status InFile(const std::string& path, const absl::Status& status) {
  return absl::Status(status.code(),
                      absl::StrCat(path, ": ", status.message(), "; replace the file or remove its entry"));
}

absl::StatusOr<cv::Mat> Decode(absl::string_view bytes, ImageKind kind) {
  switch (kind) {
    case ImageKind::kJpeg:
      return DecodeJpeg(bytes);
    case ImageKind::kPng:
      return DecodePng(bytes);
    case ImageKind::kWebp:
      return DecodeWebp(bytes);
    case ImageKind::kBmp:
      return DecodeBmp(bytes);
  }
  return absl::InternalError("a kind of image without a decoder");
}

absl::StatusOr<ImageSize> SizeOf(absl::string_view bytes, ImageKind kind) {
  switch (kind) {
    case ImageKind::kJpeg:
      return JpegSize(bytes);
    case ImageKind::kPng:
      return PngSize(bytes);
    case ImageKind::kWebp:
      return WebpSize(bytes);
    case ImageKind::kBmp:
      return BmpSize(bytes);
  }
  return absl::InternalError("a kind of image without a decoder");
}

// BYTES: the file or its start.
absl::StatusOr<ImageSize> SizeFromBytes(absl::string_view bytes, const std::string& path) {
  ASSIGN_OR_RETURN(const ImageKind kind, ImageKindOf(bytes, path));
  const absl::StatusOr<ImageSize> size = SizeOf(bytes, kind);
  if (!size.ok()) return InFile(path, size.status());
  // As if the file were as large as may be: how much of it BYTES are is not known.
  const absl::Status good = CheckImageSize(size->width, size->height, kMaxImagePixels);
  if (!good.ok()) return InFile(path, good);
  return size;
}

// Of a file that cannot be read, nothing.
std::string ReadRange(std::ifstream* stream, uint64_t offset, size_t count) {
  std::string bytes(count, '\0');
  stream->clear();
  stream->seekg(static_cast<std::streamoff>(offset));
  stream->read(bytes.data(), static_cast<std::streamsize>(count));
  bytes.resize(static_cast<size_t>(std::max<std::streamsize>(0, stream->gcount())));
  return bytes;
}

// BYTES: the file's.
absl::StatusOr<cv::Mat> DecodeFile(absl::string_view bytes, const std::string& path, Pixels pixels) {
  ASSIGN_OR_RETURN(const ImageKind kind, ImageKindOf(bytes, path));
  absl::StatusOr<cv::Mat> image = Decode(bytes, kind);
  if (!image.ok()) return InFile(path, image.status());
  return pixels == Pixels::kAsSeen ? TurnUpright(*image, ExifOrientation(bytes)) : *std::move(image);
}

}  // namespace

absl::StatusOr<cv::Mat> ReadImage(const std::string& path, Pixels pixels) {
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  return DecodeFile(bytes, path, pixels);
}

absl::StatusOr<cv::Mat> ReadImageOrPipe(const std::string& path, Pixels pixels) {
  ASSIGN_OR_RETURN(const std::string bytes, ReadFileOrPipe(path));
  return DecodeFile(bytes, path, pixels);
}

absl::StatusOr<ImageSize> ReadImageSize(const std::string& path) {
  // Nearly every header ends here; thumbnails and colour profiles may push the size farther back.
  constexpr size_t kStart = 64 << 10;
  RETURN_IF_ERROR(CheckIsNotSpecial(path));
  std::ifstream stream(path, std::ios::binary);
  const std::string start = ReadRange(&stream, 0, kStart);
  if (!start.empty()) {
    const absl::StatusOr<ImageSize> size = SizeFromBytes(start, path);
    if (size.ok()) return size;
  }
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  return SizeFromBytes(bytes, path);
}

int ReadOrientation(const std::string& path) {
  if (!SpecialFileKind(path).empty()) return 1;
  std::ifstream stream(path, std::ios::binary);
  return ExifOrientation([&stream](uint64_t offset, size_t count) { return ReadRange(&stream, offset, count); });
}

absl::StatusOr<std::string> EncodeJpeg(const cv::Mat& image, int quality) {
  HARDFACE_CHECK(image.type() == CV_8UC3);
  const std::unique_ptr<void, int (*)(tjhandle)> handle(tjInitCompress(), &tjDestroy);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;  // NOLINT(runtime/int): turbojpeg's type
  const int result = tjCompress2(handle.get(), image.data, image.cols, static_cast<int>(image.step), image.rows,
                                 TJPF_BGR, &buffer, &size, TJSAMP_420, quality, 0);
  const std::unique_ptr<unsigned char, void (*)(unsigned char*)> owner(buffer, &tjFree);
  if (result != 0) return absl::InternalError(absl::StrCat("JPEG encoding failed: ", tjGetErrorStr2(handle.get())));
  return std::string(reinterpret_cast<const char*>(buffer), size);
}

absl::Status WriteJpeg(const std::string& path, const cv::Mat& image, int quality) {
  const absl::StatusOr<std::string> bytes = EncodeJpeg(image, quality);
  if (!bytes.ok()) return absl::InternalError(absl::StrCat(path, ": ", bytes.status().message()));
  return WriteFileAtomically(path, *bytes);
}

absl::Status WritePng(const std::string& path, const cv::Mat& image) {
  const absl::StatusOr<std::string> bytes = EncodePng(image);
  if (!bytes.ok()) return absl::InternalError(absl::StrCat(path, ": ", bytes.status().message()));
  return WriteFileAtomically(path, *bytes);
}

}  // namespace hardface::data
