// The pictures that a run of detection leaves: drawn boxes, faces cut out, faces hidden, and a contact sheet.
#ifndef HARDFACE_INFER_PICTURE_OUTPUTS_H_
#define HARDFACE_INFER_PICTURE_OUTPUTS_H_

#include <cstdint>
#include <opencv2/core/mat.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "data_tools/dataset/detections.h"
#include "infer/images_to_detect.h"

namespace hardface::infer {

struct PictureOptions {
  bool draw = false;           // FOLDER/drawn: pictures with the boxes
  std::string crops;           // a folder for a picture of each face; empty: none
  bool blur = false;           // FOLDER/blurred: pictures with their faces blurred
  bool pixelate = false;       // FOLDER/pixelated: the same, pixelated
  bool single_frames = false;  // of a video, the three above are pictures of its frames and no videos
  bool contact_sheet = false;  // FOLDER/contact_sheet.html: small pictures with the boxes on one page
  float threshold = 0.5f;      // least score of a face that is drawn, cut out or hidden
  double margin = 0.2;         // added on each side of faces cut out or hidden, in widths and heights of the box
};

// Pictures that a contact sheet shows: the run's first so many.
inline constexpr int64_t kMaxOnSheet = 1000;

class PictureOutputs {
 public:
  PictureOutputs(std::string folder, const PictureOptions& options) : folder_(std::move(folder)), options_(options) {}

  // Writes the pictures of the run's image INDEX (from 0). They are complete when this returns; doing it twice gives
  // the same files. Of a video's frame only what stays a picture is written here; drawn_videos.h has the rest.
  absl::Status Write(int64_t index, const ImageToDetect& image, const cv::Mat& pixels,
                     const std::vector<data::Detection>& faces) const;

  // Puts the contact sheet together, with the names that the run's journal in FOLDER has (result_journal.h).
  absl::Status Finish() const;

 private:
  std::string PartOfSheet(int64_t index) const;
  absl::Status WriteCopies(const ImageToDetect& image, const cv::Mat& pixels,
                           const std::vector<data::Rect>& boxes) const;

  const std::string folder_;
  const PictureOptions options_;
};

}  // namespace hardface::infer

#endif  // HARDFACE_INFER_PICTURE_OUTPUTS_H_
