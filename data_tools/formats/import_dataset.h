// Turns annotations of any format into a dataset: finds the images, reads their sizes from the files' headers, brings
// the boxes to pixels, and sorts out what cannot be used, saying so.
#ifndef HARDFACE_DATA_TOOLS_FORMATS_IMPORT_DATASET_H_
#define HARDFACE_DATA_TOOLS_FORMATS_IMPORT_DATASET_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "data_tools/formats/annotation_source.h"

namespace hardface::data {

// What happens to an image whose annotation or file is broken.
enum class OnError {
  kFail,    // the import ends with that error
  kSkip,    // it is left out; import_report.jsonl says why
  kReport,  // as kSkip, and a line on stderr each
};

// What happens to a box of zero or negative width or height.
enum class BadBoxes {
  kSkip,  // left out; import_report.jsonl says so
  kMark,  // kept with "ignore": true, so that nothing of the source is lost
};

// Which picture the boxes were drawn on, where a photograph's EXIF data say that it is to be turned. The dataset's
// boxes speak of the pixels as stored either way.
enum class ExifBoxes {
  kKeep,  // the pixels as stored: boxes stay as they are
  kTurn,  // the picture as viewers show it: boxes are turned back to the pixels as stored
};

// What the boxes' numbers are.
enum class BoxUnit {
  kOfFormat,   // pixels; fractions where the format says so (YOLO)
  kPixels,     // pixels whatever the format says; its source was opened to give them so
  kFractions,  // fractions of the image's size
};

struct ImportOptions {
  std::string images;       // the images' folder; becomes the dataset's image_root (rebased where it is relative)
  std::string annotations;  // the file or folder that they are in, which the output must not replace; "": not known
  std::string output;
  std::string classes;  // RE2 pattern; faces of a class that it does not match wholly are left out. "": all are faces
  OnError on_error = OnError::kFail;
  BadBoxes bad_boxes = BadBoxes::kSkip;
  ExifBoxes exif = ExifBoxes::kKeep;
  BoxUnit box_unit = BoxUnit::kOfFormat;
  bool allow_missing_images = false;  // their width and height become what the annotation says, or 0
  int threads = 0;                    // 0: all processors
};

struct ImportSummary {
  int64_t images = 0;  // written
  int64_t images_left_out = 0;
  int64_t boxes = 0;                            // the source's, of all images, whatever became of them
  int64_t faces = 0;                            // written
  int64_t ignored = 0;                          // of these, marked `ignore`
  int64_t images_without_faces = 0;             // written
  int64_t boxes_left_out = 0;                   // of images that were written
  std::map<std::string, int64_t> findings;      // by kind, as in import_report.jsonl
  std::map<std::string, std::string> examples;  // of each kind the first

  int64_t CountOf(const std::string& kind) const;  // 0 where nothing of that kind was found
};

// The summary as sentences for people, a line each.
std::string SummaryText(const ImportSummary& summary);

// Writes options.output with manifest.jsonl and import_report.jsonl: a line a finding,
// {"kind":..,"place":..,"image":..,"message":..}. Of these kinds an image is left out, or the import ends (on_error):
// bad_annotation (among them boxes within 0..1, which are fractions and no pixels), missing_image, unreadable_image,
// duplicate_image (one name, or one file under two names). Of these it is kept: bad_box (without area or wholly outside
// the image; the box is left out or marked), guessed_image (found by the annotation file's own name only), other_image
// (the annotation names one picture and is itself named like another), beyond_image
// (partly outside; kept), double_box (the same box twice in an image), corners (all boxes look like x1 y1 x2 y2),
// other_class (the face is left out), size_differs (the file counts), exif_orientation (the photograph is to be
// turned), no_faces (a placeholder row), same_picture (a copy of an earlier file), unlabelled (taken as an image
// without faces, or not in the annotations at all), other_picture (in a format that is not read), and what the source
// found besides.
absl::StatusOr<ImportSummary> ImportDataset(AnnotationSource* source, const ImportOptions& options);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_FORMATS_IMPORT_DATASET_H_
