// The sequence of samples: the same for any number of threads, dealt out to ranks, resumable anywhere.
#include "train/data/sample_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <filesystem>
#include <map>
#include <opencv2/core.hpp>
#include <set>
#include <thread>

#include "data_tools/images/image_io.h"

namespace hardface::train {
namespace {

const data::Dataset& TestDataset() {
  static const data::Dataset* const dataset = [] {
    const std::string folder = ::testing::TempDir() + "/sample_stream_test";
    std::filesystem::create_directories(folder);
    auto* const made = new data::Dataset;
    for (int i = 0; i < 11; ++i) {
      data::DatasetEntry entry;
      entry.image = std::to_string(i) + ".png";
      entry.width = 40;
      entry.height = 32;
      entry.faces.push_back({{8, 8, 16, 16}});
      made->entries.push_back(entry);
      made->image_paths.push_back(folder + "/" + entry.image);
      EXPECT_TRUE(data::WritePng(made->image_paths.back(), cv::Mat(32, 40, CV_8UC3, cv::Scalar(i, 100, 200))).ok());
    }
    return made;
  }();
  return *dataset;
}

SampleStreamOptions Options(int samples_per_step) {
  SampleStreamOptions options;
  options.seed = 3;
  options.samples_per_step = samples_per_step;
  options.augment.short_sides = {32};
  return options;
}

// What a sample shows, for comparison.
struct Shown {
  int64_t number, entry;
  double sum;
  bool operator==(const Shown& o) const { return number == o.number && entry == o.entry && sum == o.sum; }
};

Shown Take(SampleStream* stream, const std::vector<mining::LedgerEntry>& ledger) {
  if (stream->NeedsPlan()) {
    EXPECT_TRUE(stream->Plan(ledger).ok());
  }
  const NumberedSample next = stream->Next();
  EXPECT_TRUE(next.sample.ok()) << next.sample.status();
  const cv::Scalar sum = cv::sum(next.sample->image);
  return {next.number, next.sample->sources[0], sum[0] + 3 * sum[1] + 7 * sum[2]};
}

std::vector<Shown> TakeMany(const SampleStreamOptions& options, int count) {
  SampleStream stream(&TestDataset(), options);
  const std::vector<mining::LedgerEntry> ledger(TestDataset().entries.size());
  std::vector<Shown> taken;
  for (int i = 0; i < count; ++i) taken.push_back(Take(&stream, ledger));
  return taken;
}

TEST(SampleStreamTest, IsTheSameForAnyNumberOfThreads) {
  SampleStreamOptions many = Options(4);
  many.workers = 3;
  EXPECT_EQ(TakeMany(Options(4), 60), TakeMany(many, 60));
}

TEST(SampleStreamTest, ShardsOfRanksAreTheStepsOfOneRank) {
  const std::vector<Shown> alone = TakeMany(Options(4), 48);
  for (const int ranks : {2, 4}) {
    std::map<int64_t, Shown> together;
    for (int rank = 0; rank < ranks; ++rank) {
      SampleStreamOptions options = Options(4 / ranks);
      options.rank = rank;
      options.ranks = ranks;
      for (const Shown& shown : TakeMany(options, 48 / ranks)) together.emplace(shown.number, shown);
    }
    ASSERT_EQ(together.size(), 48u);
    for (const Shown& shown : alone) EXPECT_TRUE(together.at(shown.number) == shown) << shown.number;
  }
}

TEST(SampleStreamTest, ReplicasVisitEverythingInOrdersOfTheirOwn) {
  std::vector<std::vector<int64_t>> orders;
  std::set<int64_t> numbers;
  for (int rank = 0; rank < 2; ++rank) {
    SampleStreamOptions options = Options(1);
    options.sharing = Sharing::kReplicate;
    options.rank = rank;
    options.ranks = 2;
    std::vector<int64_t>& order = orders.emplace_back();
    for (const Shown& shown : TakeMany(options, 11)) {
      order.push_back(shown.entry);
      numbers.insert(shown.number);
    }
    EXPECT_EQ(std::set<int64_t>(order.begin(), order.end()).size(), 11u);
  }
  EXPECT_NE(orders[0], orders[1]);
  EXPECT_EQ(numbers.size(), 22u);
}

TEST(SampleStreamTest, GoesOnFromAnyStepsPosition) {
  const std::vector<Shown> whole = TakeMany(Options(4), 60);
  const std::vector<mining::LedgerEntry> ledger(TestDataset().entries.size());
  for (const int steps : {1, 2, 3, 7, 11}) {
    SampleStream before(&TestDataset(), Options(4)), after(&TestDataset(), Options(4));
    for (int i = 0; i < 4 * steps; ++i) Take(&before, ledger);
    after.Restore(before.position());
    for (int i = 4 * steps; i < 60; ++i) EXPECT_TRUE(Take(&after, ledger) == whole[static_cast<size_t>(i)]) << i;
  }
}

TEST(SampleStreamTest, PeekedSamplesStayTheNextOnes) {
  const std::vector<Shown> expected = TakeMany(Options(2), 40);
  SampleStream stream(&TestDataset(), Options(2));
  const std::vector<mining::LedgerEntry> ledger(TestDataset().entries.size());
  EXPECT_TRUE(stream.Peek(2).empty()) << "a plan comes before";
  int without = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(Take(&stream, ledger), expected[i]);
    if (i % 2 == 0) continue;
    const int64_t next = stream.position().next, samples = stream.position().samples;
    const std::deque<NumberedSample>& peeked = stream.Peek(2);
    EXPECT_EQ(peeked.empty(), stream.NeedsPlan());
    without += peeked.empty();
    if (!peeked.empty()) {
      EXPECT_EQ(peeked.size(), 2u);
      EXPECT_EQ(peeked[0].number + 1, peeked[1].number);
    }
    EXPECT_EQ(stream.position().next, next) << "a checkpoint would leave samples out";
    EXPECT_EQ(stream.position().samples, samples);
  }
  EXPECT_GT(without, 0) << "no plan came between";
}

// A GPU takes a batch at once: while it computes, the next one is to be made whole.
TEST(SampleStreamTest, WorkersMakeTheNextStepsSamplesMeanwhile) {
  const data::Dataset& small = TestDataset();
  data::Dataset large;
  for (int copy = 0; copy < 4; ++copy) {
    large.entries.insert(large.entries.end(), small.entries.begin(), small.entries.end());
    large.image_paths.insert(large.image_paths.end(), small.image_paths.begin(), small.image_paths.end());
  }
  SampleStreamOptions options = Options(20);
  options.workers = 2;
  SampleStream stream(&large, options);
  ASSERT_TRUE(stream.Plan(std::vector<mining::LedgerEntry>(large.entries.size())).ok());
  ASSERT_TRUE(stream.Next().sample.ok());
  for (int tenths = 0; stream.samples_made() < 40 && tenths < 300; ++tenths) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_EQ(stream.samples_made(), 40);
}

TEST(SampleStreamTest, MosaicsShowImagesOfTheEpochOnly) {
  SampleStreamOptions options = Options(1);
  options.augment.crops = data::CropStyle::kFaceScale;
  options.augment.crop_size = 64;
  options.augment.mosaic_probability = 1;
  options.epoch.mining.drop = 1;
  std::vector<mining::LedgerEntry> ledger(TestDataset().entries.size());
  mining::Visit easy;
  easy.difficulty = {0.9f, 3, 0};
  for (size_t i = 3; i < ledger.size(); ++i) mining::Record(easy, options.epoch.mining, &ledger[i]);
  SampleStream stream(&TestDataset(), options);
  std::set<int64_t> shown;
  for (int i = 0; i < 12; ++i) {
    if (stream.NeedsPlan()) {
      ASSERT_TRUE(stream.Plan(ledger).ok());
    }
    const NumberedSample next = stream.Next();
    ASSERT_TRUE(next.sample.ok()) << next.sample.status();
    ASSERT_GE(next.sample->sources.size(), 4u);
    shown.insert(next.sample->sources.begin(), next.sample->sources.end());
  }
  EXPECT_EQ(shown, (std::set<int64_t>{0, 1, 2}));  // the hard ones
}

// It planned epoch after epoch, none of which had an entry, for ever.
TEST(SampleStreamTest, ALedgerThatLeavesOutEverythingIsAnError) {
  SampleStreamOptions options = Options(2);
  options.epoch.mining.without_positives = mining::WithoutPositives::kLeaveOut;
  std::vector<mining::LedgerEntry> ledger(TestDataset().entries.size());
  mining::Visit without;
  for (mining::LedgerEntry& entry : ledger) mining::Record(without, options.epoch.mining, &entry);
  SampleStream stream(&TestDataset(), options);
  const absl::Status status = stream.Plan(ledger);
  EXPECT_THAT(std::string(status.message()),
              testing::AllOf(testing::HasSubstr("leaves out all 11 entries"),
                             testing::HasSubstr("Train with --him_without_positives=keep")));
  ledger[3] = {};
  ASSERT_TRUE(stream.Plan(ledger).ok()) << "one image that was not visited is enough";
  EXPECT_EQ(stream.Next().sample->sources[0], 3);
}

}  // namespace
}  // namespace hardface::train
