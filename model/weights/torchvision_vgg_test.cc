// torchvision's VGG16 as start weights: layer by layer on made-up weights, and as a whole against recordings of
// torchvision itself (model/compare/record_torchvision_vgg.py), where there are some.
#include "model/weights/torchvision_vgg.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>

#include "base/random.h"
#include "base/read_file.h"
#include "model/detectors/detector.h"
#include "model/execution/executor.h"
#include "model/weights/model_file.h"

namespace hardface::model {
namespace {

using ::testing::HasSubstr;

const InputScaling kInput = {{kBgrMean[0], kBgrMean[1], kBgrMean[2]}, 64};

Array RandomArray(const std::vector<int>& dims, double low, double high) {
  static Random random({1});
  size_t size = 1;
  for (const int dim : dims) size *= static_cast<size_t>(dim);
  Array array{dims, std::vector<float>(size)};
  for (float& value : array.values) value = static_cast<float>(random.Uniform(low, high));
  return array;
}

// torchvision's vgg16 or vgg16_bn; "M" in the layout is a pooling.
ParameterSet MakeVgg(bool batch_norm, const std::string& prefix = "") {
  const std::vector<int> layout = {64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0};
  ParameterSet tensors;
  int index = 0, in = 3;
  for (const int out : layout) {
    if (out == 0) {
      ++index;
      continue;
    }
    const std::string name = prefix + "features." + std::to_string(index++) + ".";
    tensors[name + "weight"] = RandomArray({out, in, 3, 3}, -1, 1);
    tensors[name + "bias"] = RandomArray({out}, -1, 1);
    if (batch_norm) {
      const std::string norm = prefix + "features." + std::to_string(index++) + ".";
      for (const char* part : {"weight", "bias", "running_mean"}) tensors[norm + part] = RandomArray({out}, -1, 1);
      tensors[norm + "running_var"] = RandomArray({out}, 0.5, 2);
    }
    ++index;  // ReLU
    in = out;
  }
  tensors[prefix + "classifier.0.weight"] = RandomArray({4, 4}, -1, 1);
  return tensors;
}

std::string MessageOf(const absl::Status& status) { return std::string(status.message()); }

TEST(TorchvisionVggTest, EveryLayerIsMapped) {
  const ParameterSet vgg = MakeVgg(false);
  const auto mapped = FromTorchvisionVgg16(vgg, kInput, "vgg");
  ASSERT_TRUE(mapped.ok()) << mapped.status();
  EXPECT_EQ(mapped->size(), 26u);
  const std::vector<std::pair<std::string, int>> layers = {
      {"conv1_2", 2},  {"conv2_1", 5},  {"conv2_2", 7},  {"conv3_1", 10}, {"conv3_2", 12}, {"conv3_3", 14},
      {"conv4_1", 17}, {"conv4_2", 19}, {"conv4_3", 21}, {"conv5_1", 24}, {"conv5_2", 26}, {"conv5_3", 28}};
  for (const auto& [name, index] : layers) {
    for (const char* part : {".weight", ".bias"}) {
      const Array& expected = vgg.at("features." + std::to_string(index) + part);
      EXPECT_EQ(mapped->at(name + part).values, expected.values) << name << part;
    }
  }
  // They are the full-width detector's, in shape, too.
  const auto detector = BuildDetector({"smallhard", 1, true});
  ASSERT_TRUE(detector.ok());
  for (const ParameterSpec& spec : ListParameters(detector->network)) {
    if (mapped->count(spec.name) == 0) continue;
    EXPECT_TRUE(CheckParameters({spec}, *mapped, "vgg").ok()) << spec.name;
  }
}

TEST(TorchvisionVggTest, FirstLayerSeesTheSamePixelsInOurOrderAndScale) {
  const ParameterSet vgg = MakeVgg(false);
  const auto mapped = FromTorchvisionVgg16(vgg, kInput, "vgg");
  ASSERT_TRUE(mapped.ok()) << mapped.status();
  // One filter on one 3x3 patch, pixels R G B of 0..255, written out both ways.
  const double mean[3] = {0.485, 0.456, 0.406}, std[3] = {0.229, 0.224, 0.225};
  const Array pixels = RandomArray({3, 9}, 0, 255);
  const size_t filter = 17;
  double theirs = vgg.at("features.0.bias").values[filter], ours = mapped->at("conv1_1.bias").values[filter];
  for (size_t rgb = 0; rgb < 3; ++rgb) {
    for (size_t i = 0; i < 9; ++i) {
      const double pixel = pixels.values[rgb * 9 + i];
      theirs += vgg.at("features.0.weight").values[(filter * 3 + rgb) * 9 + i] * ((pixel / 255 - mean[rgb]) / std[rgb]);
      const size_t bgr = 2 - rgb;
      ours +=
          mapped->at("conv1_1.weight").values[(filter * 3 + bgr) * 9 + i] * ((pixel - kBgrMean[bgr]) / kInput.divisor);
    }
  }
  EXPECT_NEAR(ours, theirs, 1e-5);
}

TEST(TorchvisionVggTest, BatchNormIsFolded) {
  const ParameterSet vgg = MakeVgg(true);
  const auto mapped = FromTorchvisionVgg16(vgg, kInput, "vgg");
  ASSERT_TRUE(mapped.ok()) << mapped.status();
  // conv5_3 is features.40, its batch normalisation features.41. One filter on a constant input of 0.1.
  const size_t filter = 100, size = 512 * 9;
  double sum = 0, ours = mapped->at("conv5_3.bias").values[filter];
  for (size_t i = 0; i < size; ++i) {
    sum += 0.1 * vgg.at("features.40.weight").values[filter * size + i];
    ours += 0.1 * mapped->at("conv5_3.weight").values[filter * size + i];
  }
  const auto norm = [&](const std::string& part) { return double{vgg.at("features.41." + part).values[filter]}; };
  const double convolved = sum + vgg.at("features.40.bias").values[filter];
  EXPECT_NEAR(
      ours, norm("weight") * (convolved - norm("running_mean")) / std::sqrt(norm("running_var") + 1e-5) + norm("bias"),
      1e-5);
}

TEST(TorchvisionVggTest, APrefixIsTaken) {
  EXPECT_TRUE(HasTorchvisionNames(MakeVgg(false, "vgg16.")));
  EXPECT_TRUE(FromTorchvisionVgg16(MakeVgg(false, "vgg16."), kInput, "vgg").ok());
  EXPECT_FALSE(HasTorchvisionNames(MakeVgg(false, "my")));  // "myfeatures.0.weight"
  EXPECT_FALSE(HasTorchvisionNames({{"conv1_1.weight", {}}}));
}

TEST(TorchvisionVggTest, MissingAndMisshapenLayersAreNamed) {
  ParameterSet vgg = MakeVgg(false);
  vgg.erase("features.17.weight");  // as in vgg19, which has a pooling there
  EXPECT_THAT(MessageOf(FromTorchvisionVgg16(vgg, kInput, "a.safetensors").status()),
              HasSubstr("a.safetensors: no tensor named features.17.weight (conv4_1, expected 512x256x3x3)"));
  vgg = MakeVgg(false);
  vgg["features.2.bias"].dims = {32, 2};
  EXPECT_THAT(MessageOf(FromTorchvisionVgg16(vgg, kInput, "a.safetensors").status()),
              HasSubstr("a.safetensors: tensor features.2.bias (conv1_2) is 32x2, expected 64"));
  vgg = MakeVgg(true);
  vgg.erase("features.41.running_var");
  EXPECT_THAT(MessageOf(FromTorchvisionVgg16(vgg, kInput, "a.safetensors").status()),
              HasSubstr("no tensor named features.41.running_var (conv5_3"));
  vgg = MakeVgg(false, "teacher.");
  vgg.merge(MakeVgg(false, "student."));
  EXPECT_THAT(MessageOf(FromTorchvisionVgg16(vgg, kInput, "a.safetensors").status()),
              HasSubstr("holds 2 tensors named features.0.weight (before them: \"student.\", \"teacher.\")"));
}

// Largest difference over the cells from BORDER on, by the mean absolute value.
double WorstDifference(const Tensor& ours, const std::vector<float>& theirs, int border) {
  const Shape shape = ours.shape();
  double worst = 0, sum = 0;
  for (int c = 0; c < shape.c; ++c) {
    for (int y = 0; y < shape.h; ++y) {
      for (int x = 0; x < shape.w; ++x) {
        const auto i = static_cast<size_t>((c * shape.h + y) * shape.w + x);
        sum += std::fabs(theirs[i]);
        if (std::min({x, y, shape.w - 1 - x, shape.h - 1 - y}) < border) continue;
        worst = std::max(worst, std::fabs(double{ours.data()[i]} - theirs[i]));
      }
    }
  }
  return worst / (sum / static_cast<double>(theirs.size()));
}

TEST(TorchvisionVggTest, Conv5_3IsTorchvisions) {
  const char* const folder = std::getenv("HARDFACE_TORCHVISION_DIR");
  if (folder == nullptr) GTEST_SKIP() << "HARDFACE_TORCHVISION_DIR is not set";
  constexpr int kSide = 256;
  const auto image = ReadFile(std::string(folder) + "/image.rgb");
  ASSERT_TRUE(image.ok()) << image.status();
  const DetectorSpec detector = *BuildDetector({"smallhard", 1, true});
  ExecutorOptions options;
  options.training = true;  // keeps every layer's output, to look at
  const auto executor = Executor::Create(detector.network, {1, 3, kSide, kSide}, options);
  ASSERT_TRUE(executor.ok()) << executor.status();
  for (const std::string name : {"vgg16", "vgg16_bn", "vgg16_half"}) {
    const auto recorded = ReadFile(std::string(folder) + "/" + name + ".conv5_3.f32");
    ASSERT_TRUE(recorded.ok()) << recorded.status();
    std::vector<float> expected(recorded->size() / sizeof(float));
    std::memcpy(expected.data(), recorded->data(), recorded->size());
    for (const float divisor : {1.0f, 64.0f}) {
      auto weights = LoadWeights(std::string(folder) + "/" + name + ".safetensors", divisor);
      ASSERT_TRUE(weights.ok()) << weights.status();
      ParameterSet parameters = InitializeParameters(ListParameters(detector.network), Initialization::kHe, 1);
      for (auto& [parameter, array] : *weights) parameters[parameter] = std::move(array);
      for (size_t c = 0; c < 3; ++c) {
        for (size_t i = 0; i < kSide * kSide; ++i) {
          const float pixel = static_cast<unsigned char>((*image)[i * 3 + 2 - c]);
          (*executor)->input().data[c * kSide * kSide + i] = (pixel - kBgrMean[c]) / divisor;
        }
      }
      (*executor)->SetParameters(parameters);
      (*executor)->Forward();
      const Tensor ours = (*executor)->LayerOutput("conv5_3");
      ASSERT_EQ(static_cast<size_t>(ours.shape().size()), expected.size());
      // Cells from the sixth on do not see the border, whose conv1_1 differs.
      const double inside = WorstDifference(ours, expected, 6), anywhere = WorstDifference(ours, expected, 0);
      RecordProperty(name + "_inside", std::to_string(inside));
      RecordProperty(name + "_anywhere", std::to_string(anywhere));
      EXPECT_LT(inside, 1e-4) << name << ", divisor " << divisor;
      EXPECT_LT(anywhere, 5e-3) << name << ", divisor " << divisor;
    }
  }
}

}  // namespace
}  // namespace hardface::model
