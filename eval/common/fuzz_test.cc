// Malformed inputs to every reader of text and archives: always an error that names the file, or a reading that is
// right as far as it goes; never a crash. (.mat files: mat_file_test.)
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "base/atomic_output.h"
#include "base/random.h"
#include "eval/common/layout_report.h"
#include "eval/common/result_text.h"
#include "eval/common/result_tree.h"
#include "eval/protocols/face_eval/face_eval_score.h"
#include "eval/protocols/fddb/fddb_data.h"
#include "eval/reports/gate.h"

namespace hardface::eval {
namespace {

constexpr char kWider[] = "image\n3\n1 2 30 40 0.5\n5.5 6.25 70 80 0.25\n9 9 9 9 1e-3\n";
constexpr char kFddb[] = "2002/a/img_1\n2\n1 2 30 40 0.5\n30 20 1.5 50 60 1\n2002/a/img_2\n0\n";
constexpr char kFaceEval[] = "one 0.5 1 2 30 40\none -0.25 5.5 6.25 70 80\n";

// Changes, drops, doubles or inserts some bytes; words that numbers' readers may trip over among them.
std::string Damage(const std::string& text, uint64_t seed) {
  static const char* const kWords[] = {"nan",  "-inf", "1e999", "-1",   "99999999999999999999",
                                       "0x10", "\n",   "\0x",   "\xff", " "};
  Random random({seed});
  std::string damaged = text;
  for (int i = random.Integer(1, 6); i > 0 && !damaged.empty(); --i) {
    const size_t at = random.Index(damaged.size());
    switch (random.Integer(0, 3)) {
      case 0:
        damaged[at] = static_cast<char>(random.Next());
        break;
      case 1:
        damaged.erase(at, random.Index(12));
        break;
      case 2:
        damaged.insert(at, kWords[random.Index(std::size(kWords))]);
        break;
      default:
        damaged.insert(at, damaged.substr(random.Index(damaged.size()), random.Index(20)));
    }
  }
  return damaged;
}

// Every error must name the place "f:"; at least some inputs must be refused.
void Fuzz(const std::string& good, const std::function<absl::Status(const std::string&)>& read) {
  ASSERT_TRUE(read(good).ok()) << read(good);
  int refused = 0;
  for (uint64_t seed = 0; seed < 20000; ++seed) {
    const absl::Status status = read(Damage(good, seed));
    refused += !status.ok();
    if (!status.ok()) {
      ASSERT_EQ(status.message().substr(0, 2), "f:") << status;
    }
  }
  EXPECT_GT(refused, 1000);
}

TEST(Fuzz, WiderResults) {
  Fuzz(kWider, [](const std::string& text) { return ParseResultText(text, "f").status(); });
}

TEST(Fuzz, FddbLists) {
  Fuzz(kFddb, [](const std::string& text) { return ParseFddbText(text, "f").status(); });
}

TEST(Fuzz, FaceEvalDetections) {
  const std::vector<FaceEvalImage> images = {{"one", {}}};
  Fuzz(kFaceEval, [&](const std::string& text) {
    LayoutReport layout;
    return ParseFaceEvalDetections(text, "f", images, &layout).status();
  });
}

TEST(Fuzz, Expectations) {
  Fuzz("ap >= 0.5\nloss < 1 # comment\n",
       [](const std::string& text) { return ParseExpectations(text, "f").status(); });
}

TEST(Fuzz, NoNumberOutOfRangeGetsThrough) {
  for (uint64_t seed = 0; seed < 20000; ++seed) {
    const auto file = ParseResultText(Damage(kWider, seed), "f");
    if (!file.ok()) continue;
    for (const ResultBox& box : file->boxes) {
      ASSERT_TRUE(std::isfinite(box.x) && std::isfinite(box.w) && std::isfinite(box.score)) << "seed " << seed;
    }
  }
}

TEST(Fuzz, ArchivesOfGarbageAreErrors) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Random random({seed});
    std::string bytes(random.Index(2000), '\0');
    for (char& byte : bytes) byte = static_cast<char>(random.Next());
    if (seed % 3 == 0) bytes.insert(0, "PK\x03\x04");
    if (seed % 3 == 1) bytes.insert(0, "\x28\xb5\x2f\xfd");  // zstd
    const std::string path = testing::TempDir() + "/garbage.tar";
    ASSERT_TRUE(WriteFileAtomically(path, bytes).ok());
    EXPECT_FALSE(ReadResultTree(path, 1).ok()) << "seed " << seed;
  }
}

TEST(Fuzz, TenMillionBoxesInOneImageAreRefusedAtOnce) {
  std::string text = "image\n10000000\n";
  for (int i = 0; i < 10'000'000; ++i) text += "1 2 3 4 .5\n";
  const auto file = ParseResultText(text, "f");
  ASSERT_FALSE(file.ok());
  EXPECT_NE(file.status().message().find("f:2"), std::string::npos) << file.status();
  text.replace(6, 8, "00000009");  // announces 9 and holds ten million: nine are taken, the rest reported
  const auto nine = ParseResultText(text, "f");
  ASSERT_TRUE(nine.ok()) << nine.status();
  EXPECT_EQ(nine->boxes.size(), 9u);
  EXPECT_EQ(nine->extra_line, 12);
}

}  // namespace
}  // namespace hardface::eval
