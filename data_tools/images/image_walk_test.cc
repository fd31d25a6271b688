#include "data_tools/images/image_walk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/atomic_output.h"

namespace hardface::data {
namespace {

using ::testing::ElementsAre;

TEST(WalkImagesTest, TellsPicturesThatAreReadFromThoseThatAreNot) {
  const std::string folder = ::testing::TempDir() + "/image_walk";
  for (const char* name : {"b.JPG", "a/c.png", "d.webp", "._b.jpg", "notes.txt", "phone.HEIC", "a/scan.tif"}) {
    ASSERT_TRUE(WriteFileAtomically(folder + "/" + name, "x").ok());
  }
  const auto walk = WalkImages(folder);
  ASSERT_TRUE(walk.ok()) << walk.status();
  EXPECT_THAT(walk->images, ElementsAre("a/c.png", "b.JPG", "d.webp"));
  EXPECT_THAT(walk->other_pictures, ElementsAre("a/scan.tif", "phone.HEIC"));
  EXPECT_EQ(WalkImages(folder + "/none").status().code(), absl::StatusCode::kNotFound);
}

TEST(HasImageExtensionTest, LooksAtTheEndOnly) {
  EXPECT_TRUE(HasImageExtension("a/b.c.Jpeg"));
  EXPECT_FALSE(HasImageExtension("jpg"));
  EXPECT_FALSE(HasImageExtension("a.jpg.txt"));
}

}  // namespace
}  // namespace hardface::data
