// Safetensors files that lie: refused with the tensor named, in bounded time and memory.
#include "model/weights/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "base/atomic_output.h"

namespace hardface::model {
namespace {

using ::testing::HasSubstr;

std::string Floats(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

std::string File(const std::string& header, const std::string& data) {
  uint64_t size = header.size();
  std::string bytes(8, '\0');
  std::memcpy(&bytes[0], &size, 8);
  return bytes + header + data;
}

absl::StatusOr<SafeTensors> Read(const std::string& bytes) {
  const std::string path = ::testing::TempDir() + "/safetensors_test_file";
  EXPECT_TRUE(WriteFileAtomically(path, bytes).ok());
  return ReadSafeTensors(path);
}

std::string Message(const std::string& bytes) { return std::string(Read(bytes).status().message()); }

std::string Tensor(const std::string& name, const std::string& shape, const std::string& offsets,
                   const std::string& type = "F32") {
  return absl::StrCat("\"", name, "\":{\"dtype\":\"", type, "\",\"shape\":", shape, ",\"data_offsets\":", offsets, "}");
}

TEST(SafeTensorsTest, ReadsTensorsInAnyOrderAndEmptyOnes) {
  const auto content = Read(File("{" + Tensor("b", "[1,2]", "[4,12]") + "," + Tensor("a", "[]", "[0,4]") + "," +
                                     Tensor("none", "[0,3]", "[4,4]") + R"(,"__metadata__":{"format":"x"}})",
                                 Floats({1, 2, 3})));
  ASSERT_TRUE(content.ok()) << content.status();
  EXPECT_EQ(content->tensors.at("a").values, std::vector<float>{1});
  EXPECT_EQ(content->tensors.at("b").values, (std::vector<float>{2, 3}));
  EXPECT_EQ(content->tensors.at("none").dims, (std::vector<int>{0, 3}));
  EXPECT_EQ(content->metadata.at("format"), "x");
}

TEST(SafeTensorsTest, NumbersThatAreNotFiniteAreErrorsThatNameTheTensor) {
  for (const float value : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    const std::string message =
        Message(File("{" + Tensor("good", "[1]", "[0,4]") + "," + Tensor("conv1_1.weight", "[2]", "[4,12]") + "}",
                     Floats({0, 1, value})));
    EXPECT_THAT(message, HasSubstr("tensor conv1_1.weight: value 1 is "));
  }
  const std::string half_infinity("\0\x7c", 2);
  EXPECT_THAT(Message(File("{" + Tensor("h", "[1]", "[0,2]", "F16") + "}", half_infinity)), HasSubstr("tensor h"));
  const std::string brain_nan("\xc0\x7f", 2);
  EXPECT_THAT(Message(File("{" + Tensor("b", "[1]", "[0,2]", "BF16") + "}", brain_nan)), HasSubstr("tensor b"));
}

TEST(SafeTensorsTest, TensorsMustCoverTheDataOnce) {
  const std::string data = Floats({1, 2, 3});
  EXPECT_THAT(Message(File("{" + Tensor("a", "[2]", "[0,8]") + "," + Tensor("b", "[2]", "[4,12]") + "}", data)),
              HasSubstr("tensors a and b overlap in byte 4"));
  EXPECT_THAT(Message(File("{" + Tensor("a", "[1]", "[0,4]") + "," + Tensor("b", "[1]", "[8,12]") + "}", data)),
              HasSubstr("byte 4 of its 12 bytes of data belongs to no tensor"));
  EXPECT_THAT(Message(File("{" + Tensor("a", "[1]", "[0,4]") + "}", data)), HasSubstr("belongs to no tensor"));
  // The same name twice.
  EXPECT_THAT(Message(File("{" + Tensor("a", "[1]", "[0,4]") + "," + Tensor("a", "[2]", "[4,12]") + "}", data)),
              HasSubstr("the key \"a\" stands twice"));
}

TEST(SafeTensorsTest, ManyTensorsOfTheSameBytesCostNoMemory) {
  // 20,000 tensors that all claim the same 4 MB would be 80 GB.
  const std::string data(4 << 20, '\0');
  std::string header = "{";
  for (int i = 0; i < 20000; ++i) {
    absl::StrAppend(&header, i == 0 ? "" : ",", Tensor(absl::StrCat("t", i), "[1048576]", "[0,4194304]"));
  }
  EXPECT_THAT(Message(File(header + "}", data)), HasSubstr("overlap"));
}

TEST(SafeTensorsTest, OffsetsAndShapesThatLieAreErrors) {
  const std::string data = Floats({1, 2});
  const std::pair<const char*, const char*> lies[] = {
      {"[2]", "[0,800]"},
      {"[2]", "[8,0]"},
      {"[2]", "[-8,8]"},
      {"[2]", "[0,18446744073709551615]"},
      {"[2]", "[0]"},
      {"[2]", "[0,8,9]"},
      {"[2]", "[0.0,8.0]"},
      {"[2.0]", "[0,8]"},
      {"[-2]", "[0,8]"},
      {"[3]", "[0,8]"},
      {"[]", "[0,8]"},
      {"[0]", "[0,8]"},
      {"[4294967297]", "[0,8]"},
      {"\"2\"", "[0,8]"},
      // 2^32 * 2^32 * 2 wraps around to 0 and 2^63 * 2 * ... likewise.
      {"[2147483647,2147483647,2147483647,2]", "[0,8]"},
      {"[65536,65536,65536,65536,2]", "[0,8]"},
  };
  for (const auto& [shape, offsets] : lies) {
    EXPECT_THAT(Message(File("{" + Tensor("liar", shape, offsets) + "}", data)), HasSubstr("tensor liar"))
        << shape << " " << offsets;
  }
  EXPECT_THAT(Message(File("{" + Tensor("odd", "[1]", "[0,7]") + "}", std::string(7, '\0'))), HasSubstr("tensor odd"));
  EXPECT_THAT(Message(File("{" + Tensor("ints", "[2]", "[0,8]", "I32") + "}", data)), HasSubstr("type I32"));
  EXPECT_THAT(Message(File(R"({"liar":[1,2]})", data)), HasSubstr("tensor liar"));
}

TEST(SafeTensorsTest, HeadersThatLieAreErrors) {
  for (const uint64_t size : {uint64_t{1} << 62, uint64_t{1000}, ~uint64_t{0}}) {
    std::string bytes(100, ' ');
    std::memcpy(&bytes[0], &size, 8);
    EXPECT_THAT(Message(bytes), HasSubstr("cut short")) << size;
  }
  EXPECT_THAT(Message("short"), HasSubstr("cut short"));
  EXPECT_THAT(Message(File("[1,2]", "")), HasSubstr("not a JSON object"));
  EXPECT_THAT(Message(File("{\"a\":", "")), HasSubstr("header"));
  EXPECT_THAT(Message(File("{\"a\":" + std::string(1'000'000, '[') + "}", "")), HasSubstr("nested more than 64 deep"));
  EXPECT_THAT(Message(File("{" + std::string(9 << 20, ' ') + "}", "")), HasSubstr("at most 8388608 are taken"));
}

TEST(SafeTensorsTest, HalvesTakeHalfTheBytesAndRoundToTheNearest) {
  const std::string path = ::testing::TempDir() + "/safetensors_test_half.safetensors";
  SafeTensors content;
  // 1 + 2^-11 lies between two halves and goes to the even one; 6e-8 is a subnormal half.
  content.tensors["a"] = {{6}, {1.0f, -2.5f, 1.00048828125f, 65504.0f, 6e-8f, 0.1f}};
  ASSERT_TRUE(WriteSafeTensors(path, content, Storage::kF16).ok());
  const absl::StatusOr<SafeTensors> read = ReadSafeTensors(path);
  ASSERT_TRUE(read.ok()) << read.status();
  const std::vector<float>& values = read->tensors.at("a").values;
  EXPECT_EQ(values[0], 1.0f);
  EXPECT_EQ(values[1], -2.5f);
  EXPECT_EQ(values[2], 1.0f);
  EXPECT_EQ(values[3], 65504.0f);
  EXPECT_NEAR(values[4], 6e-8f, 3e-8f);
  EXPECT_NEAR(values[5], 0.1f, 0.1f / 2048);
  content.tensors["a"].values[1] = 70000;  // still finite in 32 bits
  const absl::Status status = WriteSafeTensors(path, content, Storage::kF16);
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_NE(status.message().find("tensor a"), std::string::npos) << status;
}

TEST(SafeTensorsTest, NumbersThatAreNotFiniteAreNotWrittenOverGoodOnes) {
  const std::string path = ::testing::TempDir() + "/kept.safetensors";
  SafeTensors content;
  content.tensors["a"] = {{2}, {1, 2}};
  ASSERT_TRUE(WriteSafeTensors(path, content).ok());
  for (const float value : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    content.tensors["a"].values[1] = value;
    const absl::Status status = WriteSafeTensors(path, content);
    EXPECT_THAT(std::string(status.message()), HasSubstr("kept.safetensors: tensor a would hold "));
    EXPECT_EQ(ReadSafeTensors(path)->tensors.at("a").values[1], 2);
  }
}

}  // namespace
}  // namespace hardface::model
