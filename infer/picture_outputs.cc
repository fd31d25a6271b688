#include "infer/picture_outputs.h"

#include <filesystem>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/atomic_output.h"
#include "base/folder_walk.h"
#include "base/html_page.h"
#include "base/paths.h"
#include "base/read_file.h"
#include "base/status_macros.h"
#include "data_tools/images/image_io.h"
#include "data_tools/images/thumbnail.h"
#include "infer/draw.h"
#include "infer/face_areas.h"
#include "infer/result_journal.h"
#include "infer/result_names.h"
#include "infer/video_frames.h"

namespace hardface::infer {
namespace {

namespace fs = std::filesystem;

constexpr int kSheetSide = 240;  // pixels, as wide as the page's figures
constexpr int kSheetQuality = 80;
constexpr char kSheetParts[] = "contact_sheet_parts";

// JPEG where the name says so, else PNG.
absl::Status WritePicture(const std::string& path, const cv::Mat& pixels) {
  return HasEnding(path, {".png"}) ? data::WritePng(path, pixels) : data::WriteJpeg(path, pixels);
}

std::string Faces(size_t count) { return absl::StrCat(count, count == 1 ? " face" : " faces"); }

}  // namespace

std::string PictureOutputs::PartOfSheet(int64_t index) const {
  return absl::StrCat(folder_, "/", kSheetParts, "/", index, ".jpg");
}

absl::Status PictureOutputs::WriteCopies(const ImageToDetect& image, const cv::Mat& pixels,
                                         const std::vector<data::Rect>& boxes) const {
  const std::pair<const char*, Hiding> kinds[] = {{"blurred", Hiding::kBlur}, {"pixelated", Hiding::kPixelate}};
  for (const auto& [name, hiding] : kinds) {
    if (!(hiding == Hiding::kBlur ? options_.blur : options_.pixelate) || image.flip) continue;
    RETURN_IF_ERROR(WritePicture(absl::StrCat(folder_, "/", name, "/", CopyName(image.name)),
                                 HideFaces(pixels, boxes, options_.margin, hiding)));
  }
  return absl::OkStatus();
}

absl::Status PictureOutputs::Write(int64_t index, const ImageToDetect& image, const cv::Mat& pixels,
                                   const std::vector<data::Detection>& faces) const {
  const std::vector<data::Rect> boxes = BoxesFrom(faces, options_.threshold);
  for (size_t i = 0; !options_.crops.empty() && i < boxes.size(); ++i) {
    const cv::Rect area = AreaOf(boxes[i], options_.margin, pixels.size());
    if (area.empty()) continue;
    const std::string name = CropName(index, image, static_cast<int64_t>(i));
    RETURN_IF_ERROR(data::WritePng(absl::StrCat(options_.crops, "/", name), pixels(area).clone()));
  }
  const bool in_a_video = !options_.single_frames && IsVideo(image.path);
  if (!in_a_video) RETURN_IF_ERROR(WriteCopies(image, pixels, boxes));
  const bool on_sheet = options_.contact_sheet && index < kMaxOnSheet;
  if ((!options_.draw || in_a_video) && !on_sheet) return absl::OkStatus();
  const cv::Mat drawn = DrawDetections(pixels, faces, options_.threshold);
  if (on_sheet) {
    RETURN_IF_ERROR(data::WriteJpeg(PartOfSheet(index), data::Thumbnail(drawn, kSheetSide), kSheetQuality));
  }
  if (!options_.draw || in_a_video) return absl::OkStatus();
  return data::WritePng(absl::StrCat(folder_, "/drawn/", DrawnName(index, image)), drawn);
}

absl::Status PictureOutputs::Finish() const {
  const std::string page = folder_ + "/contact_sheet.html", parts = folder_ + "/" + kSheetParts;
  // The parts go when the page is there: a process that was killed behind that has left nothing to do.
  if (!options_.contact_sheet || (IsThere(page) && !IsThere(parts))) return absl::OkStatus();
  ASSIGN_OR_RETURN(const auto journal, JournalReader::Open(folder_));
  Html figures;
  ImageOutcome outcome;
  int64_t index = 0, shown = 0;
  for (;; ++index) {
    ASSIGN_OR_RETURN(const bool more, journal->Next(&outcome));
    if (!more) break;
    if (!outcome.error.empty() || index >= kMaxOnSheet) continue;
    ASSIGN_OR_RETURN(const std::string picture, ReadFile(PartOfSheet(index)));
    size_t faces = 0;
    for (const data::Detection& detection : outcome.detections.boxes) faces += detection.score >= options_.threshold;
    const std::string caption = absl::StrCat(outcome.detections.image, ": ", Faces(faces));
    figures += HtmlFigure(HtmlPicture("image/jpeg", picture, caption), HtmlText(caption));
    ++shown;
  }
  const std::string title = absl::StrCat(shown, " of ", index, " pictures");
  const std::string body_class = "gallery thumbnails";
  RETURN_IF_ERROR(WriteFileAtomically(
      page, HtmlPage("Contact sheet", HtmlElement("h1", "Contact sheet") + HtmlElement("p", title, "note") +
                                          HtmlElement("div", figures, body_class))));
  std::error_code ignored;
  fs::remove_all(parts, ignored);
  return absl::OkStatus();
}

}  // namespace hardface::infer
