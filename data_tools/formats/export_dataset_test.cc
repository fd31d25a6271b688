#include "data_tools/formats/export_dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>

#include "absl/strings/str_cat.h"
#include "base/provenance.h"
#include "base/random.h"
#include "base/read_file.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/formats/coco.h"
#include "data_tools/formats/import_dataset.h"
#include "data_tools/formats/voc.h"
#include "data_tools/formats/wider.h"
#include "data_tools/formats/yolo.h"
#include "data_tools/images/image_io.h"

namespace hardface::data {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

std::string Temp(const std::string& name) { return ::testing::TempDir() + "/export_test_" + name; }

void MakeDataset(const std::string& folder, const std::vector<DatasetEntry>& entries) {
  const auto writer = DatasetWriter::Create(folder, {"images"});
  ASSERT_TRUE(writer.ok()) << writer.status();
  for (const DatasetEntry& entry : entries) ASSERT_TRUE((*writer)->Write(entry).ok());
  ASSERT_TRUE((*writer)->Commit(Provenance()).ok());
}

std::string Pick(const std::vector<std::string>& choices, Random& random) {
  return choices[random.Index(choices.size())];
}

// Strings that formats trip over.
nlohmann::json RandomValue(Random& random) {
  switch (random.Integer(0, 6)) {
    case 0:
      return random.Integer(-5, 5);
    case 1:
      return random.Uniform(-1, 1);
    case 2:
      return random.Chance(0.5);
    case 3:
      return nlohmann::json::array({1, "two", nullptr});
    case 4:
      return nullptr;
    default:
      return Pick({"plain", "12", "true", " spaces ", "a<b>&\"c'", "ünïcode", "line\nbreak", "", "{}", "x;y,z"},
                  random);
  }
}

// A box that lies in the image, or partly: an import leaves those wholly outside out.
void RandomSpan(int size, Random& random, float* start, float* extent) {
  *start = static_cast<float>(random.Uniform(-0.2 * size, size));
  *extent = static_cast<float>(random.Uniform(1, 1.2 * size + 2)) + std::max(0.0f, -*start);
  if (random.Chance(0.5)) {
    *start = std::floor(*start);
    *extent = std::ceil(*extent);
  }
}

struct Abilities {
  bool any_attributes = false;  // else WIDER's six, or none
  bool wider_attributes = false;
  bool ignore = false;
  bool classes = false;
};

Face RandomFace(const Abilities& can, const DatasetEntry& entry, Random& random) {
  Face face;
  RandomSpan(entry.width, random, &face.box.x, &face.box.w);
  RandomSpan(entry.height, random, &face.box.y, &face.box.h);
  face.ignore = can.ignore && random.Chance(0.3);
  if (can.wider_attributes) {
    for (const char* name : {"blur", "expression", "illumination", "occlusion", "pose"}) {
      face.attributes[name] = random.Integer(0, 2);
    }
    face.attributes["invalid"] = face.ignore ? 1 : 0;
  }
  const int extra = can.any_attributes ? random.Integer(0, 3) : 0;
  for (int i = 0; i < extra; ++i) {
    const std::string name = Pick({"pose", "blur", "a b", "größe", "<x>", "ellipse"}, random);
    face.attributes[name] = RandomValue(random);
  }
  if (can.classes && random.Chance(0.5)) face.attributes["class"] = Pick({"mask", "no mask", "ohne Maske: ü"}, random);
  return face;
}

std::vector<DatasetEntry> RandomEntries(const Abilities& can, int max_size, Random& random) {
  std::vector<DatasetEntry> entries;
  const int count = random.Integer(0, 12);
  for (int i = 0; i < count; ++i) {
    DatasetEntry entry;
    const std::string folder = Pick({"0--Parade", "a b/images", "ü/ö"}, random);
    entry.image = absl::StrCat(folder, "/", Pick({"x", "long name, with comma", "dots.in.it"}, random), i,
                               Pick({".jpg", ".png", ".JPEG"}, random));
    entry.width = random.Integer(10, max_size);
    entry.height = random.Integer(10, max_size);
    if (can.wider_attributes) entry.attributes["event"] = folder.substr(0, folder.find('/'));
    if (can.any_attributes && random.Chance(0.4)) entry.attributes["place"] = RandomValue(random);
    const int faces = random.Integer(0, 5);
    for (int f = 0; f < faces; ++f) entry.faces.push_back(RandomFace(can, entry, random));
    entries.push_back(std::move(entry));
  }
  return entries;
}

absl::StatusOr<std::unique_ptr<AnnotationSource>> OpenExported(ExportFormat format, const std::string& folder,
                                                               const std::string& images) {
  switch (format) {
    case ExportFormat::kWider:
      return OpenWider(folder + "/bbx_gt.txt");
    case ExportFormat::kVoc:
      return OpenVoc(folder, VocBoxes::kEdges);
    case ExportFormat::kYolo: {
      auto data_set = OpenYolo({folder, images, ""});
      if (!data_set.ok()) return data_set.status();
      return std::move(data_set->source);
    }
    case ExportFormat::kCoco:
      return OpenCoco(folder + "/annotations.json");
  }
  return absl::InternalError("no such format");
}

std::vector<std::string> SortedLines(const std::vector<DatasetEntry>& entries) {
  std::vector<std::string> lines;
  for (const DatasetEntry& entry : entries) lines.push_back(EntryToJson(entry));
  std::sort(lines.begin(), lines.end());
  return lines;
}

class RoundTripTest : public ::testing::TestWithParam<ExportFormat> {
 protected:
  static Abilities AbilitiesOf(ExportFormat format) {
    switch (format) {
      case ExportFormat::kWider:
        return {/*any_attributes=*/false, /*wider_attributes=*/true, /*ignore=*/true, /*classes=*/false};
      case ExportFormat::kYolo:
        return {/*any_attributes=*/false, /*wider_attributes=*/false, /*ignore=*/false, /*classes=*/true};
      default:
        return {/*any_attributes=*/true, /*wider_attributes=*/false, /*ignore=*/true, /*classes=*/true};
    }
  }

