#include "eval/protocols/wider/wider_detections.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "base/parallel.h"
#include "base/provenance.h"
#include "base/status_macros.h"
#include "data_tools/dataset/detections.h"
#include "eval/common/result_check.h"
#include "eval/common/result_form.h"
#include "eval/common/result_text.h"
#include "eval/common/result_tree.h"

namespace hardface::eval {
namespace {

void SortByFallingScore(std::vector<ResultBox>* boxes) {
  const auto falls = [](const ResultBox& a, const ResultBox& b) { return a.score > b.score; };
  if (!std::is_sorted(boxes->begin(), boxes->end(), falls)) std::stable_sort(boxes->begin(), boxes->end(), falls);
}

std::vector<FaceRect> FaceRects(const WiderImage& image) {
  std::vector<FaceRect> rects;
  rects.reserve(image.faces.size());
  for (const WiderFace& face : image.faces) rects.push_back({face.x, face.y, face.w, face.h});
  return rects;
}

ImageEvidence Examine(const std::vector<ResultBox>& boxes, const WiderImage& image) {
  return ExamineImage(boxes, FaceRects(image));
}

std::string KeyOf(const WiderImage& image) {
  return image.event.empty() ? image.name : absl::StrCat(image.event, "/", image.name);
}

bool HasCountedFace(const WiderImage& image) {
  return std::any_of(image.faces.begin(), image.faces.end(), [](const WiderFace& face) { return face.subsets != 0; });
}

class Reader {
 public:
  explicit Reader(const WiderGroundTruth& truth)
      : truth_(truth), places_(truth.images.size()), evidence_(truth.images.size()) {
    found_.images.resize(truth.images.size());
    for (size_t i = 0; i < truth.images.size(); ++i) {
      const WiderImage& image = truth.images[i];
      index_.emplace(KeyOf(image), i);
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
        parsed[i] = ParseResultText(files[i].bytes, files[i].place);
        if (!parsed[i].ok()) continue;
        evidence_[targets[i]] = Examine(parsed[i]->boxes, truth_.images[targets[i]]);
        SortByFallingScore(&parsed[i]->boxes);
      }
    });
    for (size_t i = 0; i < files.size(); ++i) {
      if (targets[i] < 0) continue;
      RETURN_IF_ERROR(parsed[i].status());
      NoteFindings(*parsed[i], files[i].place, truth_.images[targets[i]].name, &found_.layout);
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
      std::vector<ResultBox>& boxes = found_.images[target];
      for (const data::Detection& detection : of_image.boxes) {
        boxes.push_back({detection.box.x, detection.box.y, detection.box.w, detection.box.h, detection.score, line});
      }
      ImageEvidence& evidence = evidence_[target];
      evidence = Examine(boxes, truth_.images[target]);
      evidence.file = file;
      evidence.image = of_image.image;
      SortByFallingScore(&boxes);
    }
    return absl::OkStatus();
  }

  absl::Status ReadCoco(const std::string& path, const CocoResultOptions& options) {
    std::vector<std::string> names;
    for (const WiderImage& image : truth_.images) names.push_back(KeyOf(image));
    ASSIGN_OR_RETURN(CocoResults results, ReadCocoResults(path, options, names));
    ASSIGN_OR_RETURN(found_.hash, HashFile(path));
    found_.layout = std::move(results.layout);
    found_.missing = results.without_a_line;
    for (size_t i = 0; i < names.size(); ++i) {
      places_[i] = path;  // an image without a detection was searched, too: the form cannot say so
      evidence_[i] = Examine(results.images[i], truth_.images[i]);
      evidence_[i].file = path;
      evidence_[i].unit = kCocoUnit;
      evidence_[i].image = names[i];
      SortByFallingScore(&results.images[i]);
    }
    found_.images = std::move(results.images);
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
    if (std::none_of(truth_.images.begin(), truth_.images.end(), &HasCountedFace)) {
      found_.layout.Add("ground truths without a face that counts", truth_.files.empty() ? "" : truth_.files[0],
                        "AP is not defined (nan)");
    }
    ReportMistakes(evidence_, &found_.layout);
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

  const WiderGroundTruth& truth_;
  std::vector<std::string> places_;  // where each image's result comes from; empty: not seen
  std::vector<ImageEvidence> evidence_;
  absl::flat_hash_map<std::string, size_t> index_;
  WiderDetections found_;
};

}  // namespace

absl::StatusOr<WiderDetections> ReadWiderDetections(const std::string& path, const WiderGroundTruth& truth,
                                                    const CocoResultOptions& coco, int threads) {
  Reader reader(truth);
  switch (FormOfResults(path)) {
    case ResultForm::kJsonl:
      RETURN_IF_ERROR(reader.ReadJsonl(path));
      break;
    case ResultForm::kCoco:
      RETURN_IF_ERROR(reader.ReadCoco(path, coco));
      break;
    case ResultForm::kTree:
      RETURN_IF_ERROR(reader.ReadTree(path, threads));
  }
  return reader.Finish(path);
}

}  // namespace hardface::eval
