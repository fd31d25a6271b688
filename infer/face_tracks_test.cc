#include "infer/face_tracks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hardface::infer {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

data::Detection At(float x, float y) { return {{x, y, 20, 20}, 0.9f}; }

TEST(FaceTrackerTest, AFaceKeepsItsTrackWhileItMovesAndWhenOthersComeAndChangePlaces) {
  FaceTracker tracker;
  EXPECT_THAT(tracker.Add({At(0, 0), At(100, 0)}), ElementsAre(1, 2));
  EXPECT_THAT(tracker.Add({At(103, 2), At(4, 1), At(50, 50)}), ElementsAre(2, 1, 3));
  EXPECT_THAT(tracker.Add({At(8, 2)}), ElementsAre(1));
  EXPECT_THAT(tracker.Add({At(106, 2), At(300, 0)}), ElementsAre(2, 4)) << "unseen in one frame";
}

TEST(FaceTrackerTest, OfTwoFacesTheOneThatOverlapsMoreGoesOn) {
  FaceTracker tracker;
  tracker.Add({At(0, 0)});
  EXPECT_THAT(tracker.Add({At(8, 0), At(2, 0)}), ElementsAre(2, 1));
}

TEST(FaceTrackerTest, ATrackThatWasLongUnseenIsOver) {
  FaceTracker tracker;
  tracker.Add({At(0, 0)});
  for (int i = 0; i < 9; ++i) EXPECT_THAT(tracker.Add({}), IsEmpty());
  EXPECT_THAT(tracker.Add({At(0, 0)}), ElementsAre(1)) << "the tenth frame behind it";
  for (int i = 0; i < 10; ++i) tracker.Add({});
  EXPECT_THAT(tracker.Add({At(0, 0)}), ElementsAre(2));
}

}  // namespace
}  // namespace hardface::infer