  // Makes real files where the format takes sizes from them; the others keep sizes themselves.
  static bool NeedsImages(ExportFormat format) {
    return format == ExportFormat::kWider || format == ExportFormat::kYolo;
  }
};

TEST_P(RoundTripTest, ExportAndImportGiveTheSameDataset) {
  const ExportFormat format = GetParam();
  for (uint64_t seed = 0; seed < 15; ++seed) {
    Random random({seed, static_cast<uint64_t>(format)});
    const int max_size = NeedsImages(format) ? 60 : 2000;  // small files
    const std::vector<DatasetEntry> entries = RandomEntries(AbilitiesOf(format), max_size, random);
    const std::string base = Temp(absl::StrCat("round_", static_cast<int>(format)));
    fs::remove_all(base);
    for (const DatasetEntry& entry : entries) {
      if (!NeedsImages(format)) continue;
      const cv::Mat pixels(entry.height, entry.width, CV_8UC3, cv::Scalar(1, 2, 3));
      ASSERT_TRUE(WritePng(base + "/in/images/" + entry.image, pixels).ok());
    }
    fs::create_directories(base + "/in/images");
    MakeDataset(base + "/data", entries);
    const auto exported = ExportDataset({base + "/data", base + "/out", format, /*allow_loss=*/false});
    ASSERT_TRUE(exported.ok()) << "seed " << seed << ": " << exported.status();
    EXPECT_EQ(exported->images, static_cast<int64_t>(entries.size()));
    auto source = OpenExported(format, base + "/out", base + "/in/images");
    if (entries.empty() && !source.ok()) continue;  // folders without a single file are refused
    ASSERT_TRUE(source.ok()) << source.status();
    ImportOptions options;
    options.images = base + "/in/images";
    options.output = base + "/again";
    options.allow_missing_images = !NeedsImages(format);
    const auto imported = ImportDataset(source->get(), options);
    ASSERT_TRUE(imported.ok()) << "seed " << seed << ": " << imported.status();
    EXPECT_EQ(SortedLines(ReadDataset(base + "/again")->entries), SortedLines(entries)) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, RoundTripTest,
                         ::testing::Values(ExportFormat::kWider, ExportFormat::kVoc, ExportFormat::kYolo,
                                           ExportFormat::kCoco));

DatasetEntry OneFace() {
  DatasetEntry entry;
  entry.image = "e/a.jpg";
  entry.width = 200;
  entry.height = 100;
  entry.faces.push_back({{10, 20, 30.5f, 40}, false, {}});
  return entry;
}

std::string Export(const std::string& name, const DatasetEntry& entry, ExportFormat format, const std::string& file) {
  MakeDataset(Temp(name), {entry});
  const auto summary = ExportDataset({Temp(name), Temp(name) + "_out", format, false});
  EXPECT_TRUE(summary.ok()) << summary.status();
  return *ReadFile(Temp(name) + "_out/" + file);
}

TEST(ExportDatasetTest, TextIsWhatOtherProgramsExpect) {
  EXPECT_EQ(Export("wider", OneFace(), ExportFormat::kWider, "bbx_gt.txt"), "e/a.jpg\n1\n10 20 30.5 40 0 0 0 0 0 0 \n");
  EXPECT_EQ(Export("yolo", OneFace(), ExportFormat::kYolo, "e/a.txt"), "0 0.12625 0.4 0.1525 0.4\n");
  EXPECT_THAT(Export("yolo", OneFace(), ExportFormat::kYolo, "data.yaml"), HasSubstr("nc: 1\nnames:\n- \"face\"\n"));
  EXPECT_THAT(Export("coco", OneFace(), ExportFormat::kCoco, "annotations.json"),
              AllOf(HasSubstr("\"file_name\":\"e/a.jpg\",\"width\":200,\"height\":100"),
                    HasSubstr("\"bbox\":[10,20,30.5,40],\"area\":1220,\"iscrowd\":0"),
                    HasSubstr("\"categories\":[{\"id\":1,\"name\":\"face\"}]")));
  EXPECT_THAT(Export("voc", OneFace(), ExportFormat::kVoc, "e/a.xml"),
              AllOf(HasSubstr("<folder>e</folder>"), HasSubstr("<filename>a.jpg</filename>"),
                    HasSubstr("<xmin>10</xmin>"), HasSubstr("<xmax>40.5</xmax>"), HasSubstr("<ymax>60</ymax>")));
}

TEST(ExportDatasetTest, LossesAreErrorsUnlessAllowed) {
  DatasetEntry entry = OneFace();
  entry.faces[0].ignore = true;
  MakeDataset(Temp("loss"), {entry});
  ExportOptions options{Temp("loss"), Temp("loss_out"), ExportFormat::kYolo, false};
  EXPECT_THAT(std::string(ExportDataset(options).status().message()),
              AllOf(HasSubstr("ignored faces (left out): 1 (first at e/a.jpg)"), HasSubstr("--allow_loss")));
  EXPECT_FALSE(fs::exists(options.output));
  options.allow_loss = true;
  const auto summary = ExportDataset(options);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_THAT(summary->losses, HasSubstr("ignored"));
}

TEST(ExportDatasetTest, WhatCannotBeWrittenIsNamed) {
  const auto error_of = [](const DatasetEntry& entry, ExportFormat format) {
    MakeDataset(Temp("bad"), {entry});
    return std::string(ExportDataset({Temp("bad"), Temp("bad_out"), format, true}).status().message());
  };
  DatasetEntry mirrored = OneFace();
  mirrored.flip = true;
  EXPECT_THAT(error_of(mirrored, ExportFormat::kCoco), HasSubstr("--materialize"));
  DatasetEntry sizeless = OneFace();
  sizeless.width = 0;
  EXPECT_THAT(error_of(sizeless, ExportFormat::kYolo), HasSubstr("size is not known"));
  DatasetEntry odd = OneFace();
  odd.image = "e/a.tif";
  EXPECT_THAT(error_of(odd, ExportFormat::kWider), HasSubstr("e/a.tif"));
  MakeDataset(Temp("twins"), {OneFace(), [] {
                                DatasetEntry entry = OneFace();
                                entry.image = "e/a.png";
                                return entry;
                              }()});
  EXPECT_THAT(
      std::string(ExportDataset({Temp("twins"), Temp("twins_out"), ExportFormat::kVoc, true}).status().message()),
      HasSubstr("e/a.xml"));
}

TEST(ExportDatasetTest, WiderHasOneColumnForInvalidAndIgnore) {
  const auto losses_of = [](bool ignore, int invalid) {
    DatasetEntry entry = OneFace();
    entry.faces[0].ignore = ignore;
    entry.faces[0].attributes["invalid"] = invalid;
    MakeDataset(Temp("invalid"), {entry});
    const auto summary = ExportDataset({Temp("invalid"), Temp("invalid_out"), ExportFormat::kWider, true});
    EXPECT_TRUE(summary.ok()) << summary.status();
    return summary->losses;
  };
  EXPECT_EQ(losses_of(false, 0), "");
  EXPECT_EQ(losses_of(true, 1), "");
  EXPECT_THAT(losses_of(true, 0), HasSubstr("invalid"));
  EXPECT_THAT(losses_of(true, 2), HasSubstr("invalid"));
  EXPECT_THAT(losses_of(false, 1), HasSubstr("invalid without ignore"));
}

}  // namespace
}  // namespace hardface::data
