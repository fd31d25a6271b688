// What every annotation format is read into: images with faces as the source states them, before image sizes are known
// and before bad boxes are sorted out. data_tools/formats/import_dataset.h does those for all formats alike.
#ifndef HARDFACE_DATA_TOOLS_FORMATS_ANNOTATION_SOURCE_H_
#define HARDFACE_DATA_TOOLS_FORMATS_ANNOTATION_SOURCE_H_

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

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
  int placeholder_boxes = 0;        // rows that stand for "no face" (WIDER's ten zeros)
  nlohmann::json attributes;        // of the image; null or an object
  std::vector<std::string> errors;  // what could not be understood, each with its place
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
};

// Images that were read all at once.
class VectorSource : public AnnotationSource {
 public:
  VectorSource(std::vector<std::string> files, std::vector<AnnotatedImage> images)
      : files_(std::move(files)), images_(std::move(images)) {}

  absl::StatusOr<bool> Next(AnnotatedImage* image) override;
  int64_t size() const override { return static_cast<int64_t>(images_.size()); }
  std::vector<std::string> inputs() const override { return files_; }

 private:
  const std::vector<std::string> files_;
  std::vector<AnnotatedImage> images_;
  size_t next_ = 0;
};

// TEXT without the byte order mark that some editors put before UTF-8.
absl::string_view WithoutBom(absl::string_view text);

// A finite number, the whole of TEXT; false otherwise ("12a", "", "nan").
bool ParseNumber(const std::string& text, double* value);

// A whole number as an integer ("2", not "2.0").
nlohmann::json NumberToJson(double value);

// Every file under FOLDER whose name ends in one of EXTENSIONS (".jpg"; in any case), as sorted paths relative to it.
absl::StatusOr<std::vector<std::string>> ListFiles(const std::string& folder,
                                                   const std::vector<std::string>& extensions);

// The image files that image_io reads.
inline const std::vector<std::string>& ImageExtensions() {
  static const auto* const kExtensions = new std::vector<std::string>{".jpg", ".jpeg", ".png"};
  return *kExtensions;
}

// The smallest upright box around an ellipse. FDDB's form: radii, angle of the major axis against x in radians, centre.
struct Ellipse {
  double major_radius = 0, minor_radius = 0, angle = 0, center_x = 0, center_y = 0;
};
// Sets the box, and the ellipse as attribute "ellipse": [major, minor, angle, cx, cy].
void SetEllipse(const Ellipse& ellipse, AnnotatedFace* face);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_FORMATS_ANNOTATION_SOURCE_H_
