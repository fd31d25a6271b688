// Every reader on thousands of damaged inputs: no crash, no endless loop, and what an import writes is always a dataset
// that reads back. Run it under --config=asan and --config=ubsan as well.
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <memory>
#include <opencv2/core.hpp>
#include <sstream>

#include "base/random.h"
#include "base/read_file.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/dataset/detections.h"
#include "data_tools/formats/coco.h"
#include "data_tools/formats/csv.h"
#include "data_tools/formats/fddb.h"
#include "data_tools/formats/import_dataset.h"
#include "data_tools/formats/retinaface.h"
#include "data_tools/formats/voc.h"
#include "data_tools/formats/wider.h"
#include "data_tools/formats/yolo_rows.h"
#include "data_tools/formats/yolo_yaml.h"
#include "data_tools/images/exif.h"
#include "data_tools/images/image_io.h"

namespace hardface::data {
namespace {

constexpr char kVoc[] =
    "<annotation><folder>f</folder><filename>a.jpg</filename><size><width>500</width><height>375</height></size>"
    "<object><name>face</name><pose>Left</pose><difficult>1</difficult><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30"
    "</xmax><ymax>40.5</ymax></bndbox><attributes><attribute><name>blur</name><value>[1]</value></attribute>"
    "</attributes></object></annotation>";
constexpr char kWider[] =
    "0--Parade/a.jpg\n2\n345 211 4 5 2 0 1 0 2 1 \n10 20 -3 0 0 0 0 1 0 0 \n0--Parade/b.jpg\n0\n0 0 0 0 0 0 0 0 0 0\n"
    "1--X/c.png\n1\n1 2 3 4\n";
constexpr char kYolo[] =
    "0 0.5 0.25 0.5 0.25\n1 0.1 0.2 0.3 0.1 0.2 0.4\n12 0.5 0.5 1 1\n0 0.1 0.3 0.08 0.2 -1 -1 -1 -1 -1 -1 -1 -1 -1 "
    "-1\n0 0.5 0.5 0.2 0.4 0.46 0.44 2 0.54 0.44 1 0.5 0.52 2 0 0 0 0.53 0.58 2\n";
constexpr char kYaml[] =
    "path: x\nnames: # classes\n  0: a b\n  1: 'c' # last\nval: [y, ../z]\nkpt_shape: [5, 3]\nother: [1, 2]\nnc: 2\n";
constexpr char kRetinaFace[] =
    "# e/a.jpg\n80 30 40 40 90.5 40 0.0 110 40 1.0 100 50 0.0 -1 -1 -1 108 60 0.0 0.82\n1 2 3 4\n# b.jpg\n";
constexpr char kCsv[] = "# c\nimage,x,y,w,h,ow,oh,blur\na.jpg,1,2,3,4,100,50,\"a, \"\"b\"\"\"\nb.jpg,,,,,10,10,\n";
constexpr char kCoco[] =
    R"({"images":[{"id":7,"file_name":"a.jpg","width":640,"height":480}],"annotations":[{"id":1,"image_id":7,)"
    R"("category_id":2,"bbox":[1,2.5,3,4],"iscrowd":0,"attributes":{"blur":1}}],"categories":[{"id":2,"name":"m"}]})";
constexpr char kFddb[] = "2002/08/11/big/img_591\n2\n20 10 0.5 50 60  1\n10 20.0 1.5 50 60 1\n2002/a/b\n0\n";
constexpr char kEntry[] =
    R"({"image":"a","width":5,"height":6,"flip":true,"faces":[{"box":[1,2.5,3,4],"ignore":false,"attributes":{}}]})";
constexpr char kDetections[] = R"({"image":"a","flip":false,"boxes":[[1,2,3,4,0.5],[1,2,3,4,1e-3]]})";

// A few bytes changed, removed, doubled or replaced by what breaks parsers.
std::string Damage(std::string text, Random& random) {
  static const auto* const kNasty = new std::vector<std::string>{"-1",
                                                                 "1e999",
                                                                 "nan",
                                                                 "99999999999999999999",
                                                                 std::string(1, '\0'),
                                                                 "\xff",
                                                                 "\n",
                                                                 "\"",
                                                                 "{",
                                                                 "[[[[[[",
                                                                 "<",
                                                                 ">",
                                                                 "&#0;",
                                                                 "\xc3",
                                                                 ",",
                                                                 " ",
                                                                 "0",
                                                                 "-0",
                                                                 "1e-320",
                                                                 "../../"};
  const int changes = random.Integer(1, 6);
  for (int i = 0; i < changes && !text.empty(); ++i) {
    const size_t at = random.Index(text.size());
    const size_t length = std::min<size_t>(random.Index(8), text.size() - at);
    switch (random.Integer(0, 4)) {
      case 0:
        text[at] = static_cast<char>(random.Index(256));
        break;
      case 1:
        text.erase(at, length);
        break;
      case 2:
        text.insert(at, text.substr(random.Index(text.size()), random.Index(40)));
        break;
      case 3:
        text.replace(at, length, (*kNasty)[random.Index(kNasty->size())]);
        break;
      default:
        if (random.Chance(0.2)) text.resize(at);
    }
  }
  return text;
}

std::string WriteTemp(const std::string& name, const std::string& bytes) {
  const std::string path = ::testing::TempDir() + "/fuzz_" + name;
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

void Fuzz(const std::string& seed, int rounds, const std::function<void(const std::string&)>& read) {
  for (int i = 0; i < rounds; ++i) {
    Random random({static_cast<uint64_t>(i), seed.size()});
    read(Damage(seed, random));
  }
}

// Imports SOURCE without images and reads the result back.
void ExpectImportable(AnnotationSource* source) {
  ImportOptions options;
  options.images = ::testing::TempDir() + "/fuzz_no_images";
  options.output = ::testing::TempDir() + "/fuzz_out";
  options.on_error = OnError::kSkip;
  options.allow_missing_images = true;
  options.threads = 1;
  const auto summary = ImportDataset(source, options);
  if (!summary.ok()) return;  // refused as a whole: fine, but nothing half-written below
  const auto dataset = ReadDataset(options.output);
  ASSERT_TRUE(dataset.ok()) << dataset.status();
  EXPECT_EQ(static_cast<int64_t>(dataset->entries.size()), summary->images);
}

void ExpectImportable(std::vector<AnnotatedImage> images) {
  VectorSource source({}, std::move(images));
  ExpectImportable(&source);
}

TEST(FuzzTest, Voc) {
  Fuzz(kVoc, 3000, [](const std::string& text) { VocFromXml(text, "a.xml", VocBoxes::kEdges); });
  Fuzz(kVoc, 200, [](const std::string& text) { ExpectImportable({VocFromXml(text, "a.xml", VocBoxes::kEdges)}); });
}

TEST(FuzzTest, Wider) {
  Fuzz(kWider, 300, [](const std::string& text) {
    const auto source = OpenWider(WriteTemp("wider.txt", text));
    ASSERT_TRUE(source.ok()) << source.status();
    ExpectImportable(source->get());
  });
}

TEST(FuzzTest, Yolo) {
  YoloRows rows = YoloRows::kAuto;
  const auto parse = [&rows](const std::string& text) {
    AnnotatedImage image;
    image.place = "a.txt";
    image.candidates = {"a.jpg"};
    YoloRowRules rules;
    rules.rows = rows;
    NoteLandmarks(text, &rules);
    ParseYoloLabels(text, "a.txt", {"a", "b"}, rules, &image);
    return image;
  };
  for (YoloRows kind : {YoloRows::kAuto, YoloRows::kBox, YoloRows::kPolygon, YoloRows::kLandmarks}) {
    rows = kind;
    Fuzz(kYolo, 1000, parse);
    Fuzz(kYolo, 50, [&](const std::string& text) { ExpectImportable({parse(text)}); });
  }
  Fuzz(kYaml, 3000, [](const std::string& text) {
    const auto yaml = ParseYoloYaml(text, "data.yaml");
    if (yaml.ok()) (void)SplitPlaces(*yaml, ::testing::TempDir() + "/fuzz/data.yaml", {});
  });
}

TEST(FuzzTest, Csv) {
  CsvColumns columns;
  columns.box = {"x", "y", "w", "h"};
  columns.original_size = {"ow", "oh"};
  columns.attributes = {"blur"};
  Fuzz(kCsv, 300, [&](const std::string& text) {
    const auto source = OpenCsv(WriteTemp("table.csv", text), columns);
    if (source.ok()) ExpectImportable(source->get());
  });
}

TEST(FuzzTest, Coco) {
  Fuzz(kCoco, 3000, [](const std::string& text) { (void)ParseCoco(text, "c.json"); });
  Fuzz(kCoco, 300, [](const std::string& text) {
    auto content = ParseCoco(text, "c.json");
    if (content.ok()) ExpectImportable(std::move(content->images));
  });
  const std::string deep(100000, '[');
  EXPECT_FALSE(ParseCoco(deep, "c.json").ok());
}

TEST(FuzzTest, RetinaFace) {
  Fuzz(kRetinaFace, 3000, [](const std::string& text) { (void)ParseRetinaFace(text, "label.txt"); });
  Fuzz(kRetinaFace, 200, [](const std::string& text) {
    auto images = ParseRetinaFace(text, "label.txt");
    if (images.ok()) ExpectImportable(*std::move(images));
  });
}

TEST(FuzzTest, Fddb) {
  Fuzz(kFddb, 3000, [](const std::string& text) { ParseFddbList(text, "f.txt"); });
  Fuzz(kFddb, 200, [](const std::string& text) { ExpectImportable(ParseFddbList(text, "f.txt")); });
}

// What is read can be written and read again.
TEST(FuzzTest, ManifestLinesAndDetections) {
  Fuzz(kEntry, 5000, [](const std::string& text) {
    const auto entry = EntryFromJson(text, "m:2");
    if (!entry.ok()) return;
    EXPECT_TRUE(EntryFromJson(EntryToJson(*entry), "again").ok()) << text;
  });
  Fuzz(kDetections, 5000, [](const std::string& text) {
    const auto detections = DetectionsFromJson(text, "d:1");
    if (!detections.ok()) return;
    EXPECT_TRUE(DetectionsFromJson(DetectionsToJson(*detections), "again").ok()) << text;
  });
}

TEST(FuzzTest, ImageFiles) {
  cv::Mat noise(24, 40, CV_8UC3);
  cv::theRNG().state = 1;
  cv::randu(noise, 0, 255);
  const std::string folder = ::testing::TempDir();
  ASSERT_TRUE(WriteJpeg(folder + "/fuzz_seed.jpg", noise).ok());
  ASSERT_TRUE(WritePng(folder + "/fuzz_seed.png", noise).ok());
  for (const char* name : {"/fuzz_seed.jpg", "/fuzz_seed.png"}) {
    Fuzz(*ReadFile(folder + name), 400, [](const std::string& bytes) {
      ExifOrientation(bytes);
      const std::string path = WriteTemp("image", bytes);
      const auto size = ReadImageSize(path);
      // A forged size may ask for gigabytes; that it is read at all is what is tested here.
      if (size.ok() && int64_t{size->width} * size->height < 4000000) (void)ReadImage(path);
    });
  }
}

}  // namespace
}  // namespace hardface::data
