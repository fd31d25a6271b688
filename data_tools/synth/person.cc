#include "data_tools/synth/person.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "data_tools/synth/portable_math.h"

namespace hardface::data {
namespace {

// Turned further than this, a feature lies behind the head's edge.
constexpr double kHiddenAngle = 1.35;

// How far features reach from the head's axis, as a share of the half width: they sit a little inside the outline.
constexpr double kFeatureRadius = 0.86;

// The head's outline about its centre, turned by the person's yaw but not yet by the roll.
Outline HeadOutline(const Person& person, double grow = 1) {
  constexpr int kCorners = 48;
  Outline outline;
  for (int i = 0; i < kCorners; ++i) {
    const double t = 2 * kPi * i / kCorners;
    const double y = -0.5 * PortableCos(t);
    const double down = std::max(0.0, 2 * y);
    const double narrowing = 1 - person.jaw * down * down;
    double x = 0.5 * person.aspect * PortableSin(t) * narrowing;
    // A turned head shows its chin ahead of its forehead.
    x += PortableSin(person.yaw) * 0.07 * (y + 0.35);
    outline.push_back({x * grow, y * grow});
  }
  return outline;
}

Affine HeadTransform(const Person& person) {
  return Affine::Similarity(person.face_px, person.roll, person.center_x, person.center_y);
}

// Draws a head in the coordinates of HeadOutline.
class HeadArtist {
 public:
  HeadArtist(const Person& person, Painter* painter)
      : person_(person), painter_(*painter), random_({person.details, 1}), shadow_(Scaled(person.skin, 0.55)) {}

  void DrawBehind() {
    if (person_.hair_style == HairStyle::kLong) {
      painter_.Fill(EllipseOutline({-0.05 * Side(), 0.12}, 0.56 * person_.aspect + 0.08, 0.78), HairShade(0.8));
    }
    if (person_.hair_style == HairStyle::kBun) painter_.Fill(EllipseOutline({0, -0.72}, 0.2, 0.18), HairShade(0.9));
    if (person_.hair_style == HairStyle::kScarf) {
      painter_.Fill(EllipseOutline({0, 0.06}, 0.56 * person_.aspect + 0.08, 0.74), Scaled(person_.extra, 0.75));
    }
  }

  void DrawFaceless() {
    painter_.Fill(EllipseOutline({0, -0.04}, 0.52 * person_.aspect, 0.58), person_.hair);
    for (int i = 0; i < 14; ++i) {
      const double x = random_.Uniform(-0.4, 0.4) * person_.aspect;
      painter_.Stroke({{x, -0.4}, {x * 1.15, 0.1}, {x, 0.46}}, 0.02, HairShade(random_.Uniform(0.75, 1.3)));
    }
  }

  void DrawFace() {
    DrawEars();
    DrawSkin();
    DrawEyes();
    DrawNose();
    DrawMouth();
    DrawBeard();
    DrawHair();
    if (person_.glasses) DrawGlasses(/*dark=*/false);
    DrawOccluder();
  }

 private:
  double Side() const { return person_.yaw >= 0 ? 1 : -1; }
  Color HairShade(double factor) const { return Scaled(person_.hair, factor); }

  // A point of the face's surface at the angle PHI from its middle, seen from the front.
  double Across(double phi) const {
    return 0.5 * person_.aspect * kFeatureRadius * PortableSin(phi + person_.yaw) + PortableSin(person_.yaw) * 0.03;
  }
  // How much of a feature's width is seen there.
  double Foreshortening(double phi) const { return std::max(0.12, PortableCos(phi + person_.yaw)); }
  bool Hidden(double phi) const { return std::fabs(phi + person_.yaw) > kHiddenAngle; }
  double Level(double y) const { return y + person_.pitch; }

  void DrawEars() {
    if (person_.hair_style == HairStyle::kLong || person_.hair_style == HairStyle::kScarf) return;
    for (double side : {-1.0, 1.0}) {
      if (side * person_.yaw > 0.35) continue;  // behind the head
      const double x = side * 0.5 * person_.aspect - PortableSin(person_.yaw) * 0.25;
      painter_.Fill(EllipseOutline({x, 0.0}, 0.06, 0.12), Scaled(person_.skin, 0.85));
      painter_.Stroke(EllipseOutline({x, 0.0}, 0.035, 0.08), 0.015, shadow_, /*closed=*/true);
    }
  }

