// SSH, S3FD and PyramidBox from a .caffemodel to detections, against what NumPy makes of the same weights and image
// (model/testdata/record_published_detectors.py, whose formulas for both stand here once more).
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <map>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/atomic_output.h"
#include "data_tools/dataset/box.h"
#include "infer/face_detector.h"
#include "model/detectors/detector.h"
#include "model/testdata/golden.h"
#include "model/weights/model_file.h"
#include "third_party/caffe/caffe.pb.h"

namespace hardface::infer {
namespace {

double Noise(const std::string& name, int64_t i) {
  uint32_t seed = 0;
  for (const char letter : name) seed = seed * 31 + static_cast<unsigned char>(letter);
  uint32_t u = seed + static_cast<uint32_t>(i) * 2654435761u;
  u ^= u >> 16;
  u *= 0x45D9F3Bu;
  u ^= u >> 16;
  return (u >> 8) / 8388608.0 - 1;
}

float ValueOf(const model::ParameterSpec& spec, float input_divisor, int64_t i) {
  const double noise = Noise(spec.name, i);
  if (spec.bias) return static_cast<float>(noise * 0.1);
  if (spec.dims.size() == 1) return static_cast<float>(double{spec.fill} * (1 + 0.2 * noise));
  double gain = spec.name == "conv1_1.weight" ? double{input_divisor} / 64 : 1;
  for (const auto& [part, of_output] : std::map<std::string, double>{
           {"cls_score", 0.06}, {"bbox_pred", 0.1}, {"mbox_conf", 0.25}, {"mbox_loc", 0.25}}) {
    if (spec.name.find(part) != std::string::npos) gain = of_output;
  }
  const double fan_in = static_cast<double>(spec.size()) / spec.dims[0];
  return static_cast<float>(noise * std::sqrt(6 / fan_in) * gain);
}

// A .caffemodel as the published ones are: a layer of each name with its blobs, and Caffe's fixed deconvolution.
std::string WriteCaffeModel(const std::string& architecture, int width_divisor) {
  const auto detector = model::BuildDetector({architecture, width_divisor});
  EXPECT_TRUE(detector.ok()) << detector.status();
  model::ModelInfo info;
  model::SetPublishedInput(architecture, &info);
  caffe::NetParameter network;
  std::map<std::string, caffe::LayerParameter*> layers;
  for (const model::ParameterSpec& spec : model::ListParameters(detector->network)) {
    const std::string name = spec.name.substr(0, spec.name.rfind('.'));
    caffe::LayerParameter*& layer = layers[name];
    if (layer == nullptr) {
      layer = network.add_layer();
      layer->set_name(name);
    }
    caffe::BlobProto* const blob = layer->add_blobs();
    for (const int dim : spec.dims) blob->mutable_shape()->add_dim(dim);
    for (int64_t i = 0; i < spec.size(); ++i) blob->add_data(ValueOf(spec, info.input_divisor, i));
  }
  caffe::LayerParameter* const fixed = network.add_layer();
  fixed->set_name("conv5_128_up");
  fixed->add_blobs()->add_data(1);
  fixed->mutable_blobs(0)->mutable_shape()->add_dim(1);
  const std::string path = absl::StrCat(::testing::TempDir(), "/", architecture, ".caffemodel");
  EXPECT_TRUE(WriteFileAtomically(path, network.SerializeAsString()).ok());
  return path;
}

cv::Mat NoiseImage(int height, int width) {
  cv::Mat image(height, width, CV_8UC3);
  for (int64_t i = 0; i < int64_t{3} * height * width; ++i) {
    image.data[i] = static_cast<uint8_t>((Noise("image", i) + 1) * 128);
  }
  return image;
}

class PublishedDetectorsTest : public ::testing::TestWithParam<std::string> {
 protected:
  PublishedDetectorsTest() : golden_(model::ReadGoldenJson(absl::StrCat("published_", GetParam(), ".json"))) {
    options_.pyramid = {golden_["height"]};  // the level on which such an image keeps its size
    options_.flip = false;
    options_.merge = Merge::kNms;
    options_.nms_threshold = golden_["nms_threshold"];
    options_.score_threshold = golden_["score_threshold"];
  }

