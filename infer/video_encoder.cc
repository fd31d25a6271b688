#include "infer/video_encoder.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/folder_walk.h"
#include "base/status_macros.h"
#include "infer/ffmpeg_process.h"

namespace hardface::infer {
namespace {

constexpr char kSingleFramesHint[] = "; --single_frames writes pictures instead";

// ffmpeg's name for what PATH is to be.
const char* Container(const std::string& path) {
  if (HasEnding(path, {".mp4", ".m4v"})) return "mp4";
  return HasEnding(path, {".mov"}) ? "mov" : "matroska";
}

// The last lines of a file that is open.
std::string LastLines(std::FILE* file) {
  constexpr size_t kLines = 5;
  std::vector<std::string> lines =
      absl::StrSplit(absl::StripAsciiWhitespace(TextOf(file)), '\n', absl::SkipWhitespace());
  if (lines.size() > kLines) lines.erase(lines.begin(), lines.end() - kLines);
  return lines.empty() ? "it does not say why" : absl::StrJoin(lines, " | ");
}

// Appends NUMBER's BYTES lowest bytes, the lowest first.
void AppendNumber(uint64_t number, int bytes, std::string* text) {
  for (int i = 0; i < bytes; ++i) text->push_back(static_cast<char>(number >> (8 * i) & 0xff));
}

// The head of an IVF file, the plainest form that gives each frame a time. Of what the frames are ffmpeg is told by a
// flag.
std::string IvfHead() {
  std::string head = "DKIF";
  AppendNumber(0, 2, &head);   // version
  AppendNumber(32, 2, &head);  // bytes of the head
  AppendNumber(0, 4, &head);   // encoding
  AppendNumber(0, 4, &head);   // width and height: each frame has its own
  AppendNumber(kTicksPerSecond, 4, &head);
  AppendNumber(1, 4, &head);
  AppendNumber(0, 8, &head);  // frames: not known
  return head;
}

std::string PpmHead(const cv::Mat& frame) { return absl::StrCat("P6\n", frame.cols, " ", frame.rows, "\n255\n"); }

// Appends the parts of TEXT, which spaces separate.
void Append(const std::string& text, std::vector<std::string>* arguments) {
  for (const absl::string_view part : absl::StrSplit(text, ' ')) arguments->emplace_back(part);
}

// Odd sides need a colour for each pixel; others share one among four, which all players show.
const char* PixelFormat(const cv::Mat& frame) {
  return frame.cols % 2 == 0 && frame.rows % 2 == 0 ? "yuv420p" : "yuv444p";
}

}  // namespace

absl::Status CheckCanEncode() {
  std::FILE* const messages = std::tmpfile();
  std::FILE* const picture = std::tmpfile();
  if (messages == nullptr || picture == nullptr) return absl::InternalError("no temporary file can be made");
  const cv::Mat frame(16, 16, CV_8UC3, cv::Scalar(0, 0, 0));
  const std::string text = PpmHead(frame) + std::string(frame.total() * 3, '\0');
  std::fwrite(text.data(), 1, text.size(), picture);
  std::fflush(picture);
  std::rewind(picture);
  const absl::StatusOr<pid_t> process =
      StartFfmpeg("--draw",
                  {"-nostdin", "-v", "error", "-f", "image2pipe", "-c:v", "ppm", "-i", "pipe:0", "-c:v", "libx264",
                   "-pix_fmt", "yuv420p", "-f", "null", "-"},
                  {fileno(picture), fileno(messages), fileno(messages)});
  absl::Status status;
  if (process.ok() && !EndsWell(*process)) {
    status = absl::FailedPreconditionError(
        absl::StrCat("this ffmpeg cannot encode videos with libx264: ", LastLines(messages),
                     "; install another, such as Debian's", kSingleFramesHint));
  } else if (!process.ok() && !absl::IsNotFound(process.status())) {
    status = process.status();
  }
  std::fclose(messages);
  std::fclose(picture);
  return status;
}

absl::StatusOr<std::unique_ptr<VideoEncoder>> VideoEncoder::Create(const std::string& path, const std::string& source) {
  ASSIGN_OR_RETURN(auto file, AtomicFile::Create(path));
  return std::unique_ptr<VideoEncoder>(new VideoEncoder(path, source, std::move(file)));
}

VideoEncoder::~VideoEncoder() {
  CloseInput();
  if (process_ != 0) KillFfmpeg(process_);
  if (messages_ != nullptr) std::fclose(messages_);
}

void VideoEncoder::CloseInput() {
  if (input_ >= 0) close(input_);
  input_ = -1;
}

absl::Status VideoEncoder::Failed() {
  CloseInput();
  if (process_ != 0) EndsWell(std::exchange(process_, 0));
  return absl::InternalError(
      absl::StrCat(source_, ": ffmpeg cannot write its copy: ", LastLines(messages_), kSingleFramesHint));
}

absl::Status VideoEncoder::Start(const cv::Mat& frame, int64_t time, const FrameTimes& times) {
  messages_ = std::tmpfile();
  if (messages_ == nullptr) return absl::InternalError("no temporary file can be made");
  first_time_ = time;
  size_ = frame.size();
  // ffmpeg has each input begin at 0; the offset puts the first frame where it was beside the sound. Times are kept as
  // they are, so that the rate is the source's, an uneven one as well.
  std::vector<std::string> arguments = absl::StrSplit("-nostdin -v error -y -f ivf -c:v ppm -itsoffset", ' ');
  arguments.push_back(absl::StrFormat("%.6f", static_cast<double>(time) / static_cast<double>(kTicksPerSecond)));
  // The second input is there for its sound, of which there may be none ("?").
  Append("-i pipe:0 -protocol_whitelist file -i", &arguments);
  arguments.push_back("file:" + source_);
  Append("-map 0:v:0 -map 1:a? -c:a copy -map_metadata -1 -map_chapters -1 -c:v libx264 -fps_mode passthrough",
         &arguments);
  Append(absl::StrCat("-enc_time_base 1:", kTicksPerSecond), &arguments);
  Append(absl::StrCat("-vf scale=out_color_matrix=bt709:out_range=tv,setsar=", times.pixel_shape(),
                      ",format=", PixelFormat(frame)),
         &arguments);
  Append("-colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range tv", &arguments);
  // Where only one frame comes, nothing else says how long it is shown.
  Append(absl::StrCat("-bsf:v setts=pts=PTS:dts=DTS:duration=if(lte(DURATION\\,1)\\,",
                      std::max<int64_t>(1, times.duration()), "\\,DURATION)"),
         &arguments);
  Append(absl::StrCat("-f ", Container(path_)), &arguments);
  arguments.push_back("file:" + file_->temporary_path());
  // A socket rather than a pipe: writing to one that ffmpeg has left is an error here and no signal.
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return absl::InternalError(absl::StrCat("no socket: ", std::strerror(errno)));
  }
  const absl::StatusOr<pid_t> process =
      StartFfmpeg(source_, arguments, {ends[1], fileno(messages_), fileno(messages_)});
  close(ends[1]);
  input_ = ends[0];
  RETURN_IF_ERROR(process.status());
  process_ = *process;
  const std::string head = IvfHead();
  return Send(head.data(), head.size());
}

