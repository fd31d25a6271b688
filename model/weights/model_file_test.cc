// Weight files: safetensors, .caffemodel and models with their metadata; round trips and every error.
#include "model/weights/model_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/atomic_output.h"
#include "base/read_file.h"
#include "model/weights/caffemodel.h"
#include "model/weights/safetensors.h"

namespace hardface::model {
namespace {

using ::testing::HasSubstr;

std::string Path(const std::string& name) { return ::testing::TempDir() + "/model_file_test_" + name; }

Model SmallModel() {
  Model model;
  model.detector = *BuildDetector({"smallhard", 16, true});
  model.parameters = InitializeParameters(ListParameters(model.detector.network), Initialization::kHe, 5);
  model.info = {64, {50, 100}, std::nullopt, 0.875f, 123, "drawn \"faces\", 3 of them"};
  return model;
}

// A safetensors file from a literal header and data.
std::string WriteRaw(const std::string& name, const std::string& header, const std::string& data) {
  std::string bytes(8, '\0');
  const uint64_t size = header.size();
  std::memcpy(bytes.data(), &size, 8);
  EXPECT_TRUE(WriteFileAtomically(Path(name), bytes + header + data).ok());
  return Path(name);
}

std::string MessageOf(const absl::Status& status) { return std::string(status.message()); }

TEST(ModelFileTest, RoundTripKeepsEverything) {
  const Model model = SmallModel();
  ASSERT_TRUE(SaveModel(Path("round_trip.safetensors"), model).ok());
  const auto loaded = LoadModel(Path("round_trip.safetensors"));
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->detector.options.width_divisor, 16);
  EXPECT_TRUE(loaded->detector.options.dilated_heads);
  EXPECT_EQ(loaded->info.input_divisor, 64);
  EXPECT_EQ(loaded->info.pyramid, (std::vector<int>{50, 100}));
  EXPECT_EQ(loaded->info.score_threshold, std::optional<float>(0.875f));
  EXPECT_EQ(loaded->info.iterations, 123);
  EXPECT_EQ(loaded->info.data, model.info.data);
  ASSERT_EQ(loaded->parameters.size(), model.parameters.size());
  for (const auto& [name, array] : model.parameters)
    EXPECT_EQ(loaded->parameters.at(name).values, array.values) << name;
}

TEST(ModelFileTest, ACalibrationIsKeptAndOlderProgramsRefuseIt) {
  Model model = SmallModel();
  EXPECT_EQ(model.info.NetworkScore(0.25f), 0.25f);
  ASSERT_TRUE(SaveModel(Path("raw.safetensors"), model).ok());
  EXPECT_EQ(ReadSafeTensors(Path("raw.safetensors"))->metadata.at("version"), "1");
  model.info.calibration = ScoreScale{1.122, 1.808};
  ASSERT_TRUE(SaveModel(Path("calibrated.safetensors"), model).ok());
  EXPECT_EQ(ReadSafeTensors(Path("calibrated.safetensors"))->metadata.at("version"), "2");
  const auto loaded = LoadModel(Path("calibrated.safetensors"));
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  ASSERT_TRUE(loaded->info.calibration.has_value());
  EXPECT_EQ(loaded->info.calibration->temperature, 1.122);
  EXPECT_EQ(loaded->info.calibration->shift, 1.808);
  EXPECT_FLOAT_EQ(loaded->info.NetworkScore(0.5f), 0.85912f);  // sigmoid(1.808)
}

TEST(ModelFileTest, WrongShapeNamesFileTensorAndShapes) {
  Model model = SmallModel();
  model.parameters["conv3_1.weight"].dims = {16, 8, 9};
  ASSERT_TRUE(SaveModel(Path("shape.safetensors"), model).ok());
  const std::string message = MessageOf(LoadModel(Path("shape.safetensors")).status());
  EXPECT_THAT(message, HasSubstr("shape.safetensors: tensor conv3_1.weight is 16x8x9, expected 16x8x3x3"));
}

TEST(ModelFileTest, MissingTensorIsNamed) {
  Model model = SmallModel();
  model.parameters.erase("head_1.bias");
  ASSERT_TRUE(SaveModel(Path("missing.safetensors"), model).ok());
  EXPECT_THAT(MessageOf(LoadModel(Path("missing.safetensors")).status()), HasSubstr("no tensor named head_1.bias"));
}

TEST(ModelFileTest, ForeignAndNewerFilesAreRefusedWithAReason) {
  EXPECT_THAT(MessageOf(LoadModel(WriteRaw("foreign", "{}", "")).status()), HasSubstr("metadata has no \"format\""));
  const std::string newer = R"({"__metadata__":{"format":"hardface.model","version":"9"}})";
  EXPECT_THAT(MessageOf(LoadModel(WriteRaw("newer", newer, "")).status()), HasSubstr("version 9"));
  const std::string bad = R"({"__metadata__":{"format":"hardface.model","version":"x"}})";
  EXPECT_THAT(MessageOf(LoadModel(WriteRaw("bad", bad, "")).status()), HasSubstr("\"version\" is \"x\""));
  EXPECT_EQ(LoadModel("/no/such/model").status().code(), absl::StatusCode::kNotFound);
}

TEST(ModelFileTest, WeightsThatAreNoNumbersAreRefusedByTensor) {
  const float marker = 12345.678f;  // it stands in no other place
  Model model = SmallModel();
  model.parameters["conv3_1.weight"].values[7] = marker;
  for (const float bad : {std::nanf(""), HUGE_VALF, -HUGE_VALF}) {
    // Our own programs do not write such a file; others do.
    ASSERT_TRUE(SaveModel(Path("nan.safetensors"), model).ok());
    std::string bytes = ReadFile(Path("nan.safetensors")).value();
    const size_t at = bytes.find(std::string(reinterpret_cast<const char*>(&marker), sizeof(marker)));
    ASSERT_NE(at, std::string::npos);
    std::memcpy(&bytes[at], &bad, sizeof(bad));
    ASSERT_TRUE(WriteFileAtomically(Path("nan.safetensors"), bytes).ok());
    for (const absl::Status& status :
         {LoadModel(Path("nan.safetensors")).status(), LoadWeights(Path("nan.safetensors"), 64).status()}) {
      EXPECT_THAT(MessageOf(status), HasSubstr("nan.safetensors: tensor conv3_1.weight: value 7 is "));
    }
  }
}

// The metadata of a small model, one value changed.
std::string ErrorWith(const std::string& key, const std::string& value) {
  Model model = SmallModel();
  model.info.calibration = ScoreScale{2, 1};
  EXPECT_TRUE(SaveModel(Path("metadata.safetensors"), model).ok());
  SafeTensors content = *ReadSafeTensors(Path("metadata.safetensors"));
  EXPECT_EQ(content.metadata.count(key), 1u) << key;
  content.metadata[key] = value;
  EXPECT_TRUE(WriteSafeTensors(Path("metadata.safetensors"), content).ok());
  return MessageOf(LoadModel(Path("metadata.safetensors")).status());
}

TEST(ModelFileTest, MetadataThatMakeNoSenseAreRefusedByKeyAndValue) {
  for (const char* divisor : {"0", "-1", "nan", "inf", "1e30", "1e-30", "x"}) {
    EXPECT_THAT(ErrorWith("input_divisor", divisor), HasSubstr(absl::StrCat("\"input_divisor\" is \"", divisor, "\"")));
  }
  for (const char* threshold : {"nan", "inf", "-0.1", "1.5"}) {
    EXPECT_THAT(ErrorWith("score_threshold", threshold),
                HasSubstr(absl::StrCat("\"score_threshold\" is \"", threshold, "\"; expected a number from 0 to 1")));
  }
  for (const char* calibration : {"", "1", "0,1", "-1,1", "nan,1", "1,inf", "1,1,1", "1;1"}) {
    EXPECT_THAT(ErrorWith("calibration", calibration),
                HasSubstr(absl::StrCat("\"calibration\" is \"", calibration, "\"; expected a temperature from 0.01")));
  }
  for (const char* pyramid : {"0", "-5", "100,", "1e3", "2000000000", "nan", ""}) {
    EXPECT_THAT(ErrorWith("pyramid", pyramid), HasSubstr("\"pyramid\"")) << pyramid;
  }
  EXPECT_THAT(ErrorWith("iterations", "-1"), HasSubstr("\"iterations\" is \"-1\""));
  for (const char* divisor : {"0", "-4", "1000"}) EXPECT_NE(ErrorWith("width_divisor", divisor), "") << divisor;
  EXPECT_EQ(ErrorWith("score_threshold", "1"), "");
}

TEST(LoadWeightsTest, ADivisorOfZeroIsRefused) {
  SafeTensors content;
  content.tensors["conv1_1.weight"] = {{1}, {1.0f}};
  content.metadata["input_divisor"] = "0";
  ASSERT_TRUE(WriteSafeTensors(Path("divisor.safetensors"), content).ok());
  EXPECT_THAT(MessageOf(LoadWeights(Path("divisor.safetensors"), 64).status()),
              HasSubstr("\"input_divisor\" is \"0\""));
}

TEST(LoadWeightsTest, FirstLayerFitsTheInputThatTrainingGives) {
  const Model model = SmallModel();  // for pixels divided by 64
  ASSERT_TRUE(SaveModel(Path("weights.safetensors"), model).ok());
  const Array& saved = model.parameters.at("conv1_1.weight");
  const auto same = LoadWeights(Path("weights.safetensors"), 64), other = LoadWeights(Path("weights.safetensors"), 32);
  ASSERT_TRUE(same.ok() && other.ok()) << same.status() << other.status();
  EXPECT_EQ(same->at("conv1_1.weight").values, saved.values);
  EXPECT_EQ(other->at("conv1_1.weight").values[5], saved.values[5] / 2);
  EXPECT_EQ(other->at("conv1_1.bias").values, model.parameters.at("conv1_1.bias").values);
  EXPECT_EQ(other->at("conv1_2.weight").values, model.parameters.at("conv1_2.weight").values);
}

TEST(LoadWeightsTest, TorchvisionsNamesAreRecognisedAndWhatIsMissingIsNamed) {
  const std::string path =
      WriteRaw("torchvision",
               R"({"vgg.features.0.weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
               R"("vgg.features.1.num_batches_tracked":{"dtype":"I64","shape":[],"data_offsets":[4,12]}})",
               "123412345678");
  EXPECT_THAT(MessageOf(LoadWeights(path, 1).status()),
              HasSubstr("tensor vgg.features.0.weight (conv1_1) is 1, expected 64x3x3x3"));
}

TEST(SafeTensorsTest, ReadsHalfPrecision) {
  // F16 1.5 and -2^-24 (subnormal), BF16 -2.
  const std::string data("\x00\x3e\x01\x80\x00\xc0", 6);
  const auto content = ReadSafeTensors(WriteRaw(
      "half",
      R"({"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"b":{"dtype":"BF16","shape":[1],"data_offsets":[4,6]}})",
      data));
  ASSERT_TRUE(content.ok()) << content.status();
  EXPECT_EQ(content->tensors.at("a").values, (std::vector<float>{1.5f, -0x1.0p-24f}));
  EXPECT_EQ(content->tensors.at("b").values, (std::vector<float>{-2.0f}));
}

