// What kind of picture a file holds, told by its first bytes: names lie (a phone's "photo.jpg" may be HEIC).
#ifndef HARDFACE_DATA_TOOLS_IMAGES_IMAGE_KIND_H_
#define HARDFACE_DATA_TOOLS_IMAGES_IMAGE_KIND_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace hardface::data {

// The kinds that are read.
enum class ImageKind { kJpeg, kPng, kWebp, kBmp };

// The kind of a file that begins with BYTES (64 are enough). Everything else is an error that names PATH, says what the
// file is where that can be told (HEIC, TIFF, GIF, a web page ...), and what to convert it with.
absl::StatusOr<ImageKind> ImageKindOf(absl::string_view bytes, const std::string& path);

// The endings of files of the kinds that are read: ".jpg", ".png", ...
const std::vector<std::string>& ImageExtensions();
// Those of pictures that are not (.heic, .tif, .gif ...): such a file must be reported, not passed over.
const std::vector<std::string>& ForeignExtensions();

// NAME without ".jpg", ".png" or another extension of the kinds that are read; names may hold further dots.
std::string WithoutPictureExtension(const std::string& name);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_IMAGES_IMAGE_KIND_H_
