#include "data_tools/synth/scene.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <opencv2/imgproc.hpp>

#include "data_tools/synth/portable_math.h"

namespace hardface::data {
namespace {

// Random numbers are drawn one a statement throughout: the order in which a call's arguments are evaluated is the
// compiler's choice.

double LogUniform(double low, double high, Random& random) { return low * PortablePow(high / low, random.Uniform()); }

cv::Rect Around(double x, double y, double reach) {
  const int side = static_cast<int>(2 * reach) + 2;
  return {static_cast<int>(std::floor(x - reach)), static_cast<int>(std::floor(y - reach)), side, side};
}

// Skin tones among all other colours: colour alone must not give faces away.
Color AnyColor(Random& random) {
  if (random.Chance(0.3)) return RandomSkin(random);
  return RandomColor(random, 0.9);
}

// Smooth noise: cells of so many pixels, differences of so many grey levels.
struct CloudRange {
  int min_cell, max_cell, min_amplitude, max_amplitude;
};

void AddCloud(const CloudRange& range, cv::Mat* image, Random& random) {
  const int cell = random.Integer(range.min_cell, range.max_cell);
  const int amplitude = random.Integer(range.min_amplitude, range.max_amplitude);
  const cv::Size grid(image->cols / cell + 2, image->rows / cell + 2);
  cv::Mat coarse(grid, CV_8UC3), fine;
  for (int y = 0; y < grid.height; ++y) {
    for (int x = 0; x < grid.width; ++x) {
      // Mostly light and dark, with a little colour.
      const int grey = random.Integer(0, 255);
      for (int c = 0; c < 3; ++c) {
        coarse.at<cv::Vec3b>(y, x)[c] = cv::saturate_cast<uchar>(grey + random.Integer(-40, 40));
      }
    }
  }
  cv::resize(coarse, fine, image->size(), 0, 0, cv::INTER_LINEAR_EXACT);
  for (int y = 0; y < image->rows; ++y) {
    uchar* to = image->ptr(y);
    const uchar* from = fine.ptr(y);
    for (int i = 0; i < image->cols * 3; ++i) {
      to[i] = cv::saturate_cast<uchar>(to[i] + (from[i] - 128) * amplitude / 128);
    }
  }
}

void FillGradient(cv::Mat* image, Random& random) {
  const Color top = RandomColor(random, 0.5), bottom = RandomColor(random, 0.5);
  for (int y = 0; y < image->rows; ++y) {
    const Color color = Mix(top, bottom, static_cast<double>(y) / image->rows);
    const cv::Vec3b pixel(static_cast<uchar>(color.b), static_cast<uchar>(color.g), static_cast<uchar>(color.r));
    std::fill_n(image->ptr<cv::Vec3b>(y), image->cols, pixel);
  }
}

void DrawBuilding(Painter* painter, double x, double y, double w, double h, Random& random) {
  const Color wall = AnyColor(random), window = RandomColor(random, 0.4);
  painter->Fill(RectangleOutline(x, y, w, h), wall);
  const double step = std::max(6.0, random.Uniform(0.08, 0.3) * w), size = step * random.Uniform(0.35, 0.75);
  for (double wy = y + step * 0.3; wy + size < y + h; wy += step) {
    for (double wx = x + step * 0.3; wx + size < x + w; wx += step) {
      painter->Fill(RectangleOutline(wx, wy, size, size), window);
    }
  }
}

void DrawStripes(Painter* painter, double x, double y, double w, double h, Random& random) {
  const Color first = AnyColor(random), second = AnyColor(random);
  painter->Fill(RectangleOutline(x, y, w, h), first);
  const int count = random.Integer(3, 12);
  for (int i = 0; i < count; i += 2) painter->Fill(RectangleOutline(x + w * i / count, y, w / count, h), second);
}

// One of the large things that fill the back of a picture.
void DrawLargeShape(Painter* painter, const cv::Mat& image, Random& random) {
  const double w = random.Uniform(0.1, 0.5) * image.cols, h = random.Uniform(0.1, 0.6) * image.rows;
  const double x = random.Uniform(-0.1, 0.95) * image.cols, y = random.Uniform(-0.1, 0.95) * image.rows;
  const Color color = AnyColor(random);
  switch (random.Integer(0, 4)) {
    case 0:
      return DrawBuilding(painter, x, y, w, h, random);
    case 1:
      return DrawStripes(painter, x, y, w, h, random);
    case 2:
      return painter->Fill(EllipseOutline({x, y}, w / 2, h / 2, random.Uniform(0, kPi)), color);
    default: {
      Outline corners;
      const int count = random.Integer(3, 6);
      for (int i = 0; i < count; ++i) corners.push_back({x + random.Uniform(0, w), y + random.Uniform(0, h)});
      return painter->Fill(corners, color, random.Uniform(0.5, 1));
    }
  }
}

// Strokes, blobs and marks of a few pixels.
void DrawSmallShape(Painter* painter, const cv::Mat& image, Random& random) {
  const double x = random.Uniform(0, image.cols), y = random.Uniform(0, image.rows);
  const double size = LogUniform(3, 50, random);
  const Color color = AnyColor(random);
  const double angle = random.Uniform(0, 2 * kPi), dx = size * PortableCos(angle), dy = size * PortableSin(angle);
  switch (random.Integer(0, 4)) {
    case 0:
      return painter->Stroke({{x, y}, {x + dx, y + dy}}, std::max(1.0, size * random.Uniform(0.05, 0.3)), color);
    case 1:
      return painter->Stroke({{x, y}, {x + dx, y + dy}, {x + dx - dy, y + dy + dx}}, 1 + size * 0.06, color);
    case 2:
      return painter->Fill(EllipseOutline({x, y}, size * 0.5, size * random.Uniform(0.2, 0.7), angle), color);
    case 3:
      return painter->Fill(RectangleOutline(x, y, size, size * random.Uniform(0.3, 1.2)), color);
    default:
      return painter->Fill({{x, y}, {x + dx, y + dy}, {x - dy, y + dx}}, color);
  }
}

// Distractors, each in its own unit coordinates.

void DrawBall(Painter* painter, Random& random) {
  const Color color = AnyColor(random);
  const double rx = 0.5 * random.Uniform(0.75, 1), light = random.Uniform(-0.2, 0.2);
  for (int i = 0; i < 7; ++i) {
    const double share = i / 6.0;
    painter->Fill(EllipseOutline({light * share, -0.15 * share}, rx * (1 - 0.8 * share), 0.5 * (1 - 0.8 * share)),
                  Scaled(color, 0.6 + 0.5 * share));
  }
}

void DrawClock(Painter* painter, Random& random) {
  const Color face = Mix({235, 240, 240}, AnyColor(random), 0.4), ink = Scaled(AnyColor(random), 0.4);
  painter->Fill(EllipseOutline({0, 0}, 0.5, 0.5), ink);
  painter->Fill(EllipseOutline({0, 0}, 0.44, 0.44), face);
  for (int hour = 0; hour < 12; ++hour) {
    const double s = PortableSin(hour * kPi / 6), c = PortableCos(hour * kPi / 6);
    painter->Stroke({{0.34 * s, 0.34 * c}, {0.41 * s, 0.41 * c}}, 0.03, ink);
  }
  for (double length : {0.22, 0.33}) {
    const double angle = random.Uniform(0, 2 * kPi);
    painter->Stroke({{0, 0}, {length * PortableSin(angle), -length * PortableCos(angle)}}, 0.04, ink);
  }
}

// A button, a socket, a bowling ball: dots on a disc, in any number and place but those of two eyes over a mouth.
void DrawDottedDisc(Painter* painter, Random& random) {
  const Color disc = AnyColor(random), dot = Scaled(AnyColor(random), 0.35);
  painter->Fill(EllipseOutline({0, 0}, 0.5 * random.Uniform(0.7, 1), 0.5), disc);
  const int dots = random.Integer(1, 5);
  const double turn = random.Uniform(0, 2 * kPi), ring = random.Uniform(0.12, 0.3), size = random.Uniform(0.03, 0.1);
  for (int i = 0; i < dots; ++i) {
    const double angle = turn + 2 * kPi * i / dots;
    painter->Fill(EllipseOutline({ring * PortableCos(angle), ring * PortableSin(angle)}, size, size), dot);
  }
}

// The parts of a face in the wrong order on a skin-coloured oval: texture alone must not count.
void DrawScrambledFace(Painter* painter, Random& random) {
  const Color skin = RandomSkin(random);
  painter->Fill(EllipseOutline({0, 0}, 0.37, 0.5), Scaled(skin, 0.85));
  painter->Fill(EllipseOutline({0.02, -0.03}, 0.33, 0.45), skin);
  const int mouths = random.Integer(1, 3);
  for (int i = 0; i < mouths; ++i) {
    const double x = random.Uniform(-0.15, 0.15), y = random.Uniform(-0.4, -0.1);
    painter->Fill(EllipseOutline({x, y}, 0.13, 0.04), Mix(skin, {60, 50, 170}, 0.5));
  }
  const double x = random.Uniform(-0.2, 0.2), y = random.Uniform(0.1, 0.35);
  painter->Fill(EllipseOutline({x, y}, 0.09, 0.04), {225, 228, 232});
  painter->Fill(EllipseOutline({x, y}, 0.03, 0.03), {25, 25, 30});
}

// Bare skin with a crease or two: arms, legs, bald heads from behind.
void DrawSkinBlob(Painter* painter, Random& random) {
  const Color skin = RandomSkin(random);
  const double angle = random.Uniform(0, kPi);
  painter->Fill(EllipseOutline({0, 0}, 0.5 * random.Uniform(0.4, 0.9), 0.5, angle), Scaled(skin, 0.8));
  painter->Fill(EllipseOutline({0.03, -0.03}, 0.45 * random.Uniform(0.4, 0.8), 0.42, angle), skin);
  const int creases = random.Integer(0, 3);
  for (int i = 0; i < creases; ++i) {
    const double x = random.Uniform(-0.2, 0.2), y = random.Uniform(-0.3, 0.3);
    painter->Stroke({{x - 0.15, y}, {x, y + 0.03}, {x + 0.15, y}}, 0.02, Scaled(skin, 0.6));
  }
}

void DrawFlower(Painter* painter, Random& random) {
  const Color petal = AnyColor(random), heart = AnyColor(random);
  const int petals = random.Integer(5, 9);
  for (int i = 0; i < petals; ++i) {
    const double angle = 2 * kPi * i / petals;
    painter->Fill(EllipseOutline({0.3 * PortableCos(angle), 0.3 * PortableSin(angle)}, 0.2, 0.12, angle), petal);
  }
  painter->Fill(EllipseOutline({0, 0}, 0.17, 0.17), heart);
}

// Someone seen from behind.
void DrawBack(double x, double y, double size, cv::Mat* image, Random& random) {
  Person person = RandomPerson(random);
  person.faceless = true;
  person.hair_style = HairStyle::kShort;
  person.face_px = size;
  person.center_x = x;
  person.center_y = y;
  DrawPerson(person, image);
}

void MakePlain(Person* person) {
  person->roll *= 0.3;
  person->yaw *= 0.3;
  person->blur = 0;
  person->eye_opening = std::max(person->eye_opening, 0.4);
  person->glasses = false;
  person->occluder = Occluder::kNone;
}

void Hide(Person* person, Random& random) {
  static constexpr Occluder kOccluders[] = {Occluder::kMask, Occluder::kSunglasses, Occluder::kHand, Occluder::kBar};
  person->occluder = kOccluders[random.Index(std::size(kOccluders))];
  person->blur = random.Uniform(0.2, 0.4 + 0.02 * person->face_px);
}

// Where people may stand, and who stands there already.
class Placement {
 public:
  Placement(const SceneOptions& options, Random& random) : options_(options), random_(random) {}

