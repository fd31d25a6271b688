// The trainer on a handful of made-up images: it learns, resumes to the bit, and says what is wrong.
#include "train/run/trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/atomic_output.h"
#include "base/read_file.h"
#include "base/tool_main.h"
#include "mining/difficulty.h"
#include "mining/ledger.h"
#include "model/weights/model_file.h"
#include "re2/re2.h"
#include "train/ranks/thread_ranks.h"
#include "train/run/checkpoint.h"
#include "train/run/small_training.h"

namespace hardface::train {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

TEST(TrainerTest, OverfitsAFewImages) {
  TrainerOptions options = SmallTraining(MakeSquares("overfit", 4), "out", 150);
  ASSERT_TRUE(TrainAlone(options).ok());
  const auto metrics = ReadMetrics(options.output);
  ASSERT_EQ(metrics.size(), 15u);
  EXPECT_LT(metrics.back()["loss"].get<double>(), 0.35 * metrics.front()["loss"].get<double>());
  const auto model = model::LoadModel(options.output + "/model.safetensors");
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(model->info.iterations, 150);
  EXPECT_EQ(model->info.input_divisor, 64);
  // Every image has been visited and scored.
  const auto difficulty = mining::ReadDifficulty(options.output + "/difficulty.jsonl");
  ASSERT_TRUE(difficulty.ok()) << difficulty.status();
  EXPECT_EQ(difficulty->size(), 4u);
  for (const auto& [image, score] : *difficulty) EXPECT_GT(score.positives, 0) << image.first;
}

TEST(TrainerTest, ResumedTrainingIsTheUninterruptedOneToTheBit) {
  const std::string dataset = MakeSquares("resume", 7);
  TrainerOptions whole = SmallTraining(dataset, "whole", 30), parts = SmallTraining(dataset, "parts", 30);
  whole.stream.epoch.mining.threshold = parts.stream.epoch.mining.threshold =
      0.01f;  // so that easy images are left out already now
  whole.step.solver.average = parts.step.solver.average = 0.9;
  whole.stream.workers = 1;
  parts.stream.workers = 3;
  ASSERT_TRUE(TrainAlone(whole).ok());
  parts.keep = 10;
  ASSERT_TRUE(TrainAlone(parts).ok());
  // Killed after the checkpoint at 20.
  fs::remove_all(ListCheckpoints(parts.output).back());
  parts.resume = true;
  ASSERT_TRUE(TrainAlone(parts).ok());
  const model::ParameterSet expected = WeightsOf(whole.output), actual = WeightsOf(parts.output);
  ASSERT_EQ(actual.size(), expected.size());
  for (const auto& [name, array] : expected) EXPECT_EQ(actual.at(name).values, array.values) << name;
  EXPECT_EQ(*ReadFile(parts.output + "/difficulty.jsonl"), *ReadFile(whole.output + "/difficulty.jsonl"));
  EXPECT_EQ(*ReadFile(parts.output + "/ledger.jsonl"), *ReadFile(whole.output + "/ledger.jsonl"));
  EXPECT_EQ(ReadMetrics(parts.output).size(), ReadMetrics(whole.output).size());
}

TEST(TrainerTest, AStoppedTrainingGoesOnToTheSameBits) {
  const std::string dataset = MakeSquares("stop", 7);
  TrainerOptions whole = SmallTraining(dataset, "whole", 30), parts = SmallTraining(dataset, "parts", 30);
  whole.stream.epoch.mining.threshold = parts.stream.epoch.mining.threshold = 0.01f;
  ASSERT_TRUE(TrainAlone(whole).ok());
  // Asked to stop all the time: after each step.
  const std::atomic<int> signal{SIGTERM};
  parts.stop = &signal;
  for (int stops = 1; stops < 30; ++stops) {
    const absl::Status status = TrainAlone(parts);
    ASSERT_TRUE(IsStopped(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(absl::StrCat("after iteration ", stops, ",")));
    ASSERT_FALSE(ListCheckpoints(parts.output).empty());
    parts.resume = true;
  }
  ASSERT_TRUE(TrainAlone(parts).ok()) << "nothing is left to be stopped";
  const model::ParameterSet expected = WeightsOf(whole.output), actual = WeightsOf(parts.output);
  for (const auto& [name, array] : expected) EXPECT_EQ(actual.at(name).values, array.values) << name;
  EXPECT_EQ(*ReadFile(parts.output + "/difficulty.jsonl"), *ReadFile(whole.output + "/difficulty.jsonl"));
  EXPECT_EQ(*ReadFile(parts.output + "/ledger.jsonl"), *ReadFile(whole.output + "/ledger.jsonl"));
}

TEST(TrainerTest, ARankThatIsToldToStopStopsAll) {
  TrainerOptions options = SmallTraining(MakeSquares("stop_ranks", 6), "out", 30);
  const std::atomic<int> none{0}, signal{SIGUSR1};
  RunRanks(2, [&](Communicator* communicator) {
    TrainerOptions of_rank = options;
    of_rank.stop = communicator->rank() == 1 ? &signal : &none;
    const absl::Status status = Train(of_rank, communicator);
    EXPECT_TRUE(IsStopped(status)) << status;
  });
  EXPECT_EQ(ListCheckpoints(options.output).size(), 1u);
}

// The weights after 20 steps of RANKS ranks of 4 / RANKS passes each.
model::ParameterSet WeightsOfRanks(TrainerOptions options, int ranks) {
  options.step.itersize = 4 / ranks;
  RunRanks(ranks, [&](Communicator* communicator) {
    const absl::Status status = Train(options, communicator);
    EXPECT_TRUE(status.ok()) << status;
  });
  return WeightsOf(options.output);
}

TEST(TrainerTest, RanksTakeTheStepsOfOneRankToTheBitWhenOrdered) {
  const std::string dataset = MakeSquares("ranks", 7);
  const auto options = [&](const std::string& name) {
    TrainerOptions made = SmallTraining(dataset, name, 20);
    made.stream.epoch.mining.threshold = 0.01f;  // so that plans depend on the merged ledger
    made.step.reduction = Reduction::kOrdered;
    made.step.batch = 1;
    return made;
  };
  const TrainerOptions alone = options("alone");
  const model::ParameterSet expected = WeightsOfRanks(alone, 1);
  for (const int ranks : {2, 4}) {
    const TrainerOptions shared = options(std::to_string(ranks));
    const model::ParameterSet actual = WeightsOfRanks(shared, ranks);
    for (const auto& [name, array] : expected) EXPECT_EQ(actual.at(name).values, array.values) << name;
    EXPECT_EQ(*ReadFile(shared.output + "/ledger.jsonl"), *ReadFile(alone.output + "/ledger.jsonl"));
  }
}

TEST(TrainerTest, RanksAgreeWithOneRankToRoundingWhenFast) {
  const std::string dataset = MakeSquares("fast_ranks", 7);
  TrainerOptions alone = SmallTraining(dataset, "alone", 5), shared = SmallTraining(dataset, "shared", 5);
  for (TrainerOptions* const options : {&alone, &shared}) {
    options->step.solver.kind = SolverOptions::Kind::kSgd;
    options->step.solver.schedule.base = 0.001;
    options->step.batch = 1;
    options->checkpoint_every = 5;
  }
  const model::ParameterSet expected = WeightsOfRanks(alone, 1), actual = WeightsOfRanks(shared, 2);
  for (const auto& [name, array] : expected) {
    for (size_t i = 0; i < array.values.size(); ++i) ASSERT_NEAR(actual.at(name).values[i], array.values[i], 1e-5);
  }
}

TEST(TrainerTest, TrainingsOfOtherRankCountsGoOn) {
  TrainerOptions options = SmallTraining(MakeSquares("other_ranks", 7), "out", 20);
  for (const Sharing sharing : {Sharing::kShard, Sharing::kReplicate}) {
    fs::remove_all(options.output);
    options.stream.sharing = sharing;
    options.own_ledger = sharing == Sharing::kReplicate;
    options.resume = false;
    for (const int ranks : {2, 3, 1}) {
      options.step.solver.schedule.iterations = options.resume ? options.step.solver.schedule.iterations + 10 : 10;
      RunRanks(ranks, [&](Communicator* communicator) {
        const absl::Status status = Train(options, communicator);
        EXPECT_TRUE(status.ok()) << status;
      });
      options.resume = true;
    }
    EXPECT_THAT(ListCheckpoints(options.output).back(), HasSubstr("iteration-00000030"));
  }
}

TEST(TrainerTest, EveryVisitIsInTheLedgerFile) {
  TrainerOptions options = SmallTraining(MakeSquares("ledger", 4), "out", 10);
  ASSERT_TRUE(TrainAlone(options).ok());
  const auto reader = mining::LedgerReader::Open(options.output);
  ASSERT_TRUE(reader.ok()) << reader.status();
  mining::LedgerLine line;
  int64_t lines = 0, last = 0;
  while (*(*reader)->Next(&line)) {
    ++lines;
    EXPECT_GE(line.difficulty.iteration, last);
    last = line.difficulty.iteration;
  }
  EXPECT_EQ(lines, 10 * options.step.batch * options.step.itersize);
  EXPECT_EQ(last, 9);
}

TEST(TrainerTest, ValidatesAndKeepsTheBestModel) {
  TrainerOptions options = SmallTraining(MakeSquares("validate", 4), "out", 40);
  options.validation = options.dataset;
  options.validate_every = 20;
  options.validating.detect.pyramid = {600};
  options.validating.images = 3;
  double alone = -1;
  for (const int ranks : {1, 2}) {
    fs::remove_all(options.output);
    options.step.itersize = 2 / ranks;
    RunRanks(ranks, [&](Communicator* communicator) {
      const absl::Status status = Train(options, communicator);
      EXPECT_TRUE(status.ok()) << status;
    });
    double ap = -1;
    for (const auto& line : ReadMetrics(options.output)) {
      if (line.contains("validation_ap")) ap = line["validation_ap"].get<double>();
    }
    EXPECT_GE(ap, 0);
    if (ranks == 1) alone = ap;
    EXPECT_NEAR(ap, alone, 0.05);
    EXPECT_TRUE(model::LoadModel(options.output + "/best.safetensors").ok());
  }
}

TEST(TrainerTest, AValidationSetOfWhichNoImageCanBeReadIsAnError) {
  TrainerOptions options = SmallTraining(MakeSquares("no_validation", 2), "out", 10);
  options.validation = options.dataset;
  options.dataset = MakeSquares("trained_on", 2);
  options.validate_every = 5;
  const fs::path images = fs::path(options.validation).parent_path() / "images";
  fs::remove(images / "0.png");
  EXPECT_TRUE(TrainAlone(options).ok()) << "one of two is left";
  fs::remove(images / "1.png");
  fs::remove_all(options.output);
  EXPECT_THAT(std::string(TrainAlone(options).message()),
              HasSubstr("none of the 2 images for validation could be read; the last error: "));
}

TEST(TrainerTest, KeepsTheLastCheckpoints) {
  TrainerOptions options = SmallTraining(MakeSquares("keep", 4), "out", 50);
  options.keep = 2;
  ASSERT_TRUE(TrainAlone(options).ok());
  const auto folders = ListCheckpoints(options.output);
  ASSERT_EQ(folders.size(), 2u);
  EXPECT_THAT(folders[0], HasSubstr("iteration-00000040"));
}

TEST(TrainerTest, DoesNotOverwriteAnEarlierTraining) {
  TrainerOptions options = SmallTraining(MakeSquares("twice", 4), "out", 10);
  ASSERT_TRUE(TrainAlone(options).ok());
  EXPECT_THAT(std::string(TrainAlone(options).message()), HasSubstr("--resume"));
}

// Rewrites DATASET's manifest with its entries' lines in another ORDER; a line beyond them is left out.
void ReorderManifest(const std::string& dataset, const std::vector<size_t>& order) {
  const std::string path = dataset + "/manifest.jsonl";
  const std::vector<std::string> lines = absl::StrSplit(*ReadFile(path), '\n', absl::SkipEmpty());
  std::string text = lines[0] + "\n";
  for (const size_t i : order) absl::StrAppend(&text, lines.at(1 + i), "\n");
  ASSERT_TRUE(WriteFileAtomically(path, text).ok());
}

TEST(TrainerTest, AResumedTrainingKnowsItsEntriesByImageInWhateverOrder) {
  TrainerOptions options = SmallTraining(MakeSquares("reordered", 4), "out", 10);
  ASSERT_TRUE(TrainAlone(options).ok());
  const auto before = mining::ReadDifficulty(options.output + "/difficulty.jsonl");
  ReorderManifest(options.dataset, {3, 1, 0, 2});
  options.resume = true;
  ::testing::internal::CaptureStderr();
  ASSERT_TRUE(TrainAlone(options).ok());  // no step is left to do
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("in another order"));
  options.step.solver.schedule.iterations = 11;
  options.checkpoint_every = 1;
  options.step.batch = options.step.itersize = 1;  // one image is visited anew, the others keep their scores
  ASSERT_TRUE(TrainAlone(options).ok());
  const auto after = mining::ReadDifficulty(options.output + "/difficulty.jsonl");
  ASSERT_TRUE(before.ok() && after.ok());
  int kept = 0;
  for (const auto& [entry, difficulty] : *before) kept += after->at(entry).wpas == difficulty.wpas;
  EXPECT_GE(kept, 3);

  ReorderManifest(options.dataset, {0, 1, 2});
  EXPECT_THAT(std::string(TrainAlone(options).message()), HasSubstr("Missing entries: 1, the first is "));
}

TEST(TrainerTest, ResumeWithoutACheckpointSaysThatItStartsAtZero) {
  TrainerOptions options = SmallTraining(MakeSquares("resume_nothing", 4), "out", 10);
  options.resume = true;
  ::testing::internal::CaptureStderr();
  ASSERT_TRUE(TrainAlone(options).ok());
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              HasSubstr("holds no checkpoint: training starts at iteration 0"));
  EXPECT_THAT(*ReadFile(options.output + "/messages.txt"), HasSubstr("iteration 0: --resume is given, but "));
  ASSERT_TRUE(TrainAlone(options).ok());
  EXPECT_THAT(*ReadFile(options.output + "/messages.txt"), HasSubstr("iteration 10: resuming at iteration 10 from "));
}

