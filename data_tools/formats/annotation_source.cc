#include "data_tools/formats/annotation_source.h"

#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/text_lines.h"

namespace hardface::data {

absl::StatusOr<bool> VectorSource::Next(AnnotatedImage* image) {
  if (next_ == images_.size()) return false;
  *image = std::move(images_[next_++]);
  return true;
}

bool ParseBoolean(absl::string_view text, bool* value) {
  const std::string word = absl::AsciiStrToLower(absl::StripAsciiWhitespace(text));
  double number = 0;
  const bool is_number = ParseNumber(word, &number);
  *value = word == "true" || word == "yes" || (is_number && number == 1);
  return *value || word == "false" || word == "no" || (is_number && number == 0);
}

nlohmann::json NumberToJson(double value) {
  if (std::floor(value) == value && std::fabs(value) < 1e15) return static_cast<int64_t>(value);
  return value;
}

void SetLandmarks(const std::vector<Landmark>& landmarks, AnnotatedFace* face) {
  nlohmann::json points = nlohmann::json::array(), occluded = nlohmann::json::array();
  bool any_labelled = false, any_occluded = false;
  for (const Landmark& landmark : landmarks) {
    any_labelled |= landmark.labelled;
    any_occluded |= landmark.labelled && landmark.occluded;
    points.push_back(landmark.labelled ? nlohmann::json{landmark.x, landmark.y} : nlohmann::json());
    occluded.push_back(landmark.labelled && landmark.occluded ? 1 : 0);
  }
  if (any_labelled) face->attributes["landmarks"] = std::move(points);
  if (any_occluded) face->attributes["landmarks_occluded"] = std::move(occluded);
}

std::string EllipseFault(const Ellipse& ellipse) {
  constexpr double kHalfTurn = 3.1416;  // rounded up
  if (std::fabs(ellipse.angle) > kHalfTurn) {
    return absl::StrCat("the angle ", ellipse.angle,
                        " is no angle in radians, which lie from -pi to pi; is it in degrees?");
  }
  // A box would be drawn around the radii's absolute values, and nobody would see that the columns are others.
  if (ellipse.major_radius >= 0 && ellipse.minor_radius >= 0) return "";
  return absl::StrCat("the radii ", ellipse.major_radius, " and ", ellipse.minor_radius,
                      " must not be below zero; are the columns in the order major, minor, angle, cx, cy?");
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

void ScaleFace(double scale_x, double scale_y, AnnotatedFace* face) {
  face->x *= scale_x;
  face->w *= scale_x;
  face->y *= scale_y;
  face->h *= scale_y;
  if (!face->attributes.is_object()) return;
  // Our own form only: a column of a table may have the same name.
  if (const auto points = face->attributes.find("landmarks"); points != face->attributes.end() && points->is_array()) {
    for (nlohmann::json& point : *points) {
      if (point.is_array() && point.size() == 2 && point[0].is_number() && point[1].is_number()) {
        point = {point[0].get<double>() * scale_x, point[1].get<double>() * scale_y};
      }
    }
  }
  const auto ellipse = face->attributes.find("ellipse");
  const bool is_ellipse = ellipse != face->attributes.end() && ellipse->is_array() && ellipse->size() == 5;
  if (!is_ellipse) return;
  // A hundredth: original sizes are rounded to whole pixels.
  if (std::fabs(scale_x - scale_y) > 0.01 * scale_x) {
    face->attributes.erase("ellipse");
    return;
  }
  for (size_t i : {0, 1, 3}) (*ellipse)[i] = (*ellipse)[i].get<double>() * scale_x;
  (*ellipse)[4] = (*ellipse)[4].get<double>() * scale_y;
}

}  // namespace hardface::data
