// A whole made-up photograph: cluttered background, things that look like faces in part, people, and a camera that
// blurs, adds noise and shades.
#ifndef HARDFACE_DATA_TOOLS_SYNTH_SCENE_H_
#define HARDFACE_DATA_TOOLS_SYNTH_SCENE_H_

#include <opencv2/core/mat.hpp>
#include <vector>

#include "base/random.h"
#include "data_tools/dataset/box.h"
#include "data_tools/synth/person.h"

namespace hardface::data {

enum class SceneKind {
  kVaried,   // everything that the generator knows, in natural shares
  kPlain,    // easy: upright, unhidden people in good light before an empty background, sharply seen
  kAdverse,  // hard: people half hidden and turned, in the dark among look-alikes, seen with blur and noise
};

struct SceneOptions {
  SceneKind kind = SceneKind::kVaried;
  int width = 480, height = 360;
  int min_faces = 1, max_faces = 8;           // wanted; fewer where they do not fit
  double min_face_px = 8, max_face_px = 200;  // height of a face, spread evenly over octaves
};

struct SceneFace {
  Rect box;
  Person person;
};

struct Scene {
  cv::Mat image;  // BGR
  std::vector<SceneFace> faces;
  int jpeg_quality = 90;
};

Scene DrawScene(const SceneOptions& options, Random& random);

// Background without people: fills IMAGE.
void DrawBackground(cv::Mat* image, Random& random);
// One thing that is round, skin-coloured or has dots like eyes, but is no face, of about SIZE pixels at (x, y).
void DrawDistractor(double x, double y, double size, cv::Mat* image, Random& random);
// Light falling off to one side, colour cast, blur and sensor noise.
void ApplyCamera(cv::Mat* image, Random& random);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_SYNTH_SCENE_H_
