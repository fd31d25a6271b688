#include "infer/video_frames.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <opencv2/imgproc.hpp>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/folder_walk.h"
#include "base/paths.h"
#include "base/special_file.h"
#include "base/status_macros.h"
#include "data_tools/images/image_size.h"
#include "infer/ffmpeg_process.h"

namespace hardface::infer {
namespace {

// Starts ffmpeg, which decodes the video and writes it into a pipe in the form that HOW, the last flags, says. READ is
// the pipe's other end. What ffmpeg says goes to MESSAGES: a descriptor, or -1 for stderr.
absl::StatusOr<pid_t> StartDecoder(const std::string& path, const std::vector<std::string>& how, Breaks breaks,
                                   int messages, std::FILE** read) {
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
  streams.messages = messages;
  const absl::StatusOr<pid_t> decoder = StartFfmpeg(path, arguments, streams);
  close(ends[1]);
  if (decoder.ok()) {
    *read = fdopen(ends[0], "rb");
  } else {
    close(ends[0]);
  }
  return decoder;
}

// How the light of an HDR video is coded, PQ or HLG, by ffmpeg's name; "" for other videos.
absl::StatusOr<std::string> HdrTransfer(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string said,
                   OutputOfFfmpeg(path, {"-protocol_whitelist", "file", "-i", "file:" + path, "-map", "0:v:0", "-c",
                                         "copy", "-t", "0", "-f", "null", "-"}));
  for (const absl::string_view line : absl::StrSplit(said, '\n')) {
    // "  Stream #0:0: Video: hevc (Main 10), yuv420p10le(tv, bt2020nc/bt2020/smpte2084), 1920x1080, ..."
    if (!absl::StartsWith(absl::StripLeadingAsciiWhitespace(line), "Stream #") || !absl::StrContains(line, "Video:")) {
      continue;
    }
    for (const char* transfer : {"smpte2084", "arib-std-b67"}) {
      if (absl::StrContains(line, transfer)) return transfer;
    }
    return "";
  }
  return "";
}

// Flags for ffmpeg that bring an HDR video's light to the range of photographs; none for others. Light is made linear,
// 1 being 100 cd/m2, what is brighter is pressed together, and colours become those of BT.709. Of the source only the
// transfer is believed: videos that leave the rest open, which zscale refuses, are BT.2020 like the others.
absl::StatusOr<std::vector<std::string>> ToneMapping(const std::string& path, Breaks breaks) {
  ASSIGN_OR_RETURN(const std::string transfer, HdrTransfer(path));
  if (transfer.empty()) return std::vector<std::string>{};
  ASSIGN_OR_RETURN(const std::string filters, OutputOfFfmpeg(path, {"-filters"}));
  if (absl::StrContains(filters, " zscale ") && absl::StrContains(filters, " tonemap ")) {
    return std::vector<std::string>{
        "-vf", absl::StrCat("setparams=color_primaries=bt2020:colorspace=bt2020nc:color_trc=", transfer,
                            ",zscale=transfer=linear:npl=100,format=gbrpf32le,zscale=primaries=bt709,"
                            "tonemap=mobius,zscale=transfer=bt709:matrix=bt709:range=tv,format=yuv420p")};
  }
  if (breaks == Breaks::kEndIt) {
    std::fprintf(stderr,
                 "detect: %s: is an HDR video, and this ffmpeg does not have the filters zscale and tonemap, which "
                 "bring its light to the range of photographs. Its frames stay pale, and faces may be missed; install "
                 "an ffmpeg with libzimg, such as Debian's\n",
                 path.c_str());
  }
  return std::vector<std::string>{};
}

// Shows the last lines of what ffmpeg said.
void Show(const std::string& said) {
  constexpr size_t kLines = 10;
  const std::vector<std::string> lines = absl::StrSplit(said, '\n', absl::SkipEmpty());
  const size_t shown = std::min(lines.size(), kLines);
  for (auto line = lines.end() - static_cast<std::ptrdiff_t>(shown); line != lines.end(); ++line) {
    std::fprintf(stderr, "%s\n", line->c_str());
  }
}

}  // namespace

bool IsStream(const std::string& path) { return IsVideo(path) && SpecialFileKind(path) == "pipe"; }

const std::vector<std::string>& VideoExtensions() {
  static const auto* const kExtensions =
      new std::vector<std::string>{".mp4",  ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts",
                                   ".m2ts", ".vob", ".wmv", ".asf", ".flv",  ".3gp", ".3g2", ".ogv",  ".mxf"};
  return *kExtensions;
}

