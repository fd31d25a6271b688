#include "data_tools/dataset/examine_dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "base/atomic_output.h"
#include "base/provenance.h"
#include "base/read_file.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/formats/import_dataset.h"
#include "data_tools/formats/mat_annotations.h"
#include "data_tools/images/exif.h"
#include "data_tools/images/image_io.h"

namespace hardface::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;
namespace fs = std::filesystem;

// An APP1 segment with one directory entry: the orientation, in the byte order of Intel or Motorola.
std::string ExifSegment(char orientation, bool little_endian) {
  using namespace std::string_literals;  // NOLINT(build/namespaces): strings with zero bytes
  const std::string tiff = little_endian
                               ? "II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0"s + orientation + "\0\0\0\0\0\0\0"s
                               : "MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"s + orientation + "\0\0\0\0\0\0"s;
  const std::string data = "Exif\0\0"s + tiff;
  return "\xff\xe1\0"s + static_cast<char>(data.size() + 2) + data;
}

TEST(ExifOrientationTest, ReadsBothByteOrders) {
  const std::string start = "\xff\xd8";
  EXPECT_EQ(ExifOrientation(start + ExifSegment(6, true)), 6);
  EXPECT_EQ(ExifOrientation(start + ExifSegment(3, false)), 3);
  const std::string comment(
      "\xff\xfe\0\x04"
      "ab",
      6);
  EXPECT_EQ(ExifOrientation(start + comment + ExifSegment(8, true)), 8) << "behind another segment";
}

TEST(ExifOrientationTest, AnythingElseIsUpright) {
  EXPECT_EQ(ExifOrientation(""), 1);
  EXPECT_EQ(ExifOrientation("\x89PNG"), 1);
  EXPECT_EQ(ExifOrientation("\xff\xd8" + ExifSegment(77, true)), 1);
  const std::string whole = "\xff\xd8" + ExifSegment(6, true);
  for (size_t keep = 0; keep < 24; ++keep) EXPECT_EQ(ExifOrientation(whole.substr(0, keep)), 1) << keep;
}

class ExamineDatasetTest : public ::testing::Test {
 protected:
  ExamineDatasetTest()
      : folder_(::testing::TempDir() + "/doctor_" + ::testing::UnitTest::GetInstance()->current_test_info()->name()) {
    fs::remove_all(folder_);
    options_.input = folder_ + "/data";
    options_.findings = folder_ + "/findings.jsonl";
  }

  // SHADE tells pictures apart.
  DatasetEntry Image(const std::string& name, int shade, std::vector<Rect> boxes = {{1, 2, 3, 4}}) {
    const cv::Mat pixels(40, 60, CV_8UC3, cv::Scalar(shade, shade, shade));
    EXPECT_TRUE(WriteJpeg(folder_ + "/images/" + name, pixels).ok());
    DatasetEntry entry;
    entry.image = name;
    entry.width = 60;
    entry.height = 40;
    for (const Rect& box : boxes) entry.faces.push_back({box, false, {}});
    return entry;
  }

  void WriteDataset(const std::string& folder, const std::vector<DatasetEntry>& entries) {
    const auto writer = DatasetWriter::Create(folder, {"../images"});
    ASSERT_TRUE(writer.ok()) << writer.status();
    for (const DatasetEntry& entry : entries) ASSERT_TRUE((*writer)->Write(entry).ok());
    ASSERT_TRUE((*writer)->Commit(Provenance()).ok());
  }

  DoctorSummary Examine(const std::vector<DatasetEntry>& entries) {
    WriteDataset(options_.input, entries);
    const auto summary = ExamineDataset(options_);
    EXPECT_TRUE(summary.ok()) << summary.status();
    return summary.ok() ? *summary : DoctorSummary();
  }

  const std::string folder_;
  DoctorOptions options_;
};

