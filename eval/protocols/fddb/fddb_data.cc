#include "eval/protocols/fddb/fddb_data.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/parallel.h"
#include "base/paths.h"
#include "base/status_macros.h"
#include "base/text_file.h"
#include "base/text_lines.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/dataset/detections.h"
#include "data_tools/images/image_io.h"
#include "eval/common/name_index.h"
#include "eval/common/result_check.h"
#include "eval/common/result_tree.h"

namespace hardface::eval {
namespace {

namespace fs = std::filesystem;

constexpr double kMaxRegionsPerImage = 100'000;
constexpr double kMaxCoordinate = 1e6;  // pixels; drawing needs whole numbers

absl::Status Bad(const std::string& place, int64_t line, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(place, ":", line, ": ", what));
}

bool Plausible(const double* numbers, int count) {
  return std::all_of(numbers, numbers + count, [](double n) { return n > -kMaxCoordinate && n < kMaxCoordinate; });
}

absl::StatusOr<FddbRegion> ParseRegion(absl::string_view line, const std::string& place, int64_t number) {
  double n[6];
  int count = 0;
  absl::string_view rest = line;
  for (absl::string_view word = TakeWord(&rest); !word.empty(); word = TakeWord(&rest)) {
    if (count == 6 || !ParseNumber(word, &n[count])) {
      count = 0;
      break;
    }
    ++count;
  }
  FddbRegion region;
  if (count == 6) {
    region.is_ellipse = true;
    region.major = n[0];
    region.minor = n[1];
    region.angle = n[2];
    region.center_x = n[3];
    region.center_y = n[4];
    region.score = n[5];
    constexpr double kHalfTurn = 3.1416;  // rounded up
    if (std::fabs(region.angle) > kHalfTurn) {
      return Bad(place, number,
                 absl::StrCat("the angle ", region.angle,
                              " is no angle in radians, which lie from -pi to pi; is it in degrees?"));
    }
    if (Plausible(n, 5) && region.major >= 0 && region.minor >= 0) return region;
    return Bad(place, number, absl::StrCat("not an ellipse that can be drawn: \"", line, "\""));
  }
  if (count == 5) {
    region.x = n[0];
    region.y = n[1];
    region.w = n[2];
    region.h = n[3];
    region.score = n[4];
    if (Plausible(n, 4)) return region;
    return Bad(place, number, absl::StrCat("not a rectangle that can be drawn: \"", line, "\""));
  }
  return Bad(place, number,
             absl::StrCat("expected x y w h score, or major minor angle cx cy score, finite; got \"",
                          line.substr(0, 60), "\""));
}

// The second image of a name that stands twice, and the first; nullptr: none.
std::pair<const FddbImage*, const FddbImage*> FindTwice(const std::vector<FddbImage>& images) {
  absl::flat_hash_map<absl::string_view, size_t> seen;
  for (size_t i = 0; i < images.size(); ++i) {
    const auto [first, is_new] = seen.emplace(images[i].name, i);
    if (!is_new) return {&images[i], &images[first->second]};
  }
  return {nullptr, nullptr};
}

// LINES: of each entry.
std::vector<FddbImage> FromJsonl(const std::vector<data::ImageDetections>& all, const std::vector<int64_t>& lines) {
  std::vector<FddbImage> images;
  for (size_t i = 0; i < all.size(); ++i) {
    const data::ImageDetections& of_image = all[i];
    if (of_image.flip) continue;
    const int64_t line = i < lines.size() ? lines[i] : 0;
    images.push_back({of_image.image, {}, line});
    for (const data::Detection& detection : of_image.boxes) {
      FddbRegion region;
      region.x = detection.box.x;
      region.y = detection.box.y;
      region.w = detection.box.w;
      region.h = detection.box.h;
      region.score = detection.score;
      region.line = line;
      images.back().regions.push_back(region);
    }
  }
  return images;
}

absl::StatusOr<std::vector<FddbImage>> ReadAnyDetections(const std::string& path) {
  const std::string file = data::DetectionsFile(path);
  if (fs::path(file).extension() == ".jsonl") {
    ASSIGN_OR_RETURN(const std::vector<data::ImageDetections> all, data::ReadDetections(file));
    ASSIGN_OR_RETURN(const std::vector<int64_t> lines, FilledLines(file));
    return FromJsonl(all, lines);
  }
  ASSIGN_OR_RETURN(const std::string text, ReadPossiblyCompressedFile(path));
  return ParseFddbText(text, path);
}

}  // namespace

