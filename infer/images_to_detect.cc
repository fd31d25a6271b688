#include "infer/images_to_detect.h"

#include <glob.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/broken_link.h"
#include "base/folder_walk.h"
#include "base/output_guard.h"
#include "base/paths.h"
#include "base/read_file.h"
#include "base/special_file.h"
#include "base/status_macros.h"
#include "base/text_file.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/dataset/entry_image.h"
#include "data_tools/images/image_kind.h"
#include "infer/video_frames.h"

namespace hardface::infer {
namespace {

namespace fs = std::filesystem;

// Whether detect wrote FOLDER, as its provenance says.
bool IsOutputOfDetect(const fs::path& folder) {
  const absl::StatusOr<std::string> text = ReadFile((folder / "provenance.json").string());
  if (!text.ok()) return false;
  const auto json = nlohmann::json::parse(*text, /*callback=*/nullptr, /*allow_exceptions=*/false);
  return json.is_object() && json.contains("tool") && json["tool"] == "infer/detect";
}

// One file under two names: every link on the way resolved.
std::string Identity(const std::string& path) {
  std::error_code error;
  const fs::path resolved = fs::weakly_canonical(path, error);
  return error ? path : resolved.string();
}

// The pictures and videos below FOLDER. Those that cannot be read are among them: each is an error of its own, not a
// gap.
absl::StatusOr<std::vector<std::string>> PicturesAndVideosIn(const std::string& folder) {
  std::vector<std::string> endings = data::ImageExtensions();
  for (const std::vector<std::string>* more : {&data::ForeignExtensions(), &VideoExtensions()}) {
    endings.insert(endings.end(), more->begin(), more->end());
  }
  ASSIGN_OR_RETURN(std::vector<std::string> files, FilesUnder(folder, endings));
  for (std::string& file : files) file = (fs::path(folder) / file).string();
  std::sort(files.begin(), files.end());
  return files;
}

// FILES below FOLDER, without those in outputs of detect: their drawings are no photographs.
std::vector<std::string> WithoutOwnOutputs(const std::string& folder, const std::vector<std::string>& files) {
  fs::path root = folder;
  if (root.has_parent_path() && root.filename().empty()) root = root.parent_path();  // "photos/"
  std::map<std::string, bool> known;                                                 // whether detect wrote a folder
  std::vector<std::string> kept;
  for (const std::string& file : files) {
    bool own = false;
    for (fs::path above = fs::path(file).parent_path(); above.has_relative_path() && above != root && !own;
         above = above.parent_path()) {
      const auto [entry, is_new] = known.emplace(above.string(), false);
      if (is_new) entry->second = IsOutputOfDetect(above);
      own = entry->second;
    }
    if (!own) kept.push_back(file);
  }
  return kept;
}

// What the pattern stands for, sorted; nothing where it is none or nothing fits.
std::vector<std::string> ExpandPattern(const std::string& pattern) {
  std::vector<std::string> paths;
  if (pattern.find_first_of("*?[") == std::string::npos) return paths;
  glob_t found = {};
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0) paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  globfree(&found);
  std::sort(paths.begin(), paths.end());
  return paths;
}

absl::StatusOr<std::vector<std::string>> LinesOf(const std::string& list) {
  const bool standard_input = list == "-";
  const std::string file = standard_input ? "/dev/stdin" : list;
  if (!standard_input) ProtectInput(file, InputKind::kFile);
  ASSIGN_OR_RETURN(const auto lines, LineReader::Open(file, "it is to hold the name of an image on each line"));
  std::vector<std::string> paths;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, lines->Next());
    if (!more) return paths;
    // The system would take the name to end there.
    if (absl::StrContains(lines->line(), '\0')) {
      return absl::InvalidArgumentError(absl::StrCat(
          lines->place(), ": holds a zero byte; give a name on each line (find -print, not -print0; no UTF-16)"));
    }
    paths.push_back(lines->line());
  }
}

// The pictures of each of several paths that a list or a pattern stands for. They are inputs as those that the user
// names; the missing ones are errors when they are read.
absl::StatusOr<std::vector<std::string>> FilesOfEach(const std::vector<std::string>& paths,
                                                     std::vector<std::string>* videos) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    RETURN_IF_ERROR(CheckIsNoStream(path));
    if (!IsFolder(path)) {
      files.push_back(path);
      continue;
    }
    ProtectInput(path, InputKind::kImages);
    ASSIGN_OR_RETURN(const std::vector<std::string> below, PicturesBelow(path, videos));
    files.insert(files.end(), below.begin(), below.end());
  }
  return files;
}

// NAMED gets the names that the user wrote: the path's own, or those of its list; VIDEOS those that folders hold.
absl::StatusOr<std::vector<std::string>> FilesOf(const std::string& path, std::set<std::string>* named,
                                                 std::vector<std::string>* videos) {
  if (path == "-" || absl::StartsWith(path, "@")) {
    ASSIGN_OR_RETURN(const std::vector<std::string> lines, LinesOf(path == "-" ? path : path.substr(1)));
    named->insert(lines.begin(), lines.end());
    return FilesOfEach(lines, videos);
  }
  named->insert(path);
  RETURN_IF_ERROR(CheckIsNoStream(path));
  if (IsFolder(path)) return PicturesBelow(path, videos);
  ASSIGN_OR_RETURN(const bool there, PathExists(path));
  if (there) return std::vector<std::string>{path};
  const std::vector<std::string> expanded = ExpandPattern(path);
  if (!expanded.empty()) return FilesOfEach(expanded, videos);
  return absl::NotFoundError(absl::StrCat(path, ": no such file or folder", BrokenLink(path)));
}

