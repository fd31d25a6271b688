#include "data_tools/formats/import_dataset.h"

#include <re2/re2.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/atomic_output.h"
#include "base/broken_link.h"
#include "base/file_id.h"
#include "base/output_guard.h"
#include "base/parallel.h"
#include "base/paths.h"
#include "base/progress.h"
#include "base/provenance.h"
#include "base/random.h"
#include "base/read_file.h"
#include "base/status_macros.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/images/exif.h"
#include "data_tools/images/image_io.h"
#include "data_tools/images/image_size.h"
#include "data_tools/images/image_walk.h"

namespace hardface::data {
namespace {

namespace fs = std::filesystem;

// Images whose sizes are read at once: enough for all threads, small in memory.
constexpr size_t kBatch = 1024;
// No coordinate of a real annotation comes near; keeps float arithmetic exact to a pixel.
constexpr double kMaxCoordinate = 1e6;

struct Finding {
  std::string kind, place, message;
  bool leaves_image_out = false;
};

std::string Normal(const std::string& path) { return fs::path(path).lexically_normal().string(); }

// Whether every text in JSON is UTF-8.
bool IsUtf8Json(const nlohmann::json& json) {
  using Handler = nlohmann::json::error_handler_t;
  return json.dump(-1, ' ', false, Handler::ignore) == json.dump(-1, ' ', false, Handler::replace);
}

// One image on its way through.
struct Work {
  AnnotatedImage source;
  DatasetEntry entry;
  std::vector<Finding> findings;
  int orientation = kUpright;  // by which boxes are turned back
  absl::Status spared;         // an error where the output would replace the image
  FileId file;
  int64_t boxes = 0;
  std::set<std::array<float, 4>> different_boxes;
};

// The part that looks at one image only, so that images can be worked on in parallel.
class ImageImporter {
 public:
  ImageImporter(const ImportOptions& options, const RE2* classes) : options_(options), classes_(classes) {}

  void Run(Work* work) const {
    work->boxes = static_cast<int64_t>(work->source.faces.size()) + work->source.placeholder_boxes;
    for (const std::string& error : work->source.errors) {
      work->findings.push_back({"bad_annotation", "", error, /*leaves_image_out=*/true});
    }
    work->entry.image = fs::path(work->source.candidates[0]).lexically_normal().string();
    work->entry.attributes = std::move(work->source.attributes);
    if (work->entry.image.find('\0') != std::string::npos) {
      work->findings.push_back({"bad_annotation", work->source.place,
                                absl::StrCat("the image's path \"", absl::CHexEscape(work->entry.image),
                                             "\" holds a zero byte, which no file name can; correct the annotation"),
                                /*leaves_image_out=*/true});
      return;
    }
    if (!IsUtf8(work->entry.image)) {
      work->findings.push_back({"bad_annotation", work->source.place,
                                absl::StrCat(work->entry.image,
                                             ": the image's path is not UTF-8, which JSON cannot hold; rename the file "
                                             "and its annotation"),
                                /*leaves_image_out=*/true});
      return;
    }
    if (!work->source.errors.empty() || !CheckText(work)) return;
    if (options_.box_unit == BoxUnit::kFractions && work->source.reference_width == 0) {
      work->source.reference_width = work->source.reference_height = 1;
    }
    if (!FindImage(work)) return;
    if (work->source.unlabelled) {
      work->findings.push_back({"unlabelled", "", work->entry.image + ": has no annotation; taken as without faces"});
    }
    if (work->source.placeholder_boxes > 0) {
      work->findings.push_back({"no_faces", work->source.place, "a placeholder row: the image has no faces"});
    }
    for (AnnotatedFace& face : work->source.faces) AddFace(&face, work);
  }

 private:
  std::string PathOf(const std::string& image) const { return (fs::path(options_.images) / image).string(); }

