// FDDB's files: annotations, detections and image sizes.
#ifndef HARDFACE_EVAL_PROTOCOLS_FDDB_FDDB_DATA_H_
#define HARDFACE_EVAL_PROTOCOLS_FDDB_FDDB_DATA_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "eval/common/layout_report.h"

namespace hardface::eval {

// An ellipse or an upright rectangle, as FDDB's files write them.
struct FddbRegion {
  bool is_ellipse = false;
  // Ellipse: half axes (the one at `angle` first), angle in radians from the x axis, centre. Rectangle: x, y, w, h.
  double major = 0, minor = 0, angle = 0, center_x = 0, center_y = 0;
  double x = 0, y = 0, w = 0, h = 0;
  double score = 1;
  int64_t line = 0;  // of the file, from 1
};

struct FddbImage {
  std::string name;  // "2002/08/11/big/img_591"
  std::vector<FddbRegion> regions;
  int64_t line = 0;  // of the name
};

// Reads the form of annotations and detections alike: the image's name, a count, that many lines of "major minor angle
// cx cy score" or "x y w h score", told apart by how many numbers a line has (6 or 5; more words may follow). Errors
// name PLACE and line.
absl::StatusOr<std::vector<FddbImage>> ParseFddbText(absl::string_view text, const std::string& place);

struct FddbAnnotations {
  std::vector<FddbImage> images;
  std::vector<std::string> files;
};

// PATH: one such file, or a folder with FDDB-fold-*-ellipseList.txt (in the order of their names). No name twice.
absl::StatusOr<FddbAnnotations> ReadFddbAnnotations(const std::string& path);

// The detections for the images of ANNOTATIONS, in their order. PATH: the text form (plain or compressed by gzip, xz or
// zstd) or a detections.jsonl, whose images end in a name of FDDB. LAYOUT gets images without detections and images
// that the annotations lack.
absl::StatusOr<std::vector<FddbImage>> ReadFddbDetections(const std::string& path, const FddbAnnotations& annotations,
                                                          LayoutReport* layout);

struct PixelSize {
  int width = 0, height = 0;
};

// Sizes by image name: from a CSV "name,width,height,..." ("#" starts a comment), a dataset's manifest, or the image
// files IMAGES/NAME.jpg (.png, .jpeg).
absl::StatusOr<std::map<std::string, PixelSize>> ReadFddbSizesCsv(const std::string& path);
absl::StatusOr<std::map<std::string, PixelSize>> ReadFddbSizesOfImages(const std::string& images_folder,
                                                                       const FddbAnnotations& annotations, int threads);
absl::StatusOr<std::map<std::string, PixelSize>> ReadFddbSizesOfDataset(const std::string& dataset);

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_PROTOCOLS_FDDB_FDDB_DATA_H_
