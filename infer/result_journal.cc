#include "infer/result_journal.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/json_text.h"
#include "base/paths.h"
#include "base/status_macros.h"

namespace hardface::infer {
namespace {

using Json = nlohmann::json;

// After so many images what was written is made to outlive a crash of the machine.
constexpr int64_t kSyncEvery = 64;

std::string Quoted(const std::string& text) { return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string ImageLine(const ImageOutcome& outcome) {
  std::string line = absl::StrCat("{\"image\":", Quoted(outcome.detections.image));
  if (outcome.detections.flip) line += ",\"flip\":true";
  if (!outcome.error.empty()) return absl::StrCat(line, ",\"error\":", Quoted(outcome.error), "}\n");
  return absl::StrCat(line, ",\"width\":", outcome.size.width, ",\"height\":", outcome.size.height, "}\n");
}

absl::StatusOr<ImageOutcome> ParseImageLine(const std::string& line, const std::string& place) {
  ASSIGN_OR_RETURN(const Json json, ParseJson(line, place));
  ImageOutcome outcome;
  try {
    outcome.detections.image = PlainName(json.at("image").get<std::string>());
    outcome.detections.flip = json.value("flip", false);
    outcome.error = json.value("error", "");
    outcome.size = {json.value("width", 0), json.value("height", 0)};
  } catch (const Json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(place,
                                                   ": expected {\"image\":..,\"width\":..,\"height\":..} or "
                                                   "{\"image\":..,\"error\":..}: ",
                                                   error.what()));
  }
  return outcome;
}

// The next line that is whole; false behind the last.
absl::StatusOr<bool> NextWhole(LineReader* lines) {
  ASSIGN_OR_RETURN(const bool more, lines->Next());
  return more && lines->is_complete();
}

int64_t BytesOf(const LineReader& lines) { return static_cast<int64_t>(lines.line().size()) + 1; }

}  // namespace

absl::StatusOr<std::unique_ptr<JournalReader>> JournalReader::Open(const std::string& folder) {
  auto reader = std::make_unique<JournalReader>();
  constexpr char kHint[] = "infer:detect writes such a file";
  ASSIGN_OR_RETURN(reader->images_, LineReader::Open(absl::StrCat(folder, "/", kImagesName), kHint));
  ASSIGN_OR_RETURN(reader->detections_, LineReader::Open(absl::StrCat(folder, "/", kDetectionsName), kHint));
  return reader;
}

absl::StatusOr<bool> JournalReader::Next(ImageOutcome* outcome) {
  ASSIGN_OR_RETURN(const bool more, NextWhole(images_.get()));
  if (!more) return false;
  ASSIGN_OR_RETURN(*outcome, ParseImageLine(images_->line(), images_->place()));
  if (outcome->error.empty()) {
    ASSIGN_OR_RETURN(const bool detected, NextWhole(detections_.get()));
    if (!detected) return false;
    ASSIGN_OR_RETURN(data::ImageDetections detections,
                     data::DetectionsFromJson(detections_->line(), detections_->place()));
    if (detections.image != outcome->detections.image || detections.flip != outcome->detections.flip) {
      return absl::InvalidArgumentError(absl::StrCat(detections_->place(), ": is of ", detections.image, ", but ",
                                                     images_->place(), " of ", outcome->detections.image,
                                                     ": these files were changed; detect anew with --overwrite"));
    }
    outcome->detections = std::move(detections);
    detections_bytes_ += BytesOf(*detections_);
  }
  images_bytes_ += BytesOf(*images_);
  return true;
}

absl::StatusOr<std::unique_ptr<ResultJournal>> ResultJournal::Open(
    const std::string& folder, const std::function<absl::Status(const ImageOutcome&)>& seen) {
  std::unique_ptr<ResultJournal> journal(new ResultJournal);
  const std::string images = absl::StrCat(folder, "/", kImagesName);
  const std::string detections = absl::StrCat(folder, "/", kDetectionsName);
  int64_t images_bytes = 0, detections_bytes = 0;
  if (IsThere(images) && IsThere(detections)) {
    ASSIGN_OR_RETURN(const auto reader, JournalReader::Open(folder));
    ImageOutcome outcome;
    while (true) {
      ASSIGN_OR_RETURN(const bool more, reader->Next(&outcome));
      if (!more) break;
      if (seen != nullptr) RETURN_IF_ERROR(seen(outcome));
      journal->Count(outcome);
      images_bytes = reader->images_bytes();
      detections_bytes = reader->detections_bytes();
    }
  }
  ASSIGN_OR_RETURN(journal->detections_file_, AppendFile::Open(detections, detections_bytes));
  ASSIGN_OR_RETURN(journal->images_file_, AppendFile::Open(images, images_bytes));
  return journal;
}

void ResultJournal::Count(const ImageOutcome& outcome) {
  if (!outcome.error.empty()) {
    failures_.push_back(outcome.error);
    return;
  }
  ++detected_;
  boxes_ += static_cast<int64_t>(outcome.detections.boxes.size());
}

absl::Status ResultJournal::Add(const ImageOutcome& outcome) {
  if (outcome.error.empty()) {
    RETURN_IF_ERROR(detections_file_->Append(data::DetectionsToJson(outcome.detections) + "\n"));
    RETURN_IF_ERROR(detections_file_->Flush());
  }
  RETURN_IF_ERROR(images_file_->Append(ImageLine(outcome)));
  Count(outcome);
  return images() % kSyncEvery == 0 ? Sync() : images_file_->Flush();
}

absl::Status ResultJournal::Sync() {
  RETURN_IF_ERROR(detections_file_->Sync());
  return images_file_->Sync();
}

}  // namespace hardface::infer
