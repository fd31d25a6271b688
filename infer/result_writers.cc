#include "infer/result_writers.h"

#include <filesystem>
#include <functional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/atomic_output.h"
#include "base/status_macros.h"
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
  absl::Status Write(const data::ImageDetections& detections) override { return file_->Write(to_text_(detections)); }
  absl::Status Finish() override { return file_->Commit(); }

 private:
  const std::unique_ptr<AtomicFile> file_;
  const ToText to_text_;
};

// The WIDER FACE result tree: the event is the image's folder.
class WiderWriter : public ResultWriter {
 public:
  explicit WiderWriter(std::string folder) : folder_(std::move(folder)) {}

  absl::Status Write(const data::ImageDetections& detections) override {
    if (detections.flip) return absl::OkStatus();  // the form has no place for mirrored entries
    const fs::path name = WiderName(detections.image);
    const std::string path = (fs::path(folder_) / name).string() + ".txt";
    if (!written_.insert(path).second) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": two images would get this result file; use --format=jsonl"));
    }
    return WriteFileAtomically(path, absl::StrCat(name.filename().string(), "\n", Rows(detections)));
  }
  absl::Status Finish() override { return absl::OkStatus(); }

 private:
  const std::string folder_;
  std::set<std::string> written_;
};

std::string JsonLine(const data::ImageDetections& detections) { return data::DetectionsToJson(detections) + "\n"; }

std::string FddbText(const data::ImageDetections& detections) {
  return detections.flip ? "" : absl::StrCat(FddbName(detections.image), "\n", Rows(detections));
}

std::string FaceEvalText(const data::ImageDetections& detections) {
  std::string text;
  if (detections.flip) return text;
  const std::string name = FaceEvalName(detections.image);
  for (const auto& [box, score] : detections.boxes) {
    absl::StrAppendFormat(&text, "%s %.6f %.2f %.2f %.2f %.2f\n", name, score, box.x, box.y, box.x + box.w,
                          box.y + box.h);
  }
  return text;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ResultWriter>> MakeResultWriter(const std::string& format, const std::string& folder) {
  if (format == "wider") return std::make_unique<WiderWriter>(folder + "/wider");
  const std::pair<std::string, OneFileWriter::ToText> kinds[] = {
      {"jsonl", &JsonLine}, {"fddb", &FddbText}, {"face_eval", &FaceEvalText}};
  for (const auto& [name, to_text] : kinds) {
    if (format != name) continue;
    const std::string path = absl::StrCat(folder, "/", name == "jsonl" ? "detections.jsonl" : name + ".txt");
    ASSIGN_OR_RETURN(auto file, AtomicFile::Create(path));
    return std::make_unique<OneFileWriter>(std::move(file), to_text);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("--format: \"", format, "\" is not known; wider, fddb, face_eval and jsonl are"));
}

}  // namespace hardface::infer
