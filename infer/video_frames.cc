#include "infer/video_frames.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <opencv2/imgproc.hpp>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/folder_walk.h"
#include "base/paths.h"
#include "data_tools/images/image_size.h"

namespace hardface::infer {
namespace {

// Starts ffmpeg, which writes frames as PPM files, one behind the other, into a pipe.
absl::StatusOr<pid_t> StartDecoder(const std::string& path, int* frames) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return absl::InternalError(absl::StrCat("no pipe: ", std::strerror(errno)));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  // "file:" keeps names from being taken for flags or for addresses, and the list what the file says from being either.
  std::vector<std::string> command = {
      "ffmpeg", "-nostdin", "-v",        "error",       "-xerror", "-protocol_whitelist", "file", "-i",  "file:" + path,
      "-map",   "0:v:0",    "-fps_mode", "passthrough", "-f",      "image2pipe",          "-c:v", "ppm", "pipe:1"};
  std::vector<char*> argv;
  for (std::string& argument : command) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_t decoder = 0;
  const int failed = posix_spawnp(&decoder, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  if (failed == 0) {
    *frames = ends[0];
    return decoder;
  }
  close(ends[0]);
  if (failed == ENOENT) {
    return absl::NotFoundError(
        absl::StrCat(path,
                     ": is a video, and the program ffmpeg, which decodes it, is not installed; on Debian: "
                     "apt-get install ffmpeg"));
  }
  return absl::InternalError(absl::StrCat(path, ": cannot start ffmpeg: ", std::strerror(failed)));
}

}  // namespace

bool IsVideo(absl::string_view path) {
  return HasEnding(path, {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".wmv",
                          ".flv", ".3gp", ".ogv"});
}

absl::StatusOr<std::unique_ptr<VideoFrames>> VideoFrames::Open(const std::string& path) {
  if (!IsThere(path)) return absl::NotFoundError(absl::StrCat(path, ": no such file"));
  int descriptor = -1;
  const absl::StatusOr<pid_t> decoder = StartDecoder(path, &descriptor);
  if (!decoder.ok()) return decoder.status();
  return std::unique_ptr<VideoFrames>(new VideoFrames(path, *decoder, fdopen(descriptor, "rb")));
}

VideoFrames::~VideoFrames() {
  std::fclose(frames_);
  if (decoder_ == 0) return;
  kill(decoder_, SIGKILL);
  waitpid(decoder_, nullptr, 0);
}

// What ffmpeg says at its end.
absl::Status VideoFrames::Ended() {
  int state = 0;
  waitpid(std::exchange(decoder_, 0), &state, 0);
  if (WIFEXITED(state) && WEXITSTATUS(state) == 0) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(path_, ": ffmpeg cannot decode it to its end (its own message stands above)"));
}

absl::StatusOr<cv::Mat> VideoFrames::Next() {
  if (decoder_ == 0) return cv::Mat();
  int width = 0, height = 0;
  const int read = std::fscanf(frames_, "P6 %d %d 255", &width, &height);
  if (read == EOF) {
    const absl::Status ended = Ended();
    if (!ended.ok()) return ended;
    return cv::Mat();
  }
  const bool good = read == 2 && std::fgetc(frames_) == '\n' && width > 0 && height > 0 &&
                    int64_t{width} * height <= data::kMaxImagePixels;
  if (!good) return absl::DataLossError(absl::StrCat(path_, ": what ffmpeg gave is no frame"));
  cv::Mat frame(height, width, CV_8UC3);
  if (std::fread(frame.data, 1, frame.total() * 3, frames_) != frame.total() * 3) {
    const absl::Status ended = Ended();
    return ended.ok() ? absl::DataLossError(absl::StrCat(path_, ": its last frame is cut off")) : ended;
  }
  cv::cvtColor(frame, frame, cv::COLOR_RGB2BGR);
  return frame;
}

}  // namespace hardface::infer
