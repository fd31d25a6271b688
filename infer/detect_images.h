// Detection over a dataset or over image files, with every output of the tool.
#ifndef HARDFACE_INFER_DETECT_IMAGES_H_
#define HARDFACE_INFER_DETECT_IMAGES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "data_tools/dataset/box_style.h"
#include "infer/face_detector.h"
#include "infer/images_to_detect.h"
#include "model/execution/device.h"
#include "model/weights/model_file.h"

namespace hardface::infer {

struct DetectImagesOptions {
  DetectOptions detect;
  // Several GPUs, which share the images; empty: detect.device alone. The results are those of one, where they are of
  // one kind.
  std::vector<model::Device> devices;
  std::vector<std::string> formats = {"jsonl"};
  data::BoxStyle style;  // of the results' boxes and the drawn ones, from the style that the model was trained on
  bool draw = false;     // pictures with the boxes, in OUTPUT/drawn
  float draw_threshold = 0.5f;  // least score drawn
  int threads = 0;
};

struct DetectionCounts {
  int64_t images = 0;
  int64_t boxes = 0;
  std::vector<std::string> failures;  // one message for each image that could not be read
};

// Writes the results into FOLDER. Images that cannot be read, or are not of the size that their manifest says, get no
// result; they are counted and named, and the work goes on. The images' names must have passed CheckResultNames.
absl::StatusOr<DetectionCounts> DetectImages(const model::Model& model, const std::vector<ImageToDetect>& images,
                                             const std::string& folder, const DetectImagesOptions& options);

}  // namespace hardface::infer

#endif  // HARDFACE_INFER_DETECT_IMAGES_H_
