// How images are called in each form of results, and whether the names hold. All of it is known before an image is
// read, and settled then: a run of hours must not end at a name.
#ifndef HARDFACE_INFER_RESULT_NAMES_H_
#define HARDFACE_INFER_RESULT_NAMES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "infer/images_to_detect.h"

namespace hardface::infer {

// IMAGE: a name as in ImageToDetect.
// "a/b.jpg" -> "a/b", a path that cannot leave the result tree: "/a/../../b.jpg" -> "b".
std::string WiderName(const std::string& image);
std::string FddbName(const std::string& image);      // "a/b.jpg" -> "a/b"
std::string FaceEvalName(const std::string& image);  // "a/b.jpg" -> "b"

// "a/b.jpg" -> "00007_b.png", or "00007_b_flip.png": the number keeps names apart, long ones are cut.
std::string DrawnName(int64_t index, const ImageToDetect& image);

// An error where results in one of FORMATS (jsonl, wider, fddb, face_eval) could not be told apart or read back: two
// images of one name, a name that the form cannot hold (not UTF-8, line ends, spaces, too long for a file). It names
// the images and what to do. Only jsonl has a place for mirrored entries; the other forms leave them out.
absl::Status CheckResultNames(const std::vector<ImageToDetect>& images, const std::vector<std::string>& formats);

}  // namespace hardface::infer

#endif  // HARDFACE_INFER_RESULT_NAMES_H_