TEST(TrainerTest, ADatasetWithoutAFaceIsAnError) {
  TrainerOptions options = SmallTraining(MakeSquares("faceless", 2), "out", 10);
  const std::string manifest = options.dataset + "/manifest.jsonl", with_faces = *ReadFile(manifest);
  std::string text = with_faces;
  RE2::GlobalReplace(&text, R"("faces":\[.*?\}\])", R"("faces":[])");
  ASSERT_NE(text, with_faces);
  ASSERT_TRUE(WriteFileAtomically(manifest, text).ok());
  EXPECT_THAT(std::string(TrainAlone(options).message()), HasSubstr("none of its 2 entries has a face"));
  // The same of a validation set, whose AP would not be defined.
  options.validation = options.dataset;
  options.dataset = MakeSquares("faceful", 2);
  options.validate_every = 5;
  EXPECT_THAT(std::string(TrainAlone(options).message()), HasSubstr("none of its 2 entries has a face"));
}

// Faces of two pixels fit no anchor. It planned empty epochs for ever.
TEST(TrainerTest, MiningThatLeavesOutEveryImageIsAnError) {
  TrainerOptions options = SmallTraining(MakeSquares("left_out", 4), "out", 20);
  const std::string manifest = options.dataset + "/manifest.jsonl";
  std::string text = *ReadFile(manifest);
  ASSERT_EQ(RE2::GlobalReplace(&text, R"("box":\[(\d+),(\d+),\d+,\d+\])", R"("box":[\1,\2,2,2])"), 4);
  ASSERT_TRUE(WriteFileAtomically(manifest, text).ok());
  options.stream.augment.short_sides = {24};
  options.stream.epoch.mining.without_positives = mining::WithoutPositives::kLeaveOut;
  EXPECT_THAT(std::string(TrainAlone(options).message()), HasSubstr("leaves out all 4 entries of the dataset"));
  // Kept, they are trained on, and the end says what came of it.
  options.stream.epoch.mining.without_positives = mining::WithoutPositives::kKeep;
  options.resume = true;
  ASSERT_TRUE(TrainAlone(options).ok());
  EXPECT_THAT(*ReadFile(options.output + "/messages.txt"), HasSubstr("WARNING: none of the 4 images"));
}

