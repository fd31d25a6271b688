// COCO's JSON (formats/coco.h reads it). The text is held in memory until the end: annotations come after all images.
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "data_tools/formats/annotation_sink.h"

namespace hardface::data {
namespace {

using Json = nlohmann::json;

std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

class CocoSink : public AnnotationSink {
 public:
  explicit CocoSink(const std::string& folder) : path_(folder + "/annotations.json") {}

  absl::Status Write(const DatasetEntry& entry) override {
    const int64_t id = ++images_count_;
    Append(&images_, absl::StrCat("{\"id\":", id, ",\"file_name\":", Dump(entry.image), ",\"width\":", entry.width,
                                  ",\"height\":", entry.height, Attributes(entry.attributes), "}"));
    for (const Face& face : entry.faces) AddFace(face, id);
    return absl::OkStatus();
  }

  absl::Status Finish() override {
    std::vector<std::string> categories;
    for (size_t i = 0; i < names_.size(); ++i) {
      categories.push_back(absl::StrCat("{\"id\":", i + 1, ",\"name\":", Dump(names_[i]), "}"));
    }
    return WriteNewFile(path_, absl::StrCat("{\"images\":[\n", images_, "],\n\"annotations\":[\n", annotations_,
                                            "],\n\"categories\":[", absl::StrJoin(categories, ","), "]}\n"));
  }

 private:
  static void Append(std::string* list, const std::string& line) {
    absl::StrAppend(list, list->empty() ? "" : ",\n", line);
  }

  static std::string Attributes(const Json& attributes) {
    return attributes.is_object() && !attributes.empty() ? ",\"attributes\":" + Dump(attributes) : "";
  }

  void AddFace(const Face& face, int64_t image_id) {
    const std::string name = ClassOf(face);
    const auto [found, added] = index_by_name_.emplace(name, names_.size() + 1);
    if (added) names_.push_back(name);
    Json rest = face.attributes;
    if (name != "face") rest.erase("class");
    const Rect& box = face.box;
    const double area = static_cast<double>(box.w) * box.h;
    Append(&annotations_,
           absl::StrCat("{\"id\":", ++faces_count_, ",\"image_id\":", image_id, ",\"category_id\":", found->second,
                        ",\"bbox\":[", ShortestNumber(box.x), ",", ShortestNumber(box.y), ",", ShortestNumber(box.w),
                        ",", ShortestNumber(box.h), "],\"area\":", ShortestNumber(area),
                        ",\"iscrowd\":", face.ignore ? 1 : 0, Attributes(rest), "}"));
  }

  const std::string path_;
  int64_t images_count_ = 0, faces_count_ = 0;
  std::string images_, annotations_;
  std::map<std::string, size_t> index_by_name_;
  std::vector<std::string> names_;
};

}  // namespace

std::unique_ptr<AnnotationSink> MakeCocoSink(const std::string& folder) { return std::make_unique<CocoSink>(folder); }

}  // namespace hardface::data
