// The detector on a pyramid, the result files and the run over many images.
#include "infer/detect_images.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <opencv2/core.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/atomic_output.h"
#include "base/fresh_folder.h"
#include "base/paths.h"
#include "base/progress.h"
#include "base/random.h"
#include "base/read_file.h"
#include "data_tools/dataset/detections.h"
#include "data_tools/images/image_io.h"
#include "infer/decode.h"
#include "infer/face_detector.h"
#include "infer/images_to_detect.h"
#include "infer/level_runner.h"
#include "infer/region_plan.h"
#include "infer/result_journal.h"
#include "infer/result_writers.h"
#include "model/detectors/anchors.h"
#include "model/execution/image_input.h"

namespace hardface::infer {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

model::Model RandomModel(int width_divisor = 16) {
  model::Model model;
  model.detector = *model::BuildDetector({"smallhard", width_divisor, true});
  model.parameters =
      model::InitializeParameters(model::ListParameters(model.detector.network), model::Initialization::kHe, 3);
  model.info.input_divisor = 64;
  model.info.pyramid = {50, 100};
  return model;
}

cv::Mat RandomImage(int width, int height, uint64_t seed) {
  cv::Mat image(height, width, CV_8UC3);
  Random random(seed);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < 3 * width; ++x) image.ptr(y)[x] = static_cast<uchar>(random.Index(256));
  }
  return image;
}

TEST(BaseScaleTest, MatchesThePaper) {
  EXPECT_DOUBLE_EQ(BaseScale(1024, 1000), 0.8);
  EXPECT_DOUBLE_EQ(BaseScale(2400, 1000), 0.5);  // 800 would make the long side 1920
  EXPECT_DOUBLE_EQ(BaseScale(400, 400), 2);
}

TEST(FaceDetectorTest, MirroredImageGivesMirroredFacesWithFlips) {
  DetectOptions options;
  options.pyramid = {96, 192};  // scales 1 and 2: no rounding of the size, which would not be symmetric
  options.score_threshold = 0;
  options.decode.max_boxes = 50;
  options.merge = Merge::kNms;
  options.nms_threshold = 1;  // keeps all
  const cv::Mat image = RandomImage(128, 96, 1);
  cv::Mat mirrored;
  cv::flip(image, mirrored, 1);
  FaceDetector detector(RandomModel(), options);
  const auto boxes = detector.Detect(image), other = detector.Detect(mirrored);
  ASSERT_TRUE(boxes.ok() && other.ok());
  ASSERT_EQ(boxes->size(), other->size());
  for (size_t i = 0; i < boxes->size(); ++i) {
    EXPECT_NEAR((*boxes)[i].score, (*other)[i].score, 1e-5);
    bool found = false;
    for (const data::Detection& box : *other) {
      const data::Rect back = data::Mirror(box.box, 128);
      found |= std::abs(back.x - (*boxes)[i].box.x) < 0.05 && std::abs(back.y - (*boxes)[i].box.y) < 0.05;
    }
    EXPECT_TRUE(found) << i;
  }
}

// The engines, and tiles under a memory limit, against direct convolution of the whole level.
TEST(FaceDetectorTest, EnginesAndTilesGiveTheSameDetections) {
  DetectOptions options;
  options.pyramid = {150, 400};
  options.score_threshold = 0;
  options.decode.max_boxes = 200;
  options.merge = Merge::kNms;
  options.nms_threshold = 0.3f;
  options.engine = model::Conv2dEngine::kOneDnnDirect;
  const cv::Mat image = RandomImage(563, 411, 3);  // no whole multiple of anything
  const auto expected = FaceDetector(RandomModel(4), options).Detect(image);
  ASSERT_TRUE(expected.ok()) << expected.status();
  struct Variant {
    model::Conv2dEngine engine;
    int64_t memory_limit;
  };
  for (const Variant& variant : std::vector<Variant>{{model::Conv2dEngine::kWinograd4, 0},
                                                     {model::Conv2dEngine::kWinograd6, 0},
                                                     {model::Conv2dEngine::kFastest, 287 << 20},  // one pass at a time
                                                     {model::Conv2dEngine::kFastest, 276 << 20}}) {  // tiles
    options.engine = variant.engine;
    options.memory_limit = variant.memory_limit;
    const auto boxes = FaceDetector(RandomModel(4), options).Detect(image);
    ASSERT_TRUE(boxes.ok()) << boxes.status();
    ASSERT_EQ(boxes->size(), expected->size());
    for (const data::Detection& box : *boxes) {  // in any order: scores that are nearly equal may change places
      const bool found = std::any_of(expected->begin(), expected->end(), [&box](const data::Detection& other) {
        const data::Rect &a = box.box, &b = other.box;
        return std::abs(box.score - other.score) < 1e-4f &&
               std::abs(a.x - b.x) + std::abs(a.y - b.y) + std::abs(a.w - b.w) + std::abs(a.h - b.h) < 1e-2f;
      });
      EXPECT_TRUE(found) << box.box.x << " " << box.box.y << " " << box.score;
    }
  }
  options.memory_limit = 100 << 20;
  EXPECT_THAT(std::string(FaceDetector(RandomModel(4), options).Detect(image).status().message()),
              HasSubstr("raise --memory_limit"));
}

