#include "data_tools/dataset/detections.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/json_keys.h"
#include "base/json_text.h"
#include "base/paths.h"
#include "base/status_macros.h"
#include "base/text_file.h"

namespace hardface::data {
namespace {

using Json = nlohmann::json;

absl::Status Bad(const std::string& place, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(place, ": ", what));
}

}  // namespace

std::string DetectionsToJson(const ImageDetections& detections) {
  std::string line =
      absl::StrCat("{\"image\":", Json(detections.image).dump(-1, ' ', false, Json::error_handler_t::replace));
  if (detections.flip) line += ",\"flip\":true";
  line += ",\"boxes\":[";
  for (size_t i = 0; i < detections.boxes.size(); ++i) {
    const auto& [box, score] = detections.boxes[i];
    // A hundredth of a pixel and nine digits of score: far below what any protocol can tell apart, and half the bytes.
    absl::StrAppendFormat(&line, "%s[%.2f,%.2f,%.2f,%.2f,%.9g]", i == 0 ? "" : ",", box.x, box.y, box.w, box.h, score);
  }
  return line + "]}";
}

absl::StatusOr<ImageDetections> DetectionsFromJson(absl::string_view line, const std::string& place) {
  ASSIGN_OR_RETURN(const Json json, ParseJson(line, place));
  if (!json.is_object() || !json.contains("image") || !json["image"].is_string() || !json.contains("boxes") ||
      !json["boxes"].is_array()) {
    return Bad(place,
               absl::StrCat("expected {\"image\":\"..\",\"boxes\":[[x,y,w,h,score],..]}, got: ", line.substr(0, 80)));
  }
  RETURN_IF_ERROR(CheckNoMisspeltKey(json, {"image", "flip", "boxes"}, place));
  ImageDetections detections;
  detections.image = PlainName(json["image"].get<std::string>());
  if (const auto flip = json.find("flip"); flip != json.end()) {
    if (!flip->is_boolean()) return Bad(place, absl::StrCat("\"flip\" is ", flip->dump(), "; expected true or false"));
    detections.flip = flip->get<bool>();
  }
  detections.boxes.reserve(json["boxes"].size());
  for (const Json& row : json["boxes"]) {
    bool good = row.is_array() && row.size() == 5;
    for (size_t i = 0; good && i < 5; ++i) good = row[i].is_number() && std::isfinite(row[i].get<float>());
    if (!good || row[2] < 0 || row[3] < 0) {
      return Bad(place, absl::StrCat("\"boxes\" holds ", row.dump(),
                                     "; expected [x, y, width, height, score], finite, with no negative extent"));
    }
    detections.boxes.push_back({{row[0], row[1], row[2], row[3]}, row[4]});
  }
  return detections;
}

std::string DetectionsFile(const std::string& path) { return FileOrInFolder(path, "detections.jsonl"); }

absl::StatusOr<std::vector<ImageDetections>> ReadDetections(const std::string& path) {
  const std::string file = DetectionsFile(path);
  ASSIGN_OR_RETURN(const auto lines, LineReader::Open(file, "expected a detections.jsonl"));
  std::vector<ImageDetections> all;
  std::set<std::pair<std::string, bool>> seen;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, lines->Next());
    if (!more) return all;
    const std::string place = lines->place();
    ASSIGN_OR_RETURN(ImageDetections detections, DetectionsFromJson(lines->line(), place));
    if (!seen.emplace(detections.image, detections.flip).second) {
      return Bad(place,
                 absl::StrCat("image ", detections.image, " stands twice in this file; remove one of its lines"));
    }
    all.push_back(std::move(detections));
  }
}

}  // namespace hardface::data