TEST_F(ExamineDatasetTest, ACleanDatasetHasNoFindings) {
  const DoctorSummary summary = Examine({Image("a.jpg", 10), Image("b.jpg", 60)});
  EXPECT_THAT(summary.findings, IsEmpty());
  EXPECT_EQ(summary.stats.images(), 2);
  EXPECT_THAT(DoctorText(summary), HasSubstr("nothing found"));
}

TEST_F(ExamineDatasetTest, FindsBadImages) {
  DatasetEntry other_size = Image("b.jpg", 60), unknown = Image("c.jpg", 110);
  other_size.width = 40;
  other_size.height = 60;
  unknown.width = 0;
  const DatasetEntry missing = Image("gone.jpg", 0), text = Image("text.jpg", 0), cut = Image("cut.jpg", 0);
  fs::remove(folder_ + "/images/gone.jpg");
  ASSERT_TRUE(WriteFileAtomically(folder_ + "/images/text.jpg", "hello").ok());
  const std::string bytes = *ReadFile(folder_ + "/images/cut.jpg");
  ASSERT_TRUE(WriteFileAtomically(folder_ + "/images/cut.jpg", bytes.substr(0, bytes.size() - 9)).ok());
  const DatasetEntry rotated = Image("r.jpg", 200);
  const std::string upright = *ReadFile(folder_ + "/images/r.jpg");
  ASSERT_TRUE(
      WriteFileAtomically(folder_ + "/images/r.jpg", "\xff\xd8" + ExifSegment(6, true) + upright.substr(2)).ok());
  const DoctorSummary summary = Examine({Image("a.jpg", 10), other_size, unknown, missing, text, cut, rotated});
  EXPECT_THAT(summary.findings, ElementsAre(Pair("missing_image", 1), Pair("rotated_image", 1), Pair("size_differs", 1),
                                            Pair("size_unknown", 1), Pair("unreadable_image", 2)));
  EXPECT_THAT(summary.example.at("size_differs"), HasSubstr("manifest.jsonl:3: b.jpg is 40 x 60 in the manifest"));
  EXPECT_THAT(DoctorText(summary), HasSubstr("gone.jpg"));
}

TEST_F(ExamineDatasetTest, FindsBadBoxes) {
  const DoctorSummary summary = Examine({Image("a.jpg", 10,
                                               {{1, 2, 3, 4},
                                                {1, 2, 3, 4},
                                                {1, 2, 0, 4},
                                                {1, 2, 3, -1},
                                                {60, 0, 5, 5},
                                                {-5, 0, 5, 5},
                                                {58, 38, 3, 2},
                                                {58, 38, 2, 2}}),
                                         Image("b.jpg", 60, {})});
  EXPECT_THAT(summary.findings, ElementsAre(Pair("beyond_image_box", 1), Pair("double_box", 1), Pair("no_area_box", 2),
                                            Pair("no_faces", 1), Pair("outside_box", 2)));
  std::istringstream lines(*ReadFile(options_.findings));
  std::string line;
  int count = 0;
  while (std::getline(lines, line)) {
    const auto json = nlohmann::json::parse(line);
    EXPECT_TRUE(json.contains("kind") && json.contains("line") && json.contains("message"));
    ++count;
  }
  EXPECT_EQ(count, 7);
}

TEST_F(ExamineDatasetTest, FindsDoubledEntriesAndPictures) {
  DatasetEntry mirrored = Image("a.jpg", 10);
  mirrored.flip = true;
  const DoctorSummary summary =
      Examine({Image("a.jpg", 10), mirrored, Image("copy.jpg", 10), Image("b.jpg", 60), Image("b.jpg", 60)});
  EXPECT_THAT(summary.findings, ElementsAre(Pair("double_entry", 1), Pair("same_image", 1)));
  EXPECT_THAT(summary.example.at("same_image"), HasSubstr("copy.jpg is the same picture as a.jpg"));
}