// In a folder, a file is rather called by its own name than by that of a link to it.
std::vector<std::string> OwnNamesFirst(std::vector<std::string> files) {
  std::stable_partition(files.begin(), files.end(), [](const std::string& file) {
    std::error_code ignored;
    return !fs::is_symlink(file, ignored);
  });
  return files;
}

// What to do where SHOWN is no file: ffmpeg, with the flags FORM before its input, hands it over.
absl::Status TellsOfFfmpeg(const std::string& shown, const std::string& what, const std::string& form) {
  return absl::InvalidArgumentError(absl::StrCat(
      shown, ": ", what, ", and only files, folders and pipes are read. Record it (ffmpeg ", form, "-i '", shown,
      "' -t 60 -c copy stream.mkv) and give the file, or let ffmpeg hand it over by a pipe: mkfifo "
      "stream.ts; ffmpeg -y ",
      form, "-i '", shown, "' -f mpegts stream.ts & and give stream.ts"));
}

}  // namespace

absl::Status CheckIsNoStream(const std::string& path) {
  const size_t scheme = path.find("://");
  if (scheme != std::string::npos && scheme > 0 && path.find('/') > scheme && !IsThere(path)) {
    return TellsOfFfmpeg(path.substr(0, scheme) + "://..", "is an address", "");
  }
  if (SpecialFileKind(path) != "device") return absl::OkStatus();
  return TellsOfFfmpeg(path, "is a device", "-f v4l2 ");
}

absl::StatusOr<std::vector<std::string>> PicturesBelow(const std::string& folder, std::vector<std::string>* videos) {
  ASSIGN_OR_RETURN(const std::vector<std::string> files, PicturesAndVideosIn(folder));
  std::vector<std::string> pictures = WithoutOwnOutputs(folder, files);
  const auto first_video = std::stable_partition(pictures.begin(), pictures.end(), std::not_fn(IsVideo));
  if (videos != nullptr) videos->insert(videos->end(), first_video, pictures.end());
  pictures.erase(first_video, pictures.end());
  return pictures;
}

absl::StatusOr<std::vector<ImageToDetect>> ImagesOfDataset(const std::string& dataset) {
  ASSIGN_OR_RETURN(const auto reader, data::DatasetReader::Open(dataset));
  std::vector<ImageToDetect> images;
  data::DatasetEntry entry;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, reader->Next(&entry));
    if (!more) return images;
    images.push_back({entry.image, reader->ImagePath(entry), entry.flip, data::Pixels::kAsStored,
                      data::ImageSize{entry.width, entry.height}});
  }
}

absl::StatusOr<FoundImages> ImagesOfPaths(const std::vector<std::string>& paths, data::Pixels pixels) {
  FoundImages found;
  std::set<std::string> known;
  for (const std::string& path : paths) {
    std::set<std::string> named;
    ASSIGN_OR_RETURN(const std::vector<std::string> files, FilesOf(path, &named, &found.videos));
    std::set<std::string> chosen;
    for (const std::string& file : OwnNamesFirst(files)) {
      if (known.insert(Identity(file)).second) chosen.insert(file);
    }
    for (const std::string& file : files) {
      if (chosen.erase(file) == 0) {
        found.given_again.push_back(file);
      } else {
        found.images.push_back({file, file, /*flip=*/false, pixels});
        found.images.back().may_be_pipe = named.count(file) > 0;  // else it lies in a folder, or fits a pattern
      }
    }
  }
  if (!found.images.empty()) return found;
  constexpr char kNoImage[] = "no image found; give .jpg, .png, .webp or .bmp files, or folders that hold some";
  if (found.videos.empty()) return absl::NotFoundError(kNoImage);
  return absl::NotFoundError(absl::StrCat(kNoImage, ". Videos in folders are passed over, such as ", found.videos[0],
                                          "; name them, or give a pattern"));
}

absl::StatusOr<cv::Mat> LoadImage(const ImageToDetect& image) {
  absl::StatusOr<cv::Mat> read =
      image.may_be_pipe ? data::ReadImageOrPipe(image.path, image.pixels) : data::ReadImage(image.path, image.pixels);
  // To the tools that read pictures a video is nothing; here it lacks its ending only.
  if (!read.ok() && absl::StrContains(read.status().message(), "is a video")) {
    return absl::InvalidArgumentError(absl::StrCat(
        image.path, ": is a video, and videos are told by the endings of their names; call it ", image.path, ".mp4"));
  }
  RETURN_IF_ERROR(read.status());
  cv::Mat pixels = *std::move(read);
  RETURN_IF_ERROR(data::CheckEntrySize(image.path, image.size_in_manifest, {pixels.cols, pixels.rows}));
  if (!image.flip) return pixels;
  cv::Mat mirrored;
  cv::flip(pixels, mirrored, /*flipCode=*/1);
  return mirrored;
}

}  // namespace hardface::infer
