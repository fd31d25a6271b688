#include "data_tools/augmentation/training_sample.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "data_tools/images/bgr_mean.h"

namespace hardface::data {
namespace {

constexpr int kCropTries = 50;

// The sides that an image has at most at level 1400 of the published pyramid (method: 1400 / 800 of the base scale).
constexpr double kLargestShortSide = 1400, kLargestLongSide = 2100;

// The colour of padding, which is zero for the network.
const cv::Scalar kPadding(kBgrMean[0], kBgrMean[1], kBgrMean[2]);

void DistortContrast(cv::Mat* image, Random* random) {
  if (random->Chance(0.5)) *image *= random->Uniform(0.5, 1.5);
}

// Hue and saturation in HSV of a 0..255 float image: hue in degrees, saturation 0..1.
void DistortSaturationAndHue(cv::Mat* image, Random* random) {
  const bool saturation = random->Chance(0.5);
  const auto factor = static_cast<float>(saturation ? random->Uniform(0.5, 1.5) : 1.0);
  const bool hue = random->Chance(0.5);
  const auto shift = static_cast<float>(hue ? random->Uniform(-18, 18) : 0.0);
  if (!saturation && !hue) return;
  cv::Mat hsv;
  cv::cvtColor(*image, hsv, cv::COLOR_BGR2HSV);
  for (int y = 0; y < hsv.rows; ++y) {
    cv::Vec3f* row = hsv.ptr<cv::Vec3f>(y);
    for (int x = 0; x < hsv.cols; ++x) {
      float& h = row[x][0];
      h += shift;
      h += h < 0 ? 360.0f : (h >= 360 ? -360.0f : 0.0f);
      row[x][1] = std::min(row[x][1] * factor, 1.0f);
    }
  }
  cv::cvtColor(hsv, *image, cv::COLOR_HSV2BGR);
}

void RoundAndClip(cv::Mat* image) {
  for (int y = 0; y < image->rows; ++y) {
    float* row = image->ptr<float>(y);
    for (int i = 0; i < 3 * image->cols; ++i) row[i] = std::clamp(std::nearbyint(row[i]), 0.0f, 255.0f);
  }
}

// An image as its entry means it: float BGR, mirrored where the entry is flipped.
struct Material {
  cv::Mat image;
  const DatasetEntry* entry = nullptr;
};

absl::StatusOr<Material> Load(const SampleSource& source, int64_t index) {
  Material material;
  material.entry = &source.entry(index);
  ASSIGN_OR_RETURN(material.image, source.image(index));
  const DatasetEntry& entry = *material.entry;
  if (entry.width != material.image.cols || entry.height != material.image.rows) {
    return absl::InvalidArgumentError(absl::StrCat(entry.image, ": is ", material.image.cols, " x ",
                                                   material.image.rows, " pixels, its manifest entry says ",
                                                   entry.width, " x ", entry.height, "; run data_tools:doctor"));
  }
  if (entry.flip) {
    cv::Mat mirrored;
    cv::flip(material.image, mirrored, /*flipCode=*/1);
    material.image = mirrored;
  }
  return material;
}

// How a crop shows its image: scaled, then turned about the crop's centre.
struct Shape {
  explicit Shape(double scale) : scale_x(scale), scale_y(scale) {}

