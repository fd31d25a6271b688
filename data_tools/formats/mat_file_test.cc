#include "data_tools/formats/mat_file.h"

#include <gtest/gtest.h>
#include <matio.h>
#include <zlib.h>

#include <array>
#include <cstring>
#include <string>

#include "base/atomic_output.h"
#include "base/random.h"
#include "base/read_file.h"
#include "data_tools/formats/made_mat_file.h"
#include "data_tools/formats/mat_test_util.h"

namespace hardface::data {
namespace {

// Packs each variable as MATLAB's save -v7 does. (libmatio's own compression writes wrong sizes for texts in cells.)
void Compress(const std::string& path) {
  const std::string plain = *ReadFile(path);
  std::string packed = plain.substr(0, 128);
  for (size_t at = 128; at < plain.size();) {
    uint32_t size;
    std::memcpy(&size, &plain[at + 4], 4);
    std::string zipped(compressBound(size + 8), '\0');
    uLongf zipped_size = zipped.size();
    EXPECT_EQ(compress(reinterpret_cast<Bytef*>(zipped.data()), &zipped_size,
                       reinterpret_cast<const Bytef*>(&plain[at]), size + 8),
              Z_OK);
    const uint32_t tag[2] = {15, static_cast<uint32_t>(zipped_size)};
    packed.append(reinterpret_cast<const char*>(tag), 8).append(zipped, 0, zipped_size);
    at += size + 8;
  }
  EXPECT_TRUE(WriteFileAtomically(path, packed).ok());
}

// Writes, with libmatio: boxes (2x4 int32), ratio (1x2 double), name (text), nested ({text, {int32}}), and an array of
// two structs with the fields id and label.
std::string WriteExample(const std::string& file, bool compressed) {
  std::vector<matvar_t*> variables = {
      NewInt32s("boxes", {{1, 2, 3, 4}, {5, 6, 7, -8}}, 4), NewDoubles("ratio", {{0.5, -1e300}}, 2),
      NewText("name", "0--Parade"),
      NewCells("nested", {NewText(nullptr, "a.jpg"), NewCells(nullptr, {NewInt32s(nullptr, {{7}}, 1)})})};
  size_t two[2] = {2, 1};
  const char* fields[] = {"id", "label"};
  matvar_t* structs = Mat_VarCreateStruct("people", 2, two, fields, 2);
  for (int i = 0; i < 2; ++i) {
    Mat_VarSetStructFieldByName(structs, "id", i, NewDoubles(nullptr, {{10.0 + i}}, 1));
    Mat_VarSetStructFieldByName(structs, "label", i, NewText(nullptr, i == 0 ? "first" : "second"));
  }
  variables.push_back(structs);
  const std::string path = WriteMat(testing::TempDir() + "/" + file, variables);
  if (compressed) Compress(path);
  return path;
}

class MatFileTest : public testing::TestWithParam<bool> {};

TEST_P(MatFileTest, ReadsWhatLibmatioWrites) {
  const auto variables = ReadMatFile(WriteExample("example.mat", GetParam()));
  ASSERT_TRUE(variables.ok()) << variables.status();
  const MatValue& boxes = variables->at("boxes");
  EXPECT_TRUE(boxes.is_integer);
  ASSERT_EQ(boxes.rows(), 2);
  ASSERT_EQ(boxes.columns(), 4);
  EXPECT_EQ(boxes.At(0, 3), 4);
  EXPECT_EQ(boxes.At(1, 3), -8);
  EXPECT_FALSE(variables->at("ratio").is_integer);
  EXPECT_EQ(variables->at("ratio").numbers, (std::vector<double>{0.5, -1e300}));
  EXPECT_EQ(variables->at("name").text, "0--Parade");
  const MatValue& nested = variables->at("nested");
  ASSERT_EQ(nested.cells.size(), 2u);
  EXPECT_EQ(nested.cells[0].text, "a.jpg");
  EXPECT_EQ(nested.cells[1].cells[0].numbers, std::vector<double>{7});
  const MatValue& people = variables->at("people");
  ASSERT_EQ(people.size(), 2);
  ASSERT_NE(people.Field(1, "label"), nullptr);
  EXPECT_EQ(people.Field(1, "label")->text, "second");
  EXPECT_EQ(people.Field(0, "id")->numbers, std::vector<double>{10});
  EXPECT_EQ(people.Field(2, "id"), nullptr);
  EXPECT_EQ(people.Field(0, "age"), nullptr);
}

TEST_P(MatFileTest, ReadsOnlyWhatIsAskedFor) {
  const auto variables = ReadMatFile(WriteExample("example.mat", GetParam()), {"name", "not there"});
  ASSERT_TRUE(variables.ok()) << variables.status();
  EXPECT_EQ(variables->size(), 1u);
  EXPECT_EQ(variables->at("name").text, "0--Parade");
}

TEST_P(MatFileTest, EveryTruncationIsAnErrorOrLosesWholeVariables) {
  const auto bytes = ReadFile(WriteExample("example.mat", GetParam()));
  ASSERT_TRUE(bytes.ok());
  const size_t all = ParseMatFile(*bytes, "a.mat")->size();
  for (size_t size = 0; size < bytes->size(); ++size) {
    const auto variables = ParseMatFile(absl::string_view(*bytes).substr(0, size), "a.mat");
    if (variables.ok()) {
      EXPECT_LT(variables->size(), all);
    } else {
      EXPECT_NE(variables.status().message().find("a.mat"), std::string::npos);
    }
  }
}

TEST_P(MatFileTest, RandomDamageNeverCrashes) {
  const auto bytes = ReadFile(WriteExample("example.mat", GetParam()));
  ASSERT_TRUE(bytes.ok());
  int errors = 0;
  for (uint64_t seed = 0; seed < 20000; ++seed) {
    Random random({seed});
    std::string damaged = *bytes;
    for (int i = random.Integer(1, 8); i > 0; --i) {
      damaged[128 + random.Index(damaged.size() - 128)] = static_cast<char>(random.Next());
    }
    errors += !ParseMatFile(damaged, "a.mat").ok();
  }
  EXPECT_GT(errors, 1000);
}

INSTANTIATE_TEST_SUITE_P(Compression, MatFileTest, testing::Bool());

TEST(MatFile, OtherFilesAreNamedForWhatTheyAre) {
  EXPECT_NE(ParseMatFile("\x89HDF\r\n\x1a\n", "a.mat").status().message().find("7.3"), std::string::npos);
  EXPECT_NE(ParseMatFile("hello", "a.mat").status().message().find("a.mat"), std::string::npos);
  EXPECT_FALSE(ParseMatFile(std::string(200, '\0'), "a.mat").ok());
  EXPECT_FALSE(ReadMatFile(testing::TempDir() + "/not_there.mat").ok());
}

TEST(MatFile, BombsAreRefusedWithTheLimitStated) {
  const auto message = [](const std::string& bytes) {
    return std::string(ParseMatFile(bytes, "a.mat").status().message());
  };
  // Three million empty cells: 24 MB of text, which pack to 24 KB and would be half a gigabyte in memory.
  std::string cells;
  for (int i = 0; i < 3'000'000; ++i) cells += std::string("\x0e\0\0\0\0\0\0\0", 8);
  const std::string cell_bomb = MadeMatFile("a", /*array_class=*/1, 3'000'000, cells);
  EXPECT_LT(cell_bomb.size(), 100'000u);
  EXPECT_NE(message(cell_bomb).find("more than 2000000 cells, which is the limit"), std::string::npos)
      << message(cell_bomb);
  cells.resize(8 * 1000);
  EXPECT_TRUE(ParseMatFile(MadeMatFile("a", 1, 1000, cells), "a.mat").ok());
  // Structs without fields take no bytes at all.
  const std::string length = MadeMatElement(5, std::string("\x20\0\0\0", 4)), no_names = MadeMatElement(1, "");
  EXPECT_NE(message(MadeMatFile("a", /*array_class=*/2, 40'000'000, length + no_names)).find("structs without fields"),
            std::string::npos);
  EXPECT_TRUE(ParseMatFile(MadeMatFile("a", 2, 1, length + no_names), "a.mat").ok());
  const std::string zeros = MadeMatFile("a", /*array_class=*/9, 100'000'000, std::string(100'000'000, '\0'));
  EXPECT_LT(zeros.size(), 200'000u);
  EXPECT_NE(message(zeros).find("inflates to more than 64 MB"), std::string::npos) << message(zeros);
}

}  // namespace
}  // namespace hardface::data