// Bytes of this process that are in memory.
int64_t ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  int64_t all = 0, resident = 0;
  file >> all >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

TEST(DetectionRunTest, HoldsTheWeightsOnce) {
  DetectImagesOptions options;
  options.detect.speed = Speed::kAccurate;
  model::Model model = RandomModel(/*width_divisor=*/1);
  int64_t weight_bytes = 0;
  for (const auto& [name, array] : model.parameters) weight_bytes += static_cast<int64_t>(array.values.size() * 4);
  const int64_t before = ResidentBytes();
  ASSERT_GT(before, weight_bytes);
  const auto run = DetectionRun::Start(std::move(model), ::testing::TempDir() + "/holds_once", options);
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_LT(ResidentBytes() - before, weight_bytes / 2);
}

TEST(LevelRunnerTest, PlansWholeLevelsThenPassesThenTiles) {
  const model::Model model = RandomModel();
  const LevelRunner runner(model, {});
  EXPECT_TRUE(runner.Plan(960, 1280, true, 0)->passes_together);
  const auto unlimited = runner.Plan(960, 1280, true, int64_t{1} << 40);
  EXPECT_EQ(unlimited->rows * unlimited->columns, 1);
  model::ExecutorOptions executor_options;
  executor_options.strips = false;  // plans count whole maps
  const auto whole = model::Executor::Create(model.detector.network, {1, 3, 960, 1280}, executor_options);
  ASSERT_TRUE(whole.ok());
  const auto single = runner.Plan(960, 1280, true, (*whole)->activation_bytes() * 3 / 2);
  ASSERT_TRUE(single.ok());
  EXPECT_FALSE(single->passes_together);
  EXPECT_EQ(single->rows * single->columns, 1);
  const auto tiled = runner.Plan(960, 1280, true, (*whole)->activation_bytes() / 2);
  ASSERT_TRUE(tiled.ok());
  EXPECT_GT(tiled->rows * tiled->columns, 1);
  EXPECT_LT(tiled->tile_height * tiled->tile_width, 960 * 1280);
  EXPECT_THAT(std::string(runner.Plan(960, 1280, true, 1000).status().message()), HasSubstr("smallest tile"));
}

TEST(FaceDetectorTest, FasterSpeedsLeaveOutMirroredPassesAndLargeLevelsWithoutSmallCandidates) {
  // Bias alone decides: every score is the same on every level.
  const auto detect = [](float face_logit, Speed speed) {
    model::Model model = RandomModel(64);
    model.info.pyramid = {700, 100, 200};
    for (auto& [name, array] : model.parameters) std::fill(array.values.begin(), array.values.end(), 0.0f);
    for (const char* head : {"cls_score_1.bias", "cls_score_2.bias", "cls_score_4.bias"}) {
      model.parameters[head].values = {0.0f, face_logit};
    }
    DetectOptions options;
    options.speed = speed;
    options.score_threshold = 0;
    options.decode.max_boxes = 20;
    options.merge = Merge::kNms;
    options.nms_threshold = 1;  // keeps all
    return FaceDetector(model, options).Detect(RandomImage(100, 100, 1))->size();
  };
  EXPECT_EQ(detect(/*face_logit=*/2, Speed::kAccurate), 3u * 2 * 20);
  // Levels 100 and 200 and their mirror images; a region of 700 around candidates in a corner, and that mirrored.
  EXPECT_EQ(detect(/*face_logit=*/2, Speed::kBalanced), 6u * 20);
  EXPECT_EQ(detect(/*face_logit=*/2, Speed::kFast), 3u * 20);
  EXPECT_EQ(detect(/*face_logit=*/-6, Speed::kBalanced), 4u * 20);  // a score of 0.0025: not level 700
  EXPECT_EQ(detect(/*face_logit=*/-6, Speed::kFast), 2u * 20);
}

