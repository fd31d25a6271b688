// What every annotation format is read into: images with faces as the source states them, before image sizes are known
// and before bad boxes are sorted out. data_tools/formats/import_dataset.h does those for all formats alike.
#ifndef HARDFACE_DATA_TOOLS_FORMATS_ANNOTATION_SOURCE_H_
#define HARDFACE_DATA_TOOLS_FORMATS_ANNOTATION_SOURCE_H_

#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "data_tools/images/image_walk.h"

namespace hardface::data {

struct AnnotatedFace {
  double x = 0, y = 0, w = 0, h = 0;  // see AnnotatedImage::reference_width
  bool ignore = false;
  std::string class_name;     // "" where the format has no classes
  nlohmann::json attributes;  // null or an object
  std::string place;          // "train.txt:17"; empty: the image's place
};

struct AnnotatedImage {
  std::string place;  // "train.txt:12": stands before messages
  // Paths under the images' folder, the first that exists is meant; never empty.
  std::vector<std::string> candidates;
  int declared_width = 0, declared_height = 0;  // pixels, as the annotation claims; 0: it does not say
  // Boxes are in pixels of an image of this size: the original's where the images were resized later, 1 x 1 where boxes
  // are fractions. 0: in pixels of the image as it is.
  double reference_width = 0, reference_height = 0;
  std::vector<AnnotatedFace> faces;
  // Candidates from this one on are guesses: the source names no image, or another one.
  size_t first_guess = std::numeric_limits<size_t>::max();
  bool unlabelled = false;          // the source says nothing of this image: no faces, but perhaps by mistake
  int placeholder_boxes = 0;        // rows that stand for "no face" (WIDER's ten zeros)
  nlohmann::json attributes;        // of the image; null or an object
  std::vector<std::string> errors;  // what could not be understood, each with its place
};

// Something that was seen beside the images: an annotation of no image, a label file that no image uses.
struct SourceFinding {
  std::string kind;     // as in import_report.jsonl
  std::string place;    // "" or "ann.json: annotations[3]"
  std::string image;    // "" where it belongs to none
  std::string message;  // a sentence
  // Something of the annotations is lost: ends the import unless --on_error says otherwise.
  bool is_error = false;
};

// Reads annotations one image at a time.
class AnnotationSource {
 public:
  virtual ~AnnotationSource() = default;

  // False at the end. Faults of one image go into image->errors and reading goes on; an error status ends it.
  virtual absl::StatusOr<bool> Next(AnnotatedImage* image) = 0;
  // How many images will come; 0: not known.
  virtual int64_t size() const { return 0; }
  // Files that all entries depend on, for the provenance.
  virtual std::vector<std::string> inputs() const = 0;
  // Whatever was seen beside the images; whole once Next() has returned false.
  virtual std::vector<SourceFinding> findings() const { return {}; }
};

// Images that were read all at once.
class VectorSource : public AnnotationSource {
 public:
  VectorSource(std::vector<std::string> files, std::vector<AnnotatedImage> images,
               std::vector<SourceFinding> findings = {})
      : files_(std::move(files)), images_(std::move(images)), findings_(std::move(findings)) {}

  absl::StatusOr<bool> Next(AnnotatedImage* image) override;
  int64_t size() const override { return static_cast<int64_t>(images_.size()); }
  std::vector<std::string> inputs() const override { return files_; }
  std::vector<SourceFinding> findings() const override { return findings_; }

 private:
  const std::vector<std::string> files_;
  std::vector<AnnotatedImage> images_;
  const std::vector<SourceFinding> findings_;
  size_t next_ = 0;
};

// true/false, yes/no, 1/0 and 1.0/0.0, in any case and with blanks around; false for anything else. Whatever programs
// write for a truth value: pandas says True, spreadsheets say TRUE, floats become 1.0.
bool ParseBoolean(absl::string_view text, bool* value);
// What ParseBoolean takes, for messages.
inline constexpr char kBooleanWords[] = "true or false, yes or no, 1 or 0";

// A whole number as an integer ("2", not "2.0").
nlohmann::json NumberToJson(double value);

// The five points that face annotations mark. "Left" is the viewer's left.
enum LandmarkIndex { kLeftEye, kRightEye, kNose, kLeftMouthCorner, kRightMouthCorner, kLandmarks };
struct Landmark {
  double x = 0, y = 0;
  bool labelled = false;  // else x and y mean nothing
  bool occluded = false;
};
// Sets the attribute "landmarks", [[x, y], ..], with null for a point that is not labelled, and "landmarks_occluded"
// where the source says that one is. Neither where no point is labelled. They are in the boxes' unit.
void SetLandmarks(const std::vector<Landmark>& landmarks, AnnotatedFace* face);

// The smallest upright box around an ellipse. FDDB's form: radii, angle of the major axis against x in radians, centre.
struct Ellipse {
  double major_radius = 0, minor_radius = 0, angle = 0, center_x = 0, center_y = 0;
};
// What is wrong with it; "" where nothing is. Radii are above zero, and FDDB's angles lie within half a turn: degrees,
// which other ellipse tools write, do not.
std::string EllipseFault(const Ellipse& ellipse);
// Sets the box, and the ellipse as attribute "ellipse": [major, minor, angle, cx, cy].
void SetEllipse(const Ellipse& ellipse, AnnotatedFace* face);

// Multiplies the box and the attributes that are geometry. An ellipse that is stretched is none any more: where the
// scales differ, that attribute is dropped.
void ScaleFace(double scale_x, double scale_y, AnnotatedFace* face);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_FORMATS_ANNOTATION_SOURCE_H_
