#include "train/run/start_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hardface::train {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class StartModelTest : public ::testing::Test {
 protected:
  StartModelTest() {
    options_.detector = {"smallhard", 32, true};
    options_.initialization = model::Initialization::kHe;
  }
  absl::StatusOr<model::Model> Start() {
    return StartModel(options_, [this](const std::string& message) { told_.push_back(message); });
  }
  // A file with a model of this detector, started from seed 9.
  std::string FileOf(const model::DetectorOptions& detector) {
    StartModelOptions other = options_;
    other.detector = detector;
    other.init.clear();
    other.seed = 9;
    const auto model = StartModel(other, [](const std::string&) {});
    EXPECT_TRUE(model.ok()) << model.status();
    const std::string path = ::testing::TempDir() + "/start_model.safetensors";
    EXPECT_TRUE(model::SaveModel(path, *model).ok());
    return path;
  }

  StartModelOptions options_;
  std::vector<std::string> told_;
};

TEST_F(StartModelTest, RandomWeightsDependOnTheSeedAlone) {
  const auto first = Start(), again = Start();
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->parameters.at("conv3_1.weight").values, again->parameters.at("conv3_1.weight").values);
  options_.seed = 2;
  EXPECT_NE(Start()->parameters.at("conv3_1.weight").values, first->parameters.at("conv3_1.weight").values);
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(StartModelTest, AWholeModelGivesAllOfItsWeights) {
  options_.init = FileOf(options_.detector);
  const auto model = Start();
  ASSERT_TRUE(model.ok()) << model.status();
  options_.init.clear();
  options_.seed = 9;
  const auto expected = Start();
  for (const auto& [name, array] : expected->parameters) EXPECT_EQ(model->parameters.at(name).values, array.values);
  EXPECT_THAT(told_, IsEmpty());
}

// The plain head has layers that the dilated heads do not have, on the same trunk.
TEST_F(StartModelTest, LayersThatTheFileLacksStartAtRandomAndAreTold) {
  options_.init = FileOf({"smallhard", 32, /*dilated_heads=*/false});
  const auto model = Start();
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_THAT(told_, ElementsAre(AllOf(HasSubstr("started at random: "), HasSubstr("cls_score_1.weight"))));
  EXPECT_THAT(told_[0], ::testing::Not(HasSubstr("conv3_1")));
  options_.init.clear();
  const auto fresh = Start();
  EXPECT_EQ(model->parameters.at("cls_score_1.weight").values, fresh->parameters.at("cls_score_1.weight").values);
  EXPECT_NE(model->parameters.at("conv3_1.weight").values, fresh->parameters.at("conv3_1.weight").values);
}

TEST_F(StartModelTest, AnotherWidthIsAnErrorThatNamesTheTensor) {
  options_.init = FileOf({"smallhard", 64, true});
  const auto model = Start();
  ASSERT_FALSE(model.ok());
  EXPECT_THAT(std::string(model.status().message()), AllOf(HasSubstr("start_model.safetensors"), HasSubstr("conv1_1")));
}

TEST_F(StartModelTest, UnknownArchitecturesAndMissingFilesAreErrors) {
  options_.init = ::testing::TempDir() + "/no_such.safetensors";
  EXPECT_THAT(std::string(Start().status().message()), HasSubstr("no_such.safetensors"));
  options_.detector.architecture = "resnet";
  EXPECT_THAT(std::string(Start().status().message()), HasSubstr("resnet"));
}

}  // namespace
}  // namespace hardface::train