TEST_F(ExamineDatasetTest, FindsTestImagesInATrainingSet) {
  WriteDataset(folder_ + "/test", {Image("test/1.jpg", 60), Image("test/2.jpg", 90)});
  options_.against = {folder_ + "/test"};
  const DoctorSummary summary = Examine({Image("a.jpg", 10), Image("stolen.jpg", 60)});
  EXPECT_THAT(summary.findings, ElementsAre(Pair("in_other_dataset", 1)));
  EXPECT_THAT(summary.example.at("in_other_dataset"), HasSubstr("test/1.jpg"));
}

TEST_F(ExamineDatasetTest, RepairMendsWhatIsSafeAndKeepsTheOldManifest) {
  DatasetEntry unknown = Image("c.jpg", 110, {{1, 2, 0, 4}, {5, 6, 7, 8}, {5, 6, 7, 8}});
  unknown.width = 0;
  const DatasetEntry missing = Image("gone.jpg", 0);
  fs::remove(folder_ + "/images/gone.jpg");
  options_.repair = true;
  const DoctorSummary summary = Examine({missing, unknown, Image("edge.jpg", 10, {{58, 38, 3, 2}})});
  EXPECT_THAT(summary.repairs, ElementsAre(Pair("double_box", 1), Pair("missing_image", 1), Pair("no_area_box", 1),
                                           Pair("size_unknown", 1)));
  const auto mended = ReadDataset(options_.input);
  ASSERT_TRUE(mended.ok()) << mended.status();
  ASSERT_THAT(mended->entries, SizeIs(2));
  EXPECT_EQ(mended->entries[0].width, 60);
  ASSERT_THAT(mended->entries[0].faces, SizeIs(1));
  EXPECT_EQ(mended->entries[0].faces[0].box, (Rect{5, 6, 7, 8}));
  EXPECT_TRUE(fs::exists(mended->image_paths[0]));
  EXPECT_THAT(*ReadFile(options_.input + "/manifest.jsonl.before_repair"), HasSubstr("gone.jpg"));
  options_.repair = false;
  const auto again = ExamineDataset(options_);
  ASSERT_TRUE(again.ok());
  EXPECT_THAT(again->findings, ElementsAre(Pair("beyond_image_box", 1)));
}

TEST_F(ExamineDatasetTest, RepairIntoAnotherDatasetLeavesTheFirst) {
  options_.repair = true;
  options_.repaired = folder_ + "/deeper/mended";
  Examine({Image("a.jpg", 10, {{1, 2, 0, 4}})});
  EXPECT_THAT(*ReadFile(options_.input + "/manifest.jsonl"), HasSubstr("[1,2,0,4]"));
  const auto mended = ReadDataset(options_.repaired);
  ASSERT_TRUE(mended.ok()) << mended.status();
  EXPECT_THAT(mended->entries[0].faces, IsEmpty());
  EXPECT_TRUE(fs::exists(mended->image_paths[0]));
}

TEST_F(ExamineDatasetTest, AManifestThatIsALinkIsNotReplacedByARepair) {
  WriteDataset(options_.input, {Image("a.jpg", 10), Image("./a.jpg", 10)});
  const std::string manifest = options_.input + "/manifest.jsonl", real = options_.input + "/real.jsonl";
  fs::rename(manifest, real);
  fs::create_symlink("real.jsonl", manifest);
  options_.images = ImageChecks::kNone;
  options_.findings.clear();
  EXPECT_EQ(ExamineDataset(options_)->findings.at("double_entry"), 1) << "one file in two spellings";
  options_.repair = true;
  const std::string before = *ReadFile(real);
  EXPECT_THAT(std::string(ExamineDataset(options_).status().message()), HasSubstr("is a link to "));
  EXPECT_TRUE(fs::is_symlink(manifest));
  EXPECT_EQ(*ReadFile(real), before);
}