  // People from the smallest, farthest, to the nearest.
  std::vector<Person> PlaceAll() {
    const int wanted = random_.Integer(options_.min_faces, options_.max_faces);
    std::vector<double> sizes;
    const double largest = std::min(options_.max_face_px, 0.75 * options_.height);
    const double low = std::min(options_.min_face_px, largest);
    for (int i = 0; i < wanted; ++i) sizes.push_back(LogUniform(low, largest, random_));
    std::sort(sizes.begin(), sizes.end());
    std::vector<Person> people;
    for (double size : sizes) TryToPlace(size, &people);
    return people;
  }

 private:
  static double Overlap(const Rect& a, const Rect& b) {
    const double w = std::min(a.x + a.w, b.x + b.w) - std::max(a.x, b.x);
    const double h = std::min(a.y + a.h, b.y + b.h) - std::max(a.y, b.y);
    return w > 0 && h > 0 ? w * h : 0;
  }

  // What a person hides: head with hair, and body.
  static std::vector<Rect> Shadows(const Person& person) {
    const auto part = [&person](double x, double y, double w, double h) {
      const double s = person.face_px;
      return Rect{static_cast<float>(person.center_x + x * s), static_cast<float>(person.center_y + y * s),
                  static_cast<float>(w * s), static_cast<float>(h * s)};
    };
    return {part(-0.55, -0.8, 1.1, 1.5), part(-1, 0.7, 2, 1.8)};
  }

