// A detector in one file: safetensors with the architecture, the input's scaling and how it was trained in its
// metadata, so that a model file needs no other file. docs/FORMATS.md lists the keys.
#ifndef HARDFACE_MODEL_WEIGHTS_MODEL_FILE_H_
#define HARDFACE_MODEL_WEIGHTS_MODEL_FILE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "data_tools/images/bgr_mean.h"
#include "model/detectors/detector.h"
#include "model/weights/parameters.h"
#include "model/weights/safetensors.h"
#include "model/weights/score_scale.h"

namespace hardface::model {

// Of files with a calibration, which a reader must not overlook; others are written as version 1.
inline constexpr int kModelVersion = 2;

// What is subtracted from the pixels.
using data::kBgrMean;

struct ModelInfo {
  // After the mean is subtracted, pixels are divided by this: 1 for VGG16's weights, 64 for training from scratch.
  float input_divisor = 1;
  // The image pyramid it should be run on: level k resizes by base scale * k / 800.
  std::vector<int> pyramid = {100, 300, 600, 1000, 1400};
  // How scores are told (FaceDetector); the network's own count for everything within the detector. Nothing: as they
  // are.
  std::optional<ScoreScale> calibration;
  // Scores above it, as they are told, are taken for faces in use: the balanced threshold, measured on photographs.
  // Nothing where nobody has measured it.
  std::optional<float> score_threshold;
  int64_t iterations = 0;
  std::string data;  // what it was trained on, in words

  // The network's score that is told as SCORE.
  float NetworkScore(float score) const { return calibration.has_value() ? calibration->OfNetwork(score) : score; }
};

struct Model {
  DetectorSpec detector;
  ModelInfo info;
  ParameterSet parameters;
};

// How a compared detector (published_detectors.h) wants its image: sets divisor and pyramid, as near to its own test
// settings as levels come. Leaves INFO alone for others.
void SetPublishedInput(const std::string& architecture, ModelInfo* info);

// Reads a .safetensors written by SaveModel, or a published .caffemodel (smallhard with dilated heads, SSH or S3FD,
// told by their layers; the width divisor is read off conv1_1). All parameters are checked, and what the metadata say
// of the input and the scores: errors name file, tensor or key, and value.
absl::StatusOr<Model> LoadModel(const std::string& path);

// STORAGE: of the weights (safetensors.h).
absl::Status SaveModel(const std::string& path, const Model& model, Storage storage = Storage::kF32);

// Reads a file of weights to start training from, without asking for completeness: a model of this project, Caffe's
// VGG16 (.caffemodel) or torchvision's vgg16 and vgg16_bn (.safetensors; torchvision_vgg.h). conv1_1 is made to fit
// pixels that are divided by INPUT_DIVISOR, whatever the file was made for.
absl::StatusOr<ParameterSet> LoadWeights(const std::string& path, float input_divisor);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_WEIGHTS_MODEL_FILE_H_
