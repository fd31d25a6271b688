#include "data_tools/formats/detections_source.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/atomic_output.h"
#include "base/status_macros.h"
#include "data_tools/formats/csv.h"
#include "data_tools/images/image_walk.h"

namespace hardface::data {
namespace {

namespace fs = std::filesystem;

// Detections of one detector that overlap so far are of one face.
constexpr double kNmsIou = 0.5;
// Least overlap of a person's box with a pair that agrees, and with a single detection. People draw looser boxes than
// detectors do, and two detectors that agree need less of a confirmation than one alone.
constexpr double kPairIsHumanIou = 0.25, kSingleIsHumanIou = 0.3;
// A doubtful detection that overlaps a face so far is that face, and no area of its own.
constexpr double kIsFaceIou = 0.5;
// How far a head reaches beyond its face's box, in sizes of that box: to either side, and upwards.
constexpr float kHeadBeside = 0.25f, kHeadAbove = 0.6f;
// The area around a point on a head, in heights of the faces about: it reaches further down than up, since the points
// are set on heads and the faces lie below.
constexpr float kAreaWidth = 1.2f, kAreaHeight = 1.4f, kAreaBelow = 0.1f;
constexpr float kMinHeight = 8, kHeightWithoutFaces = 16;
constexpr size_t kFacesNear = 5;

// A detection, the detector that found it, and whether it has been used up.
struct Candidate {
  Rect box;
  double score = 0;
  size_t detector = 0;
  bool used = false;
};

// Those that count for anything, in falling score, without those that overlap a better one.
std::vector<Candidate> Suppress(const std::vector<Detection>& detections, size_t detector, double min_score) {
  std::vector<Detection> sorted = detections;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Detection& a, const Detection& b) { return a.score > b.score; });
  std::vector<Candidate> kept;
  for (const auto& [box, score] : sorted) {
    // A score is a float, the limits are doubles: 0.4f must reach 0.4.
    if (score < static_cast<float>(min_score)) break;
    const Rect& this_box = box;
    const bool free = std::all_of(kept.begin(), kept.end(), [&this_box](const Candidate& better) {
      return ContinuousIou(this_box, better.box) < kNmsIou;
    });
    if (free) kept.push_back({box, score, detector, false});
  }
  return kept;
}

// Pairs of places in A and B of at least MIN_IOU, each place once: the greatest overlap first.
template <typename A, typename B>
std::vector<std::pair<size_t, size_t>> Match(const std::vector<A>& a, const std::vector<B>& b, double min_iou) {
  std::vector<std::tuple<double, size_t, size_t>> overlaps;
  for (size_t i = 0; i < a.size(); ++i) {
    for (size_t j = 0; j < b.size(); ++j) {
      const double iou = ContinuousIou(a[i].box, b[j].box);
      if (iou >= min_iou) overlaps.emplace_back(-iou, i, j);
    }
  }
  std::sort(overlaps.begin(), overlaps.end());
  std::set<size_t> used_a, used_b;
  std::vector<std::pair<size_t, size_t>> pairs;
  for (const auto& [negative_iou, i, j] : overlaps) {
    if (used_a.count(i) > 0 || used_b.count(j) > 0) continue;
    used_a.insert(i);
    used_b.insert(j);
    pairs.emplace_back(i, j);
  }
  return pairs;
}

Rect Mean(const Rect& a, const Rect& b) { return {(a.x + b.x) / 2, (a.y + b.y) / 2, (a.w + b.w) / 2, (a.h + b.h) / 2}; }

class Agreement {
 public:
  Agreement(const std::vector<std::vector<Detection>>& detections, const AgreementRules& rules) : rules_(rules) {
    for (size_t i = 0; i < detections.size(); ++i) {
      candidates_.push_back(Suppress(detections[i], i, std::min(rules.agree_scores[i], rules.doubt_scores[i])));
    }
  }

  std::vector<Face> Run(const std::vector<Face>& human, const std::vector<HeadPoint>& heads) {
    candidates_.size() == 1 ? TakeSure() : TakePairs();
    for (std::vector<Candidate>& of_one : candidates_) {
      for (const Candidate& candidate : of_one) {
        if (!candidate.used) singles_.push_back(candidate);
      }
    }
    std::vector<Face> unconfirmed = ConfirmHuman(human);
    TakeDoubtful();
    for (Face& face : unconfirmed) {
      face.ignore = true;
      faces_.push_back(std::move(face));
    }
    CoverHeads(heads);
    return std::move(faces_);
  }