  void ExpectTheRecording(const model::Model& model, double tolerance) const {
    FaceDetector detector(model, options_);
    const auto faces = detector.Detect(NoiseImage(golden_["height"], golden_["width"]));
    ASSERT_TRUE(faces.ok()) << faces.status();
    // The published programs return boxes beside the picture, too, clipped to lines on its border; ours leave them out.
    std::vector<nlohmann::json> expected;
    for (const nlohmann::json& row : golden_["detections"]) {
      const data::EdgeBox box{row[0], row[1], row[2], row[3]};
      if (data::HasArea(data::ToRect(box))) expected.push_back(row);
    }
    ASSERT_EQ(faces->size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      const auto& [box, score] = (*faces)[i];
      const float values[5] = {box.x, box.y, box.x + box.w, box.y + box.h, score * 100};
      for (int k = 0; k < 5; ++k) {
        EXPECT_NEAR(values[k], expected[i][k].get<double>() * (k == 4 ? 100 : 1), tolerance) << i << ", value " << k;
      }
    }
  }

  const nlohmann::json golden_;
  DetectOptions options_;
};

INSTANTIATE_TEST_SUITE_P(Networks, PublishedDetectorsTest, ::testing::Values("ssh", "s3fd", "pyramidbox"),
                         model::GoldenTestName);

TEST_P(PublishedDetectorsTest, ACaffeModelFindsWhatNumPyFinds) {
  const auto model = model::LoadModel(WriteCaffeModel(GetParam(), golden_["width_divisor"]));
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(model->detector.options.architecture, GetParam());
  ExpectTheRecording(*model, /*tolerance=*/0.01);
}

TEST_P(PublishedDetectorsTest, AndSoDoesTheModelConverted) {
  const auto model = model::LoadModel(WriteCaffeModel(GetParam(), golden_["width_divisor"]));
  ASSERT_TRUE(model.ok()) << model.status();
  const std::string path = absl::StrCat(::testing::TempDir(), "/", GetParam(), ".safetensors");
  ASSERT_TRUE(model::SaveModel(path, *model).ok());
  const auto converted = model::LoadModel(path);
  ASSERT_TRUE(converted.ok()) << converted.status();
  EXPECT_EQ(converted->info.pyramid, model->info.pyramid);
  ExpectTheRecording(*converted, /*tolerance=*/0.01);
}

TEST_P(PublishedDetectorsTest, RunsFasterSpeedsWholeWhereTilesAreNone) {
  const auto model = model::LoadModel(WriteCaffeModel(GetParam(), golden_["width_divisor"]));
  ASSERT_TRUE(model.ok()) << model.status();
  DetectOptions options = options_;
  options.pyramid = {45, 90};
  options.speed = Speed::kBalanced;
  FaceDetector detector(*model, options);
  const auto faces = detector.Detect(NoiseImage(golden_["height"], golden_["width"]));
  ASSERT_TRUE(faces.ok()) << faces.status();
  EXPECT_GE(faces->size(), golden_["detections"].size() / 2);
}

TEST(PublishedModelsTest, AMissingLayerIsNamed) {
  const std::string path = WriteCaffeModel("s3fd", 16);
  auto model = model::LoadModel(path);
  ASSERT_TRUE(model.ok()) << model.status();
  model->parameters.erase("conv4_3_norm.weight");
  ASSERT_TRUE(model::SaveModel(path + ".safetensors", *model).ok());
  const absl::Status status = model::LoadModel(path + ".safetensors").status();
  EXPECT_NE(status.message().find("no tensor named conv4_3_norm.weight (expected 32)"), std::string::npos) << status;
}

}  // namespace
}  // namespace hardface::infer