  // Names in another encoding would stand in the manifest with signs of doubt in place of their letters.
  static bool CheckText(Work* work) {
    for (const AnnotatedFace& face : work->source.faces) {
      if (IsUtf8(face.class_name) && IsUtf8Json(face.attributes)) continue;
      work->findings.push_back({"bad_annotation", face.place.empty() ? work->source.place : face.place,
                                "a class or an attribute is not UTF-8; convert the annotations (iconv -t UTF-8)",
                                /*leaves_image_out=*/true});
      return false;
    }
    if (IsUtf8Json(work->entry.attributes)) return true;
    work->findings.push_back({"bad_annotation", work->source.place,
                              "an attribute of the image is not UTF-8; convert the annotations (iconv -t UTF-8)",
                              /*leaves_image_out=*/true});
    return false;
  }

  // Sets the entry's path and size; false where the image must be left out.
  bool FindImage(Work* work) const {
    AnnotatedImage& source = work->source;
    DatasetEntry& entry = work->entry;
    for (size_t i = 0; i < source.candidates.size(); ++i) {
      const std::string& candidate = source.candidates[i];
      std::error_code ignored;
      if (!fs::exists(PathOf(candidate), ignored)) continue;
      i >= source.first_guess ? NoteGuess(candidate, work) : NoteNamesake(candidate, work);
      entry.image = fs::path(candidate).lexically_normal().string();
      // The image's own path may lead out of the images' folder, and into the output.
      work->spared = CheckSpares(options_.output, PathOf(candidate));
      work->file = FileIdOf(PathOf(candidate));
      return ReadSize(work);
    }
    entry.width = source.declared_width;
    entry.height = source.declared_height;
    const bool size_needed = source.reference_width > 0 && !source.faces.empty() && entry.width == 0;
    if (options_.allow_missing_images && !size_needed) return true;
    work->findings.push_back({"missing_image", source.place,
                              absl::StrCat(PathOf(source.candidates[0]), ": no such image",
                                           BrokenLink(PathOf(source.candidates[0])), "; is --images right?",
                                           size_needed ? " Its size is needed to place the boxes"
                                                       : " (--allow_missing_images imports without them)"),
                              /*leaves_image_out=*/true});
    return false;
  }

  // An annotation that names one picture and is itself named like another, as after renaming pictures together with
  // their annotations: the name inside is then an old one.
  void NoteNamesake(const std::string& candidate, Work* work) const {
    const AnnotatedImage& source = work->source;
    for (size_t i = source.first_guess; i < source.candidates.size(); ++i) {
      const std::string& namesake = source.candidates[i];
      if (fs::path(namesake).stem() == fs::path(candidate).stem() || !IsThere(PathOf(namesake))) continue;
      work->findings.push_back({"other_image", source.place,
                                absl::StrCat("names the image ", candidate, ", but is itself named like ", namesake,
                                             ", which is there as well; taken to be about ", candidate)});
      return;
    }
  }

  static void NoteGuess(const std::string& candidate, Work* work) {
    const std::string named = work->source.first_guess == 0 ? "" : work->source.candidates[0];
    work->findings.push_back(
        {"guessed_image", work->source.place,
         absl::StrCat(
             named.empty() ? "names no image" : absl::StrCat("names the image ", named, ", which is not there"),
             "; taken to be about ", candidate, ", which is named like the annotation")});
  }

  bool ReadSize(Work* work) const {
    const AnnotatedImage& source = work->source;
    DatasetEntry& entry = work->entry;
    const absl::StatusOr<ImageSize> size = ReadImageSize(PathOf(entry.image));
    if (!size.ok()) {
      work->findings.push_back(
          {"unreadable_image", source.place, std::string(size.status().message()), /*leaves_image_out=*/true});
      return false;
    }
    entry.width = size->width;
    entry.height = size->height;
    ReadExif(work);
    const ImageSize shown = SizeOfBoxes(*work);
    const bool differs = source.declared_width > 0 && source.declared_height > 0 &&
                         (source.declared_width != shown.width || source.declared_height != shown.height);
    if (differs) {
      work->findings.push_back(
          {"size_differs", source.place,
           absl::StrFormat("the annotation says %d x %d, the file is %d x %d: the boxes may belong to another version "
                           "of the image",
                           source.declared_width, source.declared_height, shown.width, shown.height)});
    }
    return true;
  }

