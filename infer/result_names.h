// How images are called in each form of results, and whether the names hold. All of it is known before an image is
// read, and settled then: a run of hours must not end at a name.
#ifndef HARDFACE_INFER_RESULT_NAMES_H_
#define HARDFACE_INFER_RESULT_NAMES_H_

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "infer/images_to_detect.h"

namespace hardface::infer {

// IMAGE: a name as in ImageToDetect.
// "a/b.jpg" -> "a/b", a path that cannot leave the result tree: "/a/../../b.jpg" -> "b".
std::string WiderName(const std::string& image);
std::string FddbName(const std::string& image);      // "a/b.jpg" -> "a/b"
std::string FaceEvalName(const std::string& image);  // "a/b.jpg" -> "b"

// "a/b.jpg" -> "a/b.txt", "a/images/b.jpg" -> "a/labels/b.txt", where YOLO looks for labels; it cannot leave the tree.
std::string YoloName(const std::string& image);
// A picture's or a video's copy in a tree of its own: "a/b.jpg" -> "a/b.jpg", but "a/b.webp" -> "a/b.webp.png" and
// "a/b.avi" -> "a/b.avi.mkv", since only JPEG and PNG files, and MP4, QuickTime and Matroska videos, are written.
std::string CopyName(const std::string& image);

// How the frame NUMBER (from 0) of a video is called: "clip.mp4", 42 -> "clip.mp4/00000042". And back: the video, and
// its frame's number; "" of what is no frame's name.
std::string FrameName(const std::string& video, int64_t number);
std::string VideoOfFrame(const std::string& name, int64_t* number);

// "a/b.jpg" -> "00007_b.png", or "00007_b_flip.png": the number keeps names apart, long ones are cut.
std::string DrawnName(int64_t index, const ImageToDetect& image);
// The same of a video, INDEX being the place of its first frame: "a/b.mp4" -> "00007_b.mp4".
std::string DrawnVideoName(int64_t index, const ImageToDetect& video);
// Of the picture's face FACE, from 0: "00007_b_face3.png".
std::string CropName(int64_t index, const ImageToDetect& image, int64_t face);

// The form of results that CopyName names, in the list of forms below.
inline constexpr char kCopies[] = "copies";

// The names of a run's images in each of several forms: those of ResultFormats() (result_writers.h), and kCopies.
class ResultNames {
 public:
  explicit ResultNames(const std::vector<std::string>& formats);
  // An error where results of IMAGE in one of the forms could not be told apart from an earlier image's or read back: a
  // name twice, or one that the form cannot hold (not UTF-8, line ends, spaces, too long for a file). It names the
  // images and what to do. Only jsonl has a place for mirrored entries; the other forms leave them out.
  absl::Status Add(const ImageToDetect& image);

 private:
  struct Names {
    std::string format;
    std::unordered_map<std::string, std::string> image_by_name;
  };
  std::vector<Names> forms_;
};

// The same for all images of a run at once.
absl::Status CheckResultNames(const std::vector<ImageToDetect>& images, const std::vector<std::string>& formats);

}  // namespace hardface::infer

#endif  // HARDFACE_INFER_RESULT_NAMES_H_