  double scale_x, scale_y;  // pixels of the sample per pixel of the image
  double angle = 0;         // radians; positive turns the picture counter-clockwise
};

// The box of an ellipse turned by ANGLE about CENTER: that of a turned face, which fills a box as an ellipse does
// rather than into its corners.
Box TurnBox(const Box& box, double angle, const cv::Point2d& center) {
  const double c = std::cos(angle), s = std::sin(angle);
  const double dx = box.center_x() - center.x, dy = box.center_y() - center.y;
  const double x = center.x + c * dx + s * dy, y = center.y - s * dx + c * dy;
  const double w = std::hypot(c * box.width(), s * box.height()), h = std::hypot(s * box.width(), c * box.height());
  return {static_cast<float>(x - (w - 1) / 2), static_cast<float>(y - (h - 1) / 2), static_cast<float>(x + (w - 1) / 2),
          static_cast<float>(y + (h - 1) / 2)};
}

// Keeps the faces whose centre lies in WINDOW (pixels of the scaled image), clipped to it, and moves them by OFFSET.
void AddFacesIn(const cv::Rect& window, const cv::Point& offset, const Shape& shape, const DatasetEntry& entry,
                int source, double min_labelled_face, std::vector<SampleFace>* faces) {
  const auto sx = static_cast<float>(shape.scale_x), sy = static_cast<float>(shape.scale_y);
  const auto left = static_cast<float>(window.x), top = static_cast<float>(window.y);
  const auto right = left + static_cast<float>(window.width - 1), bottom = top + static_cast<float>(window.height - 1);
  for (const Face& face : entry.faces) {
    if (face.box.w <= 0 || face.box.h <= 0) continue;
    Box box = ToBox({face.box.x * sx, face.box.y * sy, face.box.w * sx, face.box.h * sy});
    if (shape.angle != 0) {
      box = TurnBox(box, shape.angle, {window.x + (window.width - 1) / 2.0, window.y + (window.height - 1) / 2.0});
    }
    const float x = box.center_x(), y = box.center_y();
    if (x < left || x > right || y < top || y > bottom) continue;
    const bool tiny = std::max(box.width(), box.height()) < min_labelled_face;
    box = {std::max(box.x1, left), std::max(box.y1, top), std::min(box.x2, right), std::min(box.y2, bottom)};
    const float dx = static_cast<float>(offset.x) - left, dy = static_cast<float>(offset.y) - top;
    faces->push_back({{box.x1 + dx, box.y1 + dy, box.x2 + dx, box.y2 + dy}, face.ignore || tiny, source});
  }
}

double PaperScale(int width, int height, const AugmentOptions& options, Random* random) {
  const int wanted = options.short_sides[random->Index(options.short_sides.size())];
  const double scale = static_cast<double>(wanted) / std::min(width, height);
  const double limit = static_cast<double>(options.max_long_side) / std::max(width, height);
  return std::min(scale, limit);
}

// A window of 0.6..1.0 of the height and of the width that keeps at least one face's centre; the whole image if 50
// tries find none.
cv::Rect PaperWindow(const cv::Size& size, double scale, const DatasetEntry& entry, Random* random) {
  for (int i = 0; i < kCropTries; ++i) {
    const int height = std::max(1, static_cast<int>(random->Uniform(0.6, 1.0) * size.height));
    const int width = std::max(1, static_cast<int>(random->Uniform(0.6, 1.0) * size.width));
    const cv::Rect window(random->Integer(0, size.width - width), random->Integer(0, size.height - height), width,
                          height);
    std::vector<SampleFace> kept;
    AddFacesIn(window, {0, 0}, Shape(scale), entry, 0, 0, &kept);
    if (!kept.empty()) return window;
  }
  return {0, 0, size.width, size.height};
}

absl::StatusOr<TrainingSample> PaperSample(const SampleSource& source, int64_t index, const AugmentOptions& options,
                                           Random* random) {
  ASSIGN_OR_RETURN(const Material material, Load(source, index));
  cv::Mat floats, scaled;
  material.image.convertTo(floats, CV_32FC3);
  if (options.distort_colors) DistortColors(&floats, random);
  const double scale = PaperScale(floats.cols, floats.rows, options, random);
  cv::resize(floats, scaled, cv::Size(), scale, scale, cv::INTER_LINEAR);
  const bool crop = random->Chance(options.crop_probability);
  const cv::Rect window =
      crop ? PaperWindow(scaled.size(), scale, *material.entry, random) : cv::Rect(0, 0, scaled.cols, scaled.rows);
  TrainingSample sample;
  sample.sources = {index};
  sample.scales = {scale};
  sample.image = scaled(window).clone();
  AddFacesIn(window, {0, 0}, Shape(scale), *material.entry, 0, /*min_labelled_face=*/0, &sample.faces);
  return sample;
}

// The start of a window of SIZE along one axis that holds [LOW, HIGH] (scaled pixels) where it fits, at a random place,
// and stays inside an image of EXTENT where that is large enough.
int WindowStart(double low, double high, int size, int extent, Random* random) {
  double first = high - size, last = low;
  if (first > last) std::swap(first, last);
  int start = static_cast<int>(std::floor(random->Uniform(first, last + 1)));
  if (extent >= size) {
    start = std::clamp(start, 0, extent - size);
  } else {
    start = -random->Integer(0, size - extent);
  }
  return start;
}

// The scale and window of a crop of SIZE in which a random face is between the limits.
struct CropPlan {
  Shape shape;
  cv::Point start;  // of the window, scaled pixels; may be outside the image
};

// The box that the crop's scale is chosen for: a random face, or anywhere in an image without one, as if a face of a
// tenth of its width were there.
Rect PickBox(const DatasetEntry& entry, Random* random) {
  std::vector<const Face*> faces;
  for (const Face& face : entry.faces) {
    if (!face.ignore && face.box.w > 0 && face.box.h > 0) faces.push_back(&face);
  }
  if (!faces.empty()) return faces[random->Index(faces.size())]->box;
  const auto width = static_cast<float>(entry.width), height = static_cast<float>(entry.height);
  const float size = 0.1f * width;
  return {static_cast<float>(random->Uniform(0, 0.9)) * width, static_cast<float>(random->Uniform(0, 0.9)) * height,
          size, size};
}

double LogUniform(double low, double high, Random* random) { return low * std::pow(high / low, random->Uniform()); }

// What a single crop or a mosaic's tile shows.
enum class View { kFace, kCloseUp, kAnywhere };

// A point of the image, for kAnywhere; otherwise see PickBox.
Rect PickPlace(const DatasetEntry& entry, View view, Random* random) {
  if (view != View::kAnywhere) return PickBox(entry, random);
  return {static_cast<float>(random->Uniform(0, entry.width)), static_cast<float>(random->Uniform(0, entry.height)), 0,
          0};
}

double PickScale(const DatasetEntry& entry, const cv::Size& tile, const Rect& box, View view,
                 const AugmentOptions& options, Random* random) {
  const double fill = static_cast<double>(std::max(tile.width, tile.height)) / std::max(entry.width, entry.height);
  if (view == View::kAnywhere) {
    const double largest = std::min(kLargestShortSide / std::min(entry.width, entry.height),
                                    kLargestLongSide / std::max(entry.width, entry.height));
    return LogUniform(fill, std::max(fill, largest), random);
  }
  const double face = std::max(box.w, box.h);
  if (view == View::kCloseUp) return LogUniform(options.max_face, 4 * options.max_face, random) / face;
  const double largest =
      std::max(options.min_face, std::min(options.max_face, 0.9 * std::min(tile.width, tile.height)));
  return std::max(LogUniform(options.min_face, largest, random) / face, fill);
}

// No chance is drawn for what is off: samples of a recipe without it stay as they were.
Shape PickShape(double scale, const AugmentOptions& options, Random* random) {
  Shape shape(scale);
  if (options.stretch > 0) {
    const double most = std::log1p(options.stretch);
    const double half = std::exp(random->Uniform(-most, most) / 2);
    shape.scale_x *= half;
    shape.scale_y /= half;
  }
  if (options.rotation > 0) shape.angle = random->Uniform(-options.rotation, options.rotation) * CV_PI / 180;
  return shape;
}

CropPlan PlanCrop(const DatasetEntry& entry, const cv::Size& tile, View view, const AugmentOptions& options,
                  Random* random) {
  const Rect box = PickPlace(entry, view, random);
  const Shape shape = PickShape(PickScale(entry, tile, box, view, options, random), options, random);
  const auto start = [random](double low, double size, int window, int extent, double scale) {
    const int scaled = std::max(1, static_cast<int>(std::lround(extent * scale)));
    return WindowStart(low * scale, (low + size) * scale, window, scaled, random);
  };
  const int x = start(box.x, box.w, tile.width, entry.width, shape.scale_x);
  const int y = start(box.y, box.h, tile.height, entry.height, shape.scale_y);
  return {shape, {x, y}};
}

// Tile pixel p shows image position (turned p + 0.5 + start) / scale - 0.5, which is how cv::resize aligns pixels, too.
cv::Matx23d TileToImage(const CropPlan& plan, const cv::Size& tile) {
  const double ix = 1.0 / plan.shape.scale_x, iy = 1.0 / plan.shape.scale_y;
  if (plan.shape.angle == 0) {
    return {ix, 0, (plan.start.x + 0.5) * ix - 0.5, 0, iy, (plan.start.y + 0.5) * iy - 0.5};
  }
  const double c = std::cos(plan.shape.angle), s = std::sin(plan.shape.angle);
  const double x = (tile.width - 1) / 2.0, y = (tile.height - 1) / 2.0;
  return {ix * c, -ix * s, (x - c * x + s * y + plan.start.x + 0.5) * ix - 0.5,
          iy * s, iy * c,  (y - s * x - c * y + plan.start.y + 0.5) * iy - 0.5};
}

void AddNoise(cv::Mat* image, double deviation, Random* random) {
  for (int y = 0; y < image->rows; ++y) {
    float* row = image->ptr<float>(y);
    for (int i = 0; i < 3 * image->cols; ++i) row[i] += static_cast<float>(deviation * random->Gaussian());
  }
}

// As a worse camera or a smaller copy would show it. IMAGE: float BGR 0..255, as it stays.
void Degrade(cv::Mat* image, Random* random) {
  switch (random->Index(4)) {
    case 0:
      cv::GaussianBlur(*image, *image, cv::Size(), LogUniform(0.5, 2, random));
      break;
    case 1: {
      const double share = 1 / LogUniform(1.3, 3, random);
      cv::Mat small;
      cv::resize(*image, small, cv::Size(), share, share, cv::INTER_AREA);
      cv::resize(small, *image, image->size(), 0, 0, cv::INTER_LINEAR);
      break;
    }
    case 2:
      AddNoise(image, LogUniform(2, 16, random), random);
      break;
    default: {
      cv::Mat grey;
      cv::cvtColor(*image, grey, cv::COLOR_BGR2GRAY);
      cv::cvtColor(grey, *image, cv::COLOR_GRAY2BGR);
    }
  }
  RoundAndClip(image);
}

// Hides a part of BOX (pixels of IMAGE) by another part of the picture.
void Occlude(const Box& box, cv::Mat* image, Random* random) {
  const auto share = [random](float extent) {
    return std::max(1, static_cast<int>(extent * random->Uniform(0.2, 0.6)));
  };
  const cv::Size size(std::min(share(box.width()), image->cols), std::min(share(box.height()), image->rows));
  const auto place = [random](double first, double last) {
    return static_cast<int>(std::floor(random->Uniform(first, std::max(first, last) + 1)));
  };
  const cv::Rect all(0, 0, image->cols, image->rows);
  const cv::Rect from(place(0, all.width - size.width), place(0, all.height - size.height), size.width, size.height);
  cv::Rect to(place(box.x1, box.x2 - size.width + 1), place(box.y1, box.y2 - size.height + 1), size.width, size.height);
  to.x = std::clamp(to.x, 0, all.width - size.width);
  to.y = std::clamp(to.y, 0, all.height - size.height);
  (*image)(from).clone().copyTo((*image)(to));
}

void OccludeFaces(const std::vector<SampleFace>& faces, size_t first, double probability, const cv::Rect& tile,
                  cv::Mat* image, Random* random) {
  const auto x = static_cast<float>(tile.x), y = static_cast<float>(tile.y);
  cv::Mat part = (*image)(tile);
  for (size_t i = first; i < faces.size(); ++i) {
    const Box& box = faces[i].box;
    if (random->Chance(probability)) Occlude({box.x1 - x, box.y1 - y, box.x2 - x, box.y2 - y}, &part, random);
  }
}

// Scales and crops MATERIAL into TILE of the sample.
void PlaceCrop(const Material& material, int source, const cv::Rect& tile, View view, const AugmentOptions& options,
               Random* random, TrainingSample* sample) {
  const CropPlan plan = PlanCrop(*material.entry, tile.size(), view, options, random);
  sample->scales.push_back(std::sqrt(plan.shape.scale_x * plan.shape.scale_y));
  cv::Mat crop;
  cv::warpAffine(material.image, crop, TileToImage(plan, tile.size()), tile.size(),
                 cv::INTER_LINEAR | cv::WARP_INVERSE_MAP, cv::BORDER_CONSTANT, kPadding);
  crop.convertTo(crop, CV_32FC3);
  if (options.degrade_probability > 0 && random->Chance(options.degrade_probability)) Degrade(&crop, random);
  if (options.distort_colors) DistortColors(&crop, random);
  crop.copyTo(sample->image(tile));
  const size_t first = sample->faces.size();
  AddFacesIn({plan.start, tile.size()}, tile.tl(), plan.shape, *material.entry, source, options.min_labelled_face,
             &sample->faces);
  if (options.occlude_probability > 0) {
    OccludeFaces(sample->faces, first, options.occlude_probability, tile, &sample->image, random);
  }
}

// Tiles of a GRID x GRID mosaic with jittered borders, row by row.
std::vector<cv::Rect> MosaicTiles(int size, int grid, Random* random) {
  std::vector<int> xs = {0}, ys = {0};
  for (std::vector<int>* cuts : {&xs, &ys}) {
    for (int i = 1; i < grid; ++i) {
      cuts->push_back(static_cast<int>(size * (i + random->Uniform(-0.25, 0.25)) / grid));
    }
    cuts->push_back(size);
  }
  std::vector<cv::Rect> tiles;
  for (int row = 0; row < grid; ++row) {
    for (int column = 0; column < grid; ++column) {
      tiles.emplace_back(cv::Point(xs[column], ys[row]), cv::Point(xs[column + 1], ys[row + 1]));
    }
  }
  return tiles;
}

absl::StatusOr<TrainingSample> FaceScaleSample(const SampleSource& source, int64_t index, const AugmentOptions& options,
                                               Random* random) {
  const bool mosaic = random->Chance(options.mosaic_probability);
  View view = View::kFace;
  // No chance is drawn for what is off: samples of a recipe without it stay as they were.
  if (!mosaic && options.random_crop_probability > 0 && random->Chance(options.random_crop_probability)) {
    view = View::kAnywhere;
  } else if (!mosaic && random->Chance(options.close_up_probability)) {
    view = View::kCloseUp;
  }
  const double grid_chance = random->Uniform();
  const int grid = !mosaic ? 1 : (grid_chance < 0.5 ? 2 : (grid_chance < 0.8 ? 3 : 4));
  std::vector<cv::Rect> tiles = MosaicTiles(options.crop_size, grid, random);
  random->Shuffle(tiles);
  TrainingSample sample;
  sample.sources = {index};
  for (size_t i = 1; i < tiles.size(); ++i) {
    sample.sources.push_back((*source.partners)[random->Index(source.partners->size())]);
  }
  sample.image.create(options.crop_size, options.crop_size, CV_32FC3);
  for (size_t i = 0; i < tiles.size(); ++i) {
    ASSIGN_OR_RETURN(const Material material, Load(source, sample.sources[i]));
    PlaceCrop(material, static_cast<int>(i), tiles[i], view, options, random, &sample);
  }
  return sample;
}

}  // namespace

void DistortColors(cv::Mat* image, Random* random) {
  if (random->Chance(0.5)) {
    const double shift = random->Uniform(-32, 32);
    *image += cv::Scalar(shift, shift, shift);
    *image = cv::max(cv::min(*image, 255.0), 0.0);
  }
  const bool contrast_first = random->Chance(0.5);
  if (contrast_first) DistortContrast(image, random);
  DistortSaturationAndHue(image, random);
  if (!contrast_first) DistortContrast(image, random);
  RoundAndClip(image);
}

absl::StatusOr<TrainingSample> MakeSample(const SampleSource& source, int64_t entry, const AugmentOptions& options,
                                          Random* random) {
  return options.crops == CropStyle::kPaper ? PaperSample(source, entry, options, random)
                                            : FaceScaleSample(source, entry, options, random);
}

}  // namespace hardface::data