// Fewer of them than --max_bad_images allows: the training ended well and had learnt nothing.
TEST(TrainerTest, ATrainingThatCouldReadNoImageIsAnError) {
  const std::string dataset = MakeSquares("unreadable", 3);
  for (int i = 0; i < 3; ++i) {
    fs::remove(fs::path(dataset).parent_path() / "images" / absl::StrCat(i, ".png"));
  }
  for (const int ranks : {1, 2}) {
    TrainerOptions options = SmallTraining(dataset, "out", 4);
    options.max_bad_images = 100;
    RunRanks(ranks, [&](Communicator* communicator) {
      const absl::Status status = Train(options, communicator);
      EXPECT_THAT(std::string(status.message()), HasSubstr("none of the "));
      EXPECT_THAT(std::string(status.message()), HasSubstr(".png"));
    });
    EXPECT_TRUE(ListCheckpoints(options.output).empty());
    EXPECT_FALSE(fs::exists(options.output + "/model.safetensors"));
  }
}

TEST(TrainerTest, FrozenPartsStay) {
  const std::string dataset = MakeSquares("frozen", 4);
  TrainerOptions first = SmallTraining(dataset, "first", 10);
  ASSERT_TRUE(TrainAlone(first).ok());
  TrainerOptions second = SmallTraining(dataset, "second", 10);
  second.init = first.output + "/model.safetensors";
  second.step.solver.early_rate = 0;
  ASSERT_TRUE(TrainAlone(second).ok());
  const auto before = model::LoadModel(second.init), after = model::LoadModel(second.output + "/model.safetensors");
  EXPECT_EQ(after->parameters.at("conv2_2.weight").values, before->parameters.at("conv2_2.weight").values);
  EXPECT_NE(after->parameters.at("conv3_1.weight").values, before->parameters.at("conv3_1.weight").values);
}

