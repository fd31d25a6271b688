#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/flag_values.h"
#include "base/status_macros.h"
#include "base/tool_main.h"
#include "data_tools/synth/synthesize_dataset.h"

ABSL_FLAG(std::string, output, "", "Folder of the dataset to write. Required.");
ABSL_FLAG(int, images, 0, "Number of images to draw, from 1 to 10000000. Required.");
ABSL_FLAG(uint64_t, seed, 1,
          "Seed for the drawing. Another seed gives other images. An image depends on the seed and its own number "
          "only, not on how many images are drawn.");
ABSL_FLAG(int, width, 480, "Width of the images in pixels, from 32 to 4096.");
ABSL_FLAG(int, height, 360, "Height of the images in pixels, from 32 to 4096.");
ABSL_FLAG(std::vector<std::string>, faces_per_image, std::vector<std::string>({"1", "8"}),
          "Fewest and most faces in an image, as two whole numbers from 0 to 1000. An image gets fewer where they do "
          "not fit.");
ABSL_FLAG(std::vector<std::string>, face_px, std::vector<std::string>({"8", "200"}),
          "Smallest and greatest height of a face in pixels, as two whole numbers from 4 to 2000. A face never takes "
          "more than three quarters of the image's height.");
ABSL_FLAG(
    std::string, scenes, "varied",
    "What is drawn: varied (everything, in natural shares), plain (easy: upright, unhidden faces before an empty "
    "background) or adverse (hard: half hidden and turned faces in the dark, among look-alikes, with blur and noise).");
ABSL_FLAG(int, threads, 0, "Number of threads that draw. 0 uses all processors.");

namespace hardface::data {
namespace {

absl::StatusOr<std::pair<int, int>> Range(absl::string_view flag, const std::vector<std::string>& values, int least,
                                          int most) {
  std::pair<int, int> range;
  const bool good = values.size() == 2 && absl::SimpleAtoi(values[0], &range.first) &&
                    absl::SimpleAtoi(values[1], &range.second) && least <= range.first && range.first <= range.second &&
                    range.second <= most;
  if (good) return range;
  return UsageError(absl::StrCat("--", flag, "=", absl::StrJoin(values, ","), ": give LEAST,MOST, whole numbers from ",
                                 least, " to ", most));
}

absl::Status CheckBetween(absl::string_view flag, int value, int least, int most) {
  if (least <= value && value <= most) return absl::OkStatus();
  return UsageError(absl::StrCat("--", flag, "=", value, ": give a number from ", least, " to ", most));
}

absl::Status Run(const std::vector<std::string>& /*arguments*/) {
  SynthesizeOptions options;
  options.output = absl::GetFlag(FLAGS_output);
  RETURN_IF_ERROR(RequireFlag("output", options.output));
  options.images = absl::GetFlag(FLAGS_images);
  RETURN_IF_ERROR(CheckBetween("images", absl::GetFlag(FLAGS_images), 1, 10000000));
  options.seed = absl::GetFlag(FLAGS_seed);
  options.threads = absl::GetFlag(FLAGS_threads);
  options.scene.width = absl::GetFlag(FLAGS_width);
  options.scene.height = absl::GetFlag(FLAGS_height);
  RETURN_IF_ERROR(CheckBetween("width", options.scene.width, 32, 4096));
  RETURN_IF_ERROR(CheckBetween("height", options.scene.height, 32, 4096));
  RETURN_IF_ERROR(Choose<SceneKind>(
      "scenes", absl::GetFlag(FLAGS_scenes),
      {{"varied", SceneKind::kVaried}, {"plain", SceneKind::kPlain}, {"adverse", SceneKind::kAdverse}},
      &options.scene.kind));
  ASSIGN_OR_RETURN(const auto faces, Range("faces_per_image", absl::GetFlag(FLAGS_faces_per_image), 0, 1000));
  ASSIGN_OR_RETURN(const auto face_px, Range("face_px", absl::GetFlag(FLAGS_face_px), 4, 2000));
  options.scene.min_faces = faces.first;
  options.scene.max_faces = faces.second;
  options.scene.min_face_px = face_px.first;
  options.scene.max_face_px = face_px.second;
  ASSIGN_OR_RETURN(const SynthesizeSummary summary, SynthesizeDataset(options));
  std::printf("images=%lld faces=%lld\n", static_cast<long long>(summary.images),
              static_cast<long long>(summary.faces));
  return absl::OkStatus();
}

}  // namespace
}  // namespace hardface::data

int main(int argc, char** argv) {
  return hardface::ToolMain(
      argc, argv,
      {"data_tools/synthesize",
       "Draws a dataset of people among clutter that looks like faces in part, for trying out the tools and for tests. "
       "Equal seeds give the same bytes on every machine. Prints one line of counts.",
       "",
       {{"output", hardface::kWrites}}},
      &hardface::data::Run);
}
