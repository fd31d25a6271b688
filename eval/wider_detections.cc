#include "eval/wider_detections.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "data_tools/base/parallel.h"
#include "data_tools/base/provenance.h"
#include "data_tools/base/status_macros.h"
#include "data_tools/detections.h"
#include "eval/result_tree.h"
#include "eval/text_lines.h"

namespace hardface {
namespace {

namespace fs = std::filesystem;

constexpr double kMaxBoxesPerImage = 1'000'000;
constexpr size_t kBoxesForCornerCheck = 3;  // of an image, best first

std::string Quote(absl::string_view line) { return absl::StrCat("\"", line.substr(0, 60), "\""); }

absl::Status Bad(const std::string& place, int64_t line, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(place, ":", line, ": ", what));
}

absl::StatusOr<size_t> ParseCount(TextLines* lines, const std::string& place) {
  if (!lines->Next()) return Bad(place, 1, "is empty; expected the image's name, a count and x y w h score lines");
  if (!lines->Next()) return Bad(place, 2, "ends behind its first line; expected the number of boxes there");
  absl::string_view line = lines->line();
  double count;
  if (!ParseNumber(TakeWord(&line), &count) || count < 0 || count != static_cast<double>(static_cast<int64_t>(count))) {
    return Bad(place, 2, absl::StrCat("expected the number of boxes, got ", Quote(lines->line())));
  }
  if (count > kMaxBoxesPerImage) {
    return Bad(place, 2,
               absl::StrCat(count, " boxes in one image; at most ", kMaxBoxesPerImage,
                            " are taken: raise the detector's score threshold"));
  }
  return static_cast<size_t>(count);
}

void SortByFallingScore(std::vector<ScoredBox>* boxes) {
  const auto falls = [](const ScoredBox& a, const ScoredBox& b) { return a.score > b.score; };
  if (!std::is_sorted(boxes->begin(), boxes->end(), falls)) std::stable_sort(boxes->begin(), boxes->end(), falls);
}

double PixelIou(const WiderFace& face, double x1, double y1, double x2, double y2) {
  const double w = std::min(face.x + face.w, x2) - std::max(face.x, x1) + 1;
  const double h = std::min(face.y + face.h, y2) - std::max(face.y, y1) + 1;
  if (w <= 0 || h <= 0) return 0;
  const double both = (face.w + 1) * (face.h + 1) + (x2 - x1 + 1) * (y2 - y1 + 1);
  return w * h / (both - w * h);
}

bool HitsAFace(const WiderImage& image, double x1, double y1, double x2, double y2) {
  return std::any_of(image.faces.begin(), image.faces.end(),
                     [&](const WiderFace& face) { return PixelIou(face, x1, y1, x2, y2) >= 0.5; });
}

// Tries the best boxes of each image both ways.
void CheckForCorners(const WiderGroundTruth& truth, const std::vector<std::string>& places, WiderDetections* found) {
  CornerCheck check;
  for (size_t i = 0; i < truth.images.size(); ++i) {
    const std::vector<ScoredBox>& boxes = found->images[i];
    for (size_t k = 0; k < std::min(boxes.size(), kBoxesForCornerCheck); ++k) {
      const ScoredBox& box = boxes[k];
      check.Add(HitsAFace(truth.images[i], box.x, box.y, box.x + box.w, box.y + box.h),
                box.w > box.x && box.h > box.y && HitsAFace(truth.images[i], box.x, box.y, box.w, box.h), places[i]);
    }
  }
  check.Report(&found->layout);
}

void CheckScoreScale(const std::vector<std::string>& places, WiderDetections* found) {
  ScoreScaleCheck check;
  for (size_t i = 0; i < found->images.size(); ++i) {
    for (const ScoredBox& box : found->images[i]) check.Add(box.score, places[i]);
  }
  check.Report(&found->layout);
}

class Reader {
 public:
  explicit Reader(const WiderGroundTruth& truth) : truth_(truth), places_(truth.images.size()) {
    found_.images.resize(truth.images.size());
    for (size_t i = 0; i < truth.images.size(); ++i) {
      const WiderImage& image = truth.images[i];
      index_.emplace(image.event.empty() ? image.name : absl::StrCat(image.event, "/", image.name), i);
    }
  }

  absl::Status ReadTree(const std::string& path, int threads) {
    ASSIGN_OR_RETURN(const std::vector<ResultFile> files, ReadResultTree(path, threads));
    std::vector<absl::StatusOr<ParsedResultFile>> parsed(files.size(), absl::UnknownError(""));
    std::vector<int64_t> targets(files.size(), -1);
    for (size_t i = 0; i < files.size(); ++i) {
      ASSIGN_OR_RETURN(targets[i], Claim(files[i].name, files[i].place, "extra result files"));
    }
    constexpr int64_t kChunk = 16;
    const auto count = static_cast<int64_t>(files.size());
    ParallelFor((count + kChunk - 1) / kChunk, threads, [&](int64_t chunk) {
      for (int64_t i = chunk * kChunk; i < std::min(count, (chunk + 1) * kChunk); ++i) {
        if (targets[i] < 0) continue;
        parsed[i] = ParseWiderResult(files[i].bytes, files[i].place);
        if (parsed[i].ok()) SortByFallingScore(&parsed[i]->boxes);
      }
    });
    for (size_t i = 0; i < files.size(); ++i) {
      if (targets[i] < 0) continue;
      RETURN_IF_ERROR(parsed[i].status());
      NoteLines(*parsed[i], files[i].place);
      found_.images[targets[i]] = std::move(parsed[i]->boxes);
    }
    found_.hash = HashResultTree(files);
    return absl::OkStatus();
  }

