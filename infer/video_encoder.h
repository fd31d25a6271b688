// Videos written frame by frame, by the program ffmpeg (ffmpeg_process.h).
#ifndef HARDFACE_INFER_VIDEO_ENCODER_H_
#define HARDFACE_INFER_VIDEO_ENCODER_H_

#include <sys/types.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <opencv2/core/mat.hpp>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/atomic_output.h"
#include "infer/video_frames.h"

namespace hardface::infer {

// An error, with ffmpeg's own words, where it is there and cannot encode H.264. Where it is not there, reading a video
// says so.
absl::Status CheckCanEncode();

// A video that takes its sound from another one. It appears complete or not at all (atomic_output.h).
class VideoEncoder {
 public:
  // By its ending PATH becomes an MP4 (.mp4, .m4v), a QuickTime (.mov) or a Matroska file. The sound of SOURCE goes
  // into it unchanged; descriptions, which may name people and places, do not.
  static absl::StatusOr<std::unique_ptr<VideoEncoder>> Create(const std::string& path, const std::string& source);
  ~VideoEncoder();
  VideoEncoder(const VideoEncoder&) = delete;
  VideoEncoder& operator=(const VideoEncoder&) = delete;

  // Adds a frame (8-bit BGR) that is shown from TIME on, in kTicksPerSecond (video_frames.h). All have the size of the
  // first, or are scaled to it. TIMES says of the first how long it is shown, and its pixels' shape.
  absl::Status Add(const cv::Mat& frame, int64_t time, const FrameTimes& times);
  // Completes the file. Call once, last.
  absl::Status Finish();

 private:
  VideoEncoder(std::string path, std::string source, std::unique_ptr<AtomicFile> file)
      : path_(std::move(path)), source_(std::move(source)), file_(std::move(file)) {}
  absl::Status Start(const cv::Mat& frame, int64_t time, const FrameTimes& times);
  absl::Status Send(const void* bytes, size_t count);
  absl::Status Failed();
  void CloseInput();

  const std::string path_, source_;
  const std::unique_ptr<AtomicFile> file_;
  std::FILE* messages_ = nullptr;  // ffmpeg's
  pid_t process_ = 0;              // 0: not started, or ended
  int input_ = -1;
  int64_t first_time_ = 0;
  cv::Size size_;
};

}  // namespace hardface::infer

#endif  // HARDFACE_INFER_VIDEO_ENCODER_H_
