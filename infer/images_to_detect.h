// Which images detect works on: a dataset's, or files and folders that a user names.
#ifndef HARDFACE_INFER_IMAGES_TO_DETECT_H_
#define HARDFACE_INFER_IMAGES_TO_DETECT_H_

#include <opencv2/core/mat.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "data_tools/images/image_io.h"
#include "data_tools/images/image_size.h"

namespace hardface::infer {

struct ImageToDetect {
  std::string name;  // in the results: the dataset's image, or the path given
  std::string path;  // on this machine
  bool flip = false;
  data::Pixels pixels = data::Pixels::kAsStored;
  data::ImageSize size_in_manifest = {};  // 0: not known
  bool may_be_pipe = false;               // the user named it himself, or in a list
};

// The images of a dataset: pixels as stored, of the size that the manifest says.
absl::StatusOr<std::vector<ImageToDetect>> ImagesOfDataset(const std::string& dataset);

struct FoundImages {
  std::vector<ImageToDetect> images;
  std::vector<std::string> given_again;  // files named a second time, which are left out
  std::vector<std::string> videos;       // in folders, where videos are passed over
};

// What users name, as files:
//
// - a file, whatever its name, or a pipe;
// - a folder: the pictures (by their names) anywhere below it, sorted. Links are followed, each folder is entered once;
//   hidden files and folders are passed over, and so are outputs of detect, whose drawings are no photographs, unless
//   they are named themselves;
// - a pattern (*, ?, [..]) that is no file's own name: what it stands for, sorted;
// - "@FILE": the files and folders that the lines of FILE name, from the current folder on; "-": those of the standard
//   input. A file that such a list names and that is missing is an error of its own when it is read.
//
// A file that is named twice, by whatever names, is there once, under the first. NotFound names what is missing,
// PermissionDenied a folder that cannot be read,
// InvalidArgument a stream or a camera (CheckIsNoStream). The lists, and the folders and files that are not named
// themselves, become inputs that outputs must spare (output_guard.h).
absl::StatusOr<FoundImages> ImagesOfPaths(const std::vector<std::string>& paths,
                                          data::Pixels pixels = data::Pixels::kAsSeen);

// An error that says what to do where PATH is the address of a stream ("rtsp://..") or a camera: ffmpeg records what
// they give, or hands it over by a pipe. Of an address it shows the beginning only, since passwords stand in the rest.
absl::Status CheckIsNoStream(const std::string& path);

// The pictures below FOLDER, by the rule above; none is no error. VIDEOS, where given, gets the videos there.
absl::StatusOr<std::vector<std::string>> PicturesBelow(const std::string& folder,
                                                       std::vector<std::string>* videos = nullptr);

// Reads an image: mirrored where it is flipped, an error where it is not of the manifest's size, and for a video under
// another name one that says how it is read.
absl::StatusOr<cv::Mat> LoadImage(const ImageToDetect& image);

}  // namespace hardface::infer

#endif  // HARDFACE_INFER_IMAGES_TO_DETECT_H_
