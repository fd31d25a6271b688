#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "base/tool_main.h"
#include "data_tools/dataset/select_entries.h"

ABSL_FLAG(std::string, input, "", "Dataset to choose from. Required.");
ABSL_FLAG(std::string, output, "", "Folder of the dataset to write. Required.");
ABSL_FLAG(std::string, images, "",
          "RE2 pattern to look for in each image's path, such as '^0--Parade/'. Only images whose path contains a "
          "match are kept. Empty keeps all.");
ABSL_FLAG(double, min_height, 0, "Smallest height of a chosen face in pixels.");
ABSL_FLAG(double, max_height, 1e9, "Greatest height of a chosen face in pixels.");
ABSL_FLAG(std::vector<std::string>, attributes, {},
          "Conditions NAME=PATTERN, separated by commas, such as occlusion=0,blur=[01]. A chosen face's attribute NAME "
          "must match the whole RE2 pattern. Empty sets no condition.");
ABSL_FLAG(std::string, other_faces, "ignore",
          "What happens to faces that are not chosen: ignore keeps them with ignore set, drop leaves them out.");
ABSL_FLAG(bool, keep_empty, false, "Keeps images without a chosen face.");
ABSL_FLAG(int64_t, limit, 0, "Keeps only this many images, the first ones. 0 keeps all.");

namespace hardface::data {
namespace {

absl::Status Run(const std::vector<std::string>& /*arguments*/) {
  SubsetOptions options;
  options.input = absl::GetFlag(FLAGS_input);
  options.output = absl::GetFlag(FLAGS_output);
  RETURN_IF_ERROR(RequireFlag("input", options.input));
  RETURN_IF_ERROR(RequireFlag("output", options.output));
  options.images = absl::GetFlag(FLAGS_images);
  options.min_height = absl::GetFlag(FLAGS_min_height);
  options.max_height = absl::GetFlag(FLAGS_max_height);
  if (!(options.min_height >= 0 && options.max_height >= options.min_height)) {
    return UsageError(absl::StrCat("--min_height=", options.min_height, " --max_height=", options.max_height,
                                   ": must be numbers from 0 on, the greatest height no less than the least"));
  }
  for (const std::string& condition : absl::GetFlag(FLAGS_attributes)) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(condition, absl::MaxSplits('=', 1));
    if (!absl::StrContains(condition, '=') || parts.first.empty()) {
      return UsageError(absl::StrCat("--attributes holds \"", condition, "\"; expected NAME=PATTERN"));
    }
    options.attributes.push_back(parts);
  }
  const std::string others = absl::GetFlag(FLAGS_other_faces);
  if (others != "ignore" && others != "drop") {
    return UsageError(absl::StrCat("--other_faces=", others, ": give one of ignore, drop"));
  }
  options.drop_others = others == "drop";
  options.keep_empty = absl::GetFlag(FLAGS_keep_empty);
  options.limit = absl::GetFlag(FLAGS_limit);
  if (options.limit < 0) return UsageError(absl::StrCat("--limit=", options.limit, ": give 0 or a number of images"));
  ASSIGN_OR_RETURN(const DatasetCounts counts, SubsetDataset(options));
  if (counts.images == 0) {
    std::fprintf(stderr,
                 "Warning: nothing was chosen, and the dataset is empty. Do --images, --min_height, --max_height and "
                 "--attributes fit %s (data_tools:stats counts its faces)?\n",
                 options.input.c_str());
  }
  std::printf("images=%lld faces=%lld\n", static_cast<long long>(counts.images), static_cast<long long>(counts.faces));
  return absl::OkStatus();
}

}  // namespace
}  // namespace hardface::data

int main(int argc, char** argv) {
  return hardface::ToolMain(
      argc, argv,
      {"data_tools/subset",
       "Chooses images by path, and faces by height and attributes. Faces that are not chosen are marked to be "
       "ignored, because a detector that finds them is not wrong. Prints one line of counts.",
       "",
       {{"input", hardface::kReadsDataset}, {"output", hardface::kWrites}}},
      &hardface::data::Run);
}
