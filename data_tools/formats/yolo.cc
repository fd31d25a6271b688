#include "data_tools/formats/yolo.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/paths.h"
#include "base/read_file.h"
#include "base/status_macros.h"
#include "base/text_file.h"
#include "base/text_lines.h"
#include "data_tools/formats/yolo_labels.h"
#include "data_tools/formats/yolo_yaml.h"
#include "data_tools/images/image_walk.h"

namespace hardface::data {
namespace {

namespace fs = std::filesystem;

bool IsYaml(const std::string& path) {
  return absl::EndsWithIgnoreCase(path, ".yaml") || absl::EndsWithIgnoreCase(path, ".yml");
}

std::string FolderOf(const std::string& file) {
  const std::string folder = fs::path(file).parent_path().string();
  return folder.empty() ? "." : folder;
}

// Class names of a text file, one a line. An empty line counts, so that the names behind it keep their numbers.
std::vector<std::string> NamesOfLines(absl::string_view text) {
  std::vector<std::string> names;
  for (absl::string_view line : absl::StrSplit(WithoutByteOrderMark(text), '\n')) {
    names.emplace_back(absl::StripAsciiWhitespace(line));
  }
  while (!names.empty() && names.back().empty()) names.pop_back();
  return names;
}

// What a data set says of itself: data.yaml, or a list of class names.
struct Description {
  std::string file;  // "" where there is none
  YoloYaml yaml;     // of a list of names the names only
};

absl::StatusOr<Description> ReadDescription(const std::string& labels, const std::string& names) {
  Description description{names, {}};
  for (const char* usual : {"data.yaml", "../data.yaml", "classes.txt", "obj.names"}) {
    const std::string path = (fs::path(labels) / usual).string();
    if (!description.file.empty()) break;
    ASSIGN_OR_RETURN(const bool there, PathExists(path));
    if (there) description.file = path;
  }
  if (description.file.empty()) return description;
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(description.file));
  if (IsYaml(description.file)) {
    ASSIGN_OR_RETURN(description.yaml, ParseYoloYaml(text, description.file));
  } else {
    description.yaml.names = NamesOfLines(text);
  }
  return description;
}

struct Images {
  std::string folder;
  std::vector<std::string> files;  // relative to the folder, or absolute where they lie outside of it
  std::vector<std::string> other_pictures;
};

// PATH as an image of FOLDER is called.
std::string NameIn(const std::string& folder, const std::string& path) {
  const fs::path relative = fs::path(path).lexically_normal().lexically_relative(fs::path(folder).lexically_normal());
  const bool inside = !relative.empty() && *relative.begin() != "..";
  std::error_code ignored;
  return inside ? relative.string() : fs::absolute(path, ignored).lexically_normal().string();
}

// The images that a text file lists, one a line, relative to the file or to ROOT.
absl::StatusOr<std::vector<std::string>> ListedImages(const std::string& list, const std::string& root) {
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(list));
  std::vector<std::string> paths;
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipWhitespace())) {
    const std::string path(absl::StripAsciiWhitespace(line));
    const std::string beside_list = (fs::path(FolderOf(list)) / path).string();
    paths.push_back(IsThere(beside_list) ? beside_list : (fs::path(root) / path).string());
  }
  return paths;
}

absl::Status AddPlace(const std::string& place, std::set<std::string>* seen, Images* images) {
  std::vector<std::string> paths;
  if (IsFolder(place)) {
    ASSIGN_OR_RETURN(const ImageWalk walk, WalkImages(place));
    for (const std::string& file : walk.images) paths.push_back((fs::path(place) / file).string());
    for (const std::string& file : walk.other_pictures)
      images->other_pictures.push_back((fs::path(place) / file).string());
  } else if (HasImageExtension(place)) {
    paths.push_back(place);
  } else {
    ASSIGN_OR_RETURN(paths, ListedImages(place, images->folder));
  }
  for (const std::string& path : paths) {
    const std::string name = NameIn(images->folder, path);
    if (seen->insert(name).second) images->files.push_back(name);
  }
  return absl::OkStatus();
}

