// One drawn person: head, hair, neck and shoulders, with what hides parts of the face.
#ifndef HARDFACE_DATA_TOOLS_SYNTH_PERSON_H_
#define HARDFACE_DATA_TOOLS_SYNTH_PERSON_H_

#include <opencv2/core/mat.hpp>

#include "base/random.h"
#include "data_tools/dataset/box.h"
#include "data_tools/synth/painter.h"

namespace hardface::data {

enum class HairStyle { kBald, kShort, kLong, kBun, kHat, kScarf };
enum class Occluder { kNone, kMask, kSunglasses, kHand, kBar, kSheet };

// All that decides how a person looks. Lengths are in head heights (chin to hairline), angles in radians.
struct Person {
  double face_px = 0;                 // height of the face
  double center_x = 0, center_y = 0;  // of the face, image pixels
  double roll = 0;                    // in-plane turn
  double yaw = 0;                     // turn to the side; about 1.1 is a half profile with one eye
  double pitch = 0;                   // moves the features down (positive) or up
  double aspect = 0.74;               // width of the face
  double jaw = 0.2;                   // how much narrower the chin is
  double light = 0;                   // [-1, 1]: light from the left or from the right
  double blur = 0;                    // sigma in image pixels
  double eye_opening = 0.4, smile = 0, mouth_opening = 0;
  bool glasses = false, beard = false, moustache = false;
  bool faceless = false;  // seen from behind: a distractor
  HairStyle hair_style = HairStyle::kShort;
  Occluder occluder = Occluder::kNone;
  Color skin, hair, clothes, iris, lips, extra;
  uint64_t details = 0;  // seeds the small strokes
};

// A skin shade between very light and very dark.
Color RandomSkin(Random& random);
Color RandomHair(Random& random);
// Looks of every kind; size, place, blur and light are left to the caller.
Person RandomPerson(Random& random);

// The tight box of the face (hairline to chin, without ears and hair), of what of it lies in an image of that size.
Rect FaceBox(const Person& person, int image_width, int image_height);
// The same, not cut to any image.
Rect WholeFaceBox(const Person& person);

void DrawPerson(const Person& person, cv::Mat* image);

// A hand with its fingers, palm at the origin, fingers upwards, about one unit long.
void DrawHand(Painter* painter, const Affine& place, const Color& skin, Random& random);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_SYNTH_PERSON_H_