TEST(FaceDetectorTest, ACalibrationChangesWhatIsToldOfScoresAndNothingElse) {
  model::Model model = RandomModel(64);
  model.info.pyramid = {60, 200, 500};
  const cv::Mat image = RandomImage(90, 120, 1);
  for (const Speed speed : {Speed::kAccurate, Speed::kBalanced}) {
    DetectOptions options;
    options.speed = speed;
    options.score_threshold = 0.3f;
    model.info.calibration.reset();
    const auto raw = FaceDetector(model, options).Detect(image);
    model.info.calibration = model::ScoreScale{1.5, 3};
    const auto told = FaceDetector(model, options).Detect(image);
    ASSERT_TRUE(raw.ok() && told.ok());
    ASSERT_GT(raw->size(), 5u) << "little is tested";
    ASSERT_EQ(told->size(), raw->size());
    for (size_t i = 0; i < raw->size(); ++i) {
      const data::Detection &a = (*raw)[i], &b = (*told)[i];
      EXPECT_TRUE(b.box == a.box);
      EXPECT_NE(b.score, a.score);
      EXPECT_EQ(b.score, model.info.calibration->Told(a.score));
    }
  }
}

// A detector whose score for a cell's small anchor rises with the brightest pixel among the cell's 8 x 8: one channel
// is handed from layer to layer by the middle taps.
model::Model BrightnessModel() {
  model::Model model = RandomModel(/*width_divisor=*/64);
  for (auto& [name, array] : model.parameters) {
    std::fill(array.values.begin(), array.values.end(), 0.0f);
    const bool handed_on = name.find("conv5") == std::string::npos && array.dims.size() == 4 &&
                           (name.rfind("conv", 0) == 0 || name == "head_1.weight");
    // conv4_fuse has conv5_256's channels first.
    const int64_t channel = name == "conv4_fuse_final.weight" ? array.dims[1] / 2 : 0;
    const int64_t taps = handed_on ? array.dims[2] * array.dims[3] : 0;
    if (handed_on) array.values[static_cast<size_t>(channel * taps + taps / 2)] = 1;
  }
  // A grey value g gives (g - 104) / 64, 104 being the mean of blue, and at least 0: scores 0.99 for 255, 0.6 for 191,
  // and below 0.01 for 104 and less.
  model.parameters["cls_score_1.weight"].values[model.parameters["cls_score_1.weight"].values.size() / 2] = 4;
  model.parameters["cls_score_1.bias"].values = {0, -5};
  for (const char* head : {"cls_score_2.bias", "cls_score_4.bias"}) model.parameters[head].values = {0, -20};
  return model;
}

TEST(FaceDetectorTest, BalancedFindsWhatOnlyALargerLevelSeesWellWhereASmallerOneSuspectsIt) {
  // Level 500 shows means of 2 x 2 pixels, level 1000 each pixel.
  cv::Mat image(1000, 1000, CV_8UC3, cv::Scalar(0, 0, 0));
  const auto light = [&image](int x, int y) { image.at<cv::Vec3b>(y, x) = cv::Vec3b(255, 255, 255); };
  for (const auto& [x, y] : {std::pair(202, 202), std::pair(702, 802)}) {  // three of four: a suspicion
    light(x, y);
    light(x + 1, y);
    light(x, y + 1);
  }
  light(502, 502);  // one of four: none
  DetectOptions options;
  options.pyramid = {500, 1000};
  options.flip = false;
  options.score_threshold = 0.9f;
  const auto found_at = [&options, &image](int x, int y, Speed speed) {
    options.speed = speed;
    const auto boxes = FaceDetector(BrightnessModel(), options).Detect(image);
    EXPECT_TRUE(boxes.ok()) << boxes.status();
    return std::any_of(boxes->begin(), boxes->end(), [&](const data::Detection& found) {
      const data::Rect& box = found.box;
      return box.x <= static_cast<float>(x) && static_cast<float>(x) <= box.x + box.w &&
             box.y <= static_cast<float>(y) && static_cast<float>(y) <= box.y + box.h;
    });
  };
  for (const Speed speed : {Speed::kAccurate, Speed::kBalanced}) {
    EXPECT_TRUE(found_at(202, 202, speed));
    EXPECT_TRUE(found_at(702, 802, speed));
  }
  EXPECT_TRUE(found_at(502, 502, Speed::kAccurate));
  EXPECT_FALSE(found_at(502, 502, Speed::kBalanced));  // what no smaller level sees at all stays unseen
}