absl::StatusOr<std::vector<FddbImage>> ParseFddbText(absl::string_view text, const std::string& place) {
  RETURN_IF_ERROR(CheckIsUtf8Text(text, place));
  std::vector<FddbImage> images;
  TextLines lines(text);
  while (lines.NextFilled()) {
    FddbImage image;
    image.name = std::string(WithoutImageExtension(absl::StripAsciiWhitespace(lines.line())));
    const int64_t name_line = lines.number();
    image.line = name_line;
    absl::string_view count_line = lines.Next() ? lines.line() : "";
    double count;
    if (!ParseNumber(TakeWord(&count_line), &count) || !TakeWord(&count_line).empty() || count < 0 ||
        count > kMaxRegionsPerImage || count != static_cast<double>(static_cast<int64_t>(count))) {
      return Bad(place, name_line + 1,
                 absl::StrCat("expected the number of regions of ", image.name.substr(0, 60), " (0 to ",
                              kMaxRegionsPerImage, "), got \"", lines.line().substr(0, 60), "\""));
    }
    while (static_cast<double>(image.regions.size()) < count) {
      if (!lines.Next()) {
        return Bad(
            place, lines.number() + 1,
            absl::StrCat("the file ends after ", image.regions.size(), " of ", count, " regions of ", image.name));
      }
      ASSIGN_OR_RETURN(image.regions.emplace_back(), ParseRegion(lines.line(), place, lines.number()));
      image.regions.back().line = lines.number();
    }
    images.push_back(std::move(image));
  }
  if (images.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(place, ": is empty; expected an image's name, a count and that many regions, and so on"));
  }
  if (const auto [again, first] = FindTwice(images); again != nullptr) {
    return Bad(place, again->line,
               absl::StrCat("image ", again->name, " stands twice, before in line ", first->line, "; remove one"));
  }
  return images;
}

absl::StatusOr<FddbAnnotations> ReadFddbAnnotations(const std::string& path) {
  FddbAnnotations annotations;
  if (!IsFolder(path)) {
    annotations.files = {path};
  } else {
    std::error_code error;
    for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
      const std::string name = it->path().filename().string();  // hidden ones are macOS's "._FDDB-fold-..."
      if (name[0] != '.' && absl::EndsWith(name, "-ellipseList.txt")) annotations.files.push_back(it->path().string());
    }
    if (error) return absl::InternalError(absl::StrCat(path, ": cannot list this folder: ", error.message()));
    std::sort(annotations.files.begin(), annotations.files.end());
  }
  if (annotations.files.empty()) {
    return absl::NotFoundError(absl::StrCat(path, ": holds no FDDB-fold-..-ellipseList.txt"));
  }
  for (const std::string& file : annotations.files) {
    ASSIGN_OR_RETURN(const std::string text, ReadPossiblyCompressedFile(file));
    ASSIGN_OR_RETURN(std::vector<FddbImage> images, ParseFddbText(text, file));
    std::move(images.begin(), images.end(), std::back_inserter(annotations.images));
  }
  if (const auto [again, first] = FindTwice(annotations.images); again != nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": image ", again->name, " stands in two lists, in lines ",
                                                   first->line, " and ", again->line, "; remove one"));
  }
  return annotations;
}

