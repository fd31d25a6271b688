#include "data_tools/augmentation/augment_flags.h"

#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "base/flag_values.h"
#include "base/status_macros.h"
#include "base/tool_main.h"

ABSL_FLAG(std::string, crops, "paper",
          "paper (random short side, crop) or face_scale (crops around scaled faces, mosaics)");
ABSL_FLAG(bool, distort_colors, true, "the paper's brightness, contrast, saturation and hue distortions");
ABSL_FLAG(std::vector<std::string>, short_sides, std::vector<std::string>({"400", "800", "1200"}),
          "of --crops=paper: pixels");
ABSL_FLAG(int, max_long_side, 2000, "of --crops=paper: pixels");
ABSL_FLAG(double, crop_probability, 0.5, "of --crops=paper");
ABSL_FLAG(int, crop_size, 320, "of --crops=face_scale: pixels, a multiple of 16");
ABSL_FLAG(double, min_face, 8, "of --crops=face_scale: smallest size a face is scaled to, pixels");
ABSL_FLAG(double, max_face, 96, "of --crops=face_scale: largest size a face is scaled to, pixels");
ABSL_FLAG(double, mosaic_probability, 0.6, "of --crops=face_scale: of a sample being a grid of crops");
ABSL_FLAG(double, close_up_probability, 0.25,
          "of --crops=face_scale: of a single crop showing a face of 1 to 4 times --max_face");
ABSL_FLAG(double, random_crop_probability, 0,
          "of --crops=face_scale: of a single crop being cut anywhere, at any scale up to the pyramid's level 1400");
ABSL_FLAG(double, rotation, 0, "of --crops=face_scale: degrees that crops are turned by, at most");
ABSL_FLAG(double, stretch, 0, "of --crops=face_scale: change of width against height, at most; 0.2: 1 / 1.2 to 1.2");
ABSL_FLAG(double, degrade_probability, 0,
          "of --crops=face_scale: of a crop being blurred, of fewer pixels, noisy or grey");
ABSL_FLAG(double, occlude_probability, 0, "of --crops=face_scale: of a face being partly hidden");

namespace hardface::data {

absl::StatusOr<AugmentOptions> AugmentOptionsFromFlags() {
  AugmentOptions options;
  RETURN_IF_ERROR(Choose("crops", absl::GetFlag(FLAGS_crops),
                         {{"paper", CropStyle::kPaper}, {"face_scale", CropStyle::kFaceScale}}, &options.crops));
  RETURN_IF_ERROR(ParsePositive("short_sides", absl::GetFlag(FLAGS_short_sides), &options.short_sides));
  options.distort_colors = absl::GetFlag(FLAGS_distort_colors);
  options.max_long_side = absl::GetFlag(FLAGS_max_long_side);
  options.crop_probability = absl::GetFlag(FLAGS_crop_probability);
  options.crop_size = absl::GetFlag(FLAGS_crop_size);
  options.min_face = absl::GetFlag(FLAGS_min_face);
  options.max_face = absl::GetFlag(FLAGS_max_face);
  options.mosaic_probability = absl::GetFlag(FLAGS_mosaic_probability);
  options.close_up_probability = absl::GetFlag(FLAGS_close_up_probability);
  options.random_crop_probability = absl::GetFlag(FLAGS_random_crop_probability);
  options.rotation = absl::GetFlag(FLAGS_rotation);
  options.stretch = absl::GetFlag(FLAGS_stretch);
  options.degrade_probability = absl::GetFlag(FLAGS_degrade_probability);
  options.occlude_probability = absl::GetFlag(FLAGS_occlude_probability);
  RETURN_IF_ERROR(RequireRange("max_long_side", options.max_long_side, 16, 100000));
  RETURN_IF_ERROR(RequireRange("crop_probability", options.crop_probability, 0, 1));
  RETURN_IF_ERROR(RequireRange("crop_size", options.crop_size, 64, 4096));
  if (options.crop_size % 16 != 0) return UsageError("--crop_size must be a multiple of 16");
  RETURN_IF_ERROR(RequireRange("max_face", options.max_face, 1, 4096));
  RETURN_IF_ERROR(RequireRange("min_face", options.min_face, 1, options.max_face));
  RETURN_IF_ERROR(RequireRange("mosaic_probability", options.mosaic_probability, 0, 1));
  RETURN_IF_ERROR(RequireRange("close_up_probability", options.close_up_probability, 0, 1));
  RETURN_IF_ERROR(RequireRange("random_crop_probability", options.random_crop_probability, 0, 1));
  RETURN_IF_ERROR(RequireRange("rotation", options.rotation, 0, 45));
  RETURN_IF_ERROR(RequireRange("stretch", options.stretch, 0, 1));
  RETURN_IF_ERROR(RequireRange("degrade_probability", options.degrade_probability, 0, 1));
  RETURN_IF_ERROR(RequireRange("occlude_probability", options.occlude_probability, 0, 1));
  return options;
}

}  // namespace hardface::data
