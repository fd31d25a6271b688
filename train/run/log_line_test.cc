#include "train/run/log_line.h"

#include <gtest/gtest.h>

namespace hardface::train {
namespace {

LogLine Line() {
  LogLine line;
  line.iteration = 50;
  line.epochs = 2;
  line.reading.loss = {0.25, 0.5};
  line.reading.total_loss = 0.75;
  line.reading.gradient_norm = 3;
  line.reading.steps_left_out = 1;
  line.reading.images_per_second = 12.5;
  line.reading.data_images_per_second = 40;
  line.reading.compute_images_per_second = 14;
  line.reading.data_wait_fraction = 0.125;
  line.learning_rate = 0.004;
  line.hard_fraction = 0.75;
  line.engine_bytes = 1000;
  return line;
}

// The keys are a format that tools read (docs/FORMATS.md).
TEST(LogLineTest, JsonHasEveryFigureUnderItsName) {
  EXPECT_EQ(Line().ToJson().dump(),
            "{\"iteration\":50,\"epoch\":2,\"loss\":0.75,\"classification\":0.25,\"regression\":0.5,"
            "\"gradient_norm\":3.0,\"learning_rate\":0.004,\"hard_fraction\":0.75,\"images_per_second\":12.5,"
            "\"data_images_per_second\":40.0,\"compute_images_per_second\":14.0,\"data_wait_fraction\":0.125,"
            "\"engine_bytes\":1000,\"steps_left_out\":1}");
}

TEST(LogLineTest, TextNamesTheBestApWhereThereIsOne) {
  LogLine line = Line();
  const std::string text =
      "loss 0.7500 (0.2500 + 0.5000), rate 0.004, hard 75%, 12.5 images/s (data 40, compute 14.0), waiting for data "
      "12%";
  EXPECT_EQ(line.ToText(), text);
  line.best_ap = 0.5;
  EXPECT_EQ(line.ToText(), text + ", best AP 0.5000");
}

}  // namespace
}  // namespace hardface::train
