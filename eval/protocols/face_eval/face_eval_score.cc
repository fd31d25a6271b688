#include "eval/protocols/face_eval/face_eval_score.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/text_file.h"
#include "base/text_lines.h"
#include "data_tools/formats/mat_file.h"
#include "eval/common/axis_fit.h"
#include "eval/common/result_check.h"

namespace hardface::eval {
namespace {

constexpr double kMinFaceSize = 30;     // pixels
constexpr double kMaxLeftOutSize = 21;  // int(sqrt(0.5 * 30 * 30))
constexpr double kMinIou = 0.5;         // has to be exceeded
// Headhunter's published results lack 4 of the 851 PASCAL images.
constexpr double kMaxMissingShare = 1.0 / 50;

std::string WithoutExtension(const std::string& name) {
  const size_t dot = name.rfind('.');
  return dot == std::string::npos ? name : name.substr(0, dot);
}

absl::StatusOr<FaceEvalImage> ReadImage(const data::MatValue& annotations, int64_t i, const std::string& path) {
  const data::MatValue* name = annotations.Field(i, "imgname");
  const data::MatValue* objects = annotations.Field(i, "objects");
  const bool good = name != nullptr && name->kind == data::MatValue::Kind::kText && objects != nullptr &&
                    objects->kind == data::MatValue::Kind::kNumbers &&
                    (objects->size() == 0 || (objects->columns() >= 6 && objects->dimensions.size() == 2));
  if (!good) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": Annotations(", i + 1, ") lacks imgname or objects with the columns x1 y1 x2 y2 pose ignore"));
  }
  FaceEvalImage image;
  image.name = WithoutExtension(name->text);
  for (int64_t row = 0; objects->size() > 0 && row < objects->rows(); ++row) {
    FaceEvalFace face;
    face.box = {objects->At(row, 0), objects->At(row, 1), objects->At(row, 2), objects->At(row, 3)};
    if (!std::isfinite(face.box.x1 + face.box.y1 + face.box.x2 + face.box.y2)) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": Annotations(", i + 1, ").objects row ", row + 1, " holds a number that is not finite"));
    }
    face.ignore = objects->At(row, 5) != 0 || face.box.x2 - face.box.x1 < kMinFaceSize ||
                  face.box.y2 - face.box.y1 < kMinFaceSize;
    image.faces.push_back(face);
  }
  return image;
}

double Area(const CornerBox& box) { return (box.x2 - box.x1 + 1) * (box.y2 - box.y1 + 1); }

double Iou(const CornerBox& a, const CornerBox& b) {
  const double w = std::min(a.x2, b.x2) - std::max(a.x1, b.x1), h = std::min(a.y2, b.y2) - std::max(a.y1, b.y1);
  if (w <= 0 || h <= 0) return 0;
  const double common = (w + 1) * (h + 1);
  return common / (Area(a) + Area(b) - common);
}

void Refit(const std::vector<FaceEvalImage>& images, const std::vector<JudgedDetection>& judged,
           std::vector<FaceEvalDetection>* detections) {
  AxisFit x, y;
  for (size_t i = 0; i < judged.size(); ++i) {
    if (judged[i].verdict != Verdict::kTruePositive) continue;
    const CornerBox& face = images[judged[i].image].faces[judged[i].face].box;
    const CornerBox& box = (*detections)[i].box;
    x.Add(face.x1, face.x2, box.x1, box.x2);
    y.Add(face.y1, face.y2, box.y1, box.y2);
  }
  for (FaceEvalDetection& detection : *detections) {
    x.Apply(&detection.box.x1, &detection.box.x2);
    y.Apply(&detection.box.y1, &detection.box.y2);
  }
}

void LeaveOutSmallAndSort(std::vector<FaceEvalDetection>* detections) {
  const auto small = [](const FaceEvalDetection& detection) {
    return detection.box.x2 - detection.box.x1 <= kMaxLeftOutSize &&
           detection.box.y2 - detection.box.y1 <= kMaxLeftOutSize;
  };
  detections->erase(std::remove_if(detections->begin(), detections->end(), small), detections->end());
  std::stable_sort(detections->begin(), detections->end(),
                   [](const FaceEvalDetection& a, const FaceEvalDetection& b) { return a.score > b.score; });
}

// BOXES: of each image. An image in which nothing was found has no line, so a few are missing from good results too.
void CheckImages(const std::vector<FaceEvalImage>& images, const std::vector<std::vector<ResultBox>>& boxes,
                 const std::string& place, LayoutReport* layout) {
  std::vector<ImageEvidence> evidence;
  std::vector<size_t> missing;
  for (size_t i = 0; i < images.size(); ++i) {
    if (boxes[i].empty()) missing.push_back(i);
    evidence.push_back(ExamineImage(boxes[i], /*faces=*/{}));
    evidence.back().file = place;
    evidence.back().image = images[i].name;
  }
  ReportMistakes(evidence, layout);
  if (static_cast<double>(missing.size()) <= kMaxMissingShare * static_cast<double>(images.size())) return;
  for (size_t i : missing) {
    layout->Add("images without a detection", absl::StrCat(place, " (", images[i].name, ")"),
                "more than 1 in 50: are these results of other images? Their faces count as missed");
  }
}

}  // namespace

