#include "infer/result_writers.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "base/atomic_output.h"
#include "base/status_macros.h"
#include "infer/face_tracks.h"
#include "infer/result_names.h"

namespace hardface::infer {
namespace {

namespace fs = std::filesystem;

std::string Rows(const data::ImageDetections& detections) {
  std::string text = absl::StrCat(detections.boxes.size(), "\n");
  for (const auto& [box, score] : detections.boxes) {
    absl::StrAppendFormat(&text, "%.2f %.2f %.2f %.2f %.6f\n", box.x, box.y, box.w, box.h, score);
  }
  return text;
}

// All images into one file, a text each.
class OneFileWriter : public ResultWriter {
 public:
  using ToText = std::function<std::string(const data::ImageDetections&)>;
  OneFileWriter(std::unique_ptr<AtomicFile> file, ToText to_text)
      : file_(std::move(file)), to_text_(std::move(to_text)) {}
  absl::Status Write(const ImageOutcome& image) override {
    if (!image.error.empty() || image.detections.flip) return absl::OkStatus();
    return file_->Write(to_text_(image.detections));
  }
  absl::Status Finish() override { return file_->Commit(); }

 private:
  const std::unique_ptr<AtomicFile> file_;
  const ToText to_text_;
};

// Without waiting for the disk: a tree has as many files as there were images, and its folder's Commit() waits once for
// all. A file that a killed process left half written is written again.
absl::Status WriteInTree(const fs::path& path, const std::string& text) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  std::ofstream stream(path, std::ios::binary);
  stream << text;
  stream.close();
  if (stream) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat(path.string(), ": cannot write (", text.size(), " bytes); is the disk full?"));
}

// A text file for each image.
class TreeWriter : public ResultWriter {
 public:
  // The file's path in the tree, and its text.
  using ToFile = std::function<std::pair<std::string, std::string>(const ImageOutcome&)>;
  TreeWriter(std::string folder, ToFile to_file) : folder_(std::move(folder)), to_file_(std::move(to_file)) {}
  absl::Status Write(const ImageOutcome& image) override {
    if (!image.error.empty() || image.detections.flip) return absl::OkStatus();
    const auto [path, text] = to_file_(image);
    return WriteInTree(fs::path(folder_) / path, text);
  }
  absl::Status Finish() override { return absl::OkStatus(); }

 private:
  const std::string folder_;
  const ToFile to_file_;
};

// The WIDER FACE result tree: the event is the image's folder.
std::pair<std::string, std::string> WiderFile(const ImageOutcome& image) {
  const std::string name = WiderName(image.detections.image);
  return {name + ".txt", absl::StrCat(fs::path(name).filename().string(), "\n", Rows(image.detections))};
}

// Class, centre and size, as fractions of the image: the labels of a box to be corrected by hand. What lies beyond the
// image is cut off, since annotation programs refuse it.
std::pair<std::string, std::string> YoloFile(const ImageOutcome& image) {
  const auto width = static_cast<double>(image.size.width), height = static_cast<double>(image.size.height);
  std::string text;
  for (const auto& [box, score] : image.detections.boxes) {
    const double left = std::clamp<double>(box.x, 0, width), right = std::clamp<double>(box.x + box.w, 0, width);
    const double top = std::clamp<double>(box.y, 0, height), bottom = std::clamp<double>(box.y + box.h, 0, height);
    // Six digits are written: in a picture of a million pixels a side, a pixel.
    constexpr double kLeast = 1e-6;
    if (!(right - left >= kLeast * width && bottom - top >= kLeast * height)) continue;
    absl::StrAppendFormat(&text, "0 %.6f %.6f %.6f %.6f\n", (left + right) / 2 / width, (top + bottom) / 2 / height,
                          (right - left) / width, (bottom - top) / height);
  }
  return {YoloName(image.detections.image), text};
}

std::string FddbText(const data::ImageDetections& detections) {
  return absl::StrCat(FddbName(detections.image), "\n", Rows(detections));
}

std::string FaceEvalText(const data::ImageDetections& detections) {
  std::string text;
  const std::string name = FaceEvalName(detections.image);
  for (const auto& [box, score] : detections.boxes) {
    absl::StrAppendFormat(&text, "%s %.6f %.2f %.2f %.2f %.2f\n", name, score, box.x, box.y, box.x + box.w,
                          box.y + box.h);
  }
  return text;
}

std::string CsvField(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\"", "\"\""}}), "\"");
}

// An image without faces has a row with nothing but its name.
std::string CsvText(const data::ImageDetections& detections) {
  const std::string name = CsvField(detections.image);
  if (detections.boxes.empty()) return name + ",,,,,\n";
  std::string text;
  for (const auto& [box, score] : detections.boxes) {
    absl::StrAppendFormat(&text, "%s,%.2f,%.2f,%.2f,%.2f,%.9g\n", name, box.x, box.y, box.w, box.h, score);
  }
  return text;
}

// The faces of each video's frames with the numbers of their tracks. Other images have no place in it.
class TracksWriter : public ResultWriter {
 public:
  explicit TracksWriter(std::unique_ptr<AtomicFile> file) : file_(std::move(file)) {}