absl::Status VideoEncoder::Send(const void* bytes, size_t count) {
  const char* at = static_cast<const char*>(bytes);
  while (count > 0) {
    const ssize_t sent = send(input_, at, count, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return Failed();
    at += sent;
    count -= static_cast<size_t>(sent);
  }
  return absl::OkStatus();
}

absl::Status VideoEncoder::Add(const cv::Mat& frame, int64_t time, const FrameTimes& times) {
  if (messages_ == nullptr) RETURN_IF_ERROR(Start(frame, time, times));
  cv::Mat picture;
  if (frame.size() == size_) {
    cv::cvtColor(frame, picture, cv::COLOR_BGR2RGB);
  } else {
    cv::resize(frame, picture, size_, 0, 0, cv::INTER_AREA);
    cv::cvtColor(picture, picture, cv::COLOR_BGR2RGB);
  }
  const std::string ppm = PpmHead(picture);
  const size_t bytes = picture.total() * 3;
  std::string head;
  AppendNumber(ppm.size() + bytes, 4, &head);
  AppendNumber(static_cast<uint64_t>(time - first_time_), 8, &head);
  head += ppm;
  RETURN_IF_ERROR(Send(head.data(), head.size()));
  return Send(picture.data, bytes);
}

absl::Status VideoEncoder::Finish() {
  CloseInput();
  if (process_ == 0) return absl::InternalError(absl::StrCat(source_, ": has no frames"));
  if (!EndsWell(std::exchange(process_, 0))) return Failed();
  return file_->Commit();
}

}  // namespace hardface::infer
