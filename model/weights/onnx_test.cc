// The ONNX export, read back by protobuf. That other runtimes compute the same from it is measured in docs/RESULTS.md.
#include "model/weights/onnx.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <set>

#include "base/read_file.h"
#include "third_party/onnx/onnx.pb.h"

namespace hardface::model {
namespace {

TEST(WriteOnnxTest, GraphIsCompleteAndHoldsTheWeights) {
  for (const char* architecture : {"smallhard", "three_maps"}) {
    Model model;
    model.detector = *BuildDetector({architecture, 16, true});
    model.parameters = InitializeParameters(ListParameters(model.detector.network), Initialization::kHe, 1);
    const std::string path = ::testing::TempDir() + "/onnx_test.onnx";
    ASSERT_TRUE(WriteOnnx(path, model).ok());
    onnx::ModelProto proto;
    ASSERT_TRUE(proto.ParseFromString(*ReadFile(path)));

    // Every input of a node is the image, a weight, or the output of an earlier node.
    std::map<std::string, const onnx::TensorProto*> weights;
    for (const auto& tensor : proto.graph().initializer()) weights[tensor.name()] = &tensor;
    std::set<std::string> known = {"image"};
    int convolutions = 0;
    for (const auto& node : proto.graph().node()) {
      for (const std::string& input : node.input()) {
        EXPECT_TRUE(known.count(input) == 1 || weights.count(input) == 1) << node.name() << " reads " << input;
      }
      known.insert(node.output(0));
      convolutions += node.op_type() == "Conv";
    }
    int expected = 0;
    for (const LayerSpec& layer : model.detector.network.layers) expected += layer.kind == LayerKind::kConv2d;
    EXPECT_EQ(convolutions, expected);
    ASSERT_EQ(proto.graph().output_size(), static_cast<int>(model.detector.network.outputs.size()));
    for (const auto& output : proto.graph().output()) EXPECT_EQ(known.count(output.name()), 1u) << output.name();
    for (const auto& [name, array] : model.parameters) {
      ASSERT_EQ(weights.count(name), 1u) << name;
      ASSERT_EQ(weights[name]->raw_data().size(), array.values.size() * sizeof(float));
      EXPECT_EQ(std::memcmp(weights[name]->raw_data().data(), array.values.data(), weights[name]->raw_data().size()),
                0);
    }
  }
}

// Every name that a node reads is a constant or comes from above.
TEST(WriteOnnxTest, PostprocessingIsPartOfTheGraph) {
  for (const char* architecture : {"smallhard", "three_maps"}) {
    Model model;
    model.detector = *BuildDetector({architecture, 16, true});
    model.parameters = InitializeParameters(ListParameters(model.detector.network), Initialization::kHe, 1);
    const std::string path = ::testing::TempDir() + "/onnx_postprocessing_test.onnx";
    OnnxPostprocessing postprocessing;
    postprocessing.score_threshold = 0.25f;
    ASSERT_TRUE(WriteOnnx(path, model, postprocessing).ok());
    onnx::ModelProto proto;
    ASSERT_TRUE(proto.ParseFromString(*ReadFile(path)));
    std::set<std::string> known = {"image"};
    float threshold = 0;
    for (const auto& tensor : proto.graph().initializer()) {
      EXPECT_TRUE(known.insert(tensor.name()).second) << tensor.name() << " stands twice";
      if (tensor.name() == "score_threshold") std::memcpy(&threshold, tensor.raw_data().data(), sizeof(threshold));
    }
    EXPECT_EQ(threshold, 0.25f);
    int suppressions = 0;
    for (const auto& node : proto.graph().node()) {
      for (const std::string& input : node.input()) EXPECT_EQ(known.count(input), 1u) << node.name() << " " << input;
      EXPECT_TRUE(known.insert(node.output(0)).second) << node.name() << " stands twice";
      suppressions += node.op_type() == "NonMaxSuppression";
    }
    EXPECT_EQ(suppressions, 1);
    ASSERT_EQ(proto.graph().output_size(), 1);
    EXPECT_EQ(proto.graph().output(0).name(), "faces");
    EXPECT_EQ(known.count("faces"), 1u);
  }
}

}  // namespace
}  // namespace hardface::model