absl::StatusOr<std::vector<FaceEvalImage>> ReadFaceEvalAnnotations(const std::string& path) {
  ASSIGN_OR_RETURN(const auto variables, data::ReadMatFile(path, {"Annotations"}));
  const auto found = variables.find("Annotations");
  if (found == variables.end() || found->second.kind != data::MatValue::Kind::kStructs || found->second.size() == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": has no struct array Annotations; expected a file of face-eval (AFW or PASCAL faces)"));
  }
  std::vector<FaceEvalImage> images;
  std::map<std::string, int64_t> seen;
  for (int64_t i = 0; i < found->second.size(); ++i) {
    ASSIGN_OR_RETURN(FaceEvalImage image, ReadImage(found->second, i, path));
    if (const auto [first, is_new] = seen.emplace(image.name, i + 1); !is_new) {
      return absl::InvalidArgumentError(absl::StrCat(path, ": Annotations(", first->second, ") and (", i + 1,
                                                     ") are of the same image ", image.name));
    }
    images.push_back(std::move(image));
  }
  return images;
}

absl::StatusOr<std::vector<FaceEvalDetection>> ParseFaceEvalDetections(absl::string_view text, const std::string& place,
                                                                       const std::vector<FaceEvalImage>& images,
                                                                       LayoutReport* layout) {
  absl::flat_hash_map<absl::string_view, int32_t> index;
  for (size_t i = 0; i < images.size(); ++i) index.emplace(images[i].name, static_cast<int32_t>(i));
  std::vector<FaceEvalDetection> detections;
  std::vector<std::vector<ResultBox>> boxes(images.size());
  RETURN_IF_ERROR(CheckIsUtf8Text(text, place));
  TextLines lines(text);
  size_t count = 0;
  for (; lines.NextFilled(); ++count) {
    absl::string_view line = lines.line();
    absl::string_view name = TakeWord(&line);
    double n[5];
    if (!TakeNumbers(&line, 5, n)) {
      return absl::InvalidArgumentError(absl::StrCat(place, ":", lines.number(),
                                                     ": expected name score x1 y1 x2 y2, finite; got \"",
                                                     lines.line().substr(0, 60), "\""));
    }
    if (!(n[3] > n[1] && n[4] > n[2])) {
      return absl::InvalidArgumentError(absl::StrCat(place, ":", lines.number(),
                                                     ": x2 must be above x1 and y2 above y1 ",
                                                     "(corners, not width and height); got \"", lines.line(), "\""));
    }
    auto found = index.find(name);
    const std::string bare = WithoutExtension(std::string(name));
    if (found == index.end()) found = index.find(bare);
    if (found == index.end()) {
      layout->Add("detections of images that the annotations lack", absl::StrCat(place, ":", lines.number()),
                  "they are left out");
      continue;
    }
    boxes[found->second].push_back({n[1], n[2], n[3] - n[1], n[4] - n[2], n[0], lines.number()});
    detections.push_back({found->second, n[0], {n[1], n[2], n[3], n[4]}});
  }
  CheckImages(images, boxes, place, layout);
  if (detections.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        place, count == 0 ? ": holds no detection" : ": none of its detections is of an image of the annotations",
        "; expected names like ", images.empty() ? "" : images[0].name));
  }
  return detections;
}

void ShiftTopEdges(double fraction, std::vector<FaceEvalDetection>* detections) {
  for (FaceEvalDetection& detection : *detections) {
    detection.box.y1 += fraction * (detection.box.y2 - detection.box.y1 + 1);
  }
}

std::vector<JudgedDetection> JudgeFaceEval(const std::vector<FaceEvalImage>& images,
                                           const std::vector<FaceEvalDetection>& detections) {
  std::vector<std::vector<bool>> found(images.size());
  for (size_t i = 0; i < images.size(); ++i) found[i].resize(images[i].faces.size());
  std::vector<JudgedDetection> all;
  all.reserve(detections.size());
  for (const FaceEvalDetection& detection : detections) {
    const std::vector<FaceEvalFace>& faces = images[detection.image].faces;
    JudgedDetection judged;
    judged.score = detection.score;
    judged.image = detection.image;
    double best = 0;
    for (size_t k = 0; k < faces.size(); ++k) {
      const double iou = Iou(faces[k].box, detection.box);
      if (iou <= 0 || iou < best) continue;
      best = iou;
      judged.face = static_cast<int32_t>(k);
    }
    judged.iou = static_cast<float>(best);
    if (best > kMinIou) {
      std::vector<bool>::reference taken = found[detection.image][judged.face];
      judged.verdict = faces[judged.face].ignore ? Verdict::kIgnored
                       : taken                   ? Verdict::kDuplicate
                                                 : Verdict::kTruePositive;
      taken = true;
    }
    all.push_back(judged);
  }
  return all;
}

FaceEvalResult ScoreFaceEval(const std::vector<FaceEvalImage>& images, std::vector<FaceEvalDetection> detections,
                             int refits) {
  std::vector<int64_t> faces;
  for (const FaceEvalImage& image : images) {
    faces.push_back(
        std::count_if(image.faces.begin(), image.faces.end(), [](const FaceEvalFace& face) { return !face.ignore; }));
  }
  LeaveOutSmallAndSort(&detections);
  FaceEvalResult result;
  for (int round = 0; round < std::max(refits, 1); ++round) {
    const std::vector<JudgedDetection> judged = JudgeFaceEval(images, detections);
    result.ranking = MakeRanking(judged, faces);
    result.aps.push_back(AveragePrecision(result.ranking, Ties::kApart));
    Refit(images, judged, &detections);
  }
  return result;
}

}  // namespace hardface::eval
