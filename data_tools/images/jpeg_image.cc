#include "data_tools/images/jpeg_image.h"

// clang-format off
#include <cstdio>  // jpeglib.h needs FILE and size_t
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

#include <csetjmp>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace hardface::data {
namespace {

// libjpeg works through every scan of a progressive file; forged ones have thousands of a few bytes each. Encoders
// write about ten.
constexpr int kMaxScans = 500;

// libjpeg's decompressor with errors that end in a status. libjpeg jumps back into the functions with a setjmp: none of
// them may hold an object with a destructor.
class JpegReader {
 public:
  explicit JpegReader(absl::string_view bytes) : bytes_(bytes) {
    info_.err = jpeg_std_error(&errors_);
    info_.client_data = this;
    errors_.error_exit = &OnError;
    errors_.emit_message = &OnMessage;
    progress_.progress_monitor = &OnProgress;
  }
  ~JpegReader() { jpeg_destroy_decompress(&info_); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  absl::Status ReadHeader() { return TryReadHeader() ? absl::OkStatus() : Error(); }
  absl::Status ReadPixels(cv::Mat* image) { return TryReadPixels(image) ? absl::OkStatus() : Error(); }

  bool cmyk() const { return info_.jpeg_color_space == JCS_CMYK || info_.jpeg_color_space == JCS_YCCK; }
  bool known_colors() const { return info_.jpeg_color_space != JCS_UNKNOWN; }
  int colors() const { return info_.num_components; }
  int64_t width() const { return info_.image_width; }
  int64_t height() const { return info_.image_height; }

 private:
  bool TryReadHeader() {
    if (setjmp(jump_) != 0) return false;
    jpeg_create_decompress(&info_);
    info_.progress = &progress_;
    jpeg_mem_src(&info_, reinterpret_cast<const unsigned char*>(bytes_.data()), bytes_.size());
    jpeg_read_header(&info_, TRUE);
    // The scan of a file with one only can be followed by nothing but the end marker, which some cameras forget. In a
    // file of several a missing end is a missing scan.
    end_needed_ = jpeg_has_multiple_scans(&info_) != 0;
    header_read_ = true;
    return true;
  }

  bool TryReadPixels(cv::Mat* image) {
    if (setjmp(jump_) != 0) return false;
    info_.out_color_space = cmyk() ? JCS_CMYK : JCS_EXT_BGR;
    jpeg_start_decompress(&info_);
    while (info_.output_scanline < info_.output_height) {
      JSAMPROW row = image->ptr(static_cast<int>(info_.output_scanline));
      jpeg_read_scanlines(&info_, &row, 1);
    }
    return true;
  }

  absl::Status Error() const {
    switch (code_) {
      case JERR_SOF_UNSUPPORTED:
      case JERR_BAD_PRECISION:
      case JERR_ARITH_NOTIMPL:
      case JERR_CONVERSION_NOTIMPL:
        return absl::InvalidArgumentError(
            absl::StrCat("a kind of JPEG that is not read (", message_, "); save it as an ordinary 8-bit JPEG"));
      default:
        return absl::InvalidArgumentError(absl::StrCat("broken or truncated JPEG: ", message_));
    }
  }

  // Warnings after which every pixel is there all the same.
  bool IsHarmless(int code) const {
    switch (code) {
      case JWRN_EXTRANEOUS_DATA:
      case JWRN_JFIF_MAJOR:
      case JWRN_ADOBE_XFORM:
      case JWRN_NOT_SEQUENTIAL:
        return true;
      case JWRN_JPEG_EOF:
        return header_read_ && !end_needed_;
      default:
        return false;
    }
  }

  [[noreturn]] static void OnError(j_common_ptr info) {
    auto* const self = static_cast<JpegReader*>(info->client_data);
    self->code_ = info->err->msg_code;
    info->err->format_message(info, self->message_);
    std::longjmp(self->jump_, 1);
  }
  // At once, so that a forged file of a few bytes does not cost the time of the picture that it promises.
  static void OnMessage(j_common_ptr info, int level) {
    const auto* const self = static_cast<JpegReader*>(info->client_data);
    if (level < 0 && !self->IsHarmless(info->err->msg_code)) OnError(info);
  }
  static void OnProgress(j_common_ptr info) {
    auto* const self = static_cast<JpegReader*>(info->client_data);
    if (self->info_.input_scan_number <= kMaxScans) return;
    self->code_ = JMSG_NOMESSAGE;
    std::snprintf(self->message_, sizeof(self->message_), "more than %d scans", kMaxScans);
    std::longjmp(self->jump_, 1);
  }

  const absl::string_view bytes_;
  jpeg_decompress_struct info_ = {};
  jpeg_error_mgr errors_ = {};
  jpeg_progress_mgr progress_ = {};
  std::jmp_buf jump_;
  int code_ = 0;
  char message_[JMSG_LENGTH_MAX] = "";
  bool header_read_ = false;
  bool end_needed_ = true;
};

// Adobe's CMYK JPEGs store inverted inks, which libjpeg hands out as they are: white is 255 for each.
cv::Mat BgrFromInvertedCmyk(const cv::Mat& cmyk) {
  cv::Mat bgr(cmyk.rows, cmyk.cols, CV_8UC3);
  for (int y = 0; y < cmyk.rows; ++y) {
    const cv::Vec4b* from = cmyk.ptr<cv::Vec4b>(y);
    cv::Vec3b* to = bgr.ptr<cv::Vec3b>(y);
    for (int x = 0; x < cmyk.cols; ++x) {
      const int k = from[x][3];
      for (int c = 0; c < 3; ++c) to[x][c] = static_cast<uchar>((from[x][2 - c] * k + 127) / 255);
    }
  }
  return bgr;
}

}  // namespace

absl::StatusOr<ImageSize> JpegSize(absl::string_view bytes) {
  JpegReader reader(bytes);
  RETURN_IF_ERROR(reader.ReadHeader());
  return ImageSize{static_cast<int>(reader.width()), static_cast<int>(reader.height())};
}

absl::StatusOr<cv::Mat> DecodeJpeg(absl::string_view bytes) {
  JpegReader reader(bytes);
  RETURN_IF_ERROR(reader.ReadHeader());
  RETURN_IF_ERROR(CheckImageSize(reader.width(), reader.height(), static_cast<int64_t>(bytes.size())));
  if (!reader.known_colors()) {
    return absl::InvalidArgumentError(
        absl::StrCat("a JPEG of ", reader.colors(), " colour channels, which cannot be told; save it as RGB or grey"));
  }
  cv::Mat image(static_cast<int>(reader.height()), static_cast<int>(reader.width()), reader.cmyk() ? CV_8UC4 : CV_8UC3);
  RETURN_IF_ERROR(reader.ReadPixels(&image));
  return reader.cmyk() ? BgrFromInvertedCmyk(image) : image;
}

}  // namespace hardface::data
