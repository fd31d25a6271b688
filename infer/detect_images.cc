#include "infer/detect_images.h"

#include <omp.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/parallel.h"
#include "base/paths.h"
#include "base/status_macros.h"
#include "base/without_exceptions.h"
#include "infer/drawn_videos.h"
#include "infer/result_names.h"
#include "infer/result_writers.h"
#include "infer/video_encoder.h"
#include "infer/video_frames.h"

namespace hardface::infer {
namespace {

data::ImageDetections ToDetections(const ImageToDetect& image, const std::vector<data::Detection>& boxes,
                                   const data::BoxStyle& style) {
  data::ImageDetections detections{image.name, image.flip, {}};
  for (const auto& [box, score] : boxes) {
    const data::Rect restyled = data::Restyle(box, style);
    if (data::HasArea(restyled)) detections.boxes.push_back({restyled, score});
  }
  return detections;
}

// Threads that decode pictures for each detector. A GPU takes 4 ms for a picture with a small network, by estimate, and
// one thread 6 ms to decode it; on a CPU one is enough, and takes least from the network.
int LoadersFor(const DetectImagesOptions& options) {
  if (options.devices.empty() && !options.detect.device.cuda()) return 1;
  const int gpus = std::max<int>(1, static_cast<int>(options.devices.size())),
            detectors = gpus * options.workers_per_gpu;
  return std::clamp(ResolveThreads(options.threads) / detectors, 1, 4);
}

std::vector<std::unique_ptr<FaceDetector>> MakeDetectors(model::Model model, const DetectImagesOptions& options) {
  std::vector<model::Device> devices = options.devices;
  if (devices.empty()) devices = {options.detect.device};
  std::vector<DetectOptions> wanted;
  for (const model::Device& device : devices) {
    DetectOptions of_one = options.detect;
    of_one.device = device;
    const int workers = device.cuda() ? options.workers_per_gpu : 1;
    of_one.memory_limit /= workers;
    wanted.insert(wanted.end(), static_cast<size_t>(workers), of_one);
  }
  // The last one takes the weights instead of copying them: on a CPU they are so held once.
  std::vector<std::unique_ptr<FaceDetector>> detectors;
  while (detectors.size() + 1 < wanted.size()) {
    detectors.push_back(std::make_unique<FaceDetector>(model, wanted[detectors.size()]));
  }
  detectors.push_back(std::make_unique<FaceDetector>(std::move(model), wanted.back()));
  return detectors;
}

// The code of an error that is the image's own, as an exception's is: one image must not end the run.
constexpr absl::StatusCode kOfTheImage = absl::StatusCode::kInvalidArgument;

// Whether an error of a detector is the image's own, which says nothing of the next one.
bool IsOfTheImage(const absl::Status& error) { return absl::IsResourceExhausted(error) || error.code() == kOfTheImage; }

std::string NamedError(const ImageToDetect& image, const absl::Status& error) {
  const std::string message(error.message());
  return absl::StrContains(message, image.path) ? message : absl::StrCat(image.path, ": ", message);
}

std::string NameOf(const ImageOutcome& outcome) {
  return absl::StrCat(outcome.detections.image, outcome.detections.flip ? " (mirrored)" : "");
}

}  // namespace

absl::StatusOr<std::unique_ptr<DetectionRun>> DetectionRun::Start(
    model::Model model, const std::string& folder, const DetectImagesOptions& options,
    const std::function<absl::Status(const ImageOutcome&)>& seen) {
  omp_set_num_threads(ResolveThreads(options.threads));
  std::unique_ptr<DetectionRun> run(new DetectionRun(folder, options));
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  ASSIGN_OR_RETURN(run->journal_, ResultJournal::Open(folder, seen));
  run->detectors_ = MakeDetectors(std::move(model), options);
  return run;
}

absl::Status DetectionRun::Fail(const ImageToDetect& image, const std::string& error) {
  return journal_->Add({{image.name, image.flip, {}}, {}, error});
}

absl::Status DetectionRun::Note(const ImageToDetect& image, const DetectedImage& detected) {
  if (!detected.pixels.ok()) return Fail(image, NamedError(image, detected.pixels.status()));
  if (!detected.boxes.ok()) {
    if (!IsOfTheImage(detected.boxes.status())) return detected.boxes.status();
    return Fail(image, NamedError(image, detected.boxes.status()));
  }
  ImageOutcome outcome;
  outcome.detections = ToDetections(image, *detected.boxes, options_.style);
  outcome.size = {detected.pixels->cols, detected.pixels->rows};
  RETURN_IF_ERROR(pictures_.Write(done(), image, *detected.pixels, outcome.detections.boxes));
  return journal_->Add(outcome);
}

absl::Status DetectionRun::Detect(absl::Span<const ImageToDetect> images, Progress* progress,
                                  const DetectionWorkers::LoadFunction& load) {
  std::vector<DetectFunction> functions;
  for (const auto& detector : detectors_) {
    functions.push_back([&detector](const cv::Mat& image, const std::function<cv::Mat()>& upcoming) {
      return WithoutExceptions([&] { return detector->Detect(image, upcoming); }, kOfTheImage);
    });
  }
  // One image ahead keeps the processors busy; the memory limit counts on no more (face_detector.cc).
  const bool host_limit =
      options_.detect.memory_limit > 0 && options_.devices.empty() && !options_.detect.device.cuda();
  const auto load_one = [&](int64_t i) {
    return WithoutExceptions([&] { return load != nullptr ? load(i) : LoadImage(images[static_cast<size_t>(i)]); },
                             kOfTheImage);
  };
  DetectionWorkers workers(std::move(functions), static_cast<int64_t>(images.size()), LoadersFor(options_),
                           /*ahead=*/host_limit ? 1 : 4, load_one);
  for (const ImageToDetect& image : images) {
    if (options_.stop != nullptr && options_.stop()) break;
    RETURN_IF_ERROR(Note(image, workers.Next()));
    progress->Advance(1);
  }
  return absl::OkStatus();
}

absl::Status DetectionRun::WriteForms() const {
  std::vector<std::unique_ptr<ResultWriter>> writers;
  for (const std::string& format : options_.formats) {
    if (format == "jsonl") continue;
    ASSIGN_OR_RETURN(writers.emplace_back(), MakeResultWriter(format, folder_));
  }
  if (writers.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const auto journal, JournalReader::Open(folder_));
  ImageOutcome outcome;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, journal->Next(&outcome));
    if (!more) break;
    for (const auto& writer : writers) RETURN_IF_ERROR(writer->Write(outcome));
  }
  for (const auto& writer : writers) RETURN_IF_ERROR(writer->Finish());
  return absl::OkStatus();
}

