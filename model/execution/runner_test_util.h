// What the tests of the detector runners run.
#ifndef HARDFACE_MODEL_EXECUTION_RUNNER_TEST_UTIL_H_
#define HARDFACE_MODEL_EXECUTION_RUNNER_TEST_UTIL_H_

#include <opencv2/core/mat.hpp>

#include "model/weights/model_file.h"

namespace hardface::model {

// The paper's detector at a sixteenth of its width, the same at every call.
Model RandomModel();

// 8-bit BGR, decided by its size.
cv::Mat RandomImage(int rows, int columns);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_EXECUTION_RUNNER_TEST_UTIL_H_
