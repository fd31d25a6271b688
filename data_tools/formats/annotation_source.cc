#include "data_tools/formats/annotation_source.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace hardface::data {

namespace fs = std::filesystem;

absl::StatusOr<bool> VectorSource::Next(AnnotatedImage* image) {
  if (next_ == images_.size()) return false;
  *image = std::move(images_[next_++]);
  return true;
}

absl::string_view WithoutBom(absl::string_view text) {
  absl::ConsumePrefix(&text, "\xef\xbb\xbf");
  return text;
}

bool ParseNumber(const std::string& text, double* value) {
  return absl::SimpleAtod(text, value) && std::isfinite(*value);
}

nlohmann::json NumberToJson(double value) {
  if (std::floor(value) == value && std::fabs(value) < 1e15) return static_cast<int64_t>(value);
  return value;
}

absl::StatusOr<std::vector<std::string>> ListFiles(const std::string& folder,
                                                   const std::vector<std::string>& extensions) {
  std::error_code error;
  fs::recursive_directory_iterator it(folder, fs::directory_options::follow_directory_symlink, error);
  std::vector<std::string> files;
  for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    const std::string name = absl::AsciiStrToLower(it->path().filename().string());
    const bool wanted = std::any_of(extensions.begin(), extensions.end(),
                                    [&name](const std::string& end) { return absl::EndsWith(name, end); });
    std::error_code ignored;
    if (wanted && it->is_regular_file(ignored)) files.push_back(it->path().lexically_relative(folder).string());
  }
  if (error) return absl::NotFoundError(absl::StrCat(folder, ": cannot list this folder: ", error.message()));
  std::sort(files.begin(), files.end());
  return files;
}

void SetEllipse(const Ellipse& ellipse, AnnotatedFace* face) {
  const double a = ellipse.major_radius, b = ellipse.minor_radius;
  const double c = std::cos(ellipse.angle), s = std::sin(ellipse.angle);
  // The extreme points of (a cos t, b sin t) turned by the angle.
  const double half_width = std::hypot(a * c, b * s);
  const double half_height = std::hypot(a * s, b * c);
  face->x = ellipse.center_x - half_width;
  face->y = ellipse.center_y - half_height;
  face->w = 2 * half_width;
  face->h = 2 * half_height;
  face->attributes["ellipse"] = {a, b, ellipse.angle, ellipse.center_x, ellipse.center_y};
}

}  // namespace hardface::data