  // Nested outlines from the shaded rim to the lit side.
  void DrawSkin() {
    constexpr int kSteps = 7;
    const Outline head = HeadOutline(person_);
    const double depth = 0.12 + 0.3 * std::fabs(person_.light);
    for (int i = 0; i < kSteps; ++i) {
      const double share = static_cast<double>(i) / (kSteps - 1);
      Outline inner = head;
      for (Point& p : inner) {
        p.x = p.x * (1 - 0.55 * share) + share * 0.16 * person_.light;
        p.y = p.y * (1 - 0.5 * share) - share * 0.08;
      }
      painter_.Fill(inner, Scaled(person_.skin, 1 - depth + (depth + 0.08) * share));
    }
    const Color blush = Mix(person_.skin, person_.lips, 0.35);
    for (double phi : {-0.6, 0.6}) {
      if (Hidden(phi)) continue;
      painter_.Fill(EllipseOutline({Across(phi), Level(0.13)}, 0.09 * Foreshortening(phi), 0.07), blush, 0.4);
    }
  }

  void DrawEyes() {
    for (double phi : {-0.47, 0.47}) {
      if (!Hidden(phi)) DrawEye(phi);
    }
  }

  void DrawEye(double phi) {
    const double x = Across(phi), y = Level(-0.05), narrow = Foreshortening(phi);
    const double half_width = 0.085 * narrow, half_height = 0.085 * person_.eye_opening;
    painter_.Fill(EllipseOutline({x, y}, 0.12 * narrow, 0.075), Mix(person_.skin, shadow_, 0.45), 0.7);
    const Color lid = Scaled(shadow_, 0.55);
    if (person_.eye_opening < 0.12) {
      painter_.Stroke({{x - half_width, y}, {x, y + 0.018}, {x + half_width, y}}, 0.022, lid);
    } else {
      painter_.Fill(EllipseOutline({x, y}, half_width, half_height), {225, 228, 232});
      const double gaze = 0.3 * half_width * PortableSin(static_cast<double>(person_.details % 628) / 100);
      const double iris = std::min(0.042, half_height * 1.1);
      painter_.Fill(EllipseOutline({x + gaze, y}, iris * narrow, iris), person_.iris);
      painter_.Fill(EllipseOutline({x + gaze, y}, iris * 0.5 * narrow, iris * 0.5), {15, 12, 12});
      painter_.Stroke({{x - half_width, y}, {x, y - half_height}, {x + half_width, y}}, 0.022, lid);
    }
    // The brow, a little higher outside.
    const double brow = y - 0.115, tilt = 0.015 * (phi > 0 ? 1 : -1);
    painter_.Stroke({{x - 0.1 * narrow, brow + tilt}, {x, brow - 0.02}, {x + 0.1 * narrow, brow - tilt}}, 0.035,
                    Mix(HairShade(0.7), shadow_, 0.3));
  }

  void DrawNose() {
    const double top = Level(-0.02), tip = Level(0.13);
    const double root_x = Across(0), tip_x = Across(0) + PortableSin(person_.yaw) * 0.09;
    const double wing = 0.055 * (0.5 + 0.5 * Foreshortening(0));
    // The side away from the light is dark, the ridge bright.
    const double dark_side = person_.light > 0 ? -1 : 1;
    painter_.Fill({{root_x, top}, {tip_x, tip}, {tip_x + dark_side * wing * 1.1, tip + 0.02}}, shadow_, 0.45);
    painter_.Stroke({{root_x, top + 0.03}, {tip_x, tip - 0.02}}, 0.025, Scaled(person_.skin, 1.12));
    painter_.Fill(EllipseOutline({tip_x, tip}, wing, 0.035), Scaled(person_.skin, 1.02));
    for (double side : {-0.6, 0.6}) {
      painter_.Fill(EllipseOutline({tip_x + side * wing, tip + 0.025}, 0.016, 0.011), Scaled(shadow_, 0.6));
    }
  }

