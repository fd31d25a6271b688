#include "infer/drawn_videos.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/paths.h"
#include "base/progress.h"
#include "base/status_macros.h"
#include "data_tools/dataset/box.h"
#include "infer/draw.h"
#include "infer/face_areas.h"
#include "infer/result_journal.h"
#include "infer/result_names.h"
#include "infer/video_encoder.h"
#include "infer/video_frames.h"

namespace hardface::infer {
namespace {

enum class CopyKind { kDrawn, kBlurred, kPixelated };

cv::Mat CopyOf(CopyKind kind, const cv::Mat& frame, const ImageOutcome& outcome, const PictureOptions& options) {
  if (kind == CopyKind::kDrawn) return DrawDetections(frame, outcome.detections.boxes, options.threshold);
  std::vector<data::Rect> boxes = BoxesFrom(outcome.detections.boxes, options.threshold);
  if (!outcome.error.empty()) {
    boxes.push_back({0, 0, static_cast<float>(frame.cols), static_cast<float>(frame.rows)});
  }
  return HideFaces(frame, boxes, options.margin, kind == CopyKind::kBlurred ? Hiding::kBlur : Hiding::kPixelate);
}

// The copies of one video.
class VideoCopies {
 public:
  // INDEX: the place of the video's first frame among the run's images.
  static absl::StatusOr<std::unique_ptr<VideoCopies>> Open(const std::string& folder, const ImageToDetect& video,
                                                           int64_t index, const PictureOptions& options) {
    std::unique_ptr<VideoCopies> copies(new VideoCopies(options));
    const std::pair<CopyKind, std::string> wanted[] = {
        {CopyKind::kDrawn, options.draw ? absl::StrCat("drawn/", DrawnVideoName(index, video)) : ""},
        {CopyKind::kBlurred, options.blur ? absl::StrCat("blurred/", CopyName(video.name)) : ""},
        {CopyKind::kPixelated, options.pixelate ? absl::StrCat("pixelated/", CopyName(video.name)) : ""}};
    for (const auto& [kind, name] : wanted) {
      const std::string path = absl::StrCat(folder, "/", name);
      if (name.empty() || IsThere(path)) continue;
      ASSIGN_OR_RETURN(auto encoder, VideoEncoder::Create(path, video.path));
      copies->encoders_.emplace_back(kind, std::move(encoder));
    }
    if (copies->encoders_.empty()) return copies;
    ASSIGN_OR_RETURN(copies->frames_, VideoFrames::Open(video.path, Breaks::kPassOver));
    ASSIGN_OR_RETURN(copies->times_, FrameTimes::Open(video.path));
    return copies;
  }

  // OUTCOME is that of the next frame.
  absl::Status Add(const ImageOutcome& outcome) {
    if (encoders_.empty()) return absl::OkStatus();
    ASSIGN_OR_RETURN(const cv::Mat frame, frames_->Next());
    if (frame.empty()) {
      return absl::DataLossError(
          absl::StrCat(outcome.detections.image, ": the video has fewer frames than when faces were detected"));
    }
    ASSIGN_OR_RETURN(const int64_t time, times_->Next());
    for (const auto& [kind, encoder] : encoders_) {
      RETURN_IF_ERROR(encoder->Add(CopyOf(kind, frame, outcome, options_), time, *times_));
    }
    return absl::OkStatus();
  }

  absl::Status Finish() {
    for (const auto& [kind, encoder] : encoders_) RETURN_IF_ERROR(encoder->Finish());
    return absl::OkStatus();
  }

 private:
  explicit VideoCopies(const PictureOptions& options) : options_(options) {}

  const PictureOptions& options_;
  std::vector<std::pair<CopyKind, std::unique_ptr<VideoEncoder>>> encoders_;
  std::unique_ptr<VideoFrames> frames_;
  std::unique_ptr<FrameTimes> times_;
};

}  // namespace

bool CopiesVideos(const PictureOptions& options) {
  return !options.single_frames && (options.draw || options.blur || options.pixelate);
}

absl::StatusOr<std::vector<std::string>> DrawVideos(const std::string& folder, absl::Span<const ImageToDetect> videos,
                                                    const PictureOptions& options) {
  std::vector<std::string> failures;
  std::unordered_map<std::string, const ImageToDetect*> by_name;
  for (const ImageToDetect& video : videos) {
    if (IsVideo(video.path)) by_name.emplace(PlainName(video.name), &video);
  }
  if (by_name.empty() || !CopiesVideos(options)) return failures;
  ASSIGN_OR_RETURN(const auto journal, JournalReader::Open(folder));
  std::optional<Progress> progress;
  std::string current;
  std::unique_ptr<VideoCopies> copies;  // of CURRENT; null where a copy has failed
  // Notes what went wrong, and leaves the video's copies undone.
  const auto note = [&](const absl::Status& status) {
    if (status.ok()) return;
    failures.emplace_back(status.message());
    copies = nullptr;
  };
  ImageOutcome outcome;
  for (int64_t index = 0;; ++index) {
    ASSIGN_OR_RETURN(const bool more, journal->Next(&outcome));
    int64_t number = 0;
    const std::string video = more ? VideoOfFrame(outcome.detections.image, &number) : "";
    if (video != current) {
      if (copies != nullptr) note(copies->Finish());
      copies = nullptr;
      current = video;
      const auto found = by_name.find(video);
      if (found != by_name.end()) {
        auto opened = VideoCopies::Open(folder, *found->second, index, options);
        note(opened.status());
        if (opened.ok()) copies = *std::move(opened);
      }
    }
    if (!more) return failures;
    if (copies == nullptr) continue;
    note(copies->Add(outcome));
    if (!progress.has_value()) progress.emplace("draw", /*total=*/0, "frames");
    progress->Advance(1);
  }
}

}  // namespace hardface::infer