TEST(SafeTensorsTest, BrokenFilesAreErrorsThatNameTheTensor) {
  EXPECT_THAT(
      MessageOf(ReadSafeTensors(WriteRaw("cut", R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", "1234"))
                    .status()),
      HasSubstr("tensor w"));
  EXPECT_THAT(
      MessageOf(
          ReadSafeTensors(WriteRaw("type", R"({"w":{"dtype":"I8","shape":[1],"data_offsets":[0,1]}})", "1")).status()),
      HasSubstr("I8"));
  EXPECT_FALSE(
      ReadSafeTensors(
          WriteRaw("huge", R"({"w":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", ""))
          .ok());
  EXPECT_FALSE(
      ReadSafeTensors(WriteRaw("negative", R"({"w":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", "1234")).ok());
  EXPECT_FALSE(ReadSafeTensors(WriteRaw("not_json", "hello", "")).ok());
  ASSERT_TRUE(WriteFileAtomically(Path("short"), "abc").ok());
  EXPECT_THAT(MessageOf(ReadSafeTensors(Path("short")).status()), HasSubstr("not a safetensors file"));
}

TEST(SafeTensorsTest, EveryPrefixOfAFileIsAnErrorOrReadsWhole) {
  ASSERT_TRUE(SaveModel(Path("prefix.safetensors"), SmallModel()).ok());
  const std::string bytes = *ReadFile(Path("prefix.safetensors"));
  for (size_t length = 0; length < bytes.size(); length += 1 + bytes.size() / 97) {
    ASSERT_TRUE(WriteFileAtomically(Path("prefix_cut"), bytes.substr(0, length)).ok());
    EXPECT_FALSE(ReadSafeTensors(Path("prefix_cut")).ok()) << length;
  }
}

TEST(CaffeModelTest, BrokenFilesAreErrors) {
  ASSERT_TRUE(WriteFileAtomically(Path("broken.caffemodel"), "this is no protocol buffer at all").ok());
  EXPECT_THAT(MessageOf(LoadModel(Path("broken.caffemodel")).status()), HasSubstr("broken.caffemodel"));
  ASSERT_TRUE(WriteFileAtomically(Path("empty.caffemodel"), "").ok());
  EXPECT_THAT(MessageOf(LoadModel(Path("empty.caffemodel")).status()), HasSubstr("no layer with weights"));
}

TEST(InitializeParametersTest, HeHasTheRightDeviationAndIsReproducible) {
  const std::vector<ParameterSpec> specs = {{"a.weight", {64, 32, 3, 3}, NetworkPart::kBody, false},
                                            {"a.bias", {64}, NetworkPart::kBody, true}};
  const ParameterSet first = InitializeParameters(specs, Initialization::kHe, 3);
  double squares = 0;
  for (const float value : first.at("a.weight").values) squares += double{value} * value;
  EXPECT_NEAR(squares / static_cast<double>(first.at("a.weight").values.size()), 2.0 / (32 * 9), 2e-4);
  for (const float value : first.at("a.bias").values) EXPECT_EQ(value, 0);
  EXPECT_EQ(InitializeParameters(specs, Initialization::kHe, 3).at("a.weight").values, first.at("a.weight").values);
  EXPECT_NE(InitializeParameters(specs, Initialization::kHe, 4).at("a.weight").values, first.at("a.weight").values);
}

}  // namespace
}  // namespace hardface::model
