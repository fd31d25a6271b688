#include "train/run/small_training.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <opencv2/core.hpp>
#include <utility>

#include "base/random.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/images/image_io.h"
#include "model/weights/safetensors.h"
#include "train/ranks/communicator.h"
#include "train/run/checkpoint.h"

namespace hardface::train {

namespace fs = std::filesystem;

std::string MakeSquares(const std::string& name, int images) {
  const std::string folder = ::testing::TempDir() + "/small_training_" + name;
  fs::remove_all(folder);
  fs::create_directories(folder + "/images");
  data::DatasetHeader header;
  header.image_root = folder + "/images";
  auto writer = data::DatasetWriter::Create(folder + "/data", header);
  EXPECT_TRUE(writer.ok()) << writer.status();
  Random random(1);
  for (int i = 0; i < images; ++i) {
    cv::Mat image(96, 128, CV_8UC3);
    for (int y = 0; y < image.rows; ++y) {
      for (int x = 0; x < 3 * image.cols; ++x) image.ptr(y)[x] = static_cast<uchar>(random.Index(120));
    }
    const int size = 16 + 8 * (i % 3), x = random.Integer(0, 128 - size), y = random.Integer(0, 96 - size);
    // Of noise, too: where all pixels are equal, rounding decides which of them max pooling takes.
    for (int row = y; row < y + size; ++row) {
      for (int i = 3 * x; i < 3 * (x + size); ++i) image.ptr(row)[i] = static_cast<uchar>(220 + random.Index(30));
    }
    data::DatasetEntry entry;
    entry.image = std::to_string(i) + ".png";
    entry.width = 128;
    entry.height = 96;
    entry.faces.push_back(
        {{static_cast<float>(x), static_cast<float>(y), static_cast<float>(size), static_cast<float>(size)}});
    EXPECT_TRUE(data::WritePng(header.image_root + "/" + entry.image, image).ok());
    EXPECT_TRUE((*writer)->Write(entry).ok());
  }
  EXPECT_TRUE((*writer)->Commit({}).ok());
  return folder + "/data";
}

TrainerOptions SmallTraining(const std::string& dataset, const std::string& output, int64_t iterations) {
  TrainerOptions options;
  options.dataset = dataset;
  options.output = dataset + "_" + output;
  fs::remove_all(options.output);
  options.detector = {"smallhard", 16, true};
  options.info.input_divisor = 64;
  options.initialization = model::Initialization::kHe;
  options.step.batch = 2;
  options.step.itersize = 2;
  options.stream.augment.distort_colors = false;
  options.stream.augment.short_sides = {96};
  options.stream.augment.crop_probability = 0;
  options.step.targets.hard_negative_share = 0.5f;
  options.hard_negatives_at_start = 0.5;
  options.step.solver.kind = SolverOptions::Kind::kAdam;
  options.step.solver.schedule.base = 0.003;
  options.step.solver.schedule.iterations = iterations;
  options.step.solver.early_rate = options.step.solver.body_rate = options.step.solver.head_rate =
      options.step.solver.bias_rate = 1;
  options.step.solver.clip_norm = 5;
  options.checkpoint_every = 10;
  options.log_every = 10;
  options.threads = 1;
  options.stream.workers = 2;
  return options;
}

TrainerOptions TrainingWithOtherAnchors(const std::string& dataset) {
  TrainerOptions three = SmallTraining(dataset, "three_maps", 1);
  three.detector.architecture = "three_maps";
  EXPECT_TRUE(TrainAlone(three).ok());
  TrainerOptions options = SmallTraining(dataset, "mismatched", 1);
  options.teacher = three.output + "/model.safetensors";
  return options;
}

absl::Status TrainAlone(const TrainerOptions& options) {
  WorldOfOne alone;
  return Train(options, &alone);
}

std::vector<nlohmann::json> ReadMetrics(const std::string& output) {
  std::vector<nlohmann::json> lines;
  std::ifstream stream(output + "/metrics.jsonl");
  for (std::string line; std::getline(stream, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

model::ParameterSet WeightsOf(const std::string& output) {
  auto content = model::ReadSafeTensors(ListCheckpoints(output).back() + "/solver.safetensors");
  EXPECT_TRUE(content.ok()) << content.status();
  return std::move(content->tensors);
}

}  // namespace hardface::train