TEST(TrainerTest, AFewUnreadableImagesAreLeftOutManyAreAnError) {
  const std::string dataset = MakeSquares("broken", 4);
  ASSERT_TRUE(WriteFileAtomically(fs::path(dataset).parent_path().string() + "/images/2.png", "not an image").ok());
  TrainerOptions options = SmallTraining(dataset, "few", 4);
  options.max_bad_images = 100;
  EXPECT_TRUE(TrainAlone(options).ok());
  options = SmallTraining(dataset, "many", 4);
  options.max_bad_images = 1;
  const std::string message(TrainAlone(options).message());
  EXPECT_THAT(message, HasSubstr("2.png"));
  EXPECT_THAT(message, HasSubstr("neither a JPEG nor a PNG"));
}

TEST(TrainerTest, DivergenceEndsWithTheIterationAndAHint) {
  TrainerOptions options = SmallTraining(MakeSquares("diverge", 4), "out", 200);
  options.step.solver.kind = SolverOptions::Kind::kSgd;
  options.step.solver.schedule.base = 1e6;
  options.step.solver.clip_norm = 0;
  const std::string message(TrainAlone(options).message());
  EXPECT_THAT(message, HasSubstr("diverged"));
  EXPECT_THAT(message, HasSubstr("iteration"));
}

TEST(TrainerTest, AStudentOfATeacherComesToSayWhatItSays) {
  const std::string dataset = MakeSquares("taught", 4);
  const TrainerOptions teaching = SmallTraining(dataset, "teacher", 150);
  ASSERT_TRUE(TrainAlone(teaching).ok());
  TrainerOptions options = SmallTraining(dataset, "student", 150);
  options.teacher = teaching.output + "/model.safetensors";
  options.seed = 7;
  ASSERT_TRUE(TrainAlone(options).ok());
  const std::vector<nlohmann::json> metrics = ReadMetrics(options.output);
  EXPECT_LT(metrics.back()["loss"].get<double>(), 0.5 * metrics.front()["loss"].get<double>());
}

TEST(TrainerTest, ATeacherOfOtherAnchorsIsNamed) {
  const TrainerOptions options = TrainingWithOtherAnchors(MakeSquares("other_teacher", 4));
  EXPECT_THAT(TrainAlone(options).message(), testing::HasSubstr("anchors"));
}

}  // namespace
}  // namespace hardface::train
