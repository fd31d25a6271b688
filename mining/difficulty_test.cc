// Difficulty files, the easy rule, scoring and selection of images.
#include "mining/difficulty.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "base/atomic_output.h"
#include "base/read_file.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/images/image_io.h"
#include "mining/score_images.h"
#include "mining/select_images.h"

namespace hardface::mining {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::string Path(const std::string& name) { return ::testing::TempDir() + "/difficulty_test_" + name; }

Difficulty Scored(float wpas) { return {wpas, 3, 100}; }

TEST(DifficultyFileTest, RoundTrips) {
  const std::string text =
      DifficultyToJson("a \"b\".jpg", true, Scored(0.1f)) + "\n" + DifficultyToJson("c.jpg", false, {}) + "\n";
  ASSERT_TRUE(WriteFileAtomically(Path("ok"), text).ok());
  const auto table = ReadDifficulty(Path("ok"));
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_EQ(table->at({"a \"b\".jpg", true}).wpas, 0.1f);
  EXPECT_EQ(table->at({"a \"b\".jpg", true}).iteration, 100);
  EXPECT_FALSE(table->at({"c.jpg", false}).wpas.has_value());
}

TEST(DifficultyFileTest, ErrorsNameTheLine) {
  ASSERT_TRUE(WriteFileAtomically(Path("bad"), DifficultyToJson("a", false, Scored(0.5f)) + "\n{\"image\":7}\n").ok());
  EXPECT_THAT(std::string(ReadDifficulty(Path("bad")).status().message()), HasSubstr("bad:2"));
  ASSERT_TRUE(WriteFileAtomically(Path("range"),
                                  "{\"image\":\"a\",\"flip\":false,\"wpas\":7,\"positives\":1,\"iteration\":0}\n")
                  .ok());
  EXPECT_THAT(std::string(ReadDifficulty(Path("range")).status().message()), HasSubstr("\"wpas\" is 7"));
}

TEST(DifficultyFileTest, OfSeveralScoresThatOfTheGreatestIterationCounts) {
  std::string text = "\xef\xbb\xbf";  // as a spreadsheet writes it
  const auto add = [&](const char* image, bool flip, Difficulty difficulty) {
    text += DifficultyToJson(image, flip, difficulty) + "\r\n";
  };
  add("rises", false, {0.99f, 3, 10});
  add("rises", false, {0.10f, 3, 20});
  add("falls", false, {0.10f, 3, 20});
  add("falls", false, {0.99f, 3, 10});
  add("falls", true, {0.5f, 3, 5});  // the mirror image is an entry of its own
  add("equal", false, {0.2f, 3, 7});
  add("equal", false, {0.3f, 3, 7});
  ASSERT_TRUE(WriteFileAtomically(Path("several"), text).ok());
  const auto table = ReadDifficulty(Path("several"));
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_EQ(table->size(), 4u);
  EXPECT_EQ(table->at({"rises", false}).wpas, 0.10f);
  EXPECT_EQ(table->at({"falls", false}).wpas, 0.10f);
  EXPECT_EQ(table->at({"falls", true}).wpas, 0.5f);
  EXPECT_EQ(table->at({"equal", false}).wpas, 0.3f);
}

TEST(DifficultyFileTest, WithoutFlipTheEntryIsTheImageItself) {
  const auto entry = DifficultyFromJson(R"({"image":"a","wpas":0.5,"positives":1,"iteration":2})", "f:3");
  ASSERT_TRUE(entry.ok()) << entry.status();
  EXPECT_FALSE(entry->flip);
}

TEST(DifficultyFileTest, CountsThatAreNoneAreErrors) {
  for (const char* broken : {R"("positives":-1,"iteration":0)", R"("positives":1,"iteration":-5)",
                             R"("positives":1.5,"iteration":0)", R"("positives":9000000000,"iteration":0)"}) {
    const auto entry = DifficultyFromJson(absl::StrCat(R"({"image":"a","flip":false,"wpas":0.5,)", broken, "}"), "f:3");
    EXPECT_THAT(std::string(entry.status().message()), HasSubstr("expected a whole number of at least 0")) << broken;
  }
}

TEST(IsEasyTest, FollowsThePaperAndTreatsMissingScoresAsHard) {
  HardImageOptions options;
  const Difficulty easy = Scored(0.85f), hard = Scored(0.849f), none;
  EXPECT_TRUE(IsEasy(&easy, options));
  EXPECT_FALSE(IsEasy(&hard, options));
  EXPECT_FALSE(IsEasy(nullptr, options));
  EXPECT_FALSE(IsEasy(&none, options));
  options.without_positives = WithoutPositives::kEasy;
  EXPECT_TRUE(IsEasy(&none, options));
}

// A dataset of COUNT grey images with a face each.
std::string MakeDataset(const std::string& name, int count) {
  fs::remove_all(Path(name));
  auto writer = data::DatasetWriter::Create(Path(name), {});
  EXPECT_TRUE(writer.ok()) << writer.status();
  for (int i = 0; i < count; ++i) {
    data::DatasetEntry entry;
    entry.image = std::to_string(i) + ".png";
    entry.width = 64;
    entry.height = 48;
    entry.faces.push_back({{8, 8, 16, 16}});
    EXPECT_TRUE(data::WritePng((*writer)->temporary_path() + "/" + entry.image,
                               cv::Mat(48, 64, CV_8UC3, cv::Scalar(i, 100, 200)))
                    .ok());
    EXPECT_TRUE((*writer)->Write(entry).ok());
    EXPECT_TRUE(data::MirrorEntry(&entry).ok());
    EXPECT_TRUE((*writer)->Write(entry).ok());
  }
  EXPECT_TRUE((*writer)->Commit({}).ok());
  return Path(name);
}

TEST(SelectImagesTest, KeepsHardOnesAndItsShareOfEasyOnes) {
  const std::string dataset = MakeDataset("select", 200);
  std::string scores;
  for (int i = 0; i < 200; ++i) {
    for (const bool flip : {false, true}) {
      if (i == 7 && flip) continue;  // never scored
      scores += DifficultyToJson(std::to_string(i) + ".png", flip, Scored(i < 100 ? 0.2f : 0.95f)) + "\n";
    }
  }
  ASSERT_TRUE(WriteFileAtomically(Path("scores"), scores).ok());
  const auto counts = SelectImages(dataset, Path("scores"), Path("selected"), /*seed=*/3, {});
  ASSERT_TRUE(counts.ok()) << counts.status();
  EXPECT_EQ(counts->entries, 400);
  EXPECT_EQ(counts->easy, 200);
  EXPECT_EQ(counts->unscored, 1);
  EXPECT_NEAR(static_cast<double>(counts->kept), 200 + 60, 25);

  const auto selected = data::ReadDataset(Path("selected"));
  ASSERT_TRUE(selected.ok()) << selected.status();
  EXPECT_EQ(static_cast<int64_t>(selected->entries.size()), counts->kept);
  EXPECT_TRUE(fs::exists(selected->image_paths[0])) << selected->image_paths[0];  // the images are still found
  int hard = 0;
  for (const data::DatasetEntry& entry : selected->entries) hard += std::stoi(entry.image) < 100;
  EXPECT_EQ(hard, 200);

  const auto other_seed = SelectImages(dataset, Path("scores"), Path("selected2"), /*seed=*/4, {});
  EXPECT_NE(*ReadFile(Path("selected2/manifest.jsonl")), *ReadFile(Path("selected/manifest.jsonl")));
  ASSERT_TRUE(other_seed.ok());
}

TEST(SelectImagesTest, TheNewestScoreDecidesAndScoresOfAnotherDatasetAreAnError) {
  const std::string dataset = MakeDataset("newest", 2);
  std::string scores;
  for (const bool flip : {false, true}) {
    // The newest scores, of iteration 20, stand first: image 0 is hard by them, image 1 easy.
    scores +=
        DifficultyToJson("0.png", flip, {0.1f, 3, 20}) + "\n" + DifficultyToJson("0.png", flip, {0.9f, 3, 10}) + "\n";
    scores +=
        DifficultyToJson("1.png", flip, {0.9f, 3, 20}) + "\n" + DifficultyToJson("1.png", flip, {0.1f, 3, 10}) + "\n";
  }
  scores += DifficultyToJson("elsewhere.png", false, {0.5f, 3, 10}) + "\n";
  ASSERT_TRUE(WriteFileAtomically(Path("newest_scores"), scores).ok());
  HardImageOptions options;
  options.drop = 1;
  const auto counts = SelectImages(dataset, Path("newest_scores"), Path("newest_selected"), /*seed=*/1, options);
  ASSERT_TRUE(counts.ok()) << counts.status();
  EXPECT_EQ(counts->kept, 2);
  EXPECT_EQ(counts->unscored, 0);
  EXPECT_EQ(counts->unknown, 1);
  const auto selected = data::ReadDataset(Path("newest_selected"));
  ASSERT_EQ(selected->entries.size(), 2u);
  EXPECT_EQ(selected->entries[0].image, "0.png");

  // A selection of nothing is no dataset to train on.
  options.threshold = 0;
  const auto nothing = SelectImages(dataset, Path("newest_scores"), Path("nothing_selected"), /*seed=*/1, options);
  EXPECT_THAT(std::string(nothing.status().message()),
              testing::HasSubstr("none of the 4 entries of " + dataset + " is kept: 4 are easy"));
  EXPECT_FALSE(fs::exists(Path("nothing_selected")));

  ASSERT_TRUE(WriteFileAtomically(Path("others"), DifficultyToJson("x.png", false, Scored(0.5f)) + "\n").ok());
  const auto wrong = SelectImages(dataset, Path("others"), Path("none_selected"), /*seed=*/1, {});
  EXPECT_THAT(std::string(wrong.status().message()), HasSubstr("whose first is 0.png"));
  EXPECT_FALSE(fs::exists(Path("none_selected")));
}

TEST(ScoreImagesTest, WritesALineAnEntryAndAnErrorLeavesNoFile) {
  const std::string dataset = MakeDataset("score", 2);
  model::Model model;
  model.detector = *model::BuildDetector({"smallhard", 16, true});
  model.parameters =
      model::InitializeParameters(model::ListParameters(model.detector.network), model::Initialization::kHe, 1);
  model.info.iterations = 77;
  ScoreImagesOptions options;
  options.short_side = 48;
  options.threads = 1;
  ASSERT_TRUE(ScoreImages(model, dataset, Path("out.jsonl"), options).ok());
  const auto table = ReadDifficulty(Path("out.jsonl"));
  ASSERT_TRUE(table.ok()) << table.status();
  ASSERT_EQ(table->size(), 4u);
  for (const auto& [image, difficulty] : *table) {
    EXPECT_EQ(difficulty.positives, 1) << image.first;  // the face lies on an anchor of its size
    EXPECT_EQ(difficulty.iteration, 77);
  }

  fs::remove(dataset + "/1.png");
  const absl::Status status = ScoreImages(model, dataset, Path("none.jsonl"), options);
  EXPECT_THAT(std::string(status.message()), HasSubstr("1.png"));
  EXPECT_FALSE(fs::exists(Path("none.jsonl")));
}

}  // namespace
}  // namespace hardface::mining
