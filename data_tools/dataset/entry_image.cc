#include "data_tools/dataset/entry_image.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "data_tools/images/image_io.h"

namespace hardface::data {

absl::Status CheckEntrySize(const std::string& path, const ImageSize& in_manifest, const ImageSize& in_file) {
  if (in_manifest.width == 0 || in_manifest.height == 0) return absl::OkStatus();
  if (in_manifest.width == in_file.width && in_manifest.height == in_file.height) return absl::OkStatus();
  const bool turned = in_manifest.width == in_file.height && in_manifest.height == in_file.width;
  return absl::InvalidArgumentError(absl::StrCat(
      path, ": is ", in_file.width, " x ", in_file.height, " pixels, its manifest entry says ", in_manifest.width,
      " x ", in_manifest.height,
      turned ? ": the file has been turned since, or its annotations speak of the picture turned by its EXIF "
               "orientation (import --exif=turn)"
             : ": the file is another version of the image than the annotated one",
      "; import the dataset again, or put the annotated file there. data_tools:doctor lists all such images"));
}

absl::StatusOr<cv::Mat> ReadEntryImage(const DatasetEntry& entry, const std::string& path) {
  ASSIGN_OR_RETURN(cv::Mat image, ReadImage(path));
  RETURN_IF_ERROR(CheckEntrySize(path, {entry.width, entry.height}, {image.cols, image.rows}));
  return image;
}

}  // namespace hardface::data
