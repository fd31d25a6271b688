// The frames of videos, as the program ffmpeg decodes them (ffmpeg_process.h).
#ifndef HARDFACE_INFER_VIDEO_FRAMES_H_
#define HARDFACE_INFER_VIDEO_FRAMES_H_

#include <sys/types.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <opencv2/core/mat.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace hardface::infer {

// Whether PATH is a video that comes through a named pipe, as from a camera: its frames are there once, and it may have
// no end.
bool IsStream(const std::string& path);

// The endings of videos' names (.mp4, .mkv, ...).
const std::vector<std::string>& VideoExtensions();

// Whether PATH ends so, in any case.
bool IsVideo(absl::string_view path);

// What is done where a video is broken.
enum class Breaks {
  kEndIt,     // ffmpeg says on stderr what is wrong, and the frames end there
  kPassOver,  // nothing is said, and the frames go on where ffmpeg finds more
};

class VideoFrames {
 public:
  // NotFound where the video, or ffmpeg, is missing. HDR videos, whose light is coded for other screens, are brought to
  // the range of photographs, where ffmpeg can do so. Of a stream damaged frames are passed over, whatever BREAKS says.
  static absl::StatusOr<std::unique_ptr<VideoFrames>> Open(const std::string& path, Breaks breaks = Breaks::kEndIt);
  ~VideoFrames();
  VideoFrames(const VideoFrames&) = delete;
  VideoFrames& operator=(const VideoFrames&) = delete;

  // The next frame, 8-bit BGR, turned as players turn it; an empty one behind the last. Each is given once, at whatever
  // times they are shown. DataLoss: the video is broken from here on; ffmpeg has said on stderr how. A signal that is
  // handled ends the frames.
  absl::StatusOr<cv::Mat> Next();

 private:
  // What ffmpeg runs as.
  struct Decoder {
    pid_t process = 0;              // 0: it has ended
    std::FILE* frames = nullptr;    // what it writes
    std::FILE* messages = nullptr;  // what it says; null: it says so on stderr itself, or not at all
  };

  VideoFrames(std::string path, const Decoder& decoder) : path_(std::move(path)), decoder_(decoder) {}
  absl::StatusOr<cv::Mat> EndOfFrames();
  absl::Status Ended();

  const std::string path_;
  Decoder decoder_;
};

// Fractions of a second in which times are given: the rates 24, 25, 30, 50, 60, those by 1000/1001 of them, and times
// in milliseconds or of 1/90000 s are whole numbers of it.
inline constexpr int64_t kTicksPerSecond = 720000;

// When the frames are shown that VideoFrames gives, in the same order.
class FrameTimes {
 public:
  static absl::StatusOr<std::unique_ptr<FrameTimes>> Open(const std::string& path);
  ~FrameTimes();
  FrameTimes(const FrameTimes&) = delete;
  FrameTimes& operator=(const FrameTimes&) = delete;

  // The next frame's time, in ticks from the beginning of the file. DataLoss behind the last.
  absl::StatusOr<int64_t> Next();
  // How long that frame is shown, in ticks; 0 where it is not known.
  int64_t duration() const { return duration_; }
  // Width by height of a pixel, such as "16/15"; "1/1" where the video does not say. Known from the first Next() on.
  const std::string& pixel_shape() const { return pixel_shape_; }

 private:
  FrameTimes(std::string path, pid_t decoder, std::FILE* lines)
      : path_(std::move(path)), decoder_(decoder), lines_(lines) {}

  const std::string path_;
  const pid_t decoder_;
  std::FILE* const lines_;
  int64_t duration_ = 0;
  std::string pixel_shape_ = "1/1";
};

}  // namespace hardface::infer

#endif  // HARDFACE_INFER_VIDEO_FRAMES_H_
