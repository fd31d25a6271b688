#include "data_tools/formats/csv.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "base/text_file.h"
#include "base/text_lines.h"

namespace hardface::data {
namespace {

using Row = std::vector<std::string>;

absl::Status Bad(const std::string& place, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(place, ": ", what));
}

// Numbers stay numbers, the rest text.
nlohmann::json FieldToJson(const std::string& field) {
  double number = 0;
  return ParseNumber(absl::StripAsciiWhitespace(field), &number) ? NumberToJson(number) : nlohmann::json(field);
}

// The columns' places in the header line.
struct Indices {
  size_t image = 0;
  std::vector<size_t> geometry;  // four for boxes and corners, five for ellipses
  std::vector<size_t> original_size, class_name, ignore, attributes, image_attributes;
};

class CsvReader {
 public:
  CsvReader(std::string path, CsvColumns columns) : path_(std::move(path)), columns_(std::move(columns)) {}

  absl::StatusOr<std::vector<AnnotatedImage>> Read(absl::string_view text) {
    for (absl::string_view line : absl::StrSplit(WithoutByteOrderMark(text), '\n')) {
      ++line_number_;
      line = absl::StripAsciiWhitespace(line);
      // Only above the column names: below them, "#party1.jpg" is a file.
      if (line.empty() || (header_.empty() && line[0] == '#')) continue;
      Row row;
      const bool whole = SplitCsvLine(line, &row);
      if (header_.empty()) {
        RETURN_IF_ERROR(ReadHeader(row));
      } else {
        AddRow(row, whole);
      }
    }
    if (header_.empty()) return Bad(path_, "is empty; expected a line of column names");
    return std::move(images_);
  }

 private:
  std::string Place() const { return absl::StrCat(path_, ":", line_number_); }

  absl::StatusOr<size_t> Find(const std::string& name) const {
    const auto found = std::find(header_.begin(), header_.end(), name);
    if (found != header_.end()) {
      if (std::find(found + 1, header_.end(), name) == header_.end())
        return static_cast<size_t>(found - header_.begin());
      return Bad(Place(), absl::StrCat("the column \"", name, "\" stands twice; rename one of them"));
    }
    return Bad(Place(), absl::StrCat("no column \"", name, "\"; the columns are ", absl::StrJoin(header_, ", ")));
  }

  absl::Status FindAll(const std::vector<std::string>& names, std::vector<size_t>* indices) const {
    for (const std::string& name : names) {
      if (name.empty()) continue;
      ASSIGN_OR_RETURN(indices->emplace_back(), Find(name));
    }
    return absl::OkStatus();
  }

  absl::Status ReadHeader(const Row& row) {
    header_ = row;
    ASSIGN_OR_RETURN(at_.image, Find(columns_.image));
    for (const auto* geometry : {&columns_.box, &columns_.corners, &columns_.ellipse}) {
      RETURN_IF_ERROR(FindAll(*geometry, &at_.geometry));
    }
    RETURN_IF_ERROR(FindAll(columns_.original_size, &at_.original_size));
    RETURN_IF_ERROR(FindAll({columns_.class_name}, &at_.class_name));
    RETURN_IF_ERROR(FindAll({columns_.ignore}, &at_.ignore));
    RETURN_IF_ERROR(FindAll(columns_.attributes, &at_.attributes));
    return FindAll(columns_.image_attributes, &at_.image_attributes);
  }

  AnnotatedImage* ImageNamed(const std::string& name) {
    const auto [found, added] = index_of_image_.emplace(name, images_.size());
    if (added) {
      images_.emplace_back();
      images_.back().place = Place();
      images_.back().candidates = {name};
    }
    return &images_[found->second];
  }

  void AddRow(const Row& row, bool whole) {
    const std::string name = at_.image < row.size() ? row[at_.image] : "";
    AnnotatedImage* image = ImageNamed(name);
    if (!whole || row.size() != header_.size() || name.empty()) {
      image->errors.push_back(absl::StrCat(Place(), ": ",
                                           !whole ? "a quote is not closed"
                                                  : absl::StrCat(row.size(), " fields; expected ", header_.size(),
                                                                 " with the image's path among them")));
      return;
    }
    std::string error;
    if (!AddFace(row, image, &error)) image->errors.push_back(absl::StrCat(Place(), ": ", error));
  }

