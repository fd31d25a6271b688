#include "model/execution/runner_test_util.h"

#include <cstdint>
#include <opencv2/core.hpp>

#include "base/random.h"
#include "model/detectors/detector.h"
#include "model/weights/parameters.h"

namespace hardface::model {

Model RandomModel() {
  Model model;
  model.detector = *BuildDetector({"smallhard", 16, true});
  model.info.input_divisor = 64;
  model.parameters = InitializeParameters(ListParameters(model.detector.network), Initialization::kHe, 3);
  return model;
}

cv::Mat RandomImage(int rows, int columns) {
  Random random(rows);
  cv::Mat image(rows, columns, CV_8UC3);
  for (int y = 0; y < rows; ++y) {
    for (int x = 0; x < 3 * columns; ++x) image.ptr(y)[x] = static_cast<uint8_t>(random.Uniform(0, 255));
  }
  return image;
}

}  // namespace hardface::model