  // Viewers, and most annotation tools, show a photograph as its EXIF data say; the dataset takes it as stored. Which
  // of the two the boxes speak of, no file says.
  void ReadExif(Work* work) const {
    const int orientation = ReadOrientation(PathOf(work->entry.image));
    if (orientation == kUpright) return;
    const bool turn = options_.exif == ExifBoxes::kTurn;
    if (turn) work->orientation = orientation;
    work->findings.push_back(
        {"exif_orientation", work->source.place,
         absl::StrCat(PathOf(work->entry.image), ": has the EXIF orientation ", orientation,
                      turn ? "; its boxes were turned back to the pixels as stored (--exif=turn)"
                           : "; its boxes are taken to speak of the pixels as stored. Import with --exif=turn if they "
                             "were drawn on the picture as viewers show it")});
  }

  // The size of the picture that the source's boxes speak of.
  static ImageSize SizeOfBoxes(const Work& work) {
    return TurnSize({work.entry.width, work.entry.height}, work.orientation);
  }

  // False where the face cannot be turned.
  static bool TurnToStored(AnnotatedFace* face, const std::string& place, Work* work) {
    if (work->orientation == kUpright) return true;
    for (const char* name : {"ellipse", "landmarks"}) {
      if (!face->attributes.is_object() || !face->attributes.contains(name)) continue;
      work->findings.push_back({"bad_annotation", place,
                                absl::StrCat("--exif=turn turns boxes, but not the attribute \"", name,
                                             "\" of this face: turn the photograph itself, by: exiftran -ai FILE"),
                                /*leaves_image_out=*/true});
      return false;
    }
    const Rect seen{static_cast<float>(face->x), static_cast<float>(face->y), static_cast<float>(face->w),
                    static_cast<float>(face->h)};
    const Rect stored = BoxAsStored(seen, work->orientation, {work->entry.width, work->entry.height});
    std::tie(face->x, face->y, face->w, face->h) = std::tuple(stored.x, stored.y, stored.w, stored.h);
    return true;
  }

  void AddFace(AnnotatedFace* face, Work* work) const {
    const std::string& place = face->place.empty() ? work->source.place : face->place;
    if (classes_ != nullptr && !RE2::FullMatch(face->class_name, *classes_)) {
      work->findings.push_back({"other_class", place, absl::StrCat("class \"", face->class_name, "\" is left out")});
      return;
    }
    if (AreFractions(*face, work->source)) {
      work->findings.push_back({"bad_annotation", place,
                                absl::StrCat(BoxText(*face),
                                             " lies within 0..1. Are these fractions of the image's "
                                             "size? --box_unit=fractions takes them so"),
                                /*leaves_image_out=*/true});
      return;
    }
    ScaleToImage(face, *work);
    if (!TurnToStored(face, place, work)) return;
    for (double value : {face->x, face->y, face->w, face->h}) {
      if (std::fabs(value) <= kMaxCoordinate) continue;
      work->findings.push_back({"bad_box", place, absl::StrCat(BoxText(*face), " is out of all proportion; left out")});
      return;
    }
    Face kept;
    kept.box = {static_cast<float>(face->x), static_cast<float>(face->y), static_cast<float>(face->w),
                static_cast<float>(face->h)};
    kept.ignore = face->ignore;
    if (!JudgeBox(*face, place, &kept.ignore, work)) return;
    if (!work->different_boxes.insert({kept.box.x, kept.box.y, kept.box.w, kept.box.h}).second) {
      work->findings.push_back({"double_box", place,
                                absl::StrCat(BoxText(*face),
                                             " stands twice in this image; both are kept, and "
                                             "data_tools:doctor --repair removes one")});
    }
    kept.attributes = std::move(face->attributes);
    // "face" says nothing: every entry of `faces` is one.
    if (!face->class_name.empty() && face->class_name != "face") kept.attributes["class"] = face->class_name;
    work->entry.faces.push_back(std::move(kept));
  }

  static std::string BoxText(const AnnotatedFace& face) {
    return absl::StrFormat("box %.6g %.6g %.6g %.6g", face.x, face.y, face.w, face.h);
  }