  absl::Status Write(const ImageOutcome& image) override {
    int64_t frame = 0;
    const std::string video = VideoOfFrame(image.detections.image, &frame);
    if (video.empty() || !image.error.empty()) return absl::OkStatus();
    if (video != video_) tracker_ = FaceTracker();
    video_ = video;
    const std::vector<int64_t> tracks = tracker_.Add(image.detections.boxes);
    std::string text;
    for (size_t i = 0; i < tracks.size(); ++i) {
      const auto& [box, score] = image.detections.boxes[i];
      absl::StrAppendFormat(&text, "%s,%d,%d,%.2f,%.2f,%.2f,%.2f,%.9g\n", CsvField(video), frame, tracks[i], box.x,
                            box.y, box.w, box.h, score);
    }
    return file_->Write(text);
  }
  absl::Status Finish() override { return file_->Commit(); }

 private:
  const std::unique_ptr<AtomicFile> file_;
  std::string video_;
  FaceTracker tracker_;
};

absl::StatusOr<std::unique_ptr<ResultWriter>> MakeTracks(const std::string& path) {
  ASSIGN_OR_RETURN(auto file, AtomicFile::Create(path));
  RETURN_IF_ERROR(file->Write("video,frame,track,x,y,width,height,score\n"));
  return std::make_unique<TracksWriter>(std::move(file));
}

// COCO's results, and the images that their ids stand for: an image's id is its place among the run's images, from 1.
class CocoWriter : public ResultWriter {
 public:
  CocoWriter(std::unique_ptr<AtomicFile> results, std::unique_ptr<AtomicFile> images)
      : results_(std::move(results)), images_(std::move(images)) {}

  absl::Status Write(const ImageOutcome& image) override {
    if (image.detections.flip) return absl::OkStatus();
    const int64_t id = ++last_id_;
    if (!image.error.empty()) return absl::OkStatus();
    std::string results;
    for (const auto& [box, score] : image.detections.boxes) {
      absl::StrAppendFormat(&results,
                            "%s{\"image_id\":%d,\"category_id\":1,\"bbox\":[%.2f,%.2f,%.2f,%.2f],\"score\":%.9g}",
                            boxes_++ == 0 ? "[\n" : ",\n", id, box.x, box.y, box.w, box.h, score);
    }
    RETURN_IF_ERROR(results_->Write(results));
    using Json = nlohmann::json;
    const std::string name = Json(image.detections.image).dump(-1, ' ', false, Json::error_handler_t::replace);
    return images_->Write(absl::StrCat(listed_++ == 0 ? "{\"images\":[\n" : ",\n", "{\"id\":", id, ",\"file_name\":",
                                       name, ",\"width\":", image.size.width, ",\"height\":", image.size.height, "}"));
  }

  absl::Status Finish() override {
    RETURN_IF_ERROR(results_->Write(boxes_ == 0 ? "[]\n" : "\n]\n"));
    RETURN_IF_ERROR(images_->Write(listed_ == 0 ? "{\"images\":[" : "\n"));
    RETURN_IF_ERROR(images_->Write("],\n\"annotations\":[],\n\"categories\":[{\"id\":1,\"name\":\"face\"}]}\n"));
    RETURN_IF_ERROR(results_->Commit());
    return images_->Commit();
  }

 private:
  const std::unique_ptr<AtomicFile> results_, images_;
  int64_t last_id_ = 0, boxes_ = 0, listed_ = 0;
};

absl::StatusOr<std::unique_ptr<ResultWriter>> MakeCoco(const std::string& folder) {
  ASSIGN_OR_RETURN(auto results, AtomicFile::Create(folder + "/coco_results.json"));
  ASSIGN_OR_RETURN(auto images, AtomicFile::Create(folder + "/coco_images.json"));
  return std::make_unique<CocoWriter>(std::move(results), std::move(images));
}

absl::StatusOr<std::unique_ptr<ResultWriter>> MakeYolo(const std::string& folder) {
  RETURN_IF_ERROR(WriteFileAtomically(folder + "/yolo/data.yaml", "nc: 1\nnames: [face]\n"));
  return std::make_unique<TreeWriter>(folder + "/yolo", &YoloFile);
}

absl::StatusOr<std::unique_ptr<ResultWriter>> MakeOneFile(const std::string& path, const std::string& head,
                                                          OneFileWriter::ToText to_text) {
  ASSIGN_OR_RETURN(auto file, AtomicFile::Create(path));
  RETURN_IF_ERROR(file->Write(head));
  return std::make_unique<OneFileWriter>(std::move(file), std::move(to_text));
}

}  // namespace

const std::vector<std::string>& ResultFormats() {
  static const auto* const kFormats =
      new std::vector<std::string>{"jsonl", "csv", "wider", "fddb", "face_eval", "coco", "yolo", "tracks"};
  return *kFormats;
}

absl::StatusOr<std::unique_ptr<ResultWriter>> MakeResultWriter(const std::string& format, const std::string& folder) {
  if (format == "wider") return std::make_unique<TreeWriter>(folder + "/wider", &WiderFile);
  if (format == "yolo") return MakeYolo(folder);
  if (format == "coco") return MakeCoco(folder);
  if (format == "tracks") return MakeTracks(folder + "/tracks.csv");
  if (format == "csv") return MakeOneFile(folder + "/detections.csv", "image,x,y,width,height,score\n", &CsvText);
  if (format == "fddb") return MakeOneFile(folder + "/fddb.txt", "", &FddbText);
  if (format == "face_eval") return MakeOneFile(folder + "/face_eval.txt", "", &FaceEvalText);
  return absl::InvalidArgumentError(
      absl::StrCat("--format: \"", format, "\" is not known; ", absl::StrJoin(ResultFormats(), ", "), " are"));
}

}  // namespace hardface::infer