TEST(LevelRunnerTest, ARegionsDetectionsAreTheWholeLevels) {
  const model::Model model = RandomModel(16);
  LevelRunner runner(model, {});
  const cv::Mat image = RandomImage(700, 651, 5), level = model::ResizeToFloat(image, 1.3);
  const int height = model::RoundUp(level.rows, 16), width = model::RoundUp(level.cols, 16);
  std::vector<ScoredBox> whole;
  ASSERT_TRUE(runner
                  .Run(level, /*flip=*/false, 0,
                       [&](bool, const auto& planes) {
                         whole = DecodeDetections(planes, level.cols, level.rows, {0, 1000000});
                       })
                  .ok());
  const std::vector<LevelRegion> regions =
      CoverRegions(runner.rules(), height, width, {{300, 400, 330, 440}, {0, 0, 20, 20}, {880, 820, 905, 844}});
  ASSERT_GE(regions.size(), 2u);
  for (const LevelRegion& region : regions) {
    ASSERT_LT(region.pixels(), int64_t{height} * width);
    const cv::Rect window = cv::Rect(region.columns.begin, region.rows.begin, region.tile_width, region.tile_height) &
                            cv::Rect(0, 0, level.cols, level.rows);
    const cv::Mat tile = model::ResizeToFloat(image, 1.3, window);
    EXPECT_EQ(cv::norm(tile, level(window), cv::NORM_INF), 0);
    const DecodeWindow core{window.x,
                            window.y,
                            region.columns.core_begin,
                            region.rows.core_begin,
                            region.columns.core_end,
                            region.rows.core_end};
    const auto planes = runner.RunTile(tile, {1, 3, region.tile_height, region.tile_width}, /*mirrored=*/false);
    ASSERT_TRUE(planes.ok()) << planes.status();
    const std::vector<ScoredBox> boxes = DecodeDetections(*planes, level.cols, level.rows, {0, 1000000}, &core);
    // Three anchors for every 8 x 8 pixels of the core.
    EXPECT_EQ(boxes.size(), 3u * static_cast<size_t>((core.core_x2 - core.core_x1) / 8) *
                                static_cast<size_t>((core.core_y2 - core.core_y1) / 8));
    for (const ScoredBox& box : boxes) {
      const bool found = std::any_of(whole.begin(), whole.end(), [&box](const ScoredBox& other) {
        const data::EdgeBox &a = box.box, &b = other.box;
        return std::abs(box.score - other.score) < 1e-4f &&
               std::abs(a.x1 - b.x1) + std::abs(a.y1 - b.y1) + std::abs(a.x2 - b.x2) + std::abs(a.y2 - b.y2) < 1e-2f;
      });
      EXPECT_TRUE(found) << box.box.x1 << " " << box.box.y1 << " " << box.score;
    }
  }
}

TEST(FaceDetectorTest, TinyAndThinImagesWork) {
  FaceDetector detector(RandomModel(), {});
  for (const cv::Size size : {cv::Size(1, 1), cv::Size(3, 500), cv::Size(17, 33)}) {
    EXPECT_TRUE(detector.Detect(RandomImage(size.width, size.height, 2)).ok()) << size;
  }
}

TEST(FaceDetectorTest, BoxesLieInTheImage) {
  DetectOptions options;
  options.score_threshold = 0;
  FaceDetector detector(RandomModel(), options);
  const auto boxes = detector.Detect(RandomImage(100, 70, 4));
  ASSERT_TRUE(boxes.ok());
  ASSERT_FALSE(boxes->empty());
  for (const auto& [box, score] : *boxes) {
    EXPECT_GE(box.x, -0.01);
    EXPECT_LE(box.x + box.w, 100.01);  // the mirrored pass: x -> width - x, as published
    EXPECT_GE(box.y, -0.01);
    EXPECT_LE(box.y + box.h, 70.01);
  }
}