  // Whether the numbers, said to be pixels, are a share of the image: no face is a part of its first pixel.
  static bool AreFractions(const AnnotatedFace& face, const AnnotatedImage& source) {
    if (source.reference_width == 1) return false;
    constexpr double kRounding = 0.02;
    const bool inside = face.x >= -kRounding && face.y >= -kRounding && face.w > 0 && face.h > 0 &&
                        face.x + face.w <= 1 + kRounding && face.y + face.h <= 1 + kRounding;
    // One whole pixel at the corner is small, but possible.
    const bool whole = std::floor(face.x) == face.x && std::floor(face.y) == face.y && std::floor(face.w) == face.w &&
                       std::floor(face.h) == face.h;
    return inside && !whole;
  }

  // Reports a box that has no area or does not lie in the image. False where it is to be left out.
  bool JudgeBox(const AnnotatedFace& face, const std::string& place, bool* ignore, Work* work) const {
    const DatasetEntry& entry = work->entry;
    const bool no_area = face.w <= 0 || face.h <= 0;
    if (no_area || IsOutside(face, entry)) {
      const bool skip = options_.bad_boxes == BadBoxes::kSkip;
      const std::string fault =
          no_area ? " has no area" : absl::StrFormat(" lies outside the image of %d x %d", entry.width, entry.height);
      work->findings.push_back(
          {"bad_box", place,
           absl::StrCat(BoxText(face), fault, "; ", skip ? "left out" : "kept with \"ignore\": true")});
      *ignore = true;
      return !skip;
    }
    if (IsBeyond(face, entry)) {
      work->findings.push_back({"beyond_image", place,
                                absl::StrFormat("%s reaches beyond the image of %d x %d; kept as it is", BoxText(face),
                                                entry.width, entry.height)});
    }
    return true;
  }

  static bool IsOutside(const AnnotatedFace& face, const DatasetEntry& entry) {
    if (entry.width == 0) return false;
    return face.x >= entry.width || face.y >= entry.height || face.x + face.w <= 0 || face.y + face.h <= 0;
  }

  static void ScaleToImage(AnnotatedFace* face, const Work& work) {
    if (work.source.reference_width <= 0) return;
    const ImageSize size = SizeOfBoxes(work);
    ScaleFace(size.width / work.source.reference_width, size.height / work.source.reference_height, face);
  }

  static bool IsBeyond(const AnnotatedFace& face, const DatasetEntry& entry) {
    constexpr double kRounding = 0.01;  // boxes scaled from fractions miss the edge by this much at most
    if (entry.width == 0) return false;
    return face.x < -kRounding || face.y < -kRounding || face.x + face.w > entry.width + kRounding ||
           face.y + face.h > entry.height + kRounding;
  }

  const ImportOptions& options_;
  const RE2* const classes_;
};

// import_report.jsonl, and the counts of the summary.
class Report {
 public:
  static absl::StatusOr<std::unique_ptr<Report>> Create(const std::string& folder, OnError on_error) {
    std::unique_ptr<Report> report(new Report(on_error));
    ASSIGN_OR_RETURN(report->file_, AtomicFile::Create(folder + "/import_report.jsonl"));
    return report;
  }

  // Fails where the options say that this finding ends the import.
  absl::Status Add(const Finding& finding, const std::string& image) {
    const std::string message = finding.place.empty() ? finding.message : finding.place + ": " + finding.message;
    if (finding.leaves_image_out && on_error_ == OnError::kFail) {
      return absl::InvalidArgumentError(message + ". --on_error=skip or report leaves such images out");
    }
    if (finding.leaves_image_out && on_error_ == OnError::kReport) {
      std::fprintf(stderr, "import: left out: %s\n", message.c_str());
    }
    if (++counts_[finding.kind] == 1) examples_[finding.kind] = message;
    const nlohmann::ordered_json line = {
        {"kind", finding.kind}, {"place", finding.place}, {"image", image}, {"message", finding.message}};
    return file_->Write(line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  }

  absl::Status Commit() { return file_->Commit(); }
  const std::map<std::string, int64_t>& counts() const { return counts_; }
  const std::map<std::string, std::string>& examples() const { return examples_; }

 private:
  explicit Report(OnError on_error) : on_error_(on_error) {}

  const OnError on_error_;
  std::unique_ptr<AtomicFile> file_;
  std::map<std::string, int64_t> counts_;
  std::map<std::string, std::string> examples_;
};

// Finds pictures that stand twice in one set: one file under two names, and copies.
class Pictures {
 public:
  // The name under which the file ID was given before; "" where it was not.
  std::string SameFile(const FileId& id, const std::string& name) {
    if (!id.known()) return "";
    const auto [found, added] = by_id_.emplace(id, name);
    return added ? "" : found->second;
  }