 private:
  bool Agrees(const Candidate& candidate) const {
    return candidate.score >= static_cast<float>(rules_.agree_scores[candidate.detector]);
  }
  bool IsDoubtful(const Candidate& candidate) const {
    return candidate.score >= static_cast<float>(rules_.doubt_scores[candidate.detector]);
  }

  void TakeSure() {
    for (Candidate& candidate : candidates_[0]) {
      candidate.used = Agrees(candidate);
      if (candidate.used) faces_.push_back({candidate.box});
    }
  }

  void TakePairs() {
    // Candidates are in falling score, so those that agree come first and keep their places.
    const auto agreeing = [this](const std::vector<Candidate>& all) {
      std::vector<Candidate> some;
      std::copy_if(all.begin(), all.end(), std::back_inserter(some), [this](const Candidate& c) { return Agrees(c); });
      return some;
    };
    for (const auto& [i, j] : Match(agreeing(candidates_[0]), agreeing(candidates_[1]), rules_.agree_iou)) {
      faces_.push_back({Mean(candidates_[0][i].box, candidates_[1][j].box)});
      candidates_[0][i].used = candidates_[1][j].used = true;
    }
  }

  // Human boxes that detections stand for become, or are, those faces; returns the others.
  std::vector<Face> ConfirmHuman(const std::vector<Face>& human) {
    std::vector<bool> done(human.size());
    for (const auto& [i, j] : Match(human, faces_, kPairIsHumanIou)) {
      done[i] = true;
      faces_[j].attributes = human[i].attributes;
    }
    std::vector<Face> rest;
    for (size_t i = 0; i < human.size(); ++i) {
      if (!done[i]) rest.push_back(human[i]);
    }
    std::vector<Face> unconfirmed;
    std::set<size_t> confirmed;
    for (const auto& [i, j] : Match(rest, singles_, kSingleIsHumanIou)) {
      if (rest[i].ignore) continue;  // people themselves were in doubt
      faces_.push_back({singles_[j].box, false, rest[i].attributes});
      singles_[j].used = true;
      confirmed.insert(i);
    }
    for (size_t i = 0; i < rest.size(); ++i) {
      if (confirmed.count(i) == 0) unconfirmed.push_back(rest[i]);
    }
    return unconfirmed;
  }

  void TakeDoubtful() {
    for (const Candidate& single : singles_) {
      if (single.used || !IsDoubtful(single)) continue;
      const bool is_new = std::all_of(faces_.begin(), faces_.end(), [&single](const Face& face) {
        return ContinuousIou(single.box, face.box) < kIsFaceIou;
      });
      if (is_new) faces_.push_back({single.box, /*ignore=*/true});
    }
  }

  // Whether the head of a face, or of an ignored area, holds POINT.
  static bool Covers(const Face& face, const HeadPoint& point) {
    const Rect& box = face.box;
    return point.x >= box.x - kHeadBeside * box.w && point.x <= box.x + (1 + kHeadBeside) * box.w &&
           point.y >= box.y - kHeadAbove * box.h && point.y <= box.y + box.h;
  }

  // How high faces are about the height Y: people as far away stand at the same height of the picture.
  static float HeightNear(const std::vector<Face>& faces, double y) {
    std::vector<std::pair<double, float>> near;  // distance, height
    for (const Face& face : faces) {
      if (!face.ignore) near.emplace_back(std::fabs(face.box.y - y), face.box.h);
    }
    if (near.empty()) return kHeightWithoutFaces;
    std::sort(near.begin(), near.end());
    near.resize(std::min(near.size(), kFacesNear));
    std::sort(near.begin(), near.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    return std::max(kMinHeight, near[near.size() / 2].second);
  }

  void CoverHeads(const std::vector<HeadPoint>& heads) {
    const std::vector<Face> found = faces_;
    for (const HeadPoint& point : heads) {
      if (std::any_of(found.begin(), found.end(), [&point](const Face& face) { return Covers(face, point); })) continue;
      const float height = HeightNear(found, point.y);
      const float w = kAreaWidth * height, h = kAreaHeight * height;
      const float x = static_cast<float>(point.x), y = static_cast<float>(point.y) + kAreaBelow * height;
      faces_.push_back({{x - w / 2, y - h / 2, w, h}, /*ignore=*/true});
    }
  }

  const AgreementRules& rules_;
  std::vector<std::vector<Candidate>> candidates_;  // by detector
  std::vector<Candidate> singles_;                  // those that no face has used up
  std::vector<Face> faces_;
};

// What is known of images under names that may be relative to the images' folder, to the working folder, or absolute.
template <typename Value>
class ByImage {
 public:
  explicit ByImage(std::string images) : images_(std::move(images)) {}

