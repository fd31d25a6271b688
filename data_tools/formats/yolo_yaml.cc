#include "data_tools/formats/yolo_yaml.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/paths.h"
#include "base/status_macros.h"

namespace hardface::data {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxClasses = 100000;
constexpr int kMaxPoints = 1000;

class YamlReader {
 public:
  explicit YamlReader(std::string place) : place_(std::move(place)) {}

  absl::StatusOr<YoloYaml> Read(const YAML::Node& root) {
    if (!root.IsMap()) return absl::InvalidArgumentError(absl::StrCat(place_, ": is no map of keys, such as `names:`"));
    YoloYaml yaml;
    RETURN_IF_ERROR(CheckKeys(root));
    if (root["names"].IsMap()) RETURN_IF_ERROR(CheckKeys(root["names"]));
    RETURN_IF_ERROR(ReadPath(root["path"], &yaml.path));
    for (const char* split : {"train", "val", "test"}) RETURN_IF_ERROR(ReadSplit(split, root[split], &yaml));
    RETURN_IF_ERROR(ReadNames(root["names"], &yaml.names));
    RETURN_IF_ERROR(CheckCount(root["nc"], yaml.names.size()));
    RETURN_IF_ERROR(ReadShape(root["kpt_shape"], &yaml));
    return yaml;
  }

 private:
  absl::Status Bad(absl::string_view key, const YAML::Node& node, absl::string_view expected) const {
    YAML::Emitter value;
    value << YAML::Flow << node;
    return absl::InvalidArgumentError(absl::StrCat(place_, ":", node.Mark().line + 1, ": `", key, "` is ",
                                                   std::string(value.c_str()).substr(0, 80), "; expected ", expected));
  }

  // The library takes the first of two equal keys, others the last.
  absl::Status CheckKeys(const YAML::Node& map) const {
    std::set<std::string> keys;
    for (const auto& item : map) {
      if (!item.first.IsScalar() || keys.insert(item.first.Scalar()).second) continue;
      return absl::InvalidArgumentError(absl::StrCat(place_, ":", item.first.Mark().line + 1, ": the key `",
                                                     item.first.Scalar().substr(0, 80), "` stands twice; remove one"));
    }
    return absl::OkStatus();
  }

  absl::Status ReadPath(const YAML::Node& node, std::string* path) const {
    if (!node || node.IsNull()) return absl::OkStatus();
    if (!node.IsScalar()) return Bad("path", node, "a folder");
    *path = node.Scalar();
    return absl::OkStatus();
  }

  absl::Status ReadSplit(const char* name, const YAML::Node& node, YoloYaml* yaml) const {
    if (!node || node.IsNull()) return absl::OkStatus();  // "test:" with nothing behind it is common
    YoloYaml::Split split{name, {}};
    if (node.IsScalar()) split.places.push_back(node.Scalar());
    for (const YAML::Node& item : node) {
      if (!node.IsSequence() || !item.IsScalar()) return Bad(name, node, "a folder of images or a list of folders");
      split.places.push_back(item.Scalar());
    }
    if (!split.places.empty()) yaml->splits.push_back(std::move(split));
    return absl::OkStatus();
  }

  absl::Status ReadNames(const YAML::Node& node, std::vector<std::string>* names) const {
    if (!node) {
      return absl::InvalidArgumentError(
          absl::StrCat(place_, ": has no key `names`; it should name the classes, such as `names: [face]`"));
    }
    if (node.IsSequence()) {
      for (const YAML::Node& name : node) {
        if (!name.IsScalar() && !name.IsNull()) return Bad("names", node, "a list of names");
        names->push_back(name.Scalar());
      }
    } else if (node.IsMap()) {
      for (const auto& item : node) RETURN_IF_ERROR(ReadNumberedName(node, item.first, item.second, names));
    } else if (!node.IsNull()) {
      return Bad("names", node, "a list of names, or a map such as {0: face}");
    }
    // Our own export of a data set without faces has an empty list.
    if (names->empty() && !node.IsSequence()) {
      return absl::InvalidArgumentError(absl::StrCat(place_, ": the key `names` lists no class"));
    }
    return absl::OkStatus();
  }