  // The name of an earlier file with the same bytes; "" where there is none. Files are read only where another has the
  // same length.
  std::string Copy(const FileId& id, const std::string& path, const std::string& name) {
    if (!id.known()) return "";
    std::vector<Known>& alike = by_length_[id.bytes];
    alike.push_back({path, name, 0, false});
    if (alike.size() == 1) return "";
    for (Known& known : alike) Hash(&known);
    for (size_t i = 0; i + 1 < alike.size(); ++i) {
      if (alike[i].hashed && alike.back().hashed && alike[i].hash == alike.back().hash) return alike[i].name;
    }
    return "";
  }

 private:
  struct Known {
    std::string path, name;
    uint64_t hash = 0;
    bool hashed = false;
  };

  static void Hash(Known* known) {
    if (known->hashed) return;
    const absl::StatusOr<std::string> bytes = ReadFile(known->path);
    known->hashed = bytes.ok();
    if (bytes.ok()) known->hash = HashText(*bytes);
  }

  std::map<FileId, std::string> by_id_;
  absl::flat_hash_map<int64_t, std::vector<Known>> by_length_;
};

// Sees the images in order and writes them.
class Collector {
 public:
  Collector(const ImportOptions& options, DatasetWriter* writer, Report* report)
      : options_(options), writer_(writer), report_(report) {}

  absl::Status Add(Work* work) {
    RETURN_IF_ERROR(work->spared);
    summary_.boxes += work->boxes;
    Name(*work);
    bool keep = true;
    for (const Finding& finding : work->findings) {
      RETURN_IF_ERROR(report_->Add(finding, work->entry.image));
      keep = keep && !finding.leaves_image_out;
    }
    ASSIGN_OR_RETURN(keep, keep ? CheckIsNew(*work) : absl::StatusOr<bool>(false));
    if (!keep) {
      ++summary_.images_left_out;
      return absl::OkStatus();
    }
    return Write(*work);
  }

  // What the source saw besides, and the pictures that it did not speak of.
  absl::Status Finish(const AnnotationSource& source) {
    for (const SourceFinding& found : source.findings()) {
      const Finding finding{found.kind, found.place, found.message, found.is_error};
      RETURN_IF_ERROR(report_->Add(finding, found.image));
    }
    RETURN_IF_ERROR(ReportCorners());
    return ReportUnnamed();
  }

  ImportSummary TakeSummary() {
    summary_.findings = report_->counts();
    summary_.examples = report_->examples();
    return std::move(summary_);
  }

 private:
  // The annotations speak of this image, whatever becomes of it.
  void Name(const Work& work) {
    if (work.file.known()) named_files_.insert(work.file);
    for (const std::string& candidate : work.source.candidates) {
      if (!work.file.known()) named_.insert(Normal(candidate));
    }
  }

  // False, and said, where the image was there before.
  absl::StatusOr<bool> CheckIsNew(const Work& work) {
    const std::string& image = work.entry.image;
    if (!seen_.insert(image).second) return ReportTwice(work, image + " is annotated a second time");
    if (const std::string other = pictures_.SameFile(work.file, image); !other.empty()) {
      return ReportTwice(
          work,
          absl::StrCat(image, " is the file that is annotated as ", other, " already; by a link it has two names"),
          /*is_link=*/true);
    }
    const std::string path = (fs::path(options_.images) / image).string();
    if (const std::string other = pictures_.Copy(work.file, path, image); !other.empty()) {
      const Finding copy{"same_picture", work.source.place, absl::StrCat(image, " has the same bytes as ", other)};
      RETURN_IF_ERROR(report_->Add(copy, image));
    }
    return true;
  }