absl::StatusOr<std::vector<FddbImage>> ReadFddbDetections(const std::string& path, const FddbAnnotations& annotations,
                                                          LayoutReport* layout) {
  ASSIGN_OR_RETURN(std::vector<FddbImage> found, ReadAnyDetections(path));
  NameIndex index;
  for (const FddbImage& image : annotations.images) index.Add(image.name);
  std::vector<FddbImage> ordered(annotations.images.size());
  size_t matched = 0;
  for (FddbImage& image : found) {
    const int64_t target = index.Find(image.name);
    if (target < 0) {
      layout->Add("images that the annotations lack",
                  absl::StrCat(data::DetectionsFile(path), ":", image.line, " (", image.name, ")"),
                  "they are left out");
      continue;
    }
    if (!ordered[target].name.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(path, ": ", image.name, " and ", ordered[target].name,
                                                     " are detections of the same image; remove one"));
    }
    ordered[target] = std::move(image);
    ++matched;
  }
  if (matched == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": holds none of the annotations' images; expected names like ", annotations.images[0].name));
  }
  for (size_t i = 0; i < ordered.size(); ++i) {
    if (!ordered[i].name.empty()) continue;
    layout->Add("images without detections", annotations.images[i].name, "their faces count as missed");
  }
  return ordered;
}

absl::StatusOr<std::map<std::string, PixelSize>> ReadFddbSizesCsv(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(path));
  std::map<std::string, PixelSize> sizes;
  TextLines lines(text);
  while (lines.NextFilled()) {
    if (lines.line()[0] == '#' || absl::StartsWith(lines.line(), "name,")) continue;
    const std::vector<std::string> fields = absl::StrSplit(lines.line(), ',');
    PixelSize size;
    if (fields.size() < 3 || !absl::SimpleAtoi(fields[1], &size.width) || !absl::SimpleAtoi(fields[2], &size.height) ||
        size.width <= 0 || size.height <= 0 || size.width > 30000 || size.height > 30000) {
      return Bad(path, lines.number(),
                 absl::StrCat("expected name,width,height; got \"", lines.line().substr(0, 60), "\""));
    }
    sizes[std::string(WithoutImageExtension(fields[0]))] = size;
  }
  return sizes;
}

absl::StatusOr<std::map<std::string, PixelSize>> ReadFddbSizesOfImages(const std::string& images_folder,
                                                                       const FddbAnnotations& annotations,
                                                                       int threads) {
  const size_t count = annotations.images.size();
  std::vector<absl::StatusOr<data::ImageSize>> read(count, absl::UnknownError(""));
  ParallelFor(static_cast<int64_t>(count), threads, [&](int64_t i) {
    const std::string base = absl::StrCat(images_folder, "/", annotations.images[i].name);
    std::string path = base + ".jpg";
    for (const char* extension : {".jpeg", ".png"}) {
      if (!IsThere(path) && IsThere(base + extension)) path = base + extension;
    }
    read[i] = data::ReadImageSize(path);
  });
  std::map<std::string, PixelSize> sizes;
  for (size_t i = 0; i < count; ++i) {
    RETURN_IF_ERROR(read[i].status());
    sizes[annotations.images[i].name] = {read[i]->width, read[i]->height};
  }
  return sizes;
}

absl::StatusOr<std::map<std::string, PixelSize>> ReadFddbSizesOfDataset(const std::string& dataset) {
  ASSIGN_OR_RETURN(const data::Dataset read, data::ReadDataset(dataset));
  std::map<std::string, PixelSize> sizes;
  for (const data::DatasetEntry& entry : read.entries) {
    const absl::string_view name = WithoutImageExtension(entry.image);
    // A name of FDDB has five parts; the dataset's path may go on to the left.
    std::vector<std::string> parts = absl::StrSplit(name, '/');
    if (parts.size() > 5) parts.erase(parts.begin(), parts.end() - 5);
    sizes[absl::StrJoin(parts, "/")] = {entry.width, entry.height};
  }
  return sizes;
}

}  // namespace hardface::eval