TEST_F(ExamineDatasetTest, EveryOldManifestIsKept) {
  options_.repair = true;
  const std::string backup = options_.input + "/manifest.jsonl.before_repair";
  Examine({Image("a.jpg", 10, {{1, 2, 0, 4}})});
  const std::string original = *ReadFile(backup);
  EXPECT_THAT(original, HasSubstr("[1,2,0,4]"));
  // Another fault comes up, and is mended on top.
  fs::remove(folder_ + "/images/b.jpg");
  const std::string line = EntryToJson(Image("c.jpg", 90, {{7, 7, 7, 0}}));
  const std::string mended = *ReadFile(options_.input + "/manifest.jsonl") + line + "\n";
  ASSERT_TRUE(WriteFileAtomically(options_.input + "/manifest.jsonl", mended).ok());
  ASSERT_TRUE(ExamineDataset(options_).ok());
  EXPECT_EQ(*ReadFile(backup), original);
  EXPECT_EQ(*ReadFile(backup + ".2"), mended);
  const std::string clean = *ReadFile(options_.input + "/manifest.jsonl");
  const std::string provenance = *ReadFile(options_.input + "/manifest.jsonl.provenance.json");
  ASSERT_TRUE(ExamineDataset(options_).ok());
  EXPECT_FALSE(fs::exists(backup + ".3")) << "nothing was repaired";
  EXPECT_EQ(*ReadFile(options_.input + "/manifest.jsonl"), clean);
  EXPECT_EQ(*ReadFile(options_.input + "/manifest.jsonl.provenance.json"), provenance);
}

TEST_F(ExamineDatasetTest, RepairRefusesWhereMostImagesAreMissing) {
  WriteDataset(options_.input, {Image("a.jpg", 10), Image("b.jpg", 60), Image("c.jpg", 90)});
  const std::string before = *ReadFile(options_.input + "/manifest.jsonl");
  fs::remove(folder_ + "/images/a.jpg");
  fs::remove(folder_ + "/images/c.jpg");
  options_.repair = true;
  for (const std::string& output : {std::string(), folder_ + "/mended"}) {
    options_.repaired = output;
    const auto summary = ExamineDataset(options_);
    EXPECT_THAT(std::string(summary.status().message()), HasSubstr("2 of 3 images cannot be read"));
    EXPECT_THAT(std::string(summary.status().message()), HasSubstr("image_root"));
  }
  EXPECT_EQ(*ReadFile(options_.input + "/manifest.jsonl"), before);
  EXPECT_FALSE(fs::exists(options_.input + "/manifest.jsonl.before_repair"));
  EXPECT_FALSE(fs::exists(folder_ + "/mended"));
  EXPECT_FALSE(fs::exists(options_.findings));
}

TEST_F(ExamineDatasetTest, DatasetsToCompareWithMustBeReadable) {
  WriteDataset(folder_ + "/test", {Image("1.jpg", 60), Image("2.jpg", 90), Image("3.jpg", 120)});
  fs::remove(folder_ + "/images/2.jpg");
  fs::remove(folder_ + "/images/3.jpg");
  WriteDataset(options_.input, {Image("a.jpg", 10)});
  options_.against = {folder_ + "/test"};
  const std::string message(ExamineDataset(options_).status().message());
  EXPECT_THAT(message, HasSubstr("--against=" + folder_ + "/test: 2 of its 3 images"));
  EXPECT_THAT(message, HasSubstr("images/2.jpg"));
  options_.images = ImageChecks::kNone;
  EXPECT_THAT(std::string(ExamineDataset(options_).status().message()), HasSubstr("--images=none reads none"));
}

TEST_F(ExamineDatasetTest, FindingsHaveAProvenance) {
  WriteDataset(folder_ + "/test", {Image("1.jpg", 60)});
  options_.against = {folder_ + "/test"};
  Examine({Image("a.jpg", 10)});
  const auto json = nlohmann::json::parse(*ReadFile(options_.findings + ".provenance.json"));
  EXPECT_TRUE(json["inputs"].contains(options_.input + "/manifest.jsonl"));
  EXPECT_TRUE(json["inputs"].contains(folder_ + "/test/manifest.jsonl"));
}

