#include "model/execution/layer_timing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "model/detectors/detector.h"

namespace hardface::model {
namespace {

using ::testing::HasSubstr;

std::vector<LayerTime> TimesOf(Conv2dEngine engine) {
  const auto detector = BuildDetector({"smallhard", /*width_divisor=*/32});
  EXPECT_TRUE(detector.ok()) << detector.status();
  const auto times = TimeLayers(detector->network, {1, 3, 64, 96}, engine, /*rounds=*/3);
  EXPECT_TRUE(times.ok()) << times.status();
  return *times;
}

const LayerTime* Find(const std::vector<LayerTime>& times, const std::string& layer) {
  for (const LayerTime& time : times) {
    if (time.layer == layer) return &time;
  }
  return nullptr;
}

// conv1_2 has 2 channels in and out at this width: 2 * 9 * 2 * 2 * 64 * 96 operations.
TEST(TimeLayersTest, CountsDirectAndWinogradsProducts) {
  const std::vector<LayerTime> times = TimesOf(Conv2dEngine::kWinograd4);
  const LayerTime* const layer = Find(times, "conv1_2");
  ASSERT_NE(layer, nullptr);
  EXPECT_GT(layer->seconds, 0);
  EXPECT_NEAR(layer->direct_gflop, 2e-9 * 9 * 2 * 2 * 64 * 96, 1e-15);
  // F(4x4): 36 products for 16 outputs instead of 144.
  EXPECT_NEAR(layer->product_gflop, layer->direct_gflop / 4, 1e-15);
}

TEST(TimeLayersTest, ADirectEngineComputesAllProducts) {
  for (const LayerTime& time : TimesOf(Conv2dEngine::kReference)) {
    EXPECT_DOUBLE_EQ(time.product_gflop, time.direct_gflop) << time.layer;
  }
}

TEST(LayersMarkdownTest, SharesAreOfTheTimeAndOfThePeak) {
  const std::string text = LayersMarkdown({{"conv", 0.003, 6, 1.5}, {"concat", 0.001, 0, 0}}, /*peak=*/1e12);
  EXPECT_THAT(text, HasSubstr("Multiply-add peak: 1000 GFLOP/s"));
  EXPECT_THAT(text, HasSubstr("| conv | 3.00 | 75.0 % | 6.00 | 50 % | 2.00 |"));
  EXPECT_THAT(text, HasSubstr("| concat | 1.00 | 25.0 % | | | |"));
  EXPECT_THAT(text, HasSubstr("| all | 4.00 | 100.0 % | 6.00 | 38 % | 1.50 |"));
}

}  // namespace
}  // namespace hardface::model