  bool Fits(const Person& person, const std::vector<Person>& people) const {
    const Rect whole = WholeFaceBox(person);
    const Rect seen = FaceBox(person, options_.width, options_.height);
    if (seen.w * seen.h < 0.75 * whole.w * whole.h) return false;
    for (const Person& other : people) {
      const Rect face = WholeFaceBox(other);
      for (const Rect& shadow : Shadows(person)) {
        if (Overlap(shadow, face) > 0.3 * face.w * face.h) return false;
      }
    }
    return true;
  }

  void TryToPlace(double size, std::vector<Person>* people) {
    constexpr int kTries = 25;
    Person person = RandomPerson(random_);
    person.face_px = size;
    person.light = light_;
    person.blur = random_.Chance(0.35) ? random_.Uniform(0.2, 0.4 + 0.02 * size) : 0;
    if (options_.kind == SceneKind::kPlain) MakePlain(&person);
    if (options_.kind == SceneKind::kAdverse) Hide(&person, random_);
    for (int i = 0; i < kTries; ++i) {
      person.center_x = random_.Uniform(0, options_.width);
      person.center_y = random_.Uniform(0, options_.height);
      if (!Fits(person, *people)) continue;
      people->push_back(person);
      return;
    }
  }

  const SceneOptions& options_;
  Random& random_;
  const double light_ = random_.Uniform(-1, 1);  // one sun for all
};

void Shade(cv::Mat* image, Random& random) {
  const double angle = random.Uniform(0, 2 * kPi), strength = random.Uniform(0, 0.45), gain = random.Uniform(0.7, 1.2);
  double cast[3];
  for (double& channel : cast) channel = random.Uniform(0.88, 1.1);
  const double dx = strength * PortableCos(angle) / image->cols, dy = strength * PortableSin(angle) / image->rows;
  for (int y = 0; y < image->rows; ++y) {
    uchar* pixel = image->ptr(y);
    for (int x = 0; x < image->cols; ++x) {
      const double light = gain * (1 + dx * (2 * x - image->cols) + dy * (2 * y - image->rows));
      for (double channel : cast) {
        *pixel = static_cast<uchar>(std::clamp(static_cast<int>(*pixel * light * channel), 0, 255));
        ++pixel;
      }
    }
  }
}

void AddNoise(int amplitude, cv::Mat* image, Random& random) {
  if (amplitude == 0) return;
  for (int y = 0; y < image->rows; ++y) {
    uchar* row = image->ptr(y);
    uint64_t bits = 0;
    for (int i = 0; i < image->cols * 3; ++i) {
      // Two bytes a sample: their sum is triangular, near enough to a sensor's noise.
      if (i % 4 == 0) bits = random.Next();
      const int noise = static_cast<int>(bits & 255) + static_cast<int>(bits >> 8 & 255) - 255;
      bits >>= 16;
      row[i] = cv::saturate_cast<uchar>(row[i] + noise * amplitude / 256);
    }
  }
}

// Too little light: what is left is dim, and the sensor's noise stands out.
void ApplyNight(cv::Mat* image, Random& random) {
  const double gain = random.Uniform(0.25, 0.45);
  for (int y = 0; y < image->rows; ++y) {
    uchar* row = image->ptr(y);
    for (int i = 0; i < image->cols * 3; ++i) row[i] = static_cast<uchar>(row[i] * gain);
  }
  AddNoise(random.Integer(20, 50), image, random);
}

}  // namespace

void DrawBackground(cv::Mat* image, Random& random) {
  FillGradient(image, random);
  AddCloud({40, 120, 10, 90}, image, random);
  {
    Painter painter(image, {0, 0, image->cols, image->rows}, 1);
    const int large = random.Integer(2, 14), small = random.Integer(8, 60);
    for (int i = 0; i < large; ++i) DrawLargeShape(&painter, *image, random);
    for (int i = 0; i < small; ++i) DrawSmallShape(&painter, *image, random);
  }
  AddCloud({4, 16, 0, 45}, image, random);
}

void DrawDistractor(double x, double y, double size, cv::Mat* image, Random& random) {
  const int kind = random.Integer(0, 8);
  if (kind == 0) return DrawBack(x, y, size, image, random);
  Painter painter(image, Around(x, y, 1.3 * size), ZoomFor(size));
  const Affine place = Affine::Similarity(size, random.Uniform(-0.4, 0.4), x, y);
  painter.set_transform(place);
  if (kind == 1) DrawClock(&painter, random);
  if (kind == 2) DrawDottedDisc(&painter, random);
  if (kind == 3) DrawScrambledFace(&painter, random);
  if (kind == 4 || kind == 5) DrawSkinBlob(&painter, random);
  if (kind == 6) DrawFlower(&painter, random);
  if (kind == 7) DrawBall(&painter, random);
  if (kind == 8) DrawHand(&painter, place, RandomSkin(random), random);
}

void ApplyCamera(cv::Mat* image, Random& random) {
  Shade(image, random);
  if (random.Chance(0.4)) {
    const double sigma = random.Uniform(0.3, 1.3);
    cv::GaussianBlur(*image, *image, cv::Size(), sigma, sigma, cv::BORDER_REPLICATE);
  }
  AddNoise(random.Chance(0.3) ? 0 : random.Integer(4, 40), image, random);
}

Scene DrawScene(const SceneOptions& options, Random& random) {
  Scene scene;
  scene.image.create(options.height, options.width, CV_8UC3);
  const bool plain = options.kind == SceneKind::kPlain;
  if (plain) {
    FillGradient(&scene.image, random);
  } else {
    DrawBackground(&scene.image, random);
  }
  const int distractors = plain ? 0 : random.Integer(2, 10);
  const double largest = std::min(options.max_face_px, 0.4 * options.height);
  for (int i = 0; i < distractors; ++i) {
    const double x = random.Uniform(0, options.width), y = random.Uniform(0, options.height);
    DrawDistractor(x, y, LogUniform(std::min(options.min_face_px, largest), largest, random), &scene.image, random);
  }
  const std::vector<Person> people = Placement(options, random).PlaceAll();
  for (const Person& person : people) {
    DrawPerson(person, &scene.image);
    scene.faces.push_back({FaceBox(person, options.width, options.height), person});
  }
  if (!plain) ApplyCamera(&scene.image, random);
  if (options.kind == SceneKind::kAdverse) ApplyNight(&scene.image, random);
  scene.jpeg_quality = random.Integer(45, 95);
  return scene;
}

}  // namespace hardface::data
