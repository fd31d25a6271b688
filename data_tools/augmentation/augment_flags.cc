#include "data_tools/augmentation/augment_flags.h"

#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "base/flag_values.h"
#include "base/status_macros.h"
#include "base/tool_main.h"

ABSL_FLAG(std::string, crops, "paper",
          "How samples are cut from images: paper (resizes the image to a random short side and crops it) or "
          "face_scale (cuts crops around scaled faces and joins some of them into mosaics).");
ABSL_FLAG(bool, distort_colors, true, "Applies the paper's distortions of brightness, contrast, saturation and hue.");
ABSL_FLAG(std::vector<std::string>, short_sides, std::vector<std::string>({"400", "800", "1200"}),
          "Applies with --crops=paper. Short sides in pixels, of which one is drawn for each visit.");
ABSL_FLAG(int, max_long_side, 2000,
          "Applies with --crops=paper. Greatest long side in pixels, from 16 to 100000. An image that would exceed it "
          "is scaled down further.");
ABSL_FLAG(double, crop_probability, 0.5,
          "Applies with --crops=paper. Probability, from 0 to 1, that the resized image is cropped.");
ABSL_FLAG(int, crop_size, 320,
          "Applies with --crops=face_scale. Side of a sample in pixels, a multiple of 16 from 64 to 4096.");
ABSL_FLAG(double, min_face, 8,
          "Applies with --crops=face_scale. Smallest size in pixels that a face's longer side is scaled to, from 1 to "
          "--max_face.");
ABSL_FLAG(
    double, max_face, 96,
    "Applies with --crops=face_scale. Greatest size in pixels that a face's longer side is scaled to, from 1 to 4096.");
ABSL_FLAG(double, mosaic_probability, 0.6,
          "Applies with --crops=face_scale. Probability, from 0 to 1, that a sample is a mosaic: a grid of 2x2, 3x3 or "
          "4x4 crops of as many images.");
ABSL_FLAG(double, close_up_probability, 0.25,
          "Applies with --crops=face_scale. Probability, from 0 to 1, that a single crop shows a face of 1 to 4 times "
          "--max_face.");
ABSL_FLAG(double, random_crop_probability, 0,
          "Applies with --crops=face_scale. Probability, from 0 to 1, that a single crop is cut anywhere in the image, "
          "at any scale up to the pyramid's level 1400.");
ABSL_FLAG(double, rotation, 0,
          "Applies with --crops=face_scale. Greatest angle in degrees, from 0 to 45, that a crop is turned by in "
          "either direction. 0 turns none.");
ABSL_FLAG(double, stretch, 0,
          "Applies with --crops=face_scale. Greatest change of a crop's width relative to its height, from 0 to 1. 0.2 "
          "means factors from 1 / 1.2 to 1.2, and 0 changes nothing.");
ABSL_FLAG(double, degrade_probability, 0,
          "Applies with --crops=face_scale. Probability, from 0 to 1, that a crop is blurred, reduced to fewer pixels, "
          "made noisy or made grey.");
ABSL_FLAG(double, occlude_probability, 0,
          "Applies with --crops=face_scale. Probability, from 0 to 1, that a face is partly hidden by another piece of "
          "the picture.");

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
  if (options.crop_size % 16 != 0)
    return UsageError(absl::StrCat("--crop_size=", options.crop_size, ": give a multiple of 16"));
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