absl::StatusOr<std::vector<ImageToDetect>> ImagesIn(const std::string& path) {
  absl::StatusOr<FoundImages> found = ImagesOfPaths({path});
  if (!found.ok()) return found.status();
  return std::move(found->images);
}

TEST(DetectImagesTest, GoesOnAfterAnUnreadableImageAndDraws) {
  const std::string folder = FreshFolder("run");
  ASSERT_TRUE(data::WritePng(folder + "/good.png", RandomImage(64, 48, 1)).ok());
  ASSERT_TRUE(WriteFileAtomically(folder + "/bad.png", "no picture").ok());
  const auto images = ImagesIn(folder);
  ASSERT_TRUE(images.ok());
  DetectImagesOptions options;
  options.pictures.draw = true;
  options.threads = 1;
  const auto counts = DetectImages(RandomModel(), *images, folder + "/out", options);
  ASSERT_TRUE(counts.ok()) << counts.status();
  EXPECT_EQ(counts->images, 1);
  ASSERT_EQ(counts->failures.size(), 1u);
  EXPECT_THAT(counts->failures[0], HasSubstr("bad.png"));
  const auto drawn = data::ReadImage(folder + "/out/drawn/00001_good.png");
  ASSERT_TRUE(drawn.ok()) << drawn.status();
  EXPECT_EQ(drawn->size(), cv::Size(64, 48));
}

TEST(DetectImagesTest, LongNamesAreDrawnAndAnImageOfAnotherSizeThanItsManifestSaysFails) {
  const std::string folder = FreshFolder("names"), name(250, 'x');
  ASSERT_TRUE(data::WritePng(folder + "/" + name + ".png", RandomImage(64, 48, 1)).ok());
  std::vector<ImageToDetect> images = *ImagesIn(folder);
  images.push_back(images[0]);
  images[1].name = "other";
  images[1].size_in_manifest = {48, 64};
  DetectImagesOptions options;
  options.pictures.draw = true;
  options.threads = 1;
  options.formats = {"jsonl", "wider"};
  const auto counts = DetectImages(RandomModel(), images, folder + "/out", options);
  ASSERT_TRUE(counts.ok()) << counts.status();
  EXPECT_EQ(counts->images, 1);
  ASSERT_EQ(counts->failures.size(), 1u);
  EXPECT_THAT(counts->failures[0], HasSubstr("is 64 x 48 pixels, its manifest entry says 48 x 64"));
  EXPECT_TRUE(fs::exists(folder + "/out/drawn/00000_" + std::string(245, 'x') + ".png"));
  EXPECT_EQ(data::ReadDetections(folder + "/out")->size(), 1u);
}

TEST(DetectImagesTest, WritesBoxesInTheStyleAskedFor) {
  const std::string folder = FreshFolder("style");
  ASSERT_TRUE(data::WritePng(folder + "/a.png", RandomImage(64, 48, 1)).ok());
  const auto images = ImagesIn(folder + "/a.png");
  ASSERT_TRUE(images.ok());
  DetectImagesOptions options;
  options.threads = 1;
  ASSERT_TRUE(DetectImages(RandomModel(), *images, folder + "/plain", options).ok());
  options.style = {0, -0.1, 1.2, 1.5};
  ASSERT_TRUE(DetectImages(RandomModel(), *images, folder + "/heads", options).ok());
  const auto plain = data::ReadDetections(folder + "/plain"), heads = data::ReadDetections(folder + "/heads");
  ASSERT_TRUE(plain.ok() && heads.ok());
  const std::vector<data::Detection>&before = plain->at(0).boxes, &after = heads->at(0).boxes;
  ASSERT_FALSE(before.empty());
  ASSERT_EQ(before.size(), after.size());
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(before[i].score, after[i].score);
    EXPECT_NEAR(after[i].box.w, 1.2f * before[i].box.w, 0.02);
    EXPECT_NEAR(after[i].box.y + after[i].box.h, before[i].box.y + 1.15f * before[i].box.h, 0.03);
  }
}

