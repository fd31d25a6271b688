#include "model/weights/pruning.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "model/detectors/detector.h"
#include "model/detectors/network.h"
#include "model/execution/executor.h"
#include "model/ops/tensor.h"
#include "model/weights/model_file.h"
#include "model/weights/parameters.h"

namespace hardface::model {
namespace {

Model RandomModel(const std::string& architecture) {
  Model model;
  model.detector = *BuildDetector({architecture, 16, true});
  model.parameters = InitializeParameters(ListParameters(model.detector.network), Initialization::kHe, 3);
  return model;
}

int ChannelsOf(const Model& model, const std::string& name) {
  const auto& layers = model.detector.network.layers;
  return std::find_if(layers.begin(), layers.end(), [&](const LayerSpec& layer) { return layer.name == name; })
      ->out_channels;
}

std::map<std::string, std::vector<float>> Outputs(const Model& model) {
  auto executor = *Executor::Create(model.detector.network, {1, 3, 64, 96}, {});
  executor->SetParameters(model.parameters);
  Random random(5);
  for (int64_t i = 0; i < executor->input().shape.size(); ++i) {
    executor->input().data[i] = static_cast<float>(random.Uniform(-2, 2));
  }
  executor->Forward();
  std::map<std::string, std::vector<float>> outputs;
  for (const std::string& name : model.detector.network.outputs) {
    const TensorView output = executor->output(name);
    outputs[name].assign(output.data, output.data + output.shape.size());
  }
  return outputs;
}

// Takes the weights that make and that read a channel down to SCALE of what they were.
void LetDecay(Model* model, const std::string& layer, int channel, const std::vector<std::string>& readers, int offset,
              float scale) {
  Array& made = model->parameters[layer + ".weight"];
  const size_t a_channel = made.values.size() / static_cast<size_t>(made.dims[0]);
  for (size_t i = 0; i < a_channel; ++i) made.values[static_cast<size_t>(channel) * a_channel + i] *= scale;
  model->parameters[layer + ".bias"].values[static_cast<size_t>(channel)] = -1e-9f;
  for (const std::string& reader : readers) {
    Array& read = model->parameters[reader + ".weight"];
    const auto taps = static_cast<size_t>(read.dims[2] * read.dims[3]), inputs = static_cast<size_t>(read.dims[1]);
    for (size_t o = 0; o < static_cast<size_t>(read.dims[0]); ++o) {
      for (size_t t = 0; t < taps; ++t) {
        read.values[(o * inputs + static_cast<size_t>(channel + offset)) * taps + t] *= scale;
      }
    }
  }
}

TEST(WithoutDeadChannelsTest, DropsWhatDecayedAndKeepsTheOutputs) {
  Model model = RandomModel("smallhard");
  LetDecay(&model, "conv4_2", 7, {"conv4_3"}, 0, 1e-6f);
  LetDecay(&model, "conv3_3", 0, {"conv4_1"}, 0, 1e-6f);                    // across a pooling layer
  LetDecay(&model, "conv4_256", 3, {"conv4_fuse_final"}, 256 / 16, 1e-6f);  // and a concatenation
  LetDecay(&model, "head_1", 2,
           {"cls_score_1", "cls_score_2", "cls_score_4", "bbox_pred_1", "bbox_pred_2", "bbox_pred_4"}, 0, 1e-6f);
  LetDecay(&model, "conv5_1", 4, {"conv5_2"}, 0, 1e-2f);  // weak but alive
  const Model pruned = WithoutDeadChannels(model);
  EXPECT_EQ(ChannelsOf(pruned, "conv4_2"), 512 / 16 - 1);
  EXPECT_EQ(ChannelsOf(pruned, "conv3_3"), 256 / 16 - 1);
  EXPECT_EQ(ChannelsOf(pruned, "conv4_256"), 256 / 16 - 1);
  EXPECT_EQ(ChannelsOf(pruned, "head_4"), 128 / 16 - 1);
  EXPECT_EQ(ChannelsOf(pruned, "conv5_1"), 512 / 16);
  EXPECT_EQ(pruned.parameters.at("conv4_1.weight").dims, (std::vector<int>{32, 15, 3, 3}));
  const auto expected = Outputs(model), found = Outputs(pruned);
  for (const auto& [name, values] : expected) {
    ASSERT_EQ(found.at(name).size(), values.size());
    float largest = 0;
    for (const float value : values) largest = std::max(largest, std::abs(value));
    for (size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(found.at(name)[i], values[i], 1e-5f * largest) << name << i;
  }
}

TEST(WithoutDeadChannelsTest, WhatOnlyADeadChannelFedIsDeadToo) {
  Model model = RandomModel("three_maps");
  // conv2_2 reads one channel alone; without it, channel 1 of conv2_2 is made of nothing.
  Array& weight = model.parameters["conv2_2.weight"];
  const size_t a_channel = weight.values.size() / static_cast<size_t>(weight.dims[0]);
  for (size_t i = 0; i < a_channel; ++i) {
    if (i / 9 != 5) weight.values[a_channel + i] = 0;
  }
  LetDecay(&model, "conv2_1", 5, {}, 0, 0.0f);
  const Model pruned = WithoutDeadChannels(model);
  EXPECT_EQ(ChannelsOf(pruned, "conv2_1"), 128 / 16 - 1);
  EXPECT_EQ(ChannelsOf(pruned, "conv2_2"), 128 / 16 - 1);
}

TEST(WithoutDeadChannelsTest, ALayerKeepsAChannelAndABiasKeepsItsOwn) {
  Model model = RandomModel("smallhard");
  for (int c = 0; c < 4; ++c) LetDecay(&model, "conv1_1", c, {}, 0, 0.0f);
  for (int c = 0; c < 4; ++c) LetDecay(&model, "conv1_2", c, {}, 0, 0.0f);
  model.parameters["conv1_2.bias"].values[2] = 0.5f;  // a constant that conv2_1 reads
  const Model pruned = WithoutDeadChannels(model);
  EXPECT_EQ(ChannelsOf(pruned, "conv1_1"), 1);
  EXPECT_EQ(ChannelsOf(pruned, "conv1_2"), 1);
  EXPECT_EQ(pruned.parameters.at("conv1_2.bias").values, std::vector<float>{0.5f});
}

TEST(WithoutDeadChannelsTest, ALivingModelStaysAsItIs) {
  const Model model = RandomModel("smallhard"), pruned = WithoutDeadChannels(model);
  for (const auto& [name, array] : model.parameters) {
    EXPECT_EQ(pruned.parameters.at(name).dims, array.dims) << name;
    EXPECT_EQ(pruned.parameters.at(name).values, array.values) << name;
  }
}

// Every channel that no output is made of, but one in FACTOR, adds nothing.
void SilenceAllButOneIn(size_t factor, Model* model) {
  const NetworkSpec& network = model->detector.network;
  for (const LayerSpec& layer : network.layers) {
    const bool output = std::find(network.outputs.begin(), network.outputs.end(), layer.name) != network.outputs.end();
    if (layer.kind != LayerKind::kConv2d || output) continue;
    Array& weight = model->parameters[layer.parameters + ".weight"];
    const auto channels = static_cast<size_t>(weight.dims[0]);
    const size_t a_channel = weight.values.size() / channels;
    for (size_t c = 0; c < channels; ++c) {
      if (c % factor == 1) continue;  // others stay than those that come first
      std::fill_n(weight.values.begin() + static_cast<std::ptrdiff_t>(c * a_channel), a_channel, 0.0f);
      model->parameters[layer.parameters + ".bias"].values[c] = -1;
    }
  }
}

TEST(NarrowModelTest, TheStrongestChannelsStay) {
  for (const char* const architecture : {"smallhard", "three_maps"}) {
    Model model = RandomModel(architecture);
    SilenceAllButOneIn(2, &model);
    const absl::StatusOr<Model> narrowed = NarrowModel(model, 32);
    ASSERT_TRUE(narrowed.ok()) << narrowed.status();
    EXPECT_EQ(narrowed->detector.options.width_divisor, 32);
    for (const ParameterSpec& spec : ListParameters(BuildDetector({architecture, 32, true})->network)) {
      EXPECT_EQ(narrowed->parameters.at(spec.name).dims, spec.dims) << spec.name;
    }
    EXPECT_EQ(narrowed->parameters.size(), model.parameters.size());
    EXPECT_EQ(Outputs(*narrowed), Outputs(WithoutDeadChannels(model)));
  }
}

TEST(NarrowModelTest, AWidthThatIsNotNarrowerIsAnError) {
  const Model model = RandomModel("smallhard");
  for (const int divisor : {0, 8, 16, 24, 128}) {
    const absl::StatusOr<Model> narrowed = NarrowModel(model, divisor);
    EXPECT_EQ(narrowed.status().code(), absl::StatusCode::kInvalidArgument) << divisor;
  }
}

TEST(NarrowModelTest, ChannelsThatAreAddedTogetherCannotBeLeftOut) {
  Model model;
  model.detector = *BuildDetector({"s3fd", 1, true});
  EXPECT_EQ(NarrowModel(model, 2).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace hardface::model
