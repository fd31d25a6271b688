// Finds what is wrong with a dataset, and mends what can be mended without guessing.
#ifndef HARDFACE_DATA_TOOLS_DATASET_EXAMINE_DATASET_H_
#define HARDFACE_DATA_TOOLS_DATASET_EXAMINE_DATASET_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "data_tools/dataset/dataset_stats.h"

namespace hardface::data {

// How far the images are looked at.
enum class ImageChecks {
  kDecode,  // every pixel: truncated files are found
  kHeader,  // only sizes
  kNone,    // annotations only; the images need not be there
};

struct DoctorOptions {
  std::string input;                 // a dataset
  std::string findings;              // jsonl to write; "": none
  std::vector<std::string> against;  // datasets that must not share images with it (a test set)
  bool repair = false;
  // Where the mended dataset goes; "": input's manifest is replaced (unless nothing was to be mended), every old one
  // kept beside it.
  std::string repaired;
  ImageChecks images = ImageChecks::kDecode;
  int threads = 0;  // 0: all processors
};

struct DoctorSummary {
  DatasetStats stats;                          // of the dataset as read
  std::map<std::string, int64_t> findings;     // by kind
  std::map<std::string, int64_t> repairs;      // by kind
  std::map<std::string, std::string> example;  // of each kind: place and message of the first
};

// Kinds, and what repair does:
//   missing_image      no such file                                              entry removed
//   unreadable_image   of a kind that is not read, truncated, broken             entry removed
//   size_differs       the file has another size than the manifest says         -
//   size_unknown       width or height is 0                                      filled in from the file
//   rotated_image      EXIF says that the picture is to be turned                -
//   no_area_box        width or height zero or negative                          box removed
//   outside_box        wholly outside the image                                  box removed
//   beyond_image_box   partly outside the image                                  -
//   double_box         the same box twice in an image                            later one removed
//   no_faces           an image without faces (fine for training, worth knowing) -
//   double_entry       the same (image, flip) twice                              later one removed
//   same_image         the content of another image of the dataset               -
//   in_other_dataset   the content of an image of AGAINST                        -
// A repair is refused, and nothing written, where more than half of the images are missing.
absl::StatusOr<DoctorSummary> ExamineDataset(const DoctorOptions& options);

// One screen: counts, distributions, findings with an example each and what to do.
std::string DoctorText(const DoctorSummary& summary);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_DATASET_EXAMINE_DATASET_H_
