#include "train/run/meter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "train/ranks/thread_ranks.h"

namespace hardface::train {
namespace {

using ::testing::HasSubstr;

class MeterTest : public ::testing::Test {
 protected:
  double now_ = 100;  // of the meter's clock
  Meter meter_{[this] { return now_; }};
  WorldOfOne alone_;
};

TEST_F(MeterTest, ReadsMeansAndRates) {
  meter_.Start({10, 5});
  meter_.AddImage({1, 3});
  meter_.AddImage({2, 5});
  meter_.AddStep(4);
  meter_.AddStep(8);
  meter_.AddStepLeftOut();
  meter_.AddWaiting(1.5);
  now_ = 104;
  // 3 workers made 6 samples in 9 seconds of work: 2 samples a second while all of them work.
  const auto reading = meter_.Read({16, 14}, /*workers=*/3, &alone_);
  ASSERT_TRUE(reading.ok()) << reading.status();
  EXPECT_EQ(reading->loss.classification, 1.5);
  EXPECT_EQ(reading->loss.regression, 4);
  EXPECT_EQ(reading->total_loss, 5.5);
  EXPECT_EQ(reading->gradient_norm, 6);
  EXPECT_EQ(reading->steps_left_out, 1);
  EXPECT_EQ(reading->images_per_second, 0.5);
  EXPECT_EQ(reading->data_images_per_second, 2);
  EXPECT_EQ(reading->compute_images_per_second, 2 / 2.5);
  EXPECT_EQ(reading->data_wait_fraction, 1.5 / 4);
}

TEST_F(MeterTest, StartsAnewAfterReadingAndLeavesOutOtherTime) {
  meter_.Start({});
  meter_.AddImage({100, 100});
  meter_.AddStepLeftOut();
  now_ = 101;
  ASSERT_TRUE(meter_.Read({8, 2}, 1, &alone_).ok());
  meter_.AddImage({1, 2});
  now_ = 110;
  meter_.LeaveOut(7);  // a validation
  const auto reading = meter_.Read({8, 2}, 1, &alone_);
  ASSERT_TRUE(reading.ok()) << reading.status();
  EXPECT_EQ(reading->total_loss, 3);
  EXPECT_EQ(reading->steps_left_out, 0);
  EXPECT_EQ(reading->images_per_second, 0.5);
  EXPECT_EQ(reading->data_images_per_second, 0) << "the workers did nothing";
}

TEST_F(MeterTest, NothingMeasuredDividesByNoZero) {
  meter_.Start({});
  now_ = 101;
  const auto reading = meter_.Read({}, 1, &alone_);
  ASSERT_TRUE(reading.ok()) << reading.status();
  EXPECT_EQ(reading->total_loss, 0);
  EXPECT_EQ(reading->gradient_norm, 0);
}

TEST(MeterOfRanksTest, AllRanksReadTheSameMeans) {
  RunRanks(2, [](Communicator* communicator) {
    double now = 0;
    Meter meter([&now] { return now; });
    meter.Start({});
    for (int i = 0; i <= 2 * communicator->rank(); ++i) meter.AddImage({1.0 + communicator->rank(), 0});
    meter.AddWaiting(communicator->rank());
    now = 2;
    const auto reading = meter.Read({}, 1, communicator);
    ASSERT_TRUE(reading.ok()) << reading.status();
    EXPECT_EQ(reading->loss.classification, (1 + 3 * 2) / 4.0);  // weighted by images, not by ranks
    EXPECT_EQ(reading->images_per_second, 2);
    EXPECT_EQ(reading->data_wait_fraction, 0.25);
  });
}

// A rank that speaks another language.
class Stranger : public WorldOfOne {
 public:
  int size() const override { return 2; }
  absl::StatusOr<std::vector<std::string>> GatherTexts(const std::string& text) override {
    return std::vector<std::string>{text, "1 2 3"};
  }
};

TEST_F(MeterTest, SumsThatCannotBeReadAreAnError) {
  Stranger stranger;
  meter_.Start({});
  const auto reading = meter_.Read({}, 1, &stranger);
  ASSERT_FALSE(reading.ok());
  EXPECT_THAT(std::string(reading.status().message()), HasSubstr("\"1 2 3\""));
}

}  // namespace
}  // namespace hardface::train