  absl::Status ReadJsonl(const std::string& path) {
    const std::string file = fs::is_directory(path) ? path + "/detections.jsonl" : path;
    ASSIGN_OR_RETURN(const std::vector<ImageDetections> all, ReadDetections(file));
    ASSIGN_OR_RETURN(found_.hash, HashFile(file));
    for (const ImageDetections& of_image : all) {
      if (of_image.flip) continue;
      const std::string place = absl::StrCat(file, " (", of_image.image, ")");
      ASSIGN_OR_RETURN(const int64_t target, Claim(of_image.image, place, "images that the ground truth lacks"));
      if (target < 0) continue;
      std::vector<ScoredBox>& boxes = found_.images[target];
      for (const Detection& detection : of_image.boxes) {
        boxes.push_back({detection.box.x, detection.box.y, detection.box.w, detection.box.h, detection.score});
      }
      SortByFallingScore(&boxes);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<WiderDetections> Finish(const std::string& path) {
    for (size_t i = 0; i < truth_.images.size(); ++i) {
      found_.boxes += static_cast<int64_t>(found_.images[i].size());
      if (!places_[i].empty()) continue;
      ++found_.missing;
      found_.layout.Add("missing result files", absl::StrCat(truth_.images[i].event, "/", truth_.images[i].name),
                        "faces of these images count as missed");
    }
    if (found_.missing == static_cast<int64_t>(truth_.images.size())) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": holds no result for any of the ground truth's images; expected names like ",
                       truth_.images[0].event, "/", truth_.images[0].name, ".txt"));
    }
    if (found_.boxes == 0) {
      return absl::InvalidArgumentError(absl::StrCat(path, ": holds not a single box; there is nothing to score"));
    }
    CheckForCorners(truth_, places_, &found_);
    CheckScoreScale(places_, &found_);
    return std::move(found_);
  }

 private:
  // The image that a result NAME is of; -1 (and an entry in the report) for an image that is not scored.
  absl::StatusOr<int64_t> Claim(const std::string& name, const std::string& place, absl::string_view kind_if_unknown) {
    const auto image = index_.find(WiderKey(name));
    if (image == index_.end()) {
      found_.layout.Add(kind_if_unknown, place, "they are left out");
      return -1;
    }
    std::string& owner = places_[image->second];
    if (!owner.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(place, " and ", owner, " are results of the same image; remove one of them"));
    }
    owner = place;
    return static_cast<int64_t>(image->second);
  }

  void NoteLines(const ParsedResultFile& file, const std::string& place) {
    if (file.extra_line > 0) {
      found_.layout.Add("files with more lines than they announce", absl::StrCat(place, ":", file.extra_line),
                        "only as many boxes as line 2 says are taken, as the official tool does");
    }
    if (file.bad_extent_line > 0) {
      found_.layout.Add("files with boxes of no extent", absl::StrCat(place, ":", file.bad_extent_line),
                        "width or height is not above 0");
    }
  }

  const WiderGroundTruth& truth_;
  std::vector<std::string> places_;  // where each image's result comes from; empty: not seen
  absl::flat_hash_map<std::string, size_t> index_;
  WiderDetections found_;
};

}  // namespace

absl::StatusOr<ParsedResultFile> ParseWiderResult(absl::string_view text, const std::string& place) {
  TextLines lines(text);
  ASSIGN_OR_RETURN(const size_t count, ParseCount(&lines, place));
  ParsedResultFile file;
  file.boxes.reserve(std::min(count, text.size() / 10 + 1));  // a box takes ten characters at least
  double numbers[5];
  while (file.boxes.size() < count) {
    if (!lines.NextFilled()) {
      return Bad(place, lines.number() + 1,
                 absl::StrCat("the file ends after ", file.boxes.size(), " boxes; line 2 announces ", count));
    }
    absl::string_view line = lines.line();
    if (!TakeNumbers(&line, 5, numbers)) {
      return Bad(place, lines.number(), absl::StrCat("expected x y w h score, finite, got ", Quote(lines.line())));
    }
    if (!(numbers[2] > 0 && numbers[3] > 0) && file.bad_extent_line == 0) file.bad_extent_line = lines.number();
    file.boxes.push_back({numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]});
  }
  if (lines.NextFilled()) file.extra_line = lines.number();
  return file;
}

absl::StatusOr<WiderDetections> ReadWiderDetections(const std::string& path, const WiderGroundTruth& truth,
                                                    int threads) {
  Reader reader(truth);
  const bool jsonl = fs::path(path).extension() == ".jsonl" || fs::exists(path + "/detections.jsonl");
  RETURN_IF_ERROR(jsonl ? reader.ReadJsonl(path) : reader.ReadTree(path, threads));
  return reader.Finish(path);
}

}  // namespace hardface