absl::StatusOr<DetectionCounts> DetectionRun::Finish() {
  RETURN_IF_ERROR(journal_->Sync());
  RETURN_IF_ERROR(WriteForms());
  RETURN_IF_ERROR(pictures_.Finish());
  if (!absl::c_linear_search(options_.formats, "jsonl")) {
    std::error_code ignored;
    std::filesystem::remove(absl::StrCat(folder_, "/", kDetectionsName), ignored);
  }
  return DetectionCounts{journal_->detected(), journal_->boxes(), journal_->failures(), {}};
}

namespace {

// Where a run over a list of images and videos stands.
struct Position {
  size_t image = 0;    // the next image, or the video that is under way
  int64_t frames = 0;  // done of the video

  // Goes on behind OUTCOME, whose name is plain (base/paths.h), as it was read; false where IMAGES have something else
  // there.
  bool Pass(const std::vector<ImageToDetect>& images, const ImageOutcome& outcome) {
    for (; image < images.size(); ++image, frames = 0) {
      const ImageToDetect& next = images[image];
      const bool video = IsVideo(next.path);
      if (video && outcome.detections.image == PlainName(FrameName(next.name, frames))) {
        ++frames;
        return true;
      }
      // A video's own name is that of its failure.
      if (outcome.detections.image == PlainName(next.name) && outcome.detections.flip == next.flip) {
        ++image;
        frames = 0;
        return true;
      }
      if (frames == 0) return false;  // else it was the video's last frame
    }
    return false;
  }
};

// Frames that are held at once. Of a stream one, so that a face is told when it is seen.
constexpr size_t kFramesOfABatch = 16;

// The frames of VIDEO behind the first DONE.
absl::Status DetectVideo(const ImageToDetect& video, int64_t done, const std::function<bool()>& stop, DetectionRun* run,
                         Progress* progress) {
  const size_t at_once = IsStream(video.path) ? 1 : kFramesOfABatch;
  const auto stopped = [&stop] { return stop != nullptr && stop(); };
  auto frames = VideoFrames::Open(video.path);
  if (!frames.ok()) return run->Fail(video, std::string(frames.status().message()));
  absl::StatusOr<cv::Mat> frame;
  int64_t number = 0;
  do {
    std::vector<ImageToDetect> images;
    std::vector<cv::Mat> pixels;
    while (images.size() < at_once && (frame = (*frames)->Next()).ok() && !frame->empty()) {
      if (number >= done) {
        images.push_back(video);
        images.back().name = FrameName(video.name, number);
        pixels.push_back(*frame);
      }
      ++number;
    }
    RETURN_IF_ERROR(run->Detect(images, progress, [&](int64_t i) { return pixels[static_cast<size_t>(i)]; }));
  } while (frame.ok() && !frame->empty() && !stopped());
  if (stopped()) return absl::OkStatus();
  if (!frame.ok()) return run->Fail(video, std::string(frame.status().message()));
  return number > 0 ? absl::OkStatus() : run->Fail(video, video.path + ": has no frames");
}

// A stream gives its frames once, so that they must be the run's first work, and only be read once.
absl::Status CheckStreams(const std::vector<ImageToDetect>& images, const PictureOptions& pictures) {
  for (const ImageToDetect& image : images) {
    if (!IsStream(image.path)) continue;
    if (images.size() > 1) {
      return absl::InvalidArgumentError(absl::StrCat(
          image.path, ": is a pipe, whose frames come when they come; give it alone, without other images"));
    }
    if (CopiesVideos(pictures)) {
      return absl::InvalidArgumentError(absl::StrCat(
          image.path,
          ": is a pipe, and a video is written when all its faces are known, from its frames, which are gone then; "
          "give --single_frames, which writes them as pictures, or record it first"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<DetectionCounts> DetectImages(model::Model model, const std::vector<ImageToDetect>& images,
                                             const std::string& folder, const DetectImagesOptions& options) {
  Position position;
  const auto pass = [&](const ImageOutcome& outcome) -> absl::Status {
    if (position.Pass(images, outcome)) return absl::OkStatus();
    const size_t at = position.image;
    return absl::FailedPreconditionError(
        absl::StrCat("the interrupted run's image ", at + 1, " is ", NameOf(outcome), ", but ",
                     at < images.size() ? absl::StrCat("now it is ", images[at].name) : "now there are fewer",
                     "; give the same images, or begin anew by --overwrite without --resume"));
  };
  RETURN_IF_ERROR(CheckStreams(images, options.pictures));
  const auto is_video = [](const ImageToDetect& image) { return IsVideo(image.path); };
  if (absl::c_any_of(images, is_video) && CopiesVideos(options.pictures)) RETURN_IF_ERROR(CheckCanEncode());
  ASSIGN_OR_RETURN(const auto run, DetectionRun::Start(std::move(model), folder, options, pass));
  if (position.frames > 0 && IsStream(images[position.image].path)) {
    return absl::FailedPreconditionError(
        absl::StrCat(images[position.image].path, ": is a pipe, and its ", position.frames,
                     " frames that the interrupted run has seen do not come again. Its results so far are in ", folder,
                     "; copy what you need, and begin anew by --overwrite without --resume"));
  }
  const auto rest = absl::MakeConstSpan(images).subspan(position.image);
  // How many frames a video has is known at its end.
  Progress progress("detect", absl::c_any_of(rest, is_video) ? 0 : static_cast<int64_t>(rest.size()), "images");
  for (auto next = rest.begin(); next != rest.end();) {
    if (is_video(*next)) {
      RETURN_IF_ERROR(DetectVideo(*next++, std::exchange(position.frames, 0), options.stop, run.get(), &progress));
      continue;
    }
    const auto end = std::find_if(next, rest.end(), is_video);
    RETURN_IF_ERROR(run->Detect(absl::MakeConstSpan(next, end), &progress));
    next = end;
  }
  progress.Finish();
  // Before run->Finish(), which may remove the detections that are drawn here.
  ASSIGN_OR_RETURN(std::vector<std::string> undrawn, DrawVideos(folder, images, options.pictures));
  ASSIGN_OR_RETURN(DetectionCounts counts, run->Finish());
  counts.undrawn = std::move(undrawn);
  return counts;
}

}  // namespace hardface::infer