TEST_F(ExamineDatasetTest, HeadersAloneDoNotShowTruncation) {
  const DatasetEntry cut = Image("cut.jpg", 0);
  const std::string bytes = *ReadFile(folder_ + "/images/cut.jpg");
  ASSERT_TRUE(WriteFileAtomically(folder_ + "/images/cut.jpg", bytes.substr(0, bytes.size() - 9)).ok());
  options_.images = ImageChecks::kHeader;
  EXPECT_THAT(Examine({cut}).findings, IsEmpty());
}

TEST_F(ExamineDatasetTest, AnnotationsAreCheckedWithoutImages) {
  DatasetEntry entry = Image("gone.jpg", 0, {{1, 2, 3, 4}, {1, 2, 3, 4}});
  fs::remove(folder_ + "/images/gone.jpg");
  options_.images = ImageChecks::kNone;
  EXPECT_THAT(Examine({entry}).findings, ElementsAre(Pair("double_box", 1)));
}

// The known faults of WIDER FACE, in images that need not be here.
TEST_F(ExamineDatasetTest, FindsTheFaultsOfWiderFace) {
  const char* data = std::getenv("HARDFACE_DATA_DIR");
  if (data == nullptr) GTEST_SKIP() << "HARDFACE_DATA_DIR is not set: no real data here";
  options_.images = ImageChecks::kNone;
  const auto findings_of = [&](const std::string& part) {
    const auto source = OpenWiderMat(absl::StrCat(data, "/wider_face/wider_face_split/wider_face_", part, ".mat"));
    EXPECT_TRUE(source.ok()) << source.status();
    ImportOptions import;
    import.output = options_.input;
    import.bad_boxes = BadBoxes::kMark;
    import.allow_missing_images = true;
    EXPECT_TRUE(ImportDataset(source->get(), import).ok());
    return ExamineDataset(options_)->findings;
  };
  EXPECT_THAT(findings_of("val"), ElementsAre(Pair("double_box", 1), Pair("no_area_box", 7), Pair("no_faces", 4)));
  EXPECT_THAT(findings_of("train"), ElementsAre(Pair("double_box", 3), Pair("no_area_box", 27), Pair("no_faces", 4)));
}

TEST(DatasetStatsTest, CountsAndBins) {
  DatasetStats stats;
  DatasetEntry entry;
  entry.flip = true;
  stats.Add(entry);
  entry.flip = false;
  entry.width = entry.height = 10;
  entry.faces = {{{0, 0, 1, 8}, false, {}}, {{0, 0, 1, 15.9f}, true, {{"class", "mask"}}}, {{0, 0, 1, 600}, false, {}}};
  stats.Add(entry);
  const auto json = stats.ToJson();
  EXPECT_EQ(json["images"], 2);
  EXPECT_EQ(json["mirrored"], 1);
  EXPECT_EQ(json["without_faces"], 1);
  EXPECT_EQ(json["unknown_size"], 1);
  EXPECT_EQ(json["faces"], 3);
  EXPECT_EQ(json["ignored"], 1);
  EXPECT_EQ(json["face_height"][2].dump(), R"({"from":8,"count":2})");
  EXPECT_EQ(json["face_height"][8].dump(), R"({"from":512,"count":1})");
  EXPECT_EQ(json["faces_per_image"][0]["count"], 1);
  EXPECT_EQ(json["faces_per_image"][2].dump(), R"({"from":2,"count":1})");
  EXPECT_EQ(json["classes"]["mask"], 1);
  EXPECT_THAT(stats.ToText(), HasSubstr("8-15"));
}

}  // namespace
}  // namespace hardface::data
