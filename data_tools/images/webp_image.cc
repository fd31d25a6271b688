#include "data_tools/images/webp_image.h"

#include <webp/decode.h>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace hardface::data {
namespace {

absl::string_view Describe(VP8StatusCode status) {
  switch (status) {
    case VP8_STATUS_OUT_OF_MEMORY:
      return "out of memory";
    case VP8_STATUS_BITSTREAM_ERROR:
      return "its data make no sense";
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      return "it uses something that libwebp does not know";
    case VP8_STATUS_SUSPENDED:
    case VP8_STATUS_NOT_ENOUGH_DATA:
      return "the file ends too early";
    default:
      return "libwebp cannot read it";
  }
}

absl::Status WebpError(VP8StatusCode status) {
  return absl::InvalidArgumentError(absl::StrCat("broken or truncated WebP: ", Describe(status)));
}

const uint8_t* Data(absl::string_view bytes) { return reinterpret_cast<const uint8_t*>(bytes.data()); }

absl::StatusOr<WebPBitstreamFeatures> ReadHeader(absl::string_view bytes) {
  WebPBitstreamFeatures features;
  const VP8StatusCode status = WebPGetFeatures(Data(bytes), bytes.size(), &features);
  if (status != VP8_STATUS_OK) return WebpError(status);
  if (features.has_animation != 0) {
    return absl::InvalidArgumentError(
        "an animated WebP, which is not read; take its pictures out, for example by: anim_dump FILE (package webp)");
  }
  return features;
}

}  // namespace

absl::StatusOr<ImageSize> WebpSize(absl::string_view bytes) {
  ASSIGN_OR_RETURN(const WebPBitstreamFeatures features, ReadHeader(bytes));
  return ImageSize{features.width, features.height};
}

absl::StatusOr<cv::Mat> DecodeWebp(absl::string_view bytes) {
  ASSIGN_OR_RETURN(const WebPBitstreamFeatures features, ReadHeader(bytes));
  RETURN_IF_ERROR(CheckImageSize(features.width, features.height, static_cast<int64_t>(bytes.size())));
  cv::Mat image(features.height, features.width, CV_8UC3);
  WebPDecoderConfig config;
  if (WebPInitDecoderConfig(&config) == 0) {
    return absl::InternalError("the libwebp that runs is not of the version that this program was built for");
  }
  config.output.colorspace = MODE_BGR;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = image.data;
  config.output.u.RGBA.stride = static_cast<int>(image.step);
  config.output.u.RGBA.size = image.step * static_cast<size_t>(image.rows);
  const VP8StatusCode status = WebPDecode(Data(bytes), bytes.size(), &config);
  WebPFreeDecBuffer(&config.output);
  if (status != VP8_STATUS_OK) return WebpError(status);
  return image;
}

}  // namespace hardface::data
