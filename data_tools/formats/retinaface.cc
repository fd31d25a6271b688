#include "data_tools/formats/retinaface.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "base/text_file.h"
#include "base/text_lines.h"

namespace hardface::data {
namespace {

constexpr size_t kBox = 4, kBoxAndLandmarks = kBox + 3 * kLandmarks, kWhole = kBoxAndLandmarks + 1;

AnnotatedImage ImageNamed(absl::string_view name, const std::string& place) {
  AnnotatedImage image;
  image.place = place;
  image.candidates = {std::string(name), absl::StrCat("images/", name)};
  const size_t slash = name.find('/');
  if (slash != absl::string_view::npos) image.attributes["event"] = std::string(name.substr(0, slash));
  return image;
}

// POINT: "x y flag". False for a flag that is none of -1, 0 and 1: the columns are others than these.
bool ReadLandmark(const double* point, Landmark* landmark) {
  const double flag = point[2];
  landmark->x = point[0];
  landmark->y = point[1];
  landmark->labelled = flag >= 0 && point[0] >= 0 && point[1] >= 0;
  landmark->occluded = flag == 1;
  return flag == -1 || flag == 0 || flag == 1;
}

// False with *error set on a row that is no face.
bool ParseFace(absl::string_view row, AnnotatedFace* face, std::string* error) {
  std::vector<double> values;
  for (absl::string_view word = TakeWord(&row); !word.empty(); word = TakeWord(&row)) {
    if (ParseNumber(word, &values.emplace_back())) continue;
    *error = absl::StrCat("\"", word.substr(0, 80), "\" is not a number");
    return false;
  }
  if (values.size() != kBox && values.size() != kBoxAndLandmarks && values.size() != kWhole) {
    *error = absl::StrCat(values.size(),
                          " numbers; expected \"x y w h\", or these with five landmarks of \"x y flag\" (19) "
                          "and perhaps one number more (20)");
    return false;
  }
  face->x = values[0];
  face->y = values[1];
  face->w = values[2];
  face->h = values[3];
  std::vector<Landmark> landmarks;
  for (size_t i = kBox; i + 2 < values.size(); i += 3) {
    if (ReadLandmark(&values[i], &landmarks.emplace_back())) continue;
    *error = absl::StrCat("the flag of landmark ", landmarks.size(), " is ", values[i + 2], "; expected -1, 0 or 1");
    return false;
  }
  SetLandmarks(landmarks, face);
  if (values.size() == kWhole) face->attributes["quality"] = values.back();
  return true;
}

}  // namespace

absl::StatusOr<std::vector<AnnotatedImage>> ParseRetinaFace(absl::string_view text, const std::string& place) {
  std::vector<AnnotatedImage> images;
  TextLines lines(text);
  while (lines.NextFilled()) {
    const std::string here = absl::StrCat(place, ":", lines.number());
    absl::string_view line = absl::StripAsciiWhitespace(lines.line());
    if (absl::ConsumePrefix(&line, "#")) {
      line = absl::StripAsciiWhitespace(line);
      if (line.empty()) return absl::InvalidArgumentError(absl::StrCat(here, ": no image's path behind the #"));
      images.push_back(ImageNamed(line, here));
      continue;
    }
    if (images.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(here, ": \"", line.substr(0, 80),
                       "\" stands before the first image; expected RetinaFace's label.txt, "
                       "\"# 0--Parade/a.jpg\" and then its faces"));
    }
    AnnotatedFace face;
    face.place = here;
    std::string error;
    if (ParseFace(line, &face, &error)) {
      images.back().faces.push_back(std::move(face));
    } else {
      images.back().errors.push_back(absl::StrCat(here, ": ", error));
    }
  }
  return images;
}

absl::StatusOr<std::unique_ptr<AnnotationSource>> OpenRetinaFace(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(path));
  ASSIGN_OR_RETURN(std::vector<AnnotatedImage> images, ParseRetinaFace(text, path));
  if (images.empty())
    return absl::InvalidArgumentError(absl::StrCat(path, ": is empty; expected RetinaFace's label.txt"));
  return std::make_unique<VectorSource>(std::vector<std::string>{path}, std::move(images));
}

}  // namespace hardface::data