  Value& operator[](const std::string& name) { return values_[fs::path(name).lexically_normal().string()].value; }

  // Of the picture FILE of the images' folder; null where there is none.
  const Value* Find(const std::string& file) {
    const fs::path path = fs::path(images_) / file;
    std::error_code ignored;
    for (const fs::path& name : {fs::path(file), path, fs::absolute(path, ignored)}) {
      const auto found = values_.find(name.lexically_normal().string());
      if (found == values_.end()) continue;
      found->second.used = true;
      return &found->second.value;
    }
    return nullptr;
  }

  std::vector<std::string> Unused() const {
    std::vector<std::string> names;
    for (const auto& [name, item] : values_) {
      if (!item.used) names.push_back(name);
    }
    return names;
  }

  // For messages.
  std::string Example() const { return values_.empty() ? "none" : values_.begin()->first; }

 private:
  struct Item {
    Value value;
    bool used = false;
  };
  std::string images_;
  std::map<std::string, Item> values_;
};

using DetectionsByImage = ByImage<std::vector<Detection>>;

absl::StatusOr<DetectionsByImage> ReadByImage(const std::string& file, const std::string& images) {
  ASSIGN_OR_RETURN(std::vector<ImageDetections> all, ReadDetections(file));
  DetectionsByImage by_image(images);
  for (ImageDetections& detections : all) {
    // Of a mirror image: the picture itself has a line of its own.
    if (!detections.flip) by_image[detections.image] = std::move(detections.boxes);
  }
  return by_image;
}

// People's boxes by the images' real paths: the dataset may call the same folder otherwise.
struct Human {
  std::string manifest;
  std::map<std::string, std::vector<Face>> by_path;
};

absl::StatusOr<Human> ReadHuman(const std::string& dataset) {
  Human human;
  if (dataset.empty()) return human;
  ASSIGN_OR_RETURN(const auto reader, DatasetReader::Open(dataset));
  human.manifest = reader->manifest_path();
  DatasetEntry entry;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, reader->Next(&entry));
    if (!more) return human;
    if (!entry.flip) human.by_path[RealPath(reader->ImagePath(entry))] = std::move(entry.faces);
  }
}

absl::StatusOr<ByImage<std::vector<HeadPoint>>> ReadHeadPoints(const std::string& file, const std::string& images) {
  ByImage<std::vector<HeadPoint>> points(images);
  if (file.empty()) return points;
  CsvColumns columns;
  columns.corners = {"x", "y", "x", "y"};  // boxes without extent are points
  ASSIGN_OR_RETURN(const std::unique_ptr<AnnotationSource> source, OpenCsv(file, columns));
  AnnotatedImage image;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, source->Next(&image));
    if (!more) return points;
    if (!image.errors.empty()) return absl::InvalidArgumentError(image.errors[0]);
    for (const AnnotatedFace& face : image.faces) points[image.candidates[0]].push_back({face.x, face.y});
  }
}

AnnotatedFace ToAnnotated(Face face) {
  AnnotatedFace annotated;
  annotated.x = face.box.x;
  annotated.y = face.box.y;
  annotated.w = face.box.w;
  annotated.h = face.box.h;
  annotated.ignore = face.ignore;
  annotated.attributes = std::move(face.attributes);
  return annotated;
}

class DetectionsReader {
 public:
  explicit DetectionsReader(const DetectionsOptions& options) : options_(options), heads_(options.images) {}

  absl::StatusOr<std::unique_ptr<AnnotationSource>> Read() {
    for (const std::string& file : options_.files) {
      ASSIGN_OR_RETURN(DetectionsByImage detections, ReadByImage(file, options_.images));
      detections_.push_back(std::move(detections));
      inputs_.push_back(DetectionsFile(file));
    }
    ASSIGN_OR_RETURN(human_, ReadHuman(options_.annotations));
    ASSIGN_OR_RETURN(heads_, ReadHeadPoints(options_.head_points, options_.images));
    ASSIGN_OR_RETURN(const ImageWalk walk, WalkImages(options_.images));
    if (walk.images.empty()) return absl::NotFoundError(absl::StrCat(options_.images, ": holds no picture"));
    std::vector<AnnotatedImage> images;
    for (const std::string& file : walk.images) {
      ASSIGN_OR_RETURN(images.emplace_back(), ReadImage(file));
    }
    RETURN_IF_ERROR(CheckSomeAreHuman());
    NoteUnused();
    return std::make_unique<VectorSource>(std::move(inputs_), std::move(images), std::move(findings_));
  }