  // Nothing is lost with an entry of no face by the name of a link: it is left out whatever --on_error says.
  absl::StatusOr<bool> ReportTwice(const Work& work, const std::string& message, bool is_link = false) {
    const bool is_error = !is_link || !work.source.faces.empty();
    const Finding twice{"duplicate_image", work.source.place, message, is_error};
    RETURN_IF_ERROR(report_->Add(twice, work.entry.image));
    return false;
  }

  absl::Status Write(const Work& work) {
    const auto faces = static_cast<int64_t>(work.entry.faces.size());
    ++summary_.images;
    summary_.faces += faces;
    summary_.images_without_faces += faces == 0;
    summary_.boxes_left_out += work.boxes - work.source.placeholder_boxes - faces;
    for (const Face& face : work.entry.faces) {
      summary_.ignored += face.ignore;
      CompareWithCorners(face.box, work);
    }
    return writer_->Write(work.entry);
  }

  // Whether BOX would lie in the image if its last two numbers were those of a corner, and does not as they are.
  void CompareWithCorners(const Rect& box, const Work& work) {
    const auto width = static_cast<float>(work.entry.width), height = static_cast<float>(work.entry.height);
    if (width == 0) return;
    ++boxes_compared_;
    boxes_like_corners_ +=
        box.x >= 0 && box.y >= 0 && box.w > box.x && box.h > box.y && box.w <= width + 1 && box.h <= height + 1;
    if (box.x + box.w <= width + 1 && box.y + box.h <= height + 1) return;
    if (boxes_beyond_++ == 0) first_beyond_ = work.entry.image;
  }

  // x1 y1 x2 y2 read as x y width height: where all boxes can be so, one that leaves its image tells it.
  absl::Status ReportCorners() {
    if (boxes_beyond_ == 0 || boxes_like_corners_ < boxes_compared_) return absl::OkStatus();
    return report_->Add({"corners", "",
                         absl::StrCat(boxes_beyond_, " of ", boxes_compared_,
                                      " boxes reach beyond their images, such as in ", first_beyond_,
                                      ", and all would lie inside if their numbers were the corners x1, y1, x2, y2. If "
                                      "they are, subtract the first from the second and import again (csv: "
                                      "--csv_corners)")},
                        first_beyond_);
  }

  bool IsNamed(const std::string& image) const {
    return named_.contains(image) || named_files_.count(FileIdOf((fs::path(options_.images) / image).string())) > 0;
  }

  absl::Status ReportUnnamed() {
    std::error_code ignored;
    // Where images are named by absolute paths, the folder may be the root of everything.
    const fs::path folder = fs::path(options_.images.empty() ? "." : options_.images);
    if (!fs::is_directory(folder, ignored) || fs::equivalent(folder, "/", ignored)) return absl::OkStatus();
    const absl::StatusOr<ImageWalk> walk = WalkImages(folder.string());
    if (!walk.ok()) return report_->Add({"not_listed", "", std::string(walk.status().message())}, "");
    for (const std::string& image : walk->images) {
      if (IsNamed(image)) continue;
      RETURN_IF_ERROR(
          report_->Add({"unlabelled", "", image + ": no annotation speaks of it; not in the dataset"}, image));
    }
    for (const std::string& image : walk->other_pictures) {
      if (IsNamed(image)) continue;
      RETURN_IF_ERROR(report_->Add(
          {"other_picture", "", image + ": a picture in a format, or with an ending, that is not read"}, image));
    }
    return absl::OkStatus();
  }

