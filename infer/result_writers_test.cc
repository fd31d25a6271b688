#include "infer/result_writers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/fresh_folder.h"
#include "base/read_file.h"
#include "data_tools/formats/annotation_source.h"
#include "data_tools/formats/csv.h"

namespace hardface::infer {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// Two faces, a picture that failed, one without faces, and the mirror image of the first.
std::vector<ImageOutcome> Outcomes() {
  const data::ImageDetections faces = {
      "0--Parade/0_Parade_1.jpg", false, {{{1, 2, 30, 40}, 0.75f}, {{5.5f, 6, 7, 8}, 0.5f}}};
  data::ImageDetections mirrored = faces;
  mirrored.flip = true;
  return {{faces, {100, 50}, ""},
          {{"broken.jpg", false, {}}, {}, "broken.jpg: is broken"},
          {{"images/\"a\", b.png", false, {}}, {64, 32}, ""},
          {mirrored, {100, 50}, ""}};
}

// The folder with the results of RUN in FORMAT.
std::string Written(const std::string& format, const std::vector<ImageOutcome>& run = Outcomes()) {
  const std::string folder = FreshFolder(format);
  const auto writer = MakeResultWriter(format, folder);
  EXPECT_TRUE(writer.ok()) << writer.status();
  for (const ImageOutcome& image : run) EXPECT_TRUE((*writer)->Write(image).ok());
  EXPECT_TRUE((*writer)->Finish().ok());
  return folder + "/";
}

TEST(ResultWritersTest, FormsOfTheScorersReadAsTheyExpect) {
  EXPECT_EQ(*ReadFile(Written("wider") + "wider/0--Parade/0_Parade_1.txt"),
            "0_Parade_1\n2\n1.00 2.00 30.00 40.00 0.750000\n5.50 6.00 7.00 8.00 0.500000\n");
  EXPECT_EQ(*ReadFile(Written("wider") + "wider/images/\"a\", b.txt"), "\"a\", b\n0\n");
  EXPECT_EQ(*ReadFile(Written("fddb") + "fddb.txt"),
            "0--Parade/0_Parade_1\n2\n1.00 2.00 30.00 40.00 0.750000\n5.50 6.00 7.00 8.00 0.500000\n"
            "images/\"a\", b\n0\n");
  EXPECT_EQ(*ReadFile(Written("face_eval") + "face_eval.txt"),
            "0_Parade_1 0.750000 1.00 2.00 31.00 42.00\n0_Parade_1 0.500000 5.50 6.00 12.50 14.00\n");
}

TEST(ResultWritersTest, CsvIsReadBackByTheImport) {
  const std::string path = Written("csv") + "detections.csv";
  EXPECT_EQ(*ReadFile(path),
            "image,x,y,width,height,score\n"
            "0--Parade/0_Parade_1.jpg,1.00,2.00,30.00,40.00,0.75\n"
            "0--Parade/0_Parade_1.jpg,5.50,6.00,7.00,8.00,0.5\n"
            "\"images/\"\"a\"\", b.png\",,,,,\n");
  data::CsvColumns columns;
  columns.box = {"x", "y", "width", "height"};
  columns.attributes = {"score"};
  const auto source = data::OpenCsv(path, columns);
  ASSERT_TRUE(source.ok()) << source.status();
  data::AnnotatedImage image;
  ASSERT_TRUE(*(*source)->Next(&image));
  ASSERT_EQ(image.faces.size(), 2u);
  EXPECT_EQ(image.faces[1].x, 5.5);
  EXPECT_EQ(image.faces[1].h, 8);
  ASSERT_TRUE(*(*source)->Next(&image));
  EXPECT_EQ(image.candidates.at(0), "images/\"a\", b.png");
  EXPECT_TRUE(image.faces.empty());
}

TEST(ResultWritersTest, CocoResultsNameImagesByTheirPlaceInTheRun) {
  const std::string folder = Written("coco");
  const auto results = nlohmann::json::parse(*ReadFile(folder + "coco_results.json"));
  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(results[1]["image_id"], 1);
  EXPECT_EQ(results[1]["category_id"], 1);
  EXPECT_EQ(results[1]["bbox"], nlohmann::json({5.5, 6, 7, 8}));
  EXPECT_EQ(results[1]["score"], 0.5);
  const auto images = nlohmann::json::parse(*ReadFile(folder + "coco_images.json"));
  ASSERT_EQ(images["images"].size(), 2u);
  EXPECT_EQ(images["images"][1]["id"], 3) << "the second one failed, and keeps its number";
  EXPECT_EQ(images["images"][1]["file_name"], "images/\"a\", b.png");
  EXPECT_EQ(images["images"][1]["width"], 64);
  EXPECT_EQ(images["categories"][0]["id"], 1);
}

TEST(ResultWritersTest, ARunWithoutAnythingIsValidJson) {
  const std::string folder = Written("coco", {});
  EXPECT_EQ(nlohmann::json::parse(*ReadFile(folder + "coco_results.json")).size(), 0u);
  EXPECT_EQ(nlohmann::json::parse(*ReadFile(folder + "coco_images.json"))["images"].size(), 0u);
}

TEST(ResultWritersTest, YoloLabelsAreFractionsOfTheImageAndEndAtItsBorder) {
  std::vector<ImageOutcome> run = Outcomes();
  run[0].detections.boxes.push_back({{-10, 40, 20, 20}, 0.25f});
  run[0].detections.boxes.push_back({{200, 0, 20, 20}, 0.2f});  // beyond the image
  const std::string folder = Written("yolo", run) + "yolo/";
  EXPECT_EQ(*ReadFile(folder + "0--Parade/0_Parade_1.txt"),
            "0 0.160000 0.440000 0.300000 0.800000\n0 0.090000 0.200000 0.070000 0.160000\n"
            "0 0.050000 0.900000 0.100000 0.200000\n");
  EXPECT_EQ(*ReadFile(folder + "labels/\"a\", b.txt"), "") << "an image without faces is background";
  EXPECT_THAT(*ReadFile(folder + "data.yaml"), HasSubstr("names: [face]"));
}

TEST(ResultWritersTest, TracksAreThoseOfEachVideo) {
  std::vector<ImageOutcome> run;
  for (const char* name : {"a.mp4/00000000", "a.mp4/00000001", "b, c.avi/00000000", "photo.jpg"}) {
    run.push_back({{name, false, {{{1, 2, 30, 40}, 0.75f}}}, {100, 50}, ""});
  }
  EXPECT_EQ(*ReadFile(Written("tracks", run) + "tracks.csv"),
            "video,frame,track,x,y,width,height,score\n"
            "a.mp4,0,1,1.00,2.00,30.00,40.00,0.75\n"
            "a.mp4,1,1,1.00,2.00,30.00,40.00,0.75\n"
            "\"b, c.avi\",0,1,1.00,2.00,30.00,40.00,0.75\n");
}

TEST(ResultWritersTest, NamesCannotLeaveTheTree) {
  for (const std::string format : {"wider", "yolo"}) {
    const std::string folder = Written(format, {{{"../../outside.jpg", false, {}}, {1, 1}, ""}});
    EXPECT_TRUE(fs::exists(folder + format + "/outside.txt"));
  }
}

TEST(ResultWritersTest, EveryFormHasAWriterAndOthersAreErrors) {
  for (const std::string& format : ResultFormats()) {
    EXPECT_EQ(MakeResultWriter(format, FreshFolder("all")).ok(), format != "jsonl") << format;
  }
  EXPECT_THAT(std::string(MakeResultWriter("excel", FreshFolder("unknown")).status().message()),
              HasSubstr("face_eval"));
}

}  // namespace
}  // namespace hardface::infer