 private:
  absl::StatusOr<AnnotatedImage> ReadImage(const std::string& file) {
    std::vector<std::vector<Detection>> detections;
    for (size_t i = 0; i < detections_.size(); ++i) {
      const std::vector<Detection>* const found = detections_[i].Find(file);
      if (found == nullptr) {
        return absl::NotFoundError(absl::StrCat(
            options_.files[i], ": has no line for the picture ", file, " of ", options_.images,
            "; every picture needs one, if without boxes. Its lines are of images such as ", detections_[i].Example()));
      }
      detections.push_back(*found);
    }
    AnnotatedImage image;
    image.place = file;
    image.candidates = {file};
    const std::vector<HeadPoint>* const heads = heads_.Find(file);
    const std::vector<Face> faces =
        AgreeOnFaces(detections, options_.rules, HumanOf(file), heads == nullptr ? std::vector<HeadPoint>() : *heads);
    for (const Face& face : faces) image.faces.push_back(ToAnnotated(face));
    return image;
  }

  std::vector<Face> HumanOf(const std::string& file) {
    if (options_.annotations.empty()) return {};
    const auto found = human_.by_path.find(RealPath((fs::path(options_.images) / file).string()));
    if (found != human_.by_path.end()) {
      some_are_human_ = true;
      return found->second;
    }
    findings_.push_back({"not_annotated", "", file, options_.annotations + ": has no entry for this picture"});
    return {};
  }

  absl::Status CheckSomeAreHuman() const {
    if (options_.annotations.empty() || some_are_human_) return absl::OkStatus();
    return absl::NotFoundError(absl::StrCat(options_.annotations, ": is about none of the pictures of ",
                                            options_.images,
                                            "; give the dataset of the same files, or leave --annotations out"));
  }

  void NoteUnused() {
    for (size_t i = 0; i < detections_.size(); ++i) {
      for (const std::string& name : detections_[i].Unused()) {
        findings_.push_back(
            {"unused_line", options_.files[i], name, absl::StrCat("is of no picture of ", options_.images)});
      }
    }
    for (const std::string& name : heads_.Unused()) {
      findings_.push_back(
          {"unused_line", options_.head_points, name, absl::StrCat("is of no picture of ", options_.images)});
    }
    for (const std::string& file : {human_.manifest, options_.head_points}) {
      if (!file.empty()) inputs_.push_back(file);
    }
  }

  const DetectionsOptions& options_;
  std::vector<DetectionsByImage> detections_;
  Human human_;
  ByImage<std::vector<HeadPoint>> heads_;
  bool some_are_human_ = false;
  std::vector<SourceFinding> findings_;
  std::vector<std::string> inputs_;
};

// Two files stand for two detectors.
absl::Status CheckOptions(const DetectionsOptions& options) {
  const size_t files = options.files.size();
  if (files != 1 && files != 2) {
    return absl::InvalidArgumentError(absl::StrCat("one file of detections, or two, and not ", files));
  }
  if (options.rules.agree_scores.size() < files || options.rules.doubt_scores.size() < files) {
    return absl::InvalidArgumentError(
        "the agree scores and the doubt scores are one number for each file of detections");
  }
  if (files == 2 && RealPath(DetectionsFile(options.files[0])) == RealPath(DetectionsFile(options.files[1]))) {
    return absl::InvalidArgumentError(absl::StrCat(options.files[0], " and ", options.files[1],
                                                   " are one file, which agrees with itself everywhere; give it once"));
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<Face> AgreeOnFaces(const std::vector<std::vector<Detection>>& detections, const AgreementRules& rules,
                               const std::vector<Face>& human, const std::vector<HeadPoint>& heads) {
  return Agreement(detections, rules).Run(human, heads);
}

absl::StatusOr<std::unique_ptr<AnnotationSource>> OpenDetections(const DetectionsOptions& options) {
  RETURN_IF_ERROR(CheckOptions(options));
  return DetectionsReader(options).Read();
}

}  // namespace hardface::data