bool IsVideo(absl::string_view path) { return HasEnding(path, VideoExtensions()); }

absl::StatusOr<std::unique_ptr<VideoFrames>> VideoFrames::Open(const std::string& path, Breaks breaks) {
  if (!IsThere(path)) return absl::NotFoundError(absl::StrCat(path, ": no such file"));
  const bool stream = IsStream(path);
  std::vector<std::string> how;
  // A stream's beginning cannot be looked at twice.
  if (!stream) {
    ASSIGN_OR_RETURN(how, ToneMapping(path, breaks));
  }
  how.insert(how.end(), {"-f", "image2pipe", "-c:v", "ppm"});  // PPM files, one behind the other
  Decoder decoder;
  if (!stream) {
    decoder.messages = std::tmpfile();
    if (decoder.messages == nullptr) return absl::InternalError("no temporary file can be made");
  }
  const absl::StatusOr<pid_t> process =
      StartDecoder(path, how, stream ? Breaks::kPassOver : breaks,
                   decoder.messages != nullptr ? fileno(decoder.messages) : -1, &decoder.frames);
  if (!process.ok() || breaks == Breaks::kPassOver) {
    if (decoder.messages != nullptr) std::fclose(std::exchange(decoder.messages, nullptr));
  }
  if (!process.ok()) return process.status();
  decoder.process = *process;
  return std::unique_ptr<VideoFrames>(new VideoFrames(path, decoder));
}

VideoFrames::~VideoFrames() {
  std::fclose(decoder_.frames);
  if (decoder_.process != 0) KillFfmpeg(decoder_.process);
  if (decoder_.messages != nullptr) std::fclose(decoder_.messages);
}

// What ffmpeg says at its end.
absl::Status VideoFrames::Ended() {
  const bool well = EndsWell(std::exchange(decoder_.process, 0));
  const std::string said = decoder_.messages != nullptr ? TextOf(decoder_.messages) : "";
  Show(said);
  if (!well) {
    return absl::DataLossError(absl::StrCat(
        path_, ": ffmpeg cannot decode it to its end (its own message stands above)",
        IsStream(path_) ? "; through a pipe it takes forms that need no looking back, such as -f mpegts" : ""));
  }
  // To ffmpeg this is an end as good as any.
  if (!absl::StrContains(said, "File ended prematurely")) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(path_, ": its end is missing; it was cut off, or is still being written"));
}

absl::StatusOr<cv::Mat> VideoFrames::EndOfFrames() {
  if (std::ferror(decoder_.frames) != 0) {  // a signal came
    KillFfmpeg(std::exchange(decoder_.process, 0));
    return cv::Mat();
  }
  const absl::Status ended = Ended();
  if (!ended.ok()) return ended;
  return cv::Mat();
}

absl::StatusOr<cv::Mat> VideoFrames::Next() {
  if (decoder_.process == 0) return cv::Mat();
  int width = 0, height = 0;
  const int read = std::fscanf(decoder_.frames, "P6 %d %d 255", &width, &height);
  if (read == EOF || std::ferror(decoder_.frames) != 0) return EndOfFrames();
  const bool good = read == 2 && std::fgetc(decoder_.frames) == '\n' && width > 0 && height > 0 &&
                    int64_t{width} * height <= data::kMaxImagePixels;
  if (!good) return absl::DataLossError(absl::StrCat(path_, ": what ffmpeg gave is no frame"));
  cv::Mat frame(height, width, CV_8UC3);
  if (std::fread(frame.data, 1, frame.total() * 3, decoder_.frames) != frame.total() * 3) {
    const bool interrupted = std::ferror(decoder_.frames) != 0;
    ASSIGN_OR_RETURN(frame, EndOfFrames());
    if (interrupted) return frame;
    return absl::DataLossError(absl::StrCat(path_, ": its last frame is cut off"));
  }
  cv::cvtColor(frame, frame, cv::COLOR_RGB2BGR);
  return frame;
}

absl::StatusOr<std::unique_ptr<FrameTimes>> FrameTimes::Open(const std::string& path) {
  std::FILE* lines = nullptr;
  const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);  // VideoFrames says what there is to say
  // A line for each frame: "0, DTS, PTS, DURATION, SIZE, CHECKSUM".
  const absl::StatusOr<pid_t> decoder = StartDecoder(path,
                                                     {"-enc_time_base", absl::StrCat("1:", kTicksPerSecond), "-c:v",
                                                      "rawvideo", "-flush_packets", "1", "-f", "framecrc"},
                                                     Breaks::kPassOver, nowhere, &lines);
  if (nowhere >= 0) close(nowhere);
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
