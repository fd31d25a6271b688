// Smooth shapes on an image: a patch of it is enlarged, painted on, and averaged back, so that even an eye of half a
// pixel comes out as it would in a photograph.
#ifndef HARDFACE_DATA_TOOLS_SYNTH_PAINTER_H_
#define HARDFACE_DATA_TOOLS_SYNTH_PAINTER_H_

#include <opencv2/core/mat.hpp>
#include <vector>

#include "base/random.h"

namespace hardface::data {

struct Point {
  double x = 0, y = 0;
};
using Outline = std::vector<Point>;

struct Color {
  double b = 0, g = 0, r = 0;  // [0, 255]; outside values are clipped when painted
};
Color Mix(const Color& from, const Color& to, double share_of_to);
Color Scaled(const Color& color, double factor);
// HUE, SATURATION, VALUE in [0, 1].
Color FromHsv(double hue, double saturation, double value);
// Any hue; not too dark to be seen.
Color RandomColor(Random& random, double max_saturation);

// Own coordinates to pixels: (a x + b y + tx, c x + d y + ty).
struct Affine {
  double a = 1, b = 0, c = 0, d = 1, tx = 0, ty = 0;

  // Scales by SCALE, turns by ANGLE (radians, clockwise on the screen) and moves the origin to (x, y).
  static Affine Similarity(double scale, double angle, double x, double y);
  Point operator()(const Point& p) const { return {a * p.x + b * p.y + tx, c * p.x + d * p.y + ty}; }
  double scale() const;
};

// A full turn about CENTER with the two radii, turned by ANGLE.
Outline EllipseOutline(const Point& center, double radius_x, double radius_y, double angle = 0);
Outline RectangleOutline(double x, double y, double w, double h);

// Paints on the part of an image within BOUNDS (pixels; cut to the image). The image changes when the painter is
// destroyed.
class Painter {
 public:
  // ZOOM >= 1: how many times the patch is enlarged.
  Painter(cv::Mat* image, const cv::Rect& bounds, int zoom);
  ~Painter();
  Painter(const Painter&) = delete;
  Painter& operator=(const Painter&) = delete;

  bool empty() const { return patch_.empty(); }
  // The coordinates of the shapes that follow.
  void set_transform(const Affine& transform) { transform_ = transform; }

  // OPACITY in (0, 1].
  void Fill(const Outline& outline, const Color& color, double opacity = 1);
  // WIDTH in the transform's units.
  void Stroke(const Outline& line, double width, const Color& color, bool closed = false);
  // Blurs all that was painted so far, and what lies under it; SIGMA in image pixels.
  void Blur(double sigma);

 private:
  std::vector<cv::Point> ToPatch(const Outline& outline) const;
  void FillOpaque(const std::vector<cv::Point>& points, const Color& color, cv::Mat* target) const;

  cv::Mat* const image_;
  const cv::Rect bounds_;
  const int zoom_;
  cv::Mat patch_;  // bounds_ enlarged
  Affine transform_;
};

// Enlargement that gives a thing of SIZE pixels enough detail.
int ZoomFor(double size);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_SYNTH_PAINTER_H_
