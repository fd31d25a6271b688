#include "data_tools/formats/yolo.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/atomic_output.h"
#include "base/status_macros.h"

namespace hardface::data {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxClasses = 100000;

// A YAML scalar without comment and quotes.
std::string Unquote(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  if (text.size() >= 2 && (text[0] == '"' || text[0] == '\'')) {
    const size_t end = text.find(text[0], 1);
    if (end != absl::string_view::npos) return std::string(text.substr(1, end - 1));
  }
  const size_t comment = text.find(" #");
  if (comment != absl::string_view::npos) text = text.substr(0, comment);
  return std::string(absl::StripAsciiWhitespace(text));
}

// "- name" or "3: name" into NAMES; false for anything else.
bool AddNameLine(absl::string_view line, std::vector<std::string>* names) {
  line = absl::StripAsciiWhitespace(line);
  if (absl::ConsumePrefix(&line, "-")) {
    names->push_back(Unquote(line));
    return true;
  }
  const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(line, absl::MaxSplits(':', 1));
  size_t index = 0;
  if (!absl::SimpleAtoi(Unquote(parts.first), &index) || index >= kMaxClasses) return false;
  names->resize(std::max(names->size(), index + 1));
  (*names)[index] = Unquote(parts.second);
  return true;
}

// "[a, 'b', c]" or "{0: a, 1: b}".
absl::StatusOr<std::vector<std::string>> ParseFlow(absl::string_view text, const std::string& place) {
  const bool map = text[0] == '{';
  const size_t end = text.find(map ? '}' : ']');
  if (end == absl::string_view::npos) {
    return absl::InvalidArgumentError(absl::StrCat(place, ": the list `names` is not closed"));
  }
  std::vector<std::string> names;
  for (absl::string_view item : absl::StrSplit(text.substr(1, end - 1), ',', absl::SkipWhitespace())) {
    if (!map) {
      names.push_back(Unquote(item));
    } else if (!AddNameLine(item, &names)) {
      return absl::InvalidArgumentError(absl::StrCat(place, ": `names` holds \"", item, "\"; expected NUMBER: NAME"));
    }
  }
  return names;
}

// The box around a row's numbers: "cx cy w h", or a polygon's "x1 y1 x2 y2 ...".
bool SetBox(const std::vector<double>& values, AnnotatedFace* face) {
  if (values.size() == 4) {
    face->w = values[2];
    face->h = values[3];
    face->x = values[0] - face->w / 2;
    face->y = values[1] - face->h / 2;
    return true;
  }
  if (values.size() < 6 || values.size() % 2 != 0) return false;
  double low[2] = {values[0], values[1]}, high[2] = {values[0], values[1]};
  for (size_t i = 2; i < values.size(); ++i) {
    low[i % 2] = std::min(low[i % 2], values[i]);
    high[i % 2] = std::max(high[i % 2], values[i]);
  }
  face->x = low[0];
  face->y = low[1];
  face->w = high[0] - low[0];
  face->h = high[1] - low[1];
  return true;
}

// False with *error set on a row that is no face.
bool ParseRow(absl::string_view row, const std::vector<std::string>& names, AnnotatedFace* face, std::string* error) {
  const std::vector<std::string> fields = absl::StrSplit(row, absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
  std::vector<double> values;
  for (const std::string& field : fields) {
    if (ParseNumber(field, &values.emplace_back())) continue;
    *error = absl::StrCat("\"", field.substr(0, 80), "\" is not a number");
    return false;
  }
  const double class_id = values[0];
  if (!(class_id >= 0 && class_id < kMaxClasses) || class_id != static_cast<int>(class_id)) {
    *error = absl::StrCat("\"", fields[0].substr(0, 80), "\" is no class number");
    return false;
  }
  if (!SetBox({values.begin() + 1, values.end()}, face)) {
    *error = absl::StrCat(fields.size(), " numbers; expected \"class cx cy w h\"");
    return false;
  }
  const size_t index = static_cast<size_t>(class_id);
  face->class_name = index < names.size() && !names[index].empty() ? names[index] : absl::StrCat(index);
  return true;
}

absl::StatusOr<std::vector<std::string>> ReadNames(const YoloOptions& options, std::string* file) {
  *file = options.names;
  for (const char* usual : {"data.yaml", "../data.yaml", "classes.txt"}) {
    const fs::path path = fs::path(options.labels) / usual;
    if (!file->empty()) break;
    ASSIGN_OR_RETURN(const bool there, PathExists(path.string()));
    if (there) *file = path.string();
  }
  if (file->empty()) return std::vector<std::string>();
  ASSIGN_OR_RETURN(const std::string text, ReadFile(*file));
  const std::string extension = fs::path(*file).extension().string();
  if (extension == ".yaml" || extension == ".yml") return ParseYoloNames(text, *file);
  std::vector<std::string> names;
  for (absl::string_view line : absl::StrSplit(WithoutBom(text), '\n', absl::SkipWhitespace())) {
    names.emplace_back(absl::StripAsciiWhitespace(line));
  }
  return names;
}

class YoloSource : public AnnotationSource {
 public:
  YoloSource(std::string labels, std::vector<std::string> images, std::vector<std::string> names,
             const std::string& names_file)
      : labels_(std::move(labels)), images_(std::move(images)), names_(std::move(names)) {
    if (!names_file.empty()) inputs_.push_back(names_file);
  }

  absl::StatusOr<bool> Next(AnnotatedImage* image) override {
    if (next_ == images_.size()) return false;
    const std::string& file = images_[next_++];
    const std::string label = YoloLabelPath(file);
    *image = AnnotatedImage();
    image->place = label;
    image->candidates = {file};
    image->reference_width = image->reference_height = 1;
    const std::string path = (fs::path(labels_) / label).string();
    ASSIGN_OR_RETURN(const bool labelled, PathExists(path));
    if (!labelled) return true;
    ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
    inputs_.push_back(path);
    ParseYoloLabels(text, label, names_, image);
    return true;
  }

  int64_t size() const override { return static_cast<int64_t>(images_.size()); }
  std::vector<std::string> inputs() const override { return inputs_; }

 private:
  const std::string labels_;
  const std::vector<std::string> images_;
  const std::vector<std::string> names_;
  std::vector<std::string> inputs_;
  size_t next_ = 0;
};

}  // namespace

std::string YoloLabelPath(const std::string& image) {
  const fs::path path(image);
  const std::vector<fs::path> parts(path.begin(), path.end());
  const auto last = std::find(parts.rbegin(), parts.rend(), fs::path("images"));
  fs::path label;
  for (size_t i = 0; i < parts.size(); ++i) {
    const bool replaced = last != parts.rend() && i + 1 == static_cast<size_t>(parts.rend() - last);
    label /= replaced ? fs::path("labels") : parts[i];
  }
  return label.replace_extension(".txt").string();
}

absl::StatusOr<std::vector<std::string>> ParseYoloNames(absl::string_view yaml, const std::string& place) {
  const std::string text = absl::StrCat("\n", WithoutBom(yaml));
  const size_t key = text.find("\nnames:");
  if (key == std::string::npos) return absl::InvalidArgumentError(absl::StrCat(place, ": has no key `names`"));
  const absl::string_view rest = absl::string_view(text).substr(key + 7);
  const absl::string_view flow = absl::StripLeadingAsciiWhitespace(rest);
  if (!flow.empty() && (flow[0] == '[' || flow[0] == '{')) return ParseFlow(flow, place);
  std::vector<std::string> names;
  for (absl::string_view line : absl::StrSplit(rest, '\n', absl::SkipWhitespace())) {
    if (absl::StripLeadingAsciiWhitespace(line)[0] == '#') continue;
    if (!AddNameLine(line, &names)) break;
  }
  if (names.empty()) return absl::InvalidArgumentError(absl::StrCat(place, ": the key `names` lists no class"));
  return names;
}

void ParseYoloLabels(absl::string_view text, const std::string& place, const std::vector<std::string>& names,
                     AnnotatedImage* image) {
  int line_number = 0;
  for (absl::string_view row : absl::StrSplit(WithoutBom(text), '\n')) {
    ++line_number;
    row = absl::StripAsciiWhitespace(row);
    if (row.empty()) continue;
    AnnotatedFace face;
    face.place = absl::StrCat(place, ":", line_number);
    std::string error;
    if (ParseRow(row, names, &face, &error)) {
      image->faces.push_back(std::move(face));
    } else {
      image->errors.push_back(absl::StrCat(face.place, ": ", error));
    }
  }
}

absl::StatusOr<std::unique_ptr<AnnotationSource>> OpenYolo(const YoloOptions& options) {
  YoloOptions resolved = options;
  std::error_code ignored;
  if (fs::is_regular_file(options.labels, ignored)) {
    resolved.labels = fs::path(options.labels).parent_path().string();
    if (resolved.labels.empty()) resolved.labels = ".";
    if (resolved.names.empty()) resolved.names = options.labels;
  }
  std::string names_file;
  ASSIGN_OR_RETURN(std::vector<std::string> names, ReadNames(resolved, &names_file));
  ASSIGN_OR_RETURN(std::vector<std::string> images, ListFiles(options.images, ImageExtensions()));
  if (images.empty()) return absl::NotFoundError(absl::StrCat(options.images, ": holds no .jpg, .jpeg or .png"));
  return std::make_unique<YoloSource>(resolved.labels, std::move(images), std::move(names), names_file);
}

}  // namespace hardface::data