  absl::Status ReadNumberedName(const YAML::Node& names_node, const YAML::Node& number, const YAML::Node& name,
                                std::vector<std::string>* names) const {
    size_t index = 0;
    if (!YAML::convert<size_t>::decode(number, index) || index >= kMaxClasses || !name.IsScalar()) {
      return Bad("names", names_node, "class numbers with their names, such as {0: face}");
    }
    names->resize(std::max(names->size(), index + 1));
    (*names)[index] = name.Scalar();
    return absl::OkStatus();
  }

  absl::Status CheckCount(const YAML::Node& node, size_t count) const {
    size_t stated = 0;
    if (!node || node.IsNull()) return absl::OkStatus();
    if (YAML::convert<size_t>::decode(node, stated) && stated == count) return absl::OkStatus();
    return Bad("nc", node, absl::StrCat(count, ", the number of `names` from 0 to the last"));
  }

  absl::Status ReadShape(const YAML::Node& node, YoloYaml* yaml) const {
    if (!node || node.IsNull()) return absl::OkStatus();
    const bool good = node.IsSequence() && node.size() == 2 && YAML::convert<int>::decode(node[0], yaml->points) &&
                      YAML::convert<int>::decode(node[1], yaml->point_size) && yaml->points > 0 &&
                      yaml->points <= kMaxPoints && (yaml->point_size == 2 || yaml->point_size == 3);
    return good ? absl::OkStatus()
                : Bad("kpt_shape", node, "the number of keypoints and 2 or 3 numbers each, such as [5, 3]");
  }

  const std::string place_;
};

// Where PLACE of a split lies; "" where it is not there. Data sets are passed around whose places start with a "../"
// too many: they were written for a data.yaml in a folder of its own.
std::string Locate(const std::string& root, const std::string& place) {
  const std::string path = (fs::path(root) / place).lexically_normal().string();
  if (IsThere(path)) return path;
  const std::string shorter =
      (fs::path(root) / std::string(absl::StripPrefix(place, "../"))).lexically_normal().string();
  return shorter != path && IsThere(shorter) ? shorter : "";
}

}  // namespace

absl::StatusOr<YoloYaml> ParseYoloYaml(absl::string_view text, const std::string& place) {
  try {
    return YamlReader(place).Read(YAML::Load(std::string(text)));
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(place, ":", error.mark.line + 1, ": is not valid YAML: ", error.msg,
                                                   " (column ", error.mark.column + 1, ")"));
  }
}

std::string YoloRoot(const YoloYaml& yaml, const std::string& file) {
  const fs::path folder = fs::path(file).parent_path();
  const std::string root = (folder / yaml.path).lexically_normal().string();
  return root.empty() ? "." : root;
}

absl::StatusOr<std::vector<std::string>> SplitPlaces(const YoloYaml& yaml, const std::string& file,
                                                     const std::vector<std::string>& names) {
  const std::string root = YoloRoot(yaml, file);
  std::vector<std::string> places;
  for (const std::string& name : names) {
    const bool known = std::any_of(yaml.splits.begin(), yaml.splits.end(),
                                   [&name](const YoloYaml::Split& split) { return split.name == name; });
    if (!known) return absl::InvalidArgumentError(absl::StrCat(file, ": has no key `", name, "`"));
  }
  for (const YoloYaml::Split& split : yaml.splits) {
    if (!names.empty() && std::find(names.begin(), names.end(), split.name) == names.end()) continue;
    for (const std::string& place : split.places) {
      const std::string found = Locate(root, place);
      if (found.empty()) {
        return absl::NotFoundError(absl::StrCat(
            file, ": `", split.name, "` is ", place, ", but ", (fs::path(root) / place).lexically_normal().string(),
            " is not there; correct `path` or `", split.name, "`, or give the images' folder with --images"));
      }
      if (std::find(places.begin(), places.end(), found) == places.end()) places.push_back(found);
    }
  }
  return places;
}

}  // namespace hardface::data
