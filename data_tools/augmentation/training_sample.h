// Training samples: the paper's colour distortions, scales and crops (paper section 4.1 and its code), and the
// face-scale crops and mosaics that training from scratch uses. One library for data_tools:augment and for training:
// what you look at is what is trained on.
#ifndef HARDFACE_DATA_TOOLS_AUGMENTATION_TRAINING_SAMPLE_H_
#define HARDFACE_DATA_TOOLS_AUGMENTATION_TRAINING_SAMPLE_H_

#include <cstdint>
#include <functional>
#include <opencv2/core/mat.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/random.h"
#include "data_tools/dataset/box.h"
#include "data_tools/dataset/dataset.h"

namespace hardface::data {

enum class CropStyle {
  kPaper,      // resize to a random short side, then crop with probability 1/2
  kFaceScale,  // a square crop in which a random face has a random size; mosaics of several images
};

inline std::vector<std::pair<std::string, CropStyle>> FlagChoices(CropStyle) {
  return {{"paper", CropStyle::kPaper}, {"face_scale", CropStyle::kFaceScale}};
}

struct AugmentOptions {
  bool distort_colors = true;
  CropStyle crops = CropStyle::kPaper;

  // kPaper.
  std::vector<int> short_sides = {400, 800, 1200};  // pixels, drawn uniformly
  int max_long_side = 2000;                         // pixels; the scale shrinks to keep it
  double crop_probability = 0.5;

  // kFaceScale. A sample is one crop, or a mosaic: a grid of 2x2, 3x3 or 4x4 crops of as many images. Small tiles
  // shrink whole photographs, so that small faces come with their surroundings instead of with padding.
  int crop_size = 320;   // pixels, a multiple of 16
  double min_face = 8;   // pixels (the longer side): a face of the image gets a size drawn log-uniformly ...
  double max_face = 96;  // ... from this range, but the image's longer side always fills its tile
  double mosaic_probability = 0.6;
  // Of a single crop showing a face of max_face to 4 max_face pixels: close-ups, in which no anchor may call a part a
  // face.
  double close_up_probability = 0.25;
  // Of a single crop being cut anywhere from the image, at a scale drawn log-uniformly between the whole image in the
  // crop and the largest level of the published pyramid: background as inference sees it, enlarged, too.
  double random_crop_probability = 0;
  double min_labelled_face = 6;  // pixels; smaller faces in a crop are ignored, not background

  // Of kFaceScale, too; against learning few photographs by heart. Each crop and each tile of a mosaic draws its own.
  double rotation = 0;  // degrees, at most, either way; a box turns as the ellipse in it does
  double stretch = 0;   // width against height, at most, either way: 0.2 is 1 / 1.2 to 1.2
  // Of a crop being blurred, of fewer pixels, noisy or grey: one of the four.
  double degrade_probability = 0;
  // Of a face being partly hidden by a piece of the picture beside it: 0.2 to 0.6 of its width and of its height.
  double occlude_probability = 0;
};

struct SampleFace {
  Box box;  // pixels of the sample
  bool ignore = false;
  int source = 0;  // index into TrainingSample::sources
};

struct TrainingSample {
  cv::Mat image;  // float BGR, 0..255
  std::vector<SampleFace> faces;
  std::vector<int64_t> sources;  // the dataset entries it shows; the first is the one asked for
  std::vector<double> scales;    // of each source: pixels of the sample per pixel of the image
};

// The paper's colour distortions, each applied with probability 1/2: brightness +-32, then contrast x0.5..1.5,
// saturation x0.5..1.5 and hue +-18 degrees, contrast first or last with equal chance. IMAGE: float BGR 0..255; rounded
// and clipped.
void DistortColors(cv::Mat* image, Random* random);

// Where samples take their material from. Thread-safe if its functions are.
struct SampleSource {
  // The decoded image (8-bit BGR, not mirrored) and its entry.
  std::function<absl::StatusOr<cv::Mat>(int64_t entry)> image;
  std::function<const DatasetEntry&(int64_t entry)> entry;
  // Entries that mosaics draw from.
  const std::vector<int64_t>* partners = nullptr;
};

// Makes a sample of ENTRY; all chance comes from RANDOM. Errors are those of reading the images.
absl::StatusOr<TrainingSample> MakeSample(const SampleSource& source, int64_t entry, const AugmentOptions& options,
                                          Random* random);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_AUGMENTATION_TRAINING_SAMPLE_H_
