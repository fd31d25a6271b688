#include "data_tools/formats/yolo_rows.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/text_lines.h"

namespace hardface::data {
namespace {

constexpr double kMaxClasses = 100000;
constexpr size_t kBoxLength = 4;
// Five landmarks behind a box, of two numbers each and of three.
constexpr size_t kLandmarks2 = kBoxLength + 5 * 2, kLandmarks3 = kBoxLength + 5 * 3;
// Boxes of faces at the border may reach beyond the image, but not by its whole size; pixels are greater.
constexpr double kMaxFraction = 2;
// Points of polygons lie in the image, but for rounding.
constexpr double kMaxPolygonFraction = 1.01;

using Values = std::vector<double>;

bool HasNegative(const Values& values) {
  return std::any_of(values.begin(), values.end(), [](double value) { return value < 0; });
}

// What a row was found to be.
struct Form {
  enum Kind { kBox, kPolygon, kLandmarks, kError } kind = kError;
  int point_size = 0;  // of kLandmarks
  std::string error;
};

Form Error(std::string message) { return {Form::kError, 0, std::move(message)}; }

constexpr char kSayWhich[] = "; say what these rows are with --yolo_rows=box, polygon or landmarks";

// Whether a number behind every pair is a visibility: 0, 1 or 2.
bool HasVisibilities(const Values& values) {
  if (values.size() <= kBoxLength || (values.size() - kBoxLength) % 3 != 0) return false;
  for (size_t i = kBoxLength + 2; i < values.size(); i += 3) {
    if (values[i] != 0 && values[i] != 1 && values[i] != 2) return false;
  }
  return true;
}

// Whether the first four numbers make a box in which all other points lie, but for points at (0, 0), which some write
// for "not labelled". A tenth of the box beside it counts as in it: a profile's nose may stick out.
bool PointsLieInBox(const Values& values, size_t point_size) {
  const double reach_x = 0.6 * values[2], reach_y = 0.6 * values[3];
  if (reach_x <= 0 || reach_y <= 0) return false;
  for (size_t i = kBoxLength; i + 1 < values.size(); i += point_size) {
    const bool unlabelled = values[i] == 0 && values[i + 1] == 0;
    if (unlabelled) continue;
    if (std::fabs(values[i] - values[0]) > reach_x || std::fabs(values[i + 1] - values[1]) > reach_y) return false;
  }
  return true;
}

Form PolygonForm(const Values& values) {
  if (values.size() < 6 || values.size() % 2 != 0) {
    return Error(absl::StrCat(values.size() + 1,
                              " numbers; expected \"class cx cy w h\" or a polygon's \"class x1 y1 x2 "
                              "y2 x3 y3 ...\""));
  }
  if (HasNegative(values)) return Error("a polygon has no negative number");
  return {Form::kPolygon, 0, ""};
}

Form LandmarksForm(const Values& values, const YoloRowRules& rules) {
  const size_t rest = values.size() - kBoxLength;
  if (rules.points > 0) {
    const size_t expected = static_cast<size_t>(rules.points * rules.point_size);
    if (rest == expected) return {Form::kLandmarks, rules.point_size, ""};
    return Error(absl::StrCat(values.size() + 1, " numbers; kpt_shape [", rules.points, ", ", rules.point_size,
                              "] of data.yaml makes ", 1 + kBoxLength + expected));
  }
  if (values.size() == kLandmarks2) return {Form::kLandmarks, 2, ""};
  if (rest % 3 == 0 && (rest % 2 != 0 || HasVisibilities(values))) return {Form::kLandmarks, 3, ""};
  if (rest % 2 == 0) return {Form::kLandmarks, 2, ""};
  return Error(absl::StrCat(values.size() + 1,
                            " numbers; expected \"class cx cy w h\" and points of 2 or 3 numbers behind them"));
}

Form TellForm(const Values& values, const YoloRowRules& rules) {
  const size_t length = values.size();
  if (rules.points > 0 || rules.landmark_lengths.count(length) > 0 || length == kLandmarks3) {
    return LandmarksForm(values, rules);
  }
  if (length == kBoxLength + 1) {
    return Error(absl::StrCat(
        "6 numbers; expected \"class cx cy w h\". The sixth may be a score: then these are detections and no "
        "annotations (--yolo_rows=box takes the boxes and leaves it out)"));
  }
  if (length % 2 != 0 || length < 6) {
    return Error(
        absl::StrCat(length + 1, " numbers; expected \"class cx cy w h\"", length > kBoxLength ? kSayWhich : ""));
  }
  if (HasNegative(values)) {
    return Error(absl::StrCat(length + 1, " numbers, some of them negative, which no polygon has", kSayWhich));
  }
  if (PointsLieInBox(values, 2) || (HasVisibilities(values) && PointsLieInBox(values, 3))) {
    return Error(absl::StrCat(length + 1, " numbers may be a polygon, or a box with landmarks", kSayWhich));
  }
  return PolygonForm(values);
}

Form FormOf(const Values& values, const YoloRowRules& rules) {
  if (values.size() < kBoxLength) {
    return Error(absl::StrCat(values.size() + 1, " numbers; expected \"class cx cy w h\""));
  }
  if (values.size() == kBoxLength || rules.rows == YoloRows::kBox) return {Form::kBox, 0, ""};
  if (rules.rows == YoloRows::kPolygon) return PolygonForm(values);
  if (rules.rows == YoloRows::kLandmarks) return LandmarksForm(values, rules);
  return TellForm(values, rules);
}

// The numbers of a form that must be fractions: all of a polygon, else the box and the points without visibilities.
bool CheckFractions(const Values& values, const Form& form, std::string* error) {
  const size_t end = form.kind == Form::kBox ? kBoxLength : values.size();
  const double limit = form.kind == Form::kPolygon ? kMaxPolygonFraction : kMaxFraction;
  for (size_t i = 0; i < end; ++i) {
    const bool visibility = form.kind == Form::kLandmarks && form.point_size == 3 && i >= kBoxLength && i % 3 == 0;
    if (visibility || std::fabs(values[i]) <= limit) continue;
    *error = absl::StrCat(values[i],
                          " is no fraction of the image's size, which is from 0 to 1. Are the rows in pixels? "
                          "--box_unit=pixels takes them so");
    return false;
  }
  return true;
}

void SetBox(const Values& values, AnnotatedFace* face) {
  face->w = values[2];
  face->h = values[3];
  face->x = values[0] - face->w / 2;
  face->y = values[1] - face->h / 2;
}

void SetPolygon(const Values& values, AnnotatedFace* face) {
  double low[2] = {values[0], values[1]}, high[2] = {values[0], values[1]};
  for (size_t i = 2; i < values.size(); ++i) {
    low[i % 2] = std::min(low[i % 2], values[i]);
    high[i % 2] = std::max(high[i % 2], values[i]);
  }
  face->x = low[0];
  face->y = low[1];
  face->w = high[0] - low[0];
  face->h = high[1] - low[1];
}

// Five points are a face's landmarks; of other poses the box counts.
void SetPoints(const Values& values, size_t point_size, AnnotatedFace* face) {
  std::vector<Landmark> landmarks;
  for (size_t i = kBoxLength; i + 1 < values.size(); i += point_size) {
    Landmark landmark{values[i], values[i + 1], true, false};
    landmark.labelled = landmark.x >= 0 && landmark.y >= 0 && (landmark.x > 0 || landmark.y > 0);
    if (point_size == 3) {
      landmark.labelled &= values[i + 2] > 0;
      landmark.occluded = values[i + 2] == 1;
    }
    landmarks.push_back(landmark);
  }
  if (landmarks.size() == kLandmarks) SetLandmarks(landmarks, face);
}

// All numbers of a row; false with the word that is none.
bool ParseNumbers(absl::string_view row, Values* values, absl::string_view* bad) {
  while (true) {
    *bad = TakeWord(&row);
    if (bad->empty()) return true;
    if (!ParseNumber(*bad, &values->emplace_back())) return false;
  }
}

// False with *error set on a row that is no face.
bool ParseRow(absl::string_view row, const std::vector<std::string>& names, const YoloRowRules& rules,
              AnnotatedFace* face, std::string* error) {
  Values values;
  absl::string_view bad;
  if (!ParseNumbers(row, &values, &bad)) {
    *error = absl::StrCat("\"", bad.substr(0, 80), "\" is not a number");
    return false;
  }
  const double class_id = values[0];
  if (!(class_id >= 0 && class_id < kMaxClasses) || class_id != std::floor(class_id)) {
    *error = absl::StrCat("\"", TakeWord(&row).substr(0, 80), "\" is no class number");
    return false;
  }
  if (!names.empty() && class_id >= static_cast<double>(names.size())) {
    *error = absl::StrCat("the class ", class_id, " has no name: the data set names ", names.size(),
                          " classes, from 0 on. Correct the row, or the names (--names=FILE gives others)");
    return false;
  }
  const size_t index = static_cast<size_t>(class_id);
  if (!names.empty() && names[index].empty()) {
    *error = absl::StrCat("the class ", class_id, " has no name, though the data set names others. ",
                          "Name it, or correct the row (--names=FILE gives other names)");
    return false;
  }
  values.erase(values.begin());
  const Form form = FormOf(values, rules);
  *error = form.error;
  if (form.kind == Form::kError || (rules.fractions && !CheckFractions(values, form, error))) return false;
  form.kind == Form::kPolygon ? SetPolygon(values, face) : SetBox(values, face);
  if (form.kind == Form::kLandmarks) SetPoints(values, static_cast<size_t>(form.point_size), face);
  face->class_name = names.empty() ? absl::StrCat(index) : names[index];
  return true;
}

}  // namespace

void NoteLandmarks(absl::string_view text, YoloRowRules* rules) {
  TextLines lines(text);
  while (lines.NextFilled()) {
    Values values;
    absl::string_view bad;
    if (!ParseNumbers(lines.line(), &values, &bad)) continue;
    const size_t length = values.size() - 1;
    const bool five = length == kLandmarks2 || length == kLandmarks3;
    if (five && HasNegative(values)) rules->landmark_lengths.insert(length);
  }
}

void ParseYoloLabels(absl::string_view text, const std::string& place, const std::vector<std::string>& names,
                     const YoloRowRules& rules, AnnotatedImage* image) {
  TextLines lines(text);
  while (lines.NextFilled()) {
    AnnotatedFace face;
    face.place = absl::StrCat(place, ":", lines.number());
    std::string error;
    if (ParseRow(lines.line(), names, rules, &face, &error)) {
      image->faces.push_back(std::move(face));
    } else {
      image->errors.push_back(absl::StrCat(face.place, ": ", error));
    }
  }
}

bool LooksLikeYoloLabels(absl::string_view text) {
  TextLines lines(text);
  if (!lines.NextFilled()) return true;
  Values values;
  absl::string_view bad;
  return ParseNumbers(lines.line(), &values, &bad) && values.size() > kBoxLength;
}

}  // namespace hardface::data
