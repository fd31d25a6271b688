// The frames of videos. They are decoded by the program ffmpeg, in a process of its own: nothing of it is linked or
// loaded, and a film that makes a decoder fall does not take the run with it.
#ifndef HARDFACE_INFER_VIDEO_FRAMES_H_
#define HARDFACE_INFER_VIDEO_FRAMES_H_

#include <sys/types.h>

#include <cstdio>
#include <memory>
#include <opencv2/core/mat.hpp>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace hardface::infer {

// Whether PATH ends as a video's name does (.mp4, .mkv, ...).
bool IsVideo(absl::string_view path);

class VideoFrames {
 public:
  // NotFound where the video, or ffmpeg, is missing.
  static absl::StatusOr<std::unique_ptr<VideoFrames>> Open(const std::string& path);
  ~VideoFrames();
  VideoFrames(const VideoFrames&) = delete;
  VideoFrames& operator=(const VideoFrames&) = delete;

  // The next frame, 8-bit BGR, turned as players turn it; an empty one behind the last. Each is given once, at whatever
  // times they are shown. DataLoss: the video is broken from here on; ffmpeg has said on stderr how.
  absl::StatusOr<cv::Mat> Next();

 private:
  VideoFrames(std::string path, pid_t decoder, std::FILE* frames)
      : path_(std::move(path)), decoder_(decoder), frames_(frames) {}
  absl::Status Ended();

  const std::string path_;
  pid_t decoder_;  // 0: it has ended
  std::FILE* const frames_;
};

}  // namespace hardface::infer

#endif  // HARDFACE_INFER_VIDEO_FRAMES_H_
