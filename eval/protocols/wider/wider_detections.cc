#include "eval/protocols/wider/wider_detections.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/parallel.h"
#include "base/paths.h"
#include "base/provenance.h"
#include "base/status_macros.h"
#include "base/text_lines.h"
#include "data_tools/dataset/detections.h"
#include "eval/common/result_check.h"
#include "eval/common/result_tree.h"

namespace hardface::eval {
namespace {

namespace fs = std::filesystem;

constexpr double kMaxBoxesPerImage = 1'000'000;

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

std::vector<FaceRect> FaceRects(const WiderImage& image) {
  std::vector<FaceRect> rects;
  rects.reserve(image.faces.size());
  for (const WiderFace& face : image.faces) rects.push_back({face.x, face.y, face.w, face.h});
  return rects;
}

// LINES: of each box.
ImageEvidence Examine(const std::vector<ScoredBox>& boxes, const std::vector<int64_t>& lines, const WiderImage& image) {
  std::vector<ResultBox> results;
  results.reserve(boxes.size());
  for (size_t i = 0; i < boxes.size(); ++i) {
    results.push_back({boxes[i].x, boxes[i].y, boxes[i].w, boxes[i].h, boxes[i].score, lines[i]});
  }
  return ExamineImage(results, FaceRects(image));
}

class Reader {
 public:
  explicit Reader(const WiderGroundTruth& truth)
      : truth_(truth), places_(truth.images.size()), evidence_(truth.images.size()) {
    found_.images.resize(truth.images.size());
    for (size_t i = 0; i < truth.images.size(); ++i) {
      const WiderImage& image = truth.images[i];
      index_.emplace(image.event.empty() ? image.name : absl::StrCat(image.event, "/", image.name), i);
    }
  }

  absl::Status ReadTree(const std::string& path, int threads) {
    ASSIGN_OR_RETURN(const ResultTree tree, ReadResultTree(path, threads));
    const std::vector<ResultFile>& files = tree.files;
    for (const std::string& folder : tree.folders_named_txt) {
      found_.layout.Add("folders that bear a result file's name", folder, "each is a directory, not a file");
    }
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
        if (!parsed[i].ok()) continue;
        evidence_[targets[i]] = Examine(parsed[i]->boxes, parsed[i]->lines, truth_.images[targets[i]]);
        SortByFallingScore(&parsed[i]->boxes);
      }
    });
    for (size_t i = 0; i < files.size(); ++i) {
      if (targets[i] < 0) continue;
      RETURN_IF_ERROR(parsed[i].status());
      NoteLines(*parsed[i], files[i].place, truth_.images[targets[i]].name);
      evidence_[targets[i]].file = files[i].place;
      found_.images[targets[i]] = std::move(parsed[i]->boxes);
    }
    found_.hash = HashResultTree(files);
    return absl::OkStatus();
  }

  absl::Status ReadJsonl(const std::string& path) {
    const std::string file = data::DetectionsFile(path);
    ASSIGN_OR_RETURN(const std::vector<data::ImageDetections> all, data::ReadDetections(file));
    ASSIGN_OR_RETURN(const std::vector<int64_t> lines, FilledLines(file));
    ASSIGN_OR_RETURN(found_.hash, HashFile(file));
    for (size_t i = 0; i < all.size(); ++i) {
      const data::ImageDetections& of_image = all[i];
      if (of_image.flip) continue;
      const int64_t line = i < lines.size() ? lines[i] : 0;
      const std::string place = absl::StrCat(file, ":", line, " (", of_image.image, ")");
      ASSIGN_OR_RETURN(const int64_t target, Claim(of_image.image, place, "images that the ground truth lacks"));
      if (target < 0) continue;
      std::vector<ScoredBox>& boxes = found_.images[target];
      for (const data::Detection& detection : of_image.boxes) {
        boxes.push_back({detection.box.x, detection.box.y, detection.box.w, detection.box.h, detection.score});
      }
      ImageEvidence& evidence = evidence_[target];
      evidence = Examine(boxes, std::vector<int64_t>(boxes.size(), line), truth_.images[target]);
      evidence.file = file;
      evidence.image = of_image.image;
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
    ReportCorners(evidence_, &found_.layout);
    ReportScoreScales(evidence_, &found_.layout);
    ReportDoubledRows(evidence_, &found_.layout);
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

  void NoteLines(const ParsedResultFile& file, const std::string& place, const std::string& image) {
    const std::string named = WiderKey(file.image);
    if (named.substr(named.rfind('/') + 1) != image) {
      found_.layout.Add("files whose first line names another image",
                        absl::StrCat(place, ":1 (", Quote(file.image), ")"),
                        "taken as the results of the image that the file is named after; were two files swapped?");
    }
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
  std::vector<ImageEvidence> evidence_;
  absl::flat_hash_map<std::string, size_t> index_;
  WiderDetections found_;
};

}  // namespace

absl::StatusOr<ParsedResultFile> ParseWiderResult(absl::string_view text, const std::string& place) {
  TextLines lines(text);
  ASSIGN_OR_RETURN(const size_t count, ParseCount(&lines, place));
  ParsedResultFile file;
  TextLines first(text);
  if (first.Next()) file.image = std::string(absl::StripAsciiWhitespace(first.line()));
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
    file.lines.push_back(lines.number());
  }
  if (lines.NextFilled()) file.extra_line = lines.number();
  return file;
}

absl::StatusOr<WiderDetections> ReadWiderDetections(const std::string& path, const WiderGroundTruth& truth,
                                                    int threads) {
  Reader reader(truth);
  const bool jsonl = fs::path(path).extension() == ".jsonl" || IsThere(path + "/detections.jsonl");
  RETURN_IF_ERROR(jsonl ? reader.ReadJsonl(path) : reader.ReadTree(path, threads));
  return reader.Finish(path);
}

}  // namespace hardface::eval