  void DrawMouth() {
    const double x = Across(0) + PortableSin(person_.yaw) * 0.03, y = Level(0.28), narrow = Foreshortening(0);
    const double half = (0.13 + 0.04 * person_.smile) * narrow, lift = 0.035 * person_.smile;
    const double open = 0.09 * person_.mouth_opening;
    const Point left{x - half, y - lift}, right{x + half, y - lift};
    Outline lips = {left,  {x - half * 0.4, y - 0.028},       {x, y - 0.018},        {x + half * 0.4, y - 0.028},
                    right, {x + half * 0.5, y + 0.03 + open}, {x, y + 0.042 + open}, {x - half * 0.5, y + 0.03 + open}};
    painter_.Fill(lips, person_.lips);
    if (open < 0.02) {
      painter_.Stroke({left, {x, y + lift * 0.5}, right}, 0.014, Scaled(person_.lips, 0.45));
    } else {
      const Outline inside = {
          {x - half * 0.75, y - lift * 0.5}, {x, y - 0.004},        {x + half * 0.75, y - lift * 0.5},
          {x + half * 0.4, y + open},        {x, y + 0.012 + open}, {x - half * 0.4, y + open}};
      painter_.Fill(inside, {28, 18, 55});
      const double teeth = std::min(0.03, open * 0.6);
      painter_.Fill(
          {{x - half * 0.6, y}, {x + half * 0.6, y}, {x + half * 0.5, y + teeth}, {x - half * 0.5, y + teeth}},
          {215, 225, 230});
    }
    painter_.Stroke({{x - half * 0.4, y + 0.075 + open}, {x + half * 0.4, y + 0.075 + open}}, 0.02,
                    Mix(person_.skin, shadow_, 0.5));
  }

  void DrawBeard() {
    const double x = Across(0), narrow = Foreshortening(0);
    if (person_.moustache) {
      painter_.Stroke({{x - 0.12 * narrow, Level(0.235)}, {x, Level(0.2)}, {x + 0.12 * narrow, Level(0.235)}}, 0.045,
                      HairShade(0.85));
    }
    if (!person_.beard) return;
    // Along the jaw, and back over the cheeks and under the mouth.
    Outline rim, inner;
    for (const Point& p : HeadOutline(person_)) {
      if (p.y > 0.1) rim.push_back(p);
    }
    for (const Point& p : rim) inner.push_back({p.x * 0.66, std::min(p.y * 0.66 + 0.11, 0.41)});
    Outline beard = rim;
    beard.insert(beard.end(), inner.rbegin(), inner.rend());
    painter_.Fill(beard, HairShade(0.85), 0.9);
  }

  // The hair seen from the front: the head's upper outline grown, cut by a hairline.
  void DrawHair() {
    if (person_.hair_style == HairStyle::kBald) return;
    if (person_.hair_style == HairStyle::kHat) return DrawHat();
    const bool scarf = person_.hair_style == HairStyle::kScarf;
    const double hairline = Level(scarf ? -0.36 : -0.3), grow = scarf ? 1.22 : 1.15;
    Outline cap;
    for (const Point& p : HeadOutline(person_, grow)) {
      if (p.y < 0.02) cap.push_back({p.x, p.y - 0.03});
    }
    std::rotate(cap.begin(), std::find_if(cap.begin(), cap.end(), [](const Point& p) { return p.x < -0.05; }),
                cap.end());
    const double parting = random_.Uniform(-0.2, 0.2) * person_.aspect;
    const double temple = 0.42 * person_.aspect, shift = Across(0) * 0.5;
    cap.insert(cap.end(), {{shift + temple, -0.1},
                           {shift + temple * 0.75, hairline + 0.04},
                           {shift + parting, hairline},
                           {shift - temple * 0.75, hairline + 0.04},
                           {shift - temple, -0.1}});
    painter_.Fill(cap, scarf ? person_.extra : person_.hair);
    if (scarf) return;
    for (int i = 0; i < 7; ++i) {
      const double x = random_.Uniform(-0.85, 0.85) * temple;
      painter_.Stroke({{x * 0.6, -0.52}, {x, hairline}}, 0.02, HairShade(random_.Uniform(0.7, 1.4)));
    }
  }