// The CPU stands for several GPUs here.
TEST(DetectImagesTest, SeveralDetectorsWriteTheFilesOfOne) {
  const std::string folder = FreshFolder("several");
  for (int i = 0; i < 12; ++i) {
    const std::string path = absl::StrCat(folder, "/in/", absl::Dec(i, absl::kZeroPad2), ".png");
    fs::create_directories(folder + "/in");
    // Sizes vary, so that one does not finish in the order in which they began.
    ASSERT_TRUE(data::WritePng(path, RandomImage(40 + 30 * (i % 3), 48, static_cast<uint64_t>(i))).ok());
  }
  for (const char* bad : {"/in/03a.png", "/in/07a.png"}) ASSERT_TRUE(WriteFileAtomically(folder + bad, "no").ok());
  const auto images = ImagesIn(folder + "/in");
  ASSERT_TRUE(images.ok());
  DetectImagesOptions options;
  options.pictures.draw = true;
  options.formats = {"jsonl", "fddb"};
  options.threads = 1;
  const auto one = DetectImages(RandomModel(), *images, folder + "/one", options);
  ASSERT_TRUE(one.ok()) << one.status();
  EXPECT_EQ(one->images, 12);
  for (const size_t count : {2, 3}) {
    options.devices.assign(count, model::Device{});
    const std::string output = absl::StrCat(folder, "/of_", count);
    const auto several = DetectImages(RandomModel(), *images, output, options);
    ASSERT_TRUE(several.ok()) << several.status();
    EXPECT_EQ(several->boxes, one->boxes);
    EXPECT_EQ(several->failures, one->failures);
    size_t files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder + "/one")) {
      if (!entry.is_regular_file()) continue;
      const std::string name = fs::relative(entry.path(), folder + "/one").string();
      EXPECT_EQ(*ReadFile(output + "/" + name), *ReadFile(entry.path().string())) << name;
      ++files;
    }
    EXPECT_EQ(files, 15u);
  }
}

// Every file below FOLDER with its bytes.
std::map<std::string, std::string> Contents(const std::string& folder) {
  std::map<std::string, std::string> contents;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    contents[fs::relative(entry.path(), folder).string()] = *ReadFile(entry.path().string());
  }
  return contents;
}

// Eight pictures, of which the fourth is broken.
std::vector<ImageToDetect> EightPictures(const std::string& folder) {
  for (int i = 0; i < 8; ++i) {
    const std::string path = absl::StrCat(folder, "/", absl::Dec(i, absl::kZeroPad2), ".png");
    EXPECT_TRUE((i == 3 ? WriteFileAtomically(path, "broken")
                        : data::WritePng(path, RandomImage(40 + i, 48, static_cast<uint64_t>(i))))
                    .ok());
  }
  return *ImagesIn(folder);
}

DetectImagesOptions EveryOutput() {
  DetectImagesOptions options;
  options.threads = 1;
  options.formats = {"jsonl", "csv", "wider", "fddb", "face_eval", "coco", "yolo"};
  options.pictures.draw = options.pictures.blur = options.pictures.pixelate = true;
  options.pictures.contact_sheet = true;
  options.pictures.threshold = 0.957f;  // a few faces
  return options;
}

// Stops after COUNT questions.
std::function<bool()> After(int count) {
  return [count]() mutable { return count-- == 0; };
}

