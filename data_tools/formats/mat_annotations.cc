#include "data_tools/formats/mat_annotations.h"

#include <array>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "data_tools/formats/mat_file.h"

namespace hardface::data {
namespace {

using Variables = std::map<std::string, MatValue>;

constexpr std::array<const char*, 6> kLabels = {"blur", "expression", "illumination", "invalid", "occlusion", "pose"};

std::string LabelVariable(const char* label) { return absl::StrCat(label, "_label_list"); }

// The element of a column or row of cells; null where it is not there.
const MatValue* CellAt(const MatValue* list, size_t index) {
  if (list == nullptr || list->kind != MatValue::Kind::kCells || index >= list->cells.size()) return nullptr;
  return &list->cells[index];
}

const MatValue* Find(const Variables& variables, const std::string& name) {
  const auto found = variables.find(name);
  return found == variables.end() ? nullptr : &found->second;
}

class WiderMat {
 public:
  WiderMat(std::string path, Variables variables) : path_(std::move(path)), variables_(std::move(variables)) {}

  absl::StatusOr<std::vector<AnnotatedImage>> Read() const {
    const MatValue* events = Find(variables_, "event_list");
    const MatValue* files = Find(variables_, "file_list");
    for (const MatValue* list : {events, files, Find(variables_, "face_bbx_list")}) {
      if (list == nullptr || list->kind != MatValue::Kind::kCells) {
        return absl::InvalidArgumentError(
            absl::StrCat(path_,
                         ": lacks one of the cell arrays event_list, file_list, face_bbx_list; expected "
                         "wider_face_train.mat or wider_face_val.mat"));
      }
    }
    std::vector<AnnotatedImage> images;
    for (size_t e = 0; e < events->cells.size(); ++e) {
      const MatValue* names = CellAt(files, e);
      if (names == nullptr)
        return absl::InvalidArgumentError(absl::StrCat(path_, ": file_list{", e + 1, "} is missing"));
      for (size_t i = 0; i < names->cells.size(); ++i) {
        images.push_back(ReadImage(events->cells[e].text, names->cells[i].text, e, i));
      }
    }
    return images;
  }

 private:
  AnnotatedImage ReadImage(const std::string& event, const std::string& name, size_t e, size_t i) const {
    AnnotatedImage image;
    image.place = absl::StrCat(path_, ": face_bbx_list{", e + 1, "}{", i + 1, "}");
    image.candidates = {absl::StrCat(event, "/", name, ".jpg")};
    image.attributes["event"] = event;
    const MatValue* boxes = CellAt(CellAt(Find(variables_, "face_bbx_list"), e), i);
    if (event.empty() || name.empty() || boxes == nullptr || boxes->kind != MatValue::Kind::kNumbers ||
        (boxes->size() > 0 && boxes->columns() != 4)) {
      image.errors.push_back(absl::StrCat(image.place, ": no event, no name, or not the columns x, y, w, h"));
      return image;
    }
    if (boxes->size() == 0) return image;
    for (int64_t row = 0; row < boxes->rows(); ++row) image.faces.push_back(ReadFace(*boxes, row, e, i));
    if (IsPlaceholder(image)) {
      image.faces.clear();
      image.placeholder_boxes = 1;
    }
    return image;
  }

  AnnotatedFace ReadFace(const MatValue& boxes, int64_t row, size_t e, size_t i) const {
    AnnotatedFace face;
    face.x = boxes.At(row, 0);
    face.y = boxes.At(row, 1);
    face.w = boxes.At(row, 2);
    face.h = boxes.At(row, 3);
    for (const char* label : kLabels) {
      const MatValue* values = CellAt(CellAt(Find(variables_, LabelVariable(label)), e), i);
      if (values == nullptr || row >= static_cast<int64_t>(values->numbers.size())) continue;
      face.attributes[label] = NumberToJson(values->numbers[row]);
    }
    face.ignore = face.attributes.is_object() && face.attributes.value("invalid", nlohmann::json(0)) != 0;
    return face;
  }

  // One box of zeros stands for "no face", as in the text form.
  static bool IsPlaceholder(const AnnotatedImage& image) {
    if (image.faces.size() != 1) return false;
    const AnnotatedFace& face = image.faces[0];
    return face.x == 0 && face.y == 0 && face.w == 0 && face.h == 0;
  }

  const std::string path_;
  const Variables variables_;
};

AnnotatedImage ReadFaceEvalImage(const MatValue& annotations, int64_t element, const std::string& path) {
  AnnotatedImage image;
  image.place = absl::StrCat(path, ": Annotations(", element + 1, ")");
  const MatValue* name = annotations.Field(element, "imgname");
  const MatValue* size = annotations.Field(element, "imgsize");
  const MatValue* objects = annotations.Field(element, "objects");
  image.candidates = {name == nullptr || name->text.empty() ? absl::StrCat("unnamed_", element + 1) : name->text};
  const bool rows_fit = objects != nullptr && objects->kind == MatValue::Kind::kNumbers &&
                        (objects->size() == 0 || objects->columns() >= 4);
  if (name == nullptr || name->text.empty() || !rows_fit) {
    image.errors.push_back(
        absl::StrCat(image.place, ": no imgname, or objects without the columns x1, y1, x2, y2, pose, ignore"));
    return image;
  }
  if (size != nullptr && size->numbers.size() >= 2 && size->numbers[0] > 0 && size->numbers[0] < 1e6 &&
      size->numbers[1] > 0 && size->numbers[1] < 1e6) {
    image.declared_width = static_cast<int>(size->numbers[0]);
    image.declared_height = static_cast<int>(size->numbers[1]);
  }
  for (int64_t row = 0; objects->size() > 0 && row < objects->rows(); ++row) {
    AnnotatedFace face;
    face.x = objects->At(row, 0);
    face.y = objects->At(row, 1);
    face.w = objects->At(row, 2) - face.x;
    face.h = objects->At(row, 3) - face.y;
    if (objects->columns() > 4) face.attributes["pose"] = NumberToJson(objects->At(row, 4));
    face.ignore = objects->columns() > 5 && objects->At(row, 5) != 0;
    image.faces.push_back(std::move(face));
  }
  return image;
}

}  // namespace

absl::StatusOr<std::unique_ptr<AnnotationSource>> OpenWiderMat(const std::string& path) {
  std::vector<std::string> names = {"event_list", "file_list", "face_bbx_list"};
  for (const char* label : kLabels) names.push_back(LabelVariable(label));
  ASSIGN_OR_RETURN(Variables variables, ReadMatFile(path, names));
  ASSIGN_OR_RETURN(std::vector<AnnotatedImage> images, WiderMat(path, std::move(variables)).Read());
  return std::make_unique<VectorSource>(std::vector<std::string>{path}, std::move(images));
}

absl::StatusOr<std::unique_ptr<AnnotationSource>> OpenFaceEvalMat(const std::string& path) {
  ASSIGN_OR_RETURN(const Variables variables, ReadMatFile(path, {"Annotations"}));
  const MatValue* annotations = Find(variables, "Annotations");
  if (annotations == nullptr || annotations->kind != MatValue::Kind::kStructs) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": has no struct array Annotations; expected face-eval's annotations of AFW or PASCAL faces"));
  }
  std::vector<AnnotatedImage> images;
  for (int64_t i = 0; i < annotations->size(); ++i) images.push_back(ReadFaceEvalImage(*annotations, i, path));
  return std::make_unique<VectorSource>(std::vector<std::string>{path}, std::move(images));
}

}  // namespace hardface::data
