#include "data_tools/synth/synthesize_dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "base/atomic_output.h"
#include "base/provenance.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/images/image_io.h"

namespace hardface::data {
namespace {

std::string Temp(const std::string& name) { return ::testing::TempDir() + "/synthesize_" + name; }

SynthesizeOptions Options(const std::string& name, int64_t images) {
  SynthesizeOptions options;
  options.output = Temp(name);
  options.images = images;
  options.seed = 7;
  return options;
}

// The same bytes for any number of threads and images: training data must not depend on the machine it was made on.
TEST(SynthesizeDatasetTest, ImagesDependOnSeedAndIndexOnly) {
  SynthesizeOptions one = Options("one", 6), many = Options("many", 9), other = Options("other", 1);
  one.threads = 1;
  many.threads = 4;
  other.seed = 8;
  ASSERT_TRUE(SynthesizeDataset(one).ok());
  ASSERT_TRUE(SynthesizeDataset(many).ok());
  ASSERT_TRUE(SynthesizeDataset(other).ok());
  for (int i = 0; i < 6; ++i) {
    const std::string name = "/images/00000" + std::to_string(i) + ".jpg";
    EXPECT_EQ(*HashFile(one.output + name), *HashFile(many.output + name)) << name;
  }
  EXPECT_NE(*HashFile(one.output + "/images/000000.jpg"), *HashFile(other.output + "/images/000000.jpg"));
}

TEST(SynthesizeDatasetTest, ManifestMatchesTheImages) {
  SynthesizeOptions options = Options("manifest", 30);
  options.scene.width = 200;
  options.scene.height = 160;
  options.scene.min_faces = 2;
  options.scene.max_faces = 5;
  options.scene.min_face_px = 10;
  options.scene.max_face_px = 40;
  const auto summary = SynthesizeDataset(options);
  ASSERT_TRUE(summary.ok()) << summary.status();
  const auto dataset = ReadDataset(options.output);
  ASSERT_TRUE(dataset.ok()) << dataset.status();
  ASSERT_EQ(dataset->entries.size(), 30u);
  for (size_t i = 0; i < dataset->entries.size(); ++i) {
    const auto size = ReadImageSize(dataset->image_paths[i]);
    ASSERT_TRUE(size.ok()) << size.status();
    EXPECT_EQ(size->width, 200);
    EXPECT_EQ(size->height, 160);
    EXPECT_LE(dataset->entries[i].faces.size(), 5u);
    for (const Face& face : dataset->entries[i].faces) {
      EXPECT_GE(face.box.x, 0);
      EXPECT_GE(face.box.y, 0);
      EXPECT_LE(face.box.x + face.box.w, 200.01f);
      EXPECT_LE(face.box.y + face.box.h, 160.01f);
      EXPECT_GT(std::min(face.box.w, face.box.h), 4);
    }
  }
}

TEST(SynthesizeDatasetTest, FaceHeightsCoverEveryOctave) {
  SynthesizeOptions options = Options("octaves", 60);
  ASSERT_TRUE(SynthesizeDataset(options).ok());
  int octaves[5] = {};  // from 8, 16, 32, 64, 128 pixels
  const auto dataset = ReadDataset(options.output);
  ASSERT_TRUE(dataset.ok()) << dataset.status();
  for (const DatasetEntry& entry : dataset->entries) {
    for (const Face& face : entry.faces) {
      int octave = 0;
      while (octave < 4 && face.box.h >= (16 << octave)) ++octave;
      ++octaves[octave];
    }
  }
  for (int count : octaves) EXPECT_GE(count, 10);
}

}  // namespace
}  // namespace hardface::data
