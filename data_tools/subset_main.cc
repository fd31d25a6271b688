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

ABSL_FLAG(std::string, input, "", "the dataset to choose from");
ABSL_FLAG(std::string, output, "", "the dataset to write (a folder)");
ABSL_FLAG(std::string, images, "", "RE2 pattern to be found in an image's path, such as '^0--Parade/'; empty: all");
ABSL_FLAG(double, min_height, 0, "least height of a chosen face, in pixels");
ABSL_FLAG(double, max_height, 1e9, "greatest height of a chosen face, in pixels");
ABSL_FLAG(std::vector<std::string>, attributes, {},
          "NAME=PATTERN,..: a chosen face's attribute NAME must match the RE2 pattern wholly, such as "
          "occlusion=0,blur=[01]");
ABSL_FLAG(std::string, other_faces, "ignore", "faces not chosen: ignore (kept with ignore set) or drop");
ABSL_FLAG(bool, keep_empty, false, "keep images without a chosen face");
ABSL_FLAG(int64_t, limit, 0, "only the first so many images; 0: all");

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
  return hardface::ToolMain(argc, argv,
                            {"data_tools/subset",
                             "Chooses images by path and faces by height and attributes. Faces not chosen are marked "
                             "to be ignored, for a detector that finds them is not wrong.",
                             "",
                             {{"input", hardface::kReadsDataset}, {"output", hardface::kWrites}}},
                            &hardface::data::Run);
}
