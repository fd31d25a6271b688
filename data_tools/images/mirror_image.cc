#include "data_tools/images/mirror_image.h"

#include <turbojpeg.h>

#include <memory>
#include <opencv2/core.hpp>

#include "absl/strings/str_cat.h"
#include "base/atomic_output.h"
#include "base/read_file.h"
#include "base/status_macros.h"
#include "data_tools/images/image_io.h"
#include "data_tools/images/image_kind.h"

namespace hardface::data {
namespace {

// The mirrored file's bytes; empty where its blocks do not allow it.
std::string MirrorJpeg(const std::string& bytes) {
  const std::unique_ptr<void, int (*)(tjhandle)> handle(tjInitTransform(), &tjDestroy);
  tjtransform transform{};
  transform.op = TJXOP_HFLIP;
  transform.options = TJXOPT_PERFECT | TJXOPT_COPYNONE;
  unsigned char* buffer = nullptr;
  unsigned long size = 0;  // NOLINT(runtime/int): turbojpeg's type
  const int result = tjTransform(handle.get(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                                 /*n=*/1, &buffer, &size, &transform, /*flags=*/0);
  const std::unique_ptr<unsigned char, void (*)(unsigned char*)> owner(buffer, &tjFree);
  if (result != 0) return "";
  return std::string(reinterpret_cast<const char*>(buffer), size);
}

}  // namespace

absl::StatusOr<std::string> MirrorImageFile(const std::string& from, const std::string& to) {
  // Decoding first: a truncated JPEG must be an error, not a mirrored truncated JPEG.
  ASSIGN_OR_RETURN(const cv::Mat image, ReadImage(from));
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(from));
  ASSIGN_OR_RETURN(const ImageKind kind, ImageKindOf(bytes, from));
  const std::string mirrored = kind == ImageKind::kJpeg ? MirrorJpeg(bytes) : "";
  if (!mirrored.empty()) {
    RETURN_IF_ERROR(WriteFileAtomically(to, mirrored));
    return to;
  }
  cv::Mat pixels;
  cv::flip(image, pixels, /*flipCode=*/1);
  const std::string path = kind == ImageKind::kPng ? to : to + ".png";
  RETURN_IF_ERROR(WritePng(path, pixels));
  return path;
}

}  // namespace hardface::data