  bool Numbers(const Row& row, const std::vector<size_t>& indices, std::vector<double>* values,
               std::string* error) const {
    for (size_t index : indices) {
      if (ParseNumber(absl::StripAsciiWhitespace(row[index]), &values->emplace_back())) continue;
      *error = absl::StrCat("column ", header_[index], " is \"", row[index].substr(0, 80), "\"; expected a number");
      return false;
    }
    return true;
  }

  bool AddFace(const Row& row, AnnotatedImage* image, std::string* error) const {
    std::vector<double> size;
    if (!Numbers(row, at_.original_size, &size, error)) return false;
    if (!size.empty()) {
      if (size[0] <= 0 || size[1] <= 0) {
        *error = "the original size must be above zero";
        return false;
      }
      // All boxes of an image are scaled by one size.
      if (image->reference_width > 0 && (image->reference_width != size[0] || image->reference_height != size[1])) {
        *error = absl::StrFormat("the original size is %g x %g here and %g x %g in an earlier row of this image",
                                 size[0], size[1], image->reference_width, image->reference_height);
        return false;
      }
      image->reference_width = size[0];
      image->reference_height = size[1];
    }
    for (size_t index : at_.image_attributes) {
      if (!image->attributes.contains(header_[index])) image->attributes[header_[index]] = FieldToJson(row[index]);
    }
    const bool no_face =
        std::all_of(at_.geometry.begin(), at_.geometry.end(), [&row](size_t index) { return row[index].empty(); });
    if (no_face) return true;
    AnnotatedFace face;
    face.place = Place();
    std::vector<double> values;
    if (!Numbers(row, at_.geometry, &values, error)) return false;
    if (!SetGeometry(values, &face, error)) return false;
    if (!at_.class_name.empty()) face.class_name = row[at_.class_name[0]];
    if (!at_.ignore.empty() && !ParseBoolean(row[at_.ignore[0]], &face.ignore)) {
      *error = absl::StrCat("column ", columns_.ignore, " is \"", row[at_.ignore[0]].substr(0, 80), "\"; expected ",
                            kBooleanWords);
      return false;
    }
    for (size_t index : at_.attributes) face.attributes[header_[index]] = FieldToJson(row[index]);
    image->faces.push_back(std::move(face));
    return true;
  }

  bool SetGeometry(const std::vector<double>& v, AnnotatedFace* face, std::string* error) const {
    if (!columns_.ellipse.empty()) {
      const Ellipse ellipse{v[0], v[1], v[2], v[3], v[4]};
      *error = EllipseFault(ellipse);
      if (error->empty()) SetEllipse(ellipse, face);
      return error->empty();
    }
    face->x = v[0];
    face->y = v[1];
    face->w = columns_.corners.empty() ? v[2] : v[2] - v[0];
    face->h = columns_.corners.empty() ? v[3] : v[3] - v[1];
    return true;
  }

  const std::string path_;
  const CsvColumns columns_;
  int64_t line_number_ = 0;
  Row header_;
  Indices at_;
  std::vector<AnnotatedImage> images_;
  absl::flat_hash_map<std::string, size_t> index_of_image_;
};

absl::Status CheckColumns(const CsvColumns& columns) {
  const int given = !columns.box.empty() + !columns.corners.empty() + !columns.ellipse.empty();
  const bool sizes_fit = (columns.box.empty() || columns.box.size() == 4) &&
                         (columns.corners.empty() || columns.corners.size() == 4) &&
                         (columns.ellipse.empty() || columns.ellipse.size() == 5) &&
                         (columns.original_size.empty() || columns.original_size.size() == 2);
  if (given == 1 && sizes_fit) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "CSV columns: give one of box (4 columns), corners (4) and ellipse (5); an original size takes 2 columns");
}

}  // namespace

bool SplitCsvLine(absl::string_view line, std::vector<std::string>* fields) {
  fields->assign(1, "");
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    if (quoted && line[i] == '"' && i + 1 < line.size() && line[i + 1] == '"') {
      fields->back() += line[i++];
    } else if (line[i] == '"') {
      quoted = !quoted;
    } else if (line[i] == ',' && !quoted) {
      fields->emplace_back();
    } else {
      fields->back() += line[i];
    }
  }
  return !quoted;
}

absl::StatusOr<std::unique_ptr<AnnotationSource>> OpenCsv(const std::string& path, const CsvColumns& columns) {
  RETURN_IF_ERROR(CheckColumns(columns));
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(path));
  ASSIGN_OR_RETURN(std::vector<AnnotatedImage> images, CsvReader(path, columns).Read(text));
  return std::make_unique<VectorSource>(std::vector<std::string>{path}, std::move(images));
}

}  // namespace hardface::data
