// For tests: any dataset in WIDER FACE's exact folder layout.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/atomic_output.h"
#include "base/status_macros.h"
#include "base/tool_main.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/formats/mat_test_util.h"

ABSL_FLAG(std::string, train, "", "Dataset to lay out as WIDER_train. Required.");
ABSL_FLAG(std::string, val, "", "Dataset to lay out as WIDER_val. Required.");
ABSL_FLAG(std::string, output, "",
          "Folder to write WIDER_{train,val}/images, wider_face_split and eval_tools/ground_truth into. Required.");

namespace hardface::data {
namespace {

namespace fs = std::filesystem;

// Each second image goes into the second event. An image without faces is in the text as WIDER has it, too.
constexpr const char* kEvents[] = {"0--Parade", "1--Handshaking"};
constexpr const char* kStems[] = {"0_Parade_marchingband_1_", "1_Handshaking_Handshaking_1_"};
constexpr const char* kLabels[] = {"blur", "expression", "illumination", "invalid", "occlusion", "pose"};

// The least face height of the subsets easy, medium and hard (about WIDER's own).
struct Subset {
  const char* name;
  int least_height;
};
constexpr Subset kSubsets[] = {{"easy", 34}, {"medium", 16}, {"hard", 9}};

struct Picture {
  std::string name;  // without folder and extension
  std::vector<std::vector<int32_t>> boxes;
};
using Events = std::vector<std::vector<Picture>>;  // by event

absl::Status Place(const std::string& from, const std::string& to) {
  std::error_code error;
  fs::create_directories(fs::path(to).parent_path(), error);
  if (!error) fs::copy_file(from, to, error);
  if (error) return absl::InternalError(absl::StrCat(to, ": cannot be written from ", from, ": ", error.message()));
  return absl::OkStatus();
}

absl::StatusOr<Events> PlaceImages(const Dataset& dataset, const std::string& images) {
  Events events(2);
  for (size_t i = 0; i < dataset.entries.size(); ++i) {
    Picture picture{absl::StrCat(kStems[i % 2], i + 1), {}};
    for (const Face& face : dataset.entries[i].faces) {
      picture.boxes.push_back(
          {static_cast<int32_t>(std::lround(face.box.x)), static_cast<int32_t>(std::lround(face.box.y)),
           static_cast<int32_t>(std::lround(face.box.w)), static_cast<int32_t>(std::lround(face.box.h))});
    }
    RETURN_IF_ERROR(
        Place(dataset.image_paths[i], absl::StrCat(images, "/", kEvents[i % 2], "/", picture.name, ".jpg")));
    events[i % 2].push_back(std::move(picture));
  }
  return events;
}

std::string AnnotationText(const Events& events) {
  std::string text;
  for (size_t event = 0; event < events.size(); ++event) {
    for (const Picture& picture : events[event]) {
      absl::StrAppend(&text, kEvents[event], "/", picture.name, ".jpg\n", picture.boxes.size(), "\n");
      if (picture.boxes.empty()) text += "0 0 0 0 0 0 0 0 0 0 \n";
      for (const std::vector<int32_t>& box : picture.boxes) {
        absl::StrAppendFormat(&text, "%d %d %d %d 0 0 0 0 0 0 \n", box[0], box[1], box[2], box[3]);
      }
    }
  }
  return text;
}

// A cell of events, each a cell of pictures, each what MAKE makes.
template <typename Make>
matvar_t* PerPicture(const char* name, const Events& events, const Make& make) {
  std::vector<matvar_t*> outer;
  for (const std::vector<Picture>& pictures : events) {
    std::vector<matvar_t*> inner;
    for (const Picture& picture : pictures) inner.push_back(make(picture));
    outer.push_back(NewCells(nullptr, inner));
  }
  return NewCells(name, outer);
}

// What every file holds.
std::vector<matvar_t*> Lists(const Events& events) {
  std::vector<matvar_t*> names;
  for (const char* event : kEvents) names.push_back(NewText(nullptr, event));
  std::vector<matvar_t*> variables = {
      NewCells("event_list", names),
      PerPicture("file_list", events, [](const Picture& picture) { return NewText(nullptr, picture.name); }),
      PerPicture("face_bbx_list", events, [](const Picture& picture) { return NewInt32s(nullptr, picture.boxes, 4); })};
  for (const char* label : kLabels) {
    variables.push_back(PerPicture(absl::StrCat(label, "_label_list").c_str(), events, [](const Picture& picture) {
      return NewInt32s(nullptr, std::vector<std::vector<int32_t>>(picture.boxes.size(), {0}), 1);
    }));
  }
  return variables;
}

void WriteSubset(const Events& events, const Subset& subset, const std::string& folder) {
  std::vector<matvar_t*> variables = Lists(events);
  variables.push_back(PerPicture("gt_list", events, [&](const Picture& picture) {
    std::vector<std::vector<int32_t>> kept;
    for (size_t i = 0; i < picture.boxes.size(); ++i) {
      if (picture.boxes[i][3] >= subset.least_height) kept.push_back({static_cast<int32_t>(i + 1)});
    }
    return NewInt32s(nullptr, kept, 1);
  }));
  WriteMat(absl::StrCat(folder, "/wider_", subset.name, "_val.mat"), variables);
}

absl::Status Run(const std::vector<std::string>&) {
  RETURN_IF_ERROR(RequireFlag("train", absl::GetFlag(FLAGS_train)));
  RETURN_IF_ERROR(RequireFlag("val", absl::GetFlag(FLAGS_val)));
  RETURN_IF_ERROR(RequireFlag("output", absl::GetFlag(FLAGS_output)));
  ASSIGN_OR_RETURN(const auto whole, AtomicFolder::Create(absl::GetFlag(FLAGS_output)));
  const std::string output = whole->temporary_path();
  const std::string truth = output + "/eval_tools/ground_truth", split = output + "/wider_face_split";
  std::error_code error;
  for (const std::string& folder : {truth, split}) {
    fs::create_directories(folder, error);
    if (error) return absl::InternalError(absl::StrCat(folder, ": cannot make this folder: ", error.message()));
  }
  for (const auto& [part, dataset_path] :
       {std::make_pair("train", absl::GetFlag(FLAGS_train)), std::make_pair("val", absl::GetFlag(FLAGS_val))}) {
    ASSIGN_OR_RETURN(const Dataset dataset, ReadDataset(dataset_path));
    ASSIGN_OR_RETURN(const Events events, PlaceImages(dataset, absl::StrCat(output, "/WIDER_", part, "/images")));
    const std::string stem = absl::StrCat(split, "/wider_face_", part);
    RETURN_IF_ERROR(WriteFileAtomically(stem + "_bbx_gt.txt", AnnotationText(events)));
    WriteMat(stem + ".mat", Lists(events));
    if (std::string(part) == "train") continue;
    WriteMat(truth + "/wider_face_val.mat", Lists(events));
    for (const Subset& subset : kSubsets) WriteSubset(events, subset, truth);
  }
  return whole->Commit();
}

}  // namespace
}  // namespace hardface::data

int main(int argc, char** argv) {
  return hardface::ToolMain(
      argc, argv,
      {"data_tools/mini_wider",
       "Lays two datasets out as WIDER FACE's archives unpack, including the .mat files. It is meant for tests.",
       "",
       {{"train", hardface::kReadsDataset}, {"val", hardface::kReadsDataset}, {"output", hardface::kWrites}}},
      &hardface::data::Run);
}