TEST(DetectionRunTest, InterruptedAnywhereItGoesOnToTheFilesOfAnUndisturbedRun) {
  Progress progress("test", /*total=*/0, "images");
  const std::string folder = FreshFolder("resume");
  fs::create_directories(folder + "/in");
  const std::vector<ImageToDetect> images = EightPictures(folder + "/in");
  const model::Model model = RandomModel();
  DetectImagesOptions options = EveryOutput();
  options.pictures.crops = folder + "/undisturbed/crops";
  ASSERT_TRUE(DetectImages(model, images, folder + "/undisturbed", options).ok());
  const auto expected = Contents(folder + "/undisturbed");
  EXPECT_EQ(expected.count("crops/00000_00_face0.png"), 1u) << "no face was found; nothing is tested";
  EXPECT_EQ(expected.count("contact_sheet.html"), 1u);
  for (const int stop : {0, 3, 4, 7}) {
    const std::string output = absl::StrCat(folder, "/after_", stop);
    options.pictures.crops = output + "/crops";
    options.stop = After(stop);
    {
      const auto run = DetectionRun::Start(model, output, options);
      ASSERT_TRUE(run.ok()) << run.status();
      ASSERT_TRUE((*run)->Detect(images, &progress).ok());
      EXPECT_EQ((*run)->done(), stop);
    }
    // A process may die within a line, and behind the first of an image's two lines.
    std::ofstream(output + "/images.jsonl", std::ios::app) << "{\"image\":\"00.p";
    std::ofstream(output + "/detections.jsonl", std::ios::app) << R"({"image":"08.png","boxes":[]})"
                                                               << "\n{";
    options.stop = nullptr;
    const auto counts = DetectImages(model, images, output, options);
    ASSERT_TRUE(counts.ok()) << counts.status();
    EXPECT_EQ(counts->images, 7);
    ASSERT_EQ(counts->failures.size(), 1u);
    EXPECT_THAT(counts->failures[0], HasSubstr("03.png"));
    EXPECT_EQ(Contents(output), expected) << "after " << stop;
  }
}

TEST(DetectionRunTest, WhatIsDoneIsNotDoneAgain) {
  Progress progress("test", /*total=*/0, "images");
  const std::string folder = FreshFolder("once");
  fs::create_directories(folder + "/in");
  const std::vector<ImageToDetect> images = EightPictures(folder + "/in");
  const model::Model model = RandomModel();
  DetectImagesOptions options;
  options.threads = 1;
  options.stop = After(5);
  ASSERT_TRUE((*DetectionRun::Start(model, folder + "/out", options))->Detect(images, &progress).ok());
  for (int i = 0; i < 5; ++i) fs::remove(images[static_cast<size_t>(i)].path);  // it would fail now
  options.stop = nullptr;
  const auto counts = DetectImages(model, images, folder + "/out", options);
  ASSERT_TRUE(counts.ok()) << counts.status();
  EXPECT_EQ(counts->images, 7);
  EXPECT_EQ(counts->failures.size(), 1u);
}

TEST(DetectionRunTest, OtherImagesThanThoseOfTheInterruptedRunAreAnError) {
  Progress progress("test", /*total=*/0, "images");
  const std::string folder = FreshFolder("others");
  fs::create_directories(folder + "/in");
  std::vector<ImageToDetect> images = EightPictures(folder + "/in");
  const model::Model model = RandomModel();
  DetectImagesOptions options;
  options.threads = 1;
  options.stop = After(2);
  ASSERT_TRUE((*DetectionRun::Start(model, folder + "/out", options))->Detect(images, &progress).ok());
  options.stop = nullptr;
  const auto error_of = [&](const std::vector<ImageToDetect>& others) {
    return std::string(DetectImages(model, others, folder + "/out", options).status().message());
  };
  EXPECT_THAT(error_of({images[0]}),
              HasSubstr("image 2 is " + PlainName(images[1].name) + ", but now there are fewer"));
  std::swap(images[1], images[2]);
  EXPECT_THAT(error_of(images), HasSubstr("but now it is " + images[1].name));
}

TEST(DetectionRunTest, AnImageBeyondTheMemoryLimitFailsAndTheOthersAreDetected) {
  const std::string folder = FreshFolder("limit");
  ASSERT_TRUE(data::WritePng(folder + "/a.png", RandomImage(64, 48, 1)).ok());
  ASSERT_TRUE(data::WritePng(folder + "/b.png", cv::Mat(1500, 2000, CV_8UC3, cv::Scalar(0, 0, 0))).ok());
  DetectImagesOptions options;
  options.threads = 1;
  options.detect.memory_limit = int64_t{240} << 20;  // 224 are taken for the process, and twice the pixels
  const auto counts = DetectImages(RandomModel(), *ImagesIn(folder), folder + "/out", options);
  ASSERT_TRUE(counts.ok()) << counts.status();
  EXPECT_EQ(counts->images, 1);
  ASSERT_EQ(counts->failures.size(), 1u);
  EXPECT_THAT(counts->failures[0], AllOf(HasSubstr("/b.png: "), HasSubstr("--memory_limit")));
}

}  // namespace
}  // namespace hardface::infer