absl::StatusOr<Images> ImagesOfYaml(const Description& description, const std::vector<std::string>& splits) {
  ASSIGN_OR_RETURN(const std::vector<std::string> places, SplitPlaces(description.yaml, description.file, splits));
  Images images;
  images.folder = YoloRoot(description.yaml, description.file);
  std::set<std::string> seen;
  for (const std::string& place : places) RETURN_IF_ERROR(AddPlace(place, &seen, &images));
  return images;
}

absl::StatusOr<Images> ImagesUnder(const std::string& folder) {
  ASSIGN_OR_RETURN(ImageWalk walk, WalkImages(folder));
  Images images{folder, std::move(walk.images), {}};
  for (const std::string& file : walk.other_pictures)
    images.other_pictures.push_back((fs::path(folder) / file).string());
  return images;
}

// What the user names counts; then the images that lie with the labels, unless he named a data.yaml that says where
// they are; then what a data.yaml says that lies with the labels.
absl::StatusOr<Images> FindImages(const YoloOptions& options, const std::string& labels,
                                  const Description& description) {
  const bool has_splits = !description.yaml.splits.empty();
  if (!options.splits.empty() && (!has_splits || !options.images.empty())) {
    return absl::InvalidArgumentError(
        absl::StrCat("--yolo_splits chooses among the keys train, val and test of a data.yaml; ",
                     has_splits ? "--images, which is given as well, chooses a folder instead: leave one of them out"
                                : absl::StrCat(options.labels, " is none and has none with such keys")));
  }
  Images images;
  const bool named_yaml = has_splits && (IsYaml(options.labels) || !options.splits.empty());
  if (!options.images.empty() || !named_yaml) {
    ASSIGN_OR_RETURN(images, ImagesUnder(options.images.empty() ? labels : options.images));
  }
  if (images.files.empty() && options.images.empty() && has_splits) {
    ASSIGN_OR_RETURN(images, ImagesOfYaml(description, options.splits));
  }
  if (!images.files.empty()) return images;
  return absl::NotFoundError(absl::StrCat(
      images.folder, ": holds no .jpg, .jpeg, .png, .bmp or .webp; give the images' folder with --images",
      images.other_pictures.empty()
          ? ""
          : absl::StrCat(" (", images.other_pictures.size(), " pictures are in formats that are not read, such as ",
                         images.other_pictures[0], ")")));
}

// The folder "labels" beside the last folder "images" on the way to FOLDER, in any case; "" where there is none. Needed
// where the user names the folder of images alone.
std::string LabelsBeside(const std::string& folder) {
  std::error_code error;
  fs::path path = fs::absolute(folder, error).lexically_normal();
  for (; path.has_relative_path(); path = path.parent_path()) {
    if (!absl::EqualsIgnoreCase(path.filename().string(), "images")) continue;
    for (const auto& entry : fs::directory_iterator(path.parent_path(), error)) {
      const std::string name = entry.path().filename().string();
      if (absl::EqualsIgnoreCase(name, "labels") && entry.is_directory(error)) return entry.path().string();
    }
    return "";
  }
  return "";
}

class YoloSource : public AnnotationSource {
 public:
  YoloSource(Images images, std::string labels, Description description, const YoloOptions& options)
      : images_(std::move(images)), labels_(std::move(labels)), description_(std::move(description)) {
    rules_.rows = options.rows;
    rules_.fractions = options.fractions;
    rules_.points = description_.yaml.points;
    rules_.point_size = description_.yaml.point_size;
    if (!description_.file.empty()) inputs_.push_back(description_.file);
  }

  // Finds the images' label files, and reads them once to learn what their rows are.
  absl::Status Prepare() {
    ASSIGN_OR_RETURN(YoloLabelIndex index, YoloLabelIndex::Create(LabelFolders()));
    for (const std::string& file : images_.files) RETURN_IF_ERROR(AddItem(file, &index));
    unused_ = index.Unused();
    return CheckSomeAreLabelled();
  }

