// hardface as a library: finds faces in pictures of your own program.
//
//   const auto detector = hardface::Detector::Load("hardface-s.safetensors");
//   if (!detector.ok()) return detector.status();
//   const auto faces = detector->DetectFile("holiday.jpg");
//   if (!faces.ok()) return faces.status();
//   for (const hardface::Face& face : *faces) Use(face.x, face.y, face.width, face.height, face.score);
//
// examples/ is a whole program in a workspace of its own; hardface.h is the same for C and other languages.
#ifndef HARDFACE_HARDFACE_DETECTOR_H_
#define HARDFACE_HARDFACE_DETECTOR_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace hardface {

// The order of a pixel's bytes.
enum class PixelFormat { kBgr, kRgb, kBgra, kRgba, kGray };

// A picture of 8 bits a channel in the caller's memory, rows from the top. Alpha is passed over.
struct ImageView {
  const uint8_t* pixels = nullptr;
  int width = 0;  // pixels
  int height = 0;
  PixelFormat format = PixelFormat::kBgr;
  std::ptrdiff_t row_bytes = 0;  // from one row's start to the next one's; 0: rows follow each other without a gap
};

// A box in pixels of the picture: its top left corner and its extent.
struct Face {
  float x = 0, y = 0;
  float width = 0, height = 0;
  float score = 0;  // 0 to 1, higher is more surely a face; of a calibrated model about the chance that it is one
};

// How much time a picture may take (docs/DETECT.md): every level of the pyramid whole, as published; only the regions
// of large levels that can add a face; the same with fewer and smaller ones.
enum class DetectorSpeed { kAccurate, kBalanced, kFast };

struct DetectorOptions {
  // Scores above it are taken for faces, 0 to 1. -1: the model's own balanced threshold, or 0.05 where it has none.
  float score_threshold = -1;
  // Levels of the image pyramid: level k makes the short side k pixels (less where the long side would exceed 1.5 k).
  // Fewer and smaller ones are faster and miss small faces. Empty: the model's own.
  std::vector<int> pyramid;
  DetectorSpeed speed = DetectorSpeed::kBalanced;
  bool flip = true;  // looks at mirror images, too, where the speed has it so
  // "cpu", "cuda:N", or "auto": the first GPU where this build and machine have one, else the CPU.
  std::string device = "cpu";
  int threads = 0;           // that compute in each call on the CPU; 0: as many as there are processors
  int64_t memory_limit = 0;  // bytes of this process (on a GPU: of it); larger levels are run in tiles. 0: no limit
};

// Thread-safe: any number of threads may call Detect() at once. On the CPU each call then has a network's memory of its
// own, which later calls use again; on a GPU one call waits for the other. Moving it while it is used is an error.
class Detector {
 public:
  // Reads a model: a .safetensors file of this project, such as model/zoo/hardface-s.safetensors, or a published
  // .caffemodel. NotFound and InvalidArgument name the file or the option and what is wrong with it.
  static absl::StatusOr<Detector> Load(const std::string& path, const DetectorOptions& options = {});

  Detector(Detector&&) noexcept;
  Detector& operator=(Detector&&) noexcept;
  ~Detector();

  // The picture's faces in falling score. Equal pictures give equal faces, whatever the number of threads.
  // InvalidArgument: IMAGE has no pixels, or its numbers do not fit together. ResourceExhausted: out of memory, or the
  // memory limit does not suffice for this picture.
  absl::StatusOr<std::vector<Face>> Detect(const ImageView& image) const;

  // The same of a file: JPEG, PNG, WebP or BMP. Boxes are those of the picture as viewers show it, turned as its EXIF
  // data say. Errors name the file.
  absl::StatusOr<std::vector<Face>> DetectFile(const std::string& path) const;

 private:
  class Implementation;
  explicit Detector(std::unique_ptr<Implementation> implementation);

  std::unique_ptr<Implementation> implementation_;
};

}  // namespace hardface

#endif  // HARDFACE_HARDFACE_DETECTOR_H_
