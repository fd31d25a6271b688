#include "data_tools/augmentation/augment_flags.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/knobs.h"
#include "base/status_macros.h"
#include "base/tool_main.h"

#define KNOB(name, member, meaning) HARDFACE_KNOB(hardface::data::AugmentOptions, name, member, meaning)

KNOB(crops, crops,
     "How samples are cut from images: paper (resizes the image to a random short side and crops it) or face_scale "
     "(cuts crops around scaled faces and joins some of them into mosaics).")
    .Heading("Training samples");
KNOB(distort_colors, distort_colors, "Applies the paper's distortions of brightness, contrast, saturation and hue.");
KNOB(short_sides, short_sides, "Short sides in pixels, of which one is drawn for each visit.").With("crops", "paper");
KNOB(max_long_side, max_long_side, "Greatest long side. An image that would exceed it is scaled down further.")
    .Range(16, 100000, "pixels")
    .With("crops", "paper");
KNOB(crop_probability, crop_probability, "Probability that the resized image is cropped.")
    .Range(0, 1)
    .With("crops", "paper");
KNOB(crop_size, crop_size, "Side of a sample, a multiple of 16.").Range(64, 4096, "pixels").With("crops", "face_scale");
KNOB(min_face, min_face, "Smallest size that a face's longer side is scaled to.")
    .RangeTo(1, "max_face", "pixels")
    .With("crops", "face_scale");
KNOB(max_face, max_face, "Greatest size that a face's longer side is scaled to.")
    .Range(1, 4096, "pixels")
    .With("crops", "face_scale");
KNOB(mosaic_probability, mosaic_probability,
     "Probability that a sample is a mosaic: a grid of 2x2, 3x3 or 4x4 crops of as many images.")
    .Range(0, 1)
    .With("crops", "face_scale");
KNOB(close_up_probability, close_up_probability,
     "Probability that a single crop shows a face of 1 to 4 times --max_face.")
    .Range(0, 1)
    .With("crops", "face_scale");
KNOB(random_crop_probability, random_crop_probability,
     "Probability that a single crop is cut anywhere in the image, at any scale up to the pyramid's level 1400.")
    .Range(0, 1)
    .With("crops", "face_scale");
KNOB(rotation, rotation, "Greatest angle that a crop is turned by in either direction. 0 turns none.")
    .Range(0, 45, "degrees")
    .With("crops", "face_scale");
KNOB(stretch, stretch,
     "Greatest change of a crop's width relative to its height. 0.2 means factors from 1 / 1.2 to 1.2, and 0 changes "
     "nothing.")
    .Range(0, 1)
    .With("crops", "face_scale");
KNOB(degrade_probability, degrade_probability,
     "Probability that a crop is blurred, reduced to fewer pixels, made noisy or made grey.")
    .Range(0, 1)
    .With("crops", "face_scale");
KNOB(occlude_probability, occlude_probability,
     "Probability that a face is partly hidden by another piece of the picture.")
    .Range(0, 1)
    .With("crops", "face_scale");

namespace hardface::data {

absl::StatusOr<AugmentOptions> AugmentOptionsFromFlags() {
  AugmentOptions options;
  RETURN_IF_ERROR(KnobsOf<AugmentOptions>().CheckRanges());
  RETURN_IF_ERROR(KnobsOf<AugmentOptions>().Set(&options));
  if (options.crop_size % 16 != 0)
    return UsageError(absl::StrCat("--crop_size=", options.crop_size, ": give a multiple of 16"));
  return options;
}

}  // namespace hardface::data
