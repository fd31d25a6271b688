// Reading the image of a dataset's entry: the pixels as stored, of the size that the manifest says. An image that was
// resized or turned since it was annotated has boxes that do not fit, and nothing else would show it.
#ifndef HARDFACE_DATA_TOOLS_DATASET_ENTRY_IMAGE_H_
#define HARDFACE_DATA_TOOLS_DATASET_ENTRY_IMAGE_H_

#include <opencv2/core/mat.hpp>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/images/image_size.h"

namespace hardface::data {

// An error where the file at PATH is not of the size that the manifest says of it. A width or height of 0 there means
// that the size is not known, and any is right.
absl::Status CheckEntrySize(const std::string& path, const ImageSize& in_manifest, const ImageSize& in_file);

// 8-bit BGR, not mirrored, whether the entry is flipped or not. PATH: where the entry's image lies.
absl::StatusOr<cv::Mat> ReadEntryImage(const DatasetEntry& entry, const std::string& path);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_DATASET_ENTRY_IMAGE_H_
