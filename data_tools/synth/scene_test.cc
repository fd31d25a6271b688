#include "data_tools/synth/scene.h"

#include <gtest/gtest.h>

#include <cmath>
#include <opencv2/core.hpp>

#include "data_tools/synth/portable_math.h"

namespace hardface::data {
namespace {

// FNV-1a over all pixels.
uint64_t HashOf(const cv::Mat& image) {
  uint64_t hash = 0xcbf29ce484222325;
  for (int y = 0; y < image.rows; ++y) {
    for (int i = 0; i < image.cols * 3; ++i) hash = (hash ^ image.ptr(y)[i]) * 0x100000001b3;
  }
  return hash;
}

Person PlainPerson() {
  Random random(5);
  Person person = RandomPerson(random);
  person.face_px = 80;
  person.center_x = 100;
  person.center_y = 90;
  person.roll = person.yaw = person.pitch = person.blur = person.light = 0;
  person.aspect = 0.75;
  person.occluder = Occluder::kNone;
  return person;
}

TEST(PortableMathTest, AgreesWithTheLibrary) {
  for (double x = -20; x < 20; x += 0.037) {
    EXPECT_NEAR(PortableSin(x), std::sin(x), 1e-9) << x;
    EXPECT_NEAR(PortableCos(x), std::cos(x), 1e-9) << x;
  }
  for (double exponent : {0.0, 0.1, 0.5, 0.77, 1.0}) {
    EXPECT_NEAR(PortablePow(25, exponent), std::pow(25, exponent), 1e-6) << exponent;
  }
}

TEST(FaceBoxTest, IsTightAroundAnUprightFace) {
  const Rect box = WholeFaceBox(PlainPerson());
  EXPECT_NEAR(box.y, 90 - 40, 1e-3);
  EXPECT_NEAR(box.h, 80, 1e-3);
  EXPECT_NEAR(box.w, 0.75 * 80, 1);
  EXPECT_NEAR(box.x + box.w / 2, 100, 1e-3);
}

TEST(FaceBoxTest, TurnsWithTheHeadAndIsCutAtTheImagesEdge) {
  Person person = PlainPerson();
  person.roll = kPi / 2;
  EXPECT_NEAR(WholeFaceBox(person).w, 80, 1e-3);
  person.roll = 0;
  person.center_x = 10;
  const Rect cut = FaceBox(person, 200, 200);
  EXPECT_EQ(cut.x, 0);
  EXPECT_NEAR(cut.w, 10 + 30, 1);
}

TEST(DrawPersonTest, PaintsWhereTheBoxIs) {
  cv::Mat image(200, 200, CV_8UC3, cv::Scalar(0, 255, 0));
  const Person person = PlainPerson();
  DrawPerson(person, &image);
  // The cheek has the skin's colour, but for light and blush; a corner of the image stays untouched.
  const cv::Vec3b cheek = image.at<cv::Vec3b>(97, 118);
  EXPECT_NEAR(cheek[2], person.skin.r, 40);
  EXPECT_NEAR(cheek[1], person.skin.g, 40);
  EXPECT_EQ(image.at<cv::Vec3b>(5, 5), cv::Vec3b(0, 255, 0));
}

TEST(PainterTest, CoversFractionsOfPixels) {
  cv::Mat image(8, 8, CV_8UC3, cv::Scalar(0, 0, 0));
  {
    Painter painter(&image, {0, 0, 8, 8}, 8);
    painter.Fill(RectangleOutline(2, 2, 2.5, 3), {200, 100, 50});
  }
  EXPECT_EQ(image.at<cv::Vec3b>(3, 3), cv::Vec3b(200, 100, 50)) << "inside";
  EXPECT_EQ(image.at<cv::Vec3b>(3, 6), cv::Vec3b(0, 0, 0)) << "outside";
  EXPECT_NEAR(image.at<cv::Vec3b>(3, 4)[0], 100, 30) << "half covered";
}

TEST(PainterTest, ShapesOutsideTheImageAreHarmless) {
  cv::Mat image(8, 8, CV_8UC3, cv::Scalar(1, 2, 3));
  {
    Painter painter(&image, {-50, -50, 20, 20}, 4);
    painter.Fill(RectangleOutline(-1e7, -1e7, 10, 10), {255, 255, 255}, 0.5);
    painter.Blur(2);
  }
  EXPECT_EQ(cv::norm(image, cv::Mat(8, 8, CV_8UC3, cv::Scalar(1, 2, 3)), cv::NORM_INF), 0);
}

TEST(FromHsvTest, PrimaryColours) {
  EXPECT_NEAR(FromHsv(0, 1, 1).r, 255, 1e-9);
  EXPECT_NEAR(FromHsv(0, 1, 1).g, 0, 1e-9);
  EXPECT_NEAR(FromHsv(1.0 / 3, 1, 1).g, 255, 1e-9);
  EXPECT_NEAR(FromHsv(2.0 / 3, 1, 0.5).b, 127.5, 1e-9);
}

TEST(DrawSceneTest, ScenesHoldTheWantedFaces) {
  SceneOptions options;
  options.min_faces = options.max_faces = 4;
  options.max_face_px = 60;
  int faces = 0;
  for (uint64_t i = 0; i < 10; ++i) {
    Random random({3, i});
    const Scene scene = DrawScene(options, random);
    EXPECT_LE(scene.faces.size(), 4u);
    faces += static_cast<int>(scene.faces.size());
    for (const SceneFace& face : scene.faces) {
      EXPECT_GE(face.person.face_px, 8);
      EXPECT_LE(face.person.face_px, 60);
    }
  }
  EXPECT_GE(faces, 36) << "small faces nearly always find room";
}

// Recorded on x86-64 with Debian 12's OpenCV; must hold on every machine. A change of the drawing changes it: look at
// the pictures and record the new value.
TEST(DrawSceneTest, PixelsAreTheRecordedOnes) {
  Random random({1, 0});
  EXPECT_EQ(HashOf(DrawScene(SceneOptions(), random).image), 7993954472983149647u);
}

double MeanGrey(const cv::Mat& image) {
  const cv::Scalar mean = cv::mean(image);
  return (mean[0] + mean[1] + mean[2]) / 3;
}

TEST(SceneTest, PlainScenesHideNobodyAndAdverseOnesAreDarkAndHideEverybody) {
  SceneOptions plain, adverse;
  plain.kind = SceneKind::kPlain;
  adverse.kind = SceneKind::kAdverse;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    Random random(seed), again(seed);
    const Scene bright = DrawScene(plain, random), dark = DrawScene(adverse, again);
    for (const SceneFace& face : bright.faces) {
      EXPECT_EQ(face.person.occluder, Occluder::kNone);
      EXPECT_LE(std::abs(face.person.roll), 0.3);
    }
    for (const SceneFace& face : dark.faces) EXPECT_NE(face.person.occluder, Occluder::kNone);
    EXPECT_LT(MeanGrey(dark.image), 0.7 * MeanGrey(bright.image)) << seed;
  }
}

}  // namespace
}  // namespace hardface::data