  const ImportOptions& options_;
  DatasetWriter* const writer_;
  Report* const report_;
  absl::flat_hash_set<std::string> seen_;   // written
  absl::flat_hash_set<std::string> named_;  // of images whose files were not looked for or not found
  std::set<FileId> named_files_;
  Pictures pictures_;
  int64_t boxes_compared_ = 0, boxes_like_corners_ = 0, boxes_beyond_ = 0;
  std::string first_beyond_;
  ImportSummary summary_;
};

std::string ImageRoot(const ImportOptions& options) {
  const fs::path images(options.images.empty() ? "." : options.images);
  return images.is_absolute() ? images.lexically_normal().string() : RelativeToDataset(images.string(), options.output);
}

// What the output must not replace: the annotations with the folder that they are in, and the images' folder.
absl::Status CheckInputs(const AnnotationSource& source, const ImportOptions& options) {
  std::vector<std::string> inputs = source.inputs();
  for (const std::string& input : inputs) ProtectInput(input, InputKind::kFile);
  inputs.push_back(options.images.empty() ? "." : options.images);
  ProtectInput(inputs.back(), InputKind::kImages);
  if (!options.annotations.empty()) inputs.push_back(options.annotations);
  for (const std::string& input : inputs) RETURN_IF_ERROR(CheckSpares(options.output, input));
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<RE2>> CompileClasses(const std::string& pattern) {
  if (pattern.empty()) return std::unique_ptr<RE2>();
  auto compiled = std::make_unique<RE2>(pattern, RE2::Quiet);
  if (!compiled->ok()) {
    return absl::InvalidArgumentError(absl::StrCat("class pattern \"", pattern, "\": ", compiled->error()));
  }
  return compiled;
}

// Fills BATCH; empty at the end.
absl::Status ReadBatch(AnnotationSource* source, std::vector<Work>* batch) {
  batch->clear();
  while (batch->size() < kBatch) {
    AnnotatedImage image;
    ASSIGN_OR_RETURN(const bool more, source->Next(&image));
    if (!more) break;
    batch->emplace_back().source = std::move(image);
  }
  return absl::OkStatus();
}

}  // namespace

int64_t ImportSummary::CountOf(const std::string& kind) const {
  const auto found = findings.find(kind);
  return found == findings.end() ? 0 : found->second;
}

std::string SummaryText(const ImportSummary& summary) {
  std::string text = absl::StrFormat("%d images with %d faces, %d of them ignored; %d images have no face.\n",
                                     summary.images, summary.faces, summary.ignored, summary.images_without_faces);
  if (summary.images_left_out > 0 || summary.boxes_left_out > 0) {
    absl::StrAppendFormat(&text, "Left out: %d images, and %d boxes of the others.\n", summary.images_left_out,
                          summary.boxes_left_out);
  }
  for (const auto& [kind, count] : summary.findings) {
    absl::StrAppendFormat(&text, "%d x %s, the first: %s\n", count, kind, summary.examples.at(kind));
  }
  if (!summary.findings.empty()) text += "import_report.jsonl in the output lists every case.\n";
  return text;
}

absl::StatusOr<ImportSummary> ImportDataset(AnnotationSource* source, const ImportOptions& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<RE2> classes, CompileClasses(options.classes));
  RETURN_IF_ERROR(CheckInputs(*source, options));
  ASSIGN_OR_RETURN(const auto writer, DatasetWriter::Create(options.output, {ImageRoot(options)}));
  ASSIGN_OR_RETURN(const auto report, Report::Create(writer->temporary_path(), options.on_error));
  const ImageImporter importer(options, classes.get());
  Collector collector(options, writer.get(), report.get());
  Progress progress("import", source->size(), "images");
  std::vector<Work> batch;
  while (true) {
    RETURN_IF_ERROR(ReadBatch(source, &batch));
    if (batch.empty()) break;
    ParallelFor(static_cast<int64_t>(batch.size()), options.threads, [&](int64_t i) { importer.Run(&batch[i]); });
    for (Work& work : batch) RETURN_IF_ERROR(collector.Add(&work));
    progress.Advance(static_cast<int64_t>(batch.size()));
  }
  progress.Finish();
  RETURN_IF_ERROR(collector.Finish(*source));
  RETURN_IF_ERROR(report->Commit());
  Provenance provenance;
  for (const std::string& input : source->inputs()) RETURN_IF_ERROR(provenance.AddInput(input));
  RETURN_IF_ERROR(writer->Commit(provenance));
  return collector.TakeSummary();
}

}  // namespace hardface::data