  absl::StatusOr<bool> Next(AnnotatedImage* image) override {
    if (next_ == items_.size()) return false;
    const Item& item = items_[next_++];
    *image = AnnotatedImage();
    image->place = item.label.empty() ? item.image : item.label;
    image->candidates = {item.image};
    image->unlabelled = item.label.empty();
    if (rules_.fractions) image->reference_width = image->reference_height = 1;
    if (item.label.empty()) return true;
    if (item.label_again) {
      image->errors.push_back(absl::StrCat(item.label, ": belongs to two images, the second being ", item.image,
                                           "; keep one of them, or rename one with labels of its own"));
      return true;
    }
    ASSIGN_OR_RETURN(const std::string text, ReadFile(item.label));
    if (const absl::Status utf8 = CheckIsUtf8Text(text, item.label); !utf8.ok()) {
      image->errors.emplace_back(utf8.message());
      return true;
    }
    ParseYoloLabels(text, item.label, description_.yaml.names, rules_, image);
    return true;
  }

  int64_t size() const override { return static_cast<int64_t>(items_.size()); }
  std::vector<std::string> inputs() const override { return inputs_; }

  std::vector<SourceFinding> findings() const override {
    std::vector<SourceFinding> findings;
    for (const std::string& file : unused_) {
      findings.push_back({"unused_file", "", "", file + ": a label file that belongs to no image"});
    }
    return findings;
  }

 private:
  struct Item {
    std::string image, label;
    bool label_again = false;
  };

  // Where label files may lie: with the labels, with the images, and beside folders of images that the user named
  // alone.
  std::vector<std::string> LabelFolders() const {
    std::set<std::string> of_images;
    if (IsFolder(images_.folder)) of_images.insert(images_.folder);
    for (const std::string& file : images_.files) {
      if (fs::path(file).is_absolute()) of_images.insert(FolderOf(file));
    }
    std::vector<std::string> folders = {labels_};
    for (const std::string& folder : of_images) {
      folders.push_back(folder);
      const std::string beside = LabelsBeside(folder);
      if (!beside.empty() && std::find(folders.begin(), folders.end(), beside) == folders.end())
        folders.push_back(beside);
    }
    return folders;
  }

  absl::Status AddItem(const std::string& file, YoloLabelIndex* index) {
    Item item{file, "", false};
    item.label = index->Find(labels_, images_.folder, file, &item.label_again);
    if (!item.label.empty() && !item.label_again) {
      ASSIGN_OR_RETURN(const std::string text, ReadFile(item.label));
      NoteLandmarks(text, &rules_);
      inputs_.push_back(item.label);
    }
    items_.push_back(std::move(item));
    return absl::OkStatus();
  }

  absl::Status CheckSomeAreLabelled() const {
    const bool labelled =
        std::any_of(items_.begin(), items_.end(), [](const Item& item) { return !item.label.empty(); });
    if (labelled) return absl::OkStatus();
    const std::string& first = items_[0].image;
    return absl::NotFoundError(absl::StrCat(
        images_.folder, ": none of its ", items_.size(), " images has a label file. For ", first, ", ",
        (fs::path(labels_) / YoloLabelPath(first)).string(), " was looked for, and the same beside the image. ",
        unused_.empty() ? "" : absl::StrCat(unused_.size(), " label files lie elsewhere, such as ", unused_[0], ". "),
        "Give the labels' folder with --input, or --format=none for pictures without faces"));
  }

  const Images images_;
  const std::string labels_;
  const Description description_;
  YoloRowRules rules_;
  std::vector<Item> items_;
  std::vector<std::string> unused_;
  std::vector<std::string> inputs_;
  size_t next_ = 0;
};

}  // namespace

absl::StatusOr<YoloDataSet> OpenYolo(const YoloOptions& options) {
  const bool is_folder = IsFolder(options.labels);
  if (!is_folder && !IsYaml(options.labels)) {
    return absl::NotFoundError(absl::StrCat(
        options.labels, ": is no folder and no data.yaml; give the folder of the labels, or the data set's data.yaml"));
  }
  const std::string labels = is_folder ? options.labels : FolderOf(options.labels);
  const std::string names = options.names.empty() && !is_folder ? options.labels : options.names;
  ASSIGN_OR_RETURN(Description description, ReadDescription(labels, names));
  ASSIGN_OR_RETURN(Images images, FindImages(options, labels, description));
  YoloDataSet data_set;
  data_set.images = images.folder;
  auto source = std::make_unique<YoloSource>(std::move(images), labels, std::move(description), options);
  RETURN_IF_ERROR(source->Prepare());
  data_set.source = std::move(source);
  return data_set;
}

}  // namespace hardface::data
