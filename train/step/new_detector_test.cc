// A detector of one's own, added as CONTRIBUTING.md says: layers and heads as plain data. Execution, anchors, targets,
// losses, the solver and decoding follow from them.
#include <gtest/gtest.h>

#include <memory>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "data_tools/augmentation/training_sample.h"
#include "data_tools/dataset/box.h"
#include "model/detectors/anchors.h"
#include "model/detectors/detector.h"
#include "model/execution/executor.h"
#include "model/execution/image_input.h"
#include "model/weights/model_file.h"
#include "model/weights/parameters.h"
#include "train/ranks/communicator.h"
#include "train/step/step_engine.h"

namespace hardface::train {
namespace {

using model::LayerKind;

constexpr int kAnchor = 16, kSide = 64;

model::LayerSpec Conv(const std::string& name, const std::string& input, int channels, int kernel, bool relu) {
  model::LayerSpec layer;
  layer.name = layer.parameters = name;
  layer.kind = LayerKind::kConv2d;
  layer.inputs = {input};
  layer.out_channels = channels;
  layer.kernel = kernel;
  layer.relu = relu;
  return layer;
}

// Three convolutions, each with a pooling: a map of stride 8 and one anchor size.
model::DetectorSpec TinyDetector() {
  model::DetectorSpec spec;
  std::vector<model::LayerSpec>& layers = spec.network.layers;
  layers.push_back({"image", LayerKind::kInput});
  std::string last = "image";
  for (const std::string stage : {"1", "2", "3"}) {
    layers.push_back(Conv("conv" + stage, last, 16, 3, /*relu=*/true));
    layers.push_back({"pool" + stage, LayerKind::kMaxPool, {"conv" + stage}});
    last = "pool" + stage;
  }
  layers.push_back(Conv("scores", last, 2, 1, /*relu=*/false));
  layers.push_back(Conv("boxes", last, 4, 1, /*relu=*/false));
  spec.network.outputs = {"scores", "boxes"};
  spec.heads.push_back({"scores", "boxes", /*stride=*/8, {kAnchor}});
  spec.size_multiple = 8;
  return spec;
}

// A grey picture with a bright square, which is the face.
data::TrainingSample Square(const data::Box& face) {
  data::TrainingSample sample;
  sample.image = cv::Mat(kSide, kSide, CV_32FC3, cv::Scalar(100, 100, 100));
  sample.image(cv::Rect(static_cast<int>(face.x1), static_cast<int>(face.y1), static_cast<int>(face.width()),
                        static_cast<int>(face.height()))) = cv::Scalar(250, 250, 250);
  sample.faces.push_back({face, /*ignore=*/false, /*source=*/0});
  sample.sources = {0};
  sample.scales = {1};
  return sample;
}

StepEngineOptions Options() {
  StepEngineOptions options;
  options.batch = options.itersize = 1;
  options.solver.kind = SolverOptions::Kind::kAdam;
  options.solver.schedule.base = 0.01;
  options.solver.body_rate = options.solver.bias_rate = 1;
  options.solver.weight_decay = 0;
  return options;
}

TEST(NewDetectorTest, TrainsAndFindsTheFaceItWasTrainedOn) {
  model::Model model;
  model.detector = TinyDetector();
  model.info.input_divisor = 64;
  model.parameters =
      model::InitializeParameters(model::ListParameters(model.detector.network), model::Initialization::kHe, 1);
  WorldOfOne alone;
  const auto engine = MakeStepEngine(&model, Options(), &alone);
  ASSERT_TRUE(engine.ok()) << engine.status();
  const data::Box face{20, 26, 37, 43};
  const data::TrainingSample sample = Square(face);
  std::vector<double> losses;
  for (int64_t i = 0; i < 80; ++i) {
    ASSERT_TRUE((*engine)->BeginStep(/*hard_negatives=*/1).ok());
    ASSERT_TRUE((*engine)->Pass(0, {{i, &sample}}).ok());
    const auto outcome = (*engine)->FinishStep(i);
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    ASSERT_EQ(outcome->images.size(), 1u);
    EXPECT_GT(outcome->images[0].faces[0].positives, 0) << "an anchor of " << kAnchor << " pixels fits the face";
    losses.push_back(outcome->images[0].loss.total());
  }
  EXPECT_LT(losses.back(), losses.front() / 4);

  // The best anchor, moved as the network says, is the face.
  ASSERT_TRUE((*engine)->UpdateModel().ok());
  const auto executor = model::Executor::Create(model.detector.network, {1, 3, kSide, kSide}, {});
  ASSERT_TRUE(executor.ok()) << executor.status();
  (*executor)->SetParameters(model.parameters);
  (*executor)->Bind();
  model::WriteNetworkInput(sample.image, model.info.input_divisor, /*mirror=*/false, 0, (*executor)->input());
  (*executor)->Forward();
  const auto planes = model::PlanesOf(
      model.detector, [&](const std::string& name) { return (*executor)->output(name); }, 0);
  ASSERT_EQ(planes.size(), 1u);
  const model::AnchorPlane& plane = planes[0];
  int best = 0;
  for (int cell = 0; cell < plane.height * plane.width; ++cell) {
    const auto margin = [&](int at) { return plane.face[at] - plane.background[at]; };
    if (margin(cell) > margin(best)) best = cell;
  }
  const data::EdgeBox found =
      model::DecodeBox(plane.anchor(best / plane.width, best % plane.width),
                       {plane.deltas[0][best], plane.deltas[1][best], plane.deltas[2][best], plane.deltas[3][best]});
  EXPECT_GT(data::ContinuousIou(data::ToRect(found), data::ToRect(face)), 0.6)
      << found.x1 << " " << found.y1 << " " << found.x2 << " " << found.y2;
}

}  // namespace
}  // namespace hardface::train