  void DrawHat() {
    const double brim = Level(-0.27);
    painter_.Fill({{-0.5 * person_.aspect, brim},
                   {-0.44 * person_.aspect, -0.62},
                   {-0.2 * person_.aspect, -0.74},
                   {0.2 * person_.aspect, -0.74},
                   {0.44 * person_.aspect, -0.62},
                   {0.5 * person_.aspect, brim}},
                  person_.extra);
    painter_.Fill(EllipseOutline({PortableSin(person_.yaw) * 0.2, brim}, 0.62 * person_.aspect, 0.06),
                  Scaled(person_.extra, 0.7));
  }

  void DrawGlasses(bool dark) {
    const Color frame = dark ? Color{20, 20, 22} : Scaled(person_.extra, 0.4);
    const double y = Level(-0.045);
    for (double phi : {-0.47, 0.47}) {
      if (Hidden(phi)) continue;
      const Outline rim = EllipseOutline({Across(phi), y}, 0.135 * Foreshortening(phi), 0.1);
      if (dark) painter_.Fill(rim, {30, 25, 25});
      painter_.Stroke(rim, 0.022, frame, /*closed=*/true);
    }
    painter_.Stroke({{Across(-0.2), y}, {Across(0.2), y}}, 0.022, frame);
  }

  void DrawOccluder() {
    switch (person_.occluder) {
      case Occluder::kNone:
        return;
      case Occluder::kMask:
        return DrawMask();
      case Occluder::kSunglasses:
        return DrawGlasses(/*dark=*/true);
      case Occluder::kHand:
        return DrawHandBefore();
      case Occluder::kBar:
        return DrawBar();
      case Occluder::kSheet:
        return DrawSheet();
    }
  }

  void DrawMask() {
    Outline mask;
    for (const Point& p : HeadOutline(person_, 1.01)) {
      if (p.y > 0.06) mask.push_back(p);
    }
    mask.push_back({Across(-0.7), Level(0.06)});
    mask.push_back({Across(0), Level(0.02)});
    mask.push_back({Across(0.7), Level(0.06)});
    const Point middle{Across(0), 0.22};
    // In the order of the angle about the middle, so that the outline does not cross itself.
    const auto half = [&](const Point& p) { return p.y - middle.y >= 0; };
    std::sort(mask.begin(), mask.end(), [&](const Point& a, const Point& b) {
      if (half(a) != half(b)) return half(a);
      return (a.x - middle.x) * (b.y - middle.y) > (a.y - middle.y) * (b.x - middle.x);
    });
    painter_.Fill(mask, person_.extra);
    for (double y : {0.16, 0.24, 0.32}) {
      painter_.Stroke({{Across(-0.6), y}, {Across(0.6), y}}, 0.012, Scaled(person_.extra, 0.8));
    }
  }

  void DrawHandBefore() {
    const double x = random_.Uniform(-0.25, 0.25), y = random_.Uniform(0.3, 0.55);
    const double size = random_.Uniform(0.55, 0.85);
    const Affine head = HeadTransform(person_);
    const Point wrist = head({x, y});
    DrawHand(&painter_,
             Affine::Similarity(size * person_.face_px, person_.roll + random_.Uniform(-0.9, 0.9), wrist.x, wrist.y),
             Scaled(person_.skin, 0.93), random_);
    painter_.set_transform(head);
  }

  void DrawBar() {
    const double angle = random_.Uniform(-kPi, kPi), width = random_.Uniform(0.12, 0.3);
    const double x = random_.Uniform(-0.15, 0.15), y = random_.Uniform(-0.2, 0.2);
    const double dx = PortableCos(angle), dy = PortableSin(angle);
    painter_.Stroke({{x - dx, y - dy}, {x + dx, y + dy}}, width, person_.extra);
    painter_.Stroke({{x - dx, y - dy}, {x + dx, y + dy}}, width * 0.3, Scaled(person_.extra, 1.25));
  }

