#include "infer/video_frames.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <opencv2/imgproc.hpp>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/folder_walk.h"
#include "base/paths.h"
#include "data_tools/images/image_size.h"
#include "infer/ffmpeg_process.h"

namespace hardface::infer {
namespace {

// Starts ffmpeg, which decodes the video and writes it into a pipe in the form that HOW, the last flags, says. READ is
// the pipe's other end.
absl::StatusOr<pid_t> StartDecoder(const std::string& path, const std::vector<std::string>& how, Breaks breaks,
                                   std::FILE** read) {
  if (!IsThere(path)) return absl::NotFoundError(absl::StrCat(path, ": no such file"));
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return absl::InternalError(absl::StrCat("no pipe: ", std::strerror(errno)));
  // "file:" keeps names from being taken for flags or for addresses, and the list what the file says from being either.
  std::vector<std::string> arguments = {"-nostdin",     "-v",   "error", "-protocol_whitelist", "file",       "-i",
                                        "file:" + path, "-map", "0:v:0", "-fps_mode",           "passthrough"};
  if (breaks == Breaks::kEndIt) arguments.insert(arguments.begin(), "-xerror");
  arguments.insert(arguments.end(), how.begin(), how.end());
  arguments.emplace_back("pipe:1");
  FfmpegStreams streams;
  streams.out = ends[1];
  const int nowhere = breaks == Breaks::kPassOver ? open("/dev/null", O_WRONLY | O_CLOEXEC) : -1;
  streams.messages = nowhere;
  const absl::StatusOr<pid_t> decoder = StartFfmpeg(path, arguments, streams);
  close(ends[1]);
  if (nowhere >= 0) close(nowhere);
  if (decoder.ok()) {
    *read = fdopen(ends[0], "rb");
  } else {
    close(ends[0]);
  }
  return decoder;
}

}  // namespace

bool IsVideo(absl::string_view path) {
  return HasEnding(path, {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".wmv",
                          ".flv", ".3gp", ".ogv"});
}

absl::StatusOr<std::unique_ptr<VideoFrames>> VideoFrames::Open(const std::string& path, Breaks breaks) {
  std::FILE* frames = nullptr;
  // PPM files, one behind the other.
  const absl::StatusOr<pid_t> decoder = StartDecoder(path, {"-f", "image2pipe", "-c:v", "ppm"}, breaks, &frames);
  if (!decoder.ok()) return decoder.status();
  return std::unique_ptr<VideoFrames>(new VideoFrames(path, *decoder, frames));
}

VideoFrames::~VideoFrames() {
  std::fclose(frames_);
  if (decoder_ != 0) KillFfmpeg(decoder_);
}

// What ffmpeg says at its end.
absl::Status VideoFrames::Ended() {
  if (EndsWell(std::exchange(decoder_, 0))) return absl::OkStatus();
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

absl::StatusOr<std::unique_ptr<FrameTimes>> FrameTimes::Open(const std::string& path) {
  std::FILE* lines = nullptr;
  // A line for each frame: "0, DTS, PTS, DURATION, SIZE, CHECKSUM".
  const absl::StatusOr<pid_t> decoder = StartDecoder(path,
                                                     {"-enc_time_base", absl::StrCat("1:", kTicksPerSecond), "-c:v",
                                                      "rawvideo", "-flush_packets", "1", "-f", "framecrc"},
                                                     Breaks::kPassOver, &lines);
  if (!decoder.ok()) return decoder.status();
  return std::unique_ptr<FrameTimes>(new FrameTimes(path, *decoder, lines));
}

FrameTimes::~FrameTimes() {
  std::fclose(lines_);
  KillFfmpeg(decoder_);
}

absl::StatusOr<int64_t> FrameTimes::Next() {
  char buffer[1024];
  while (std::fgets(buffer, sizeof(buffer), lines_) != nullptr) {
    absl::string_view line = absl::StripAsciiWhitespace(buffer);
    int width = 0, height = 0;
    if (absl::ConsumePrefix(&line, "#sar 0:")) {
      const std::vector<absl::string_view> sides = absl::StrSplit(line, '/');
      const bool good = sides.size() == 2 && absl::SimpleAtoi(sides[0], &width) &&
                        absl::SimpleAtoi(sides[1], &height) && width > 0 && height > 0;
      if (good) pixel_shape_ = absl::StrCat(width, "/", height);
      continue;
    }
    if (line.empty() || line[0] == '#') continue;
    const std::vector<absl::string_view> fields = absl::StrSplit(line, ',');
    int64_t time = 0;
    if (fields.size() < 4 || !absl::SimpleAtoi(fields[2], &time)) break;
    if (!absl::SimpleAtoi(fields[3], &duration_)) duration_ = 0;
    return time;
  }
  return absl::DataLossError(absl::StrCat(path_, ": ffmpeg does not say when its frames are shown"));
}

}  // namespace hardface::infer
