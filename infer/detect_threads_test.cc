// A run of detection over many images with several threads, for the thread sanitizer: loaders, detectors and the
// journal at once. The files are those of one thread, byte for byte.
#include <gtest/gtest.h>

#include <filesystem>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "base/atomic_output.h"
#include "base/fresh_folder.h"
#include "base/random.h"
#include "base/read_file.h"
#include "data_tools/images/image_io.h"
#include "infer/detect_images.h"
#include "infer/images_to_detect.h"
#include "model/detectors/detector.h"

namespace hardface::infer {
namespace {

model::Model SmallModel() {
  model::Model model;
  model.detector = *model::BuildDetector({"smallhard", 16, true});
  model.parameters =
      model::InitializeParameters(model::ListParameters(model.detector.network), model::Initialization::kHe, 3);
  model.info.input_divisor = 64;
  model.info.pyramid = {32};
  return model;
}

TEST(DetectThreadsTest, SeveralThreadsWriteTheSameFiles) {
  const std::string folder = FreshFolder();
  Random random(1);
  for (int i = 0; i < 12; ++i) {
    cv::Mat image(32, 40 + i, CV_8UC3);
    for (int y = 0; y < image.rows; ++y) {
      for (int x = 0; x < 3 * image.cols; ++x) image.ptr(y)[x] = static_cast<uchar>(random.Index(256));
    }
    ASSERT_TRUE(data::WritePng(folder + "/in/" + std::to_string(i) + ".png", image).ok());
  }
  ASSERT_TRUE(WriteFileAtomically(folder + "/in/bad.png", "no picture").ok());
  auto found = ImagesOfPaths({folder + "/in"});
  ASSERT_TRUE(found.ok()) << found.status();
  for (const int threads : {1, 4}) {
    DetectImagesOptions options;
    options.formats = {"jsonl", "wider"};
    options.pictures.draw = true;
    options.threads = threads;
    const auto counts = DetectImages(SmallModel(), found->images, folder + "/out" + std::to_string(threads), options);
    ASSERT_TRUE(counts.ok()) << counts.status();
    EXPECT_EQ(counts->images, 12);
    EXPECT_EQ(counts->failures.size(), 1u);
  }
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder + "/out1")) {
    if (!entry.is_regular_file() || entry.path().filename() == "provenance.json") continue;
    const std::string name = std::filesystem::relative(entry.path(), folder + "/out1").string();
    EXPECT_EQ(*ReadFile(entry.path().string()), ReadFile(folder + "/out4/" + name).value_or("none")) << name;
    ++files;
  }
  EXPECT_GE(files, 1 + 12 + 12);
}

}  // namespace
}  // namespace hardface::infer