  // A sheet, a book or a wall over one side or the lower part.
  void DrawSheet() {
    const double cover = random_.Uniform(0.3, 0.5);
    const int where = random_.Integer(0, 2);
    const double edge = 0.5 * person_.aspect;
    if (where == 0) return painter_.Fill(RectangleOutline(-1, 0.5 - cover, 2, 1), person_.extra);
    const double left = where == 1 ? -1 : edge - 2 * edge * cover;
    painter_.Fill(RectangleOutline(left, -0.8, where == 1 ? 1 - edge + 2 * edge * cover : 1, 1.8), person_.extra);
  }

  const Person& person_;
  Painter& painter_;
  Random random_;
  const Color shadow_;
};

void DrawBody(const Person& person, Painter* painter) {
  Random random({person.details, 2});
  const double lean = PortableSin(person.roll) * 0.25;
  painter->set_transform(Affine::Similarity(person.face_px, lean * 0.4, person.center_x, person.center_y));
  const double neck = 0.17 + random.Uniform(0, 0.05), shoulder = random.Uniform(0.62, 0.95);
  const double chin_x = -PortableSin(person.roll) * 0.35;
  painter->Fill({{chin_x - neck, 0.2}, {chin_x + neck, 0.2}, {neck * 1.2, 0.8}, {-neck * 1.2, 0.8}},
                Scaled(person.skin, 0.72));
  const Outline torso = {{-neck * 1.1, 0.62}, {neck * 1.1, 0.62},     {shoulder * 0.8, 0.75},
                         {shoulder, 1.0},     {shoulder * 1.05, 2.4}, {-shoulder * 1.05, 2.4},
                         {-shoulder, 1.0},    {-shoulder * 0.8, 0.75}};
  painter->Fill(torso, person.clothes);
  const int stripes = random.Integer(0, 5);
  for (int i = 0; i < stripes; ++i) {
    const double y = 0.9 + 0.28 * i;
    painter->Stroke({{-shoulder * 0.9, y}, {shoulder * 0.9, y}}, 0.06,
                    Scaled(person.clothes, random.Uniform(0.6, 1.4)));
  }
}

}  // namespace

Color RandomSkin(Random& random) {
  static constexpr double kShades[][3] = {{195, 215, 246}, {165, 195, 236}, {130, 165, 216}, {95, 130, 186},
                                          {62, 92, 142},   {40, 60, 95},    {28, 40, 62}};  // b, g, r
  const double place = random.Uniform(0, std::size(kShades) - 1.001);
  const int i = static_cast<int>(place);
  const Color light{kShades[i][0], kShades[i][1], kShades[i][2]};
  const Color dark{kShades[i + 1][0], kShades[i + 1][1], kShades[i + 1][2]};
  Color skin = Mix(light, dark, place - i);
  skin.b += random.Uniform(-8, 8);
  skin.g += random.Uniform(-8, 8);
  skin.r += random.Uniform(-8, 8);
  return skin;
}

Color RandomHair(Random& random) {
  static constexpr double kHair[][3] = {{22, 22, 26},   {30, 38, 55},    {40, 62, 98},
                                        {90, 150, 196}, {150, 155, 160}, {45, 75, 150}};
  const auto& shade = kHair[random.Index(random.Chance(0.6) ? 3 : std::size(kHair))];
  return Scaled({shade[0], shade[1], shade[2]}, random.Uniform(0.75, 1.25));
}

Person RandomPerson(Random& random) {
  Person person;
  person.skin = RandomSkin(random);
  person.hair = RandomHair(random);
  person.clothes = RandomColor(random, 0.8);
  person.extra = RandomColor(random, 0.7);
  person.iris = Mix({30, 40, 60}, {150, 120, 70}, random.Chance(0.3) ? random.Uniform() : 0);
  person.lips = Mix(Scaled(person.skin, 0.75), {70, 60, 190}, random.Uniform(0.15, 0.6));
  // Most heads are near upright and frontal, a good part is not.
  person.roll = random.Chance(0.75) ? random.Uniform(-0.25, 0.25) : random.Uniform(-0.9, 0.9);
  person.yaw = random.Chance(0.6) ? random.Uniform(-0.4, 0.4) : random.Uniform(-1.2, 1.2);
  person.pitch = random.Uniform(-0.06, 0.08);
  person.aspect = random.Uniform(0.66, 0.84);
  person.jaw = random.Uniform(0.1, 0.38);
  person.eye_opening = random.Chance(0.12) ? 0.05 : random.Uniform(0.3, 0.65);
  person.smile = random.Uniform(-0.5, 1);
  person.mouth_opening = random.Chance(0.6) ? 0 : random.Uniform(0.2, 1);
  person.glasses = random.Chance(0.18);
  person.beard = random.Chance(0.15);
  person.moustache = person.beard || random.Chance(0.07);
  static constexpr HairStyle kStyles[] = {HairStyle::kShort, HairStyle::kShort, HairStyle::kShort,
                                          HairStyle::kLong,  HairStyle::kLong,  HairStyle::kBun,
                                          HairStyle::kBald,  HairStyle::kHat,   HairStyle::kScarf};
  person.hair_style = kStyles[random.Index(std::size(kStyles))];
  if (random.Chance(0.3)) {
    static constexpr Occluder kOccluders[] = {Occluder::kMask, Occluder::kSunglasses, Occluder::kHand, Occluder::kBar,
                                              Occluder::kSheet};
    person.occluder = kOccluders[random.Index(std::size(kOccluders))];
  }
  person.details = random.Next();
  return person;
}

Rect WholeFaceBox(const Person& person) {
  const Affine transform = HeadTransform(person);
  double low_x = 1e9, low_y = 1e9, high_x = -1e9, high_y = -1e9;
  for (const Point& corner : HeadOutline(person)) {
    const Point p = transform(corner);
    low_x = std::min(low_x, p.x);
    high_x = std::max(high_x, p.x);
    low_y = std::min(low_y, p.y);
    high_y = std::max(high_y, p.y);
  }
  return {static_cast<float>(low_x), static_cast<float>(low_y), static_cast<float>(high_x - low_x),
          static_cast<float>(high_y - low_y)};
}

Rect FaceBox(const Person& person, int image_width, int image_height) {
  const Rect whole = WholeFaceBox(person);
  const float x1 = std::max(0.0f, whole.x), y1 = std::max(0.0f, whole.y);
  const float x2 = std::min(static_cast<float>(image_width), whole.x + whole.w);
  const float y2 = std::min(static_cast<float>(image_height), whole.y + whole.h);
  return {x1, y1, std::max(0.0f, x2 - x1), std::max(0.0f, y2 - y1)};
}

void DrawPerson(const Person& person, cv::Mat* image) {
  const double s = person.face_px;
  const cv::Rect reach(static_cast<int>(std::floor(person.center_x - 1.3 * s)),
                       static_cast<int>(std::floor(person.center_y - 1.1 * s)), static_cast<int>(2.6 * s) + 3,
                       static_cast<int>(3.6 * s) + 3);
  Painter painter(image, reach, ZoomFor(s));
  HeadArtist head(person, &painter);
  painter.set_transform(HeadTransform(person));
  head.DrawBehind();
  DrawBody(person, &painter);
  painter.set_transform(HeadTransform(person));
  if (person.faceless) {
    head.DrawFaceless();
  } else {
    head.DrawFace();
  }
  painter.Blur(person.blur);
}

void DrawHand(Painter* painter, const Affine& place, const Color& skin, Random& random) {
  painter->set_transform(place);
  const Color edge = Scaled(skin, 0.7);
  painter->Stroke({{0, 0.9}, {0, 0.2}}, 0.3, Scaled(skin, 0.9));
  for (int finger = 0; finger < 4; ++finger) {
    const double x = -0.2 + 0.135 * finger, spread = (finger - 1.5) * random.Uniform(0.02, 0.09);
    const double length = random.Uniform(0.38, 0.55);
    painter->Stroke({{x, 0.05}, {x + spread, -length}}, 0.15, edge);
    painter->Stroke({{x, 0.05}, {x + spread, -length}}, 0.12, skin);
  }
  painter->Stroke({{0.2, 0.25}, {0.42, -0.08}}, 0.14, skin);
  painter->Fill(EllipseOutline({0, 0.14}, 0.29, 0.26), skin);
}

}  // namespace hardface::data
