#include "data_tools/dataset/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "base/read_file.h"

namespace hardface::data {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

constexpr char kHeader[] = "{\"format\":\"hardface.dataset\",\"version\":1,\"image_root\":\"images\"}\n";

std::string Temp(const std::string& name) { return ::testing::TempDir() + "/dataset_test_" + name; }

// A dataset folder with this manifest text.
std::string WithManifest(const std::string& name, const std::string& text) {
  const std::string folder = Temp(name);
  EXPECT_TRUE(WriteFileAtomically(folder + "/manifest.jsonl", text).ok());
  return folder;
}

std::string Message(const absl::Status& status) { return std::string(status.message()); }

std::string ErrorOfLine(const std::string& line) { return Message(EntryFromJson(line, "m.jsonl:7").status()); }

TEST(EntryJsonTest, LineIsAsSpecified) {
  DatasetEntry entry;
  entry.image = "a \"b\".jpg";
  entry.width = 640;
  entry.height = 480;
  entry.faces.push_back({{1, 2.5f, 30, 40}, true, {{"blur", 2}}});
  entry.attributes = {{"event", "0--Parade"}};
  EXPECT_EQ(EntryToJson(entry),
            R"({"image":"a \"b\".jpg","width":640,"height":480,"flip":false,"faces":[{"box":[1,2.5,30,40],)"
            R"("ignore":true,"attributes":{"blur":2}}],"attributes":{"event":"0--Parade"}})");
}

TEST(EntryJsonTest, ImageWithoutFacesAndUnknownSize) {
  const auto entry = EntryFromJson(R"({"image":"x.jpg","faces":[]})", "m:2");
  ASSERT_TRUE(entry.ok()) << entry.status();
  EXPECT_EQ(entry->width, 0);
  EXPECT_FALSE(entry->flip);
  EXPECT_TRUE(entry->faces.empty());
}

// Any float, from a pixel's fraction to the smallest denormal, reads back as the same bits.
TEST(EntryJsonTest, EveryFloatSurvivesTheRoundTrip) {
  Random random(1);
  DatasetEntry entry;
  entry.image = "x";
  for (float value :
       {0.1f, -1.0f / 3, 1e-40f, 1.5e7f, 3.4e38f, 123456.789f, std::numeric_limits<float>::denorm_min()}) {
    entry.faces.push_back({{value, -value, value, 1}, false, {}});
  }
  for (int i = 0; i < 2000; ++i) {
    const float value = static_cast<float>(random.Uniform(-1000, 1000));
    entry.faces.push_back({{value, value / 1000, value * 1000, 7}, false, {}});
  }
  const auto read = EntryFromJson(EntryToJson(entry), "m:2");
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->faces.size(), entry.faces.size());
  for (size_t i = 0; i < entry.faces.size(); ++i) EXPECT_EQ(read->faces[i].box, entry.faces[i].box) << i;
}

TEST(EntryJsonTest, ErrorsNamePlaceKeyValueAndWhatIsExpected) {
  EXPECT_THAT(ErrorOfLine("{\"image\":"),
              AllOf(HasSubstr("m.jsonl:7"), HasSubstr("not valid JSON"), HasSubstr("{\"image\":")));
  EXPECT_THAT(ErrorOfLine("7"), HasSubstr("not a JSON object"));
  EXPECT_THAT(ErrorOfLine(R"({"image":"a","flip":true,"faces":[],"flip":false})"),
              AllOf(HasSubstr("m.jsonl:7"), HasSubstr("the key \"flip\" stands twice")));
  EXPECT_THAT(ErrorOfLine(R"({"faces":[]})"), HasSubstr("no \"image\""));
  EXPECT_THAT(ErrorOfLine(R"({"image":"","faces":[]})"), HasSubstr("\"image\" is \"\""));
  EXPECT_THAT(ErrorOfLine(R"({"image":"a.jpg\u0000","faces":[]})"), HasSubstr("without zero bytes"));
  EXPECT_THAT(ErrorOfLine(R"({"image":"a"})"), HasSubstr("no \"faces\""));
  EXPECT_THAT(ErrorOfLine(R"({"image":"a","width":-3,"faces":[]})"), HasSubstr("\"width\" is -3"));
  EXPECT_THAT(ErrorOfLine(R"({"image":"a","height":2.5,"faces":[]})"), HasSubstr("\"height\" is 2.5"));
  EXPECT_THAT(ErrorOfLine(R"({"image":"a","flip":1,"faces":[]})"), HasSubstr("true or false"));
  EXPECT_THAT(ErrorOfLine(R"({"image":"a","faces":[{"ignore":true}]})"), HasSubstr("a face without \"box\""));
  EXPECT_THAT(ErrorOfLine(R"({"image":"a","faces":[{"box":[1,2,"3x",4]}]})"),
              AllOf(HasSubstr("\"box\" is [1,2,\"3x\",4]"), HasSubstr("[x, y, width, height]")));
  EXPECT_THAT(ErrorOfLine(R"({"image":"a","faces":[{"box":[1,2,1e300,4]}]})"), HasSubstr("a float holds"));
  EXPECT_THAT(ErrorOfLine(R"({"image":"a","faces":[{"box":[1,2,3,4],"ignore":0}]})"), HasSubstr("\"ignore\" is 0"));
  EXPECT_THAT(ErrorOfLine(R"({"image":"a","faces":[],"attributes":[]})"), HasSubstr("\"attributes\" is []"));
}

TEST(EntryJsonTest, OneFileHasOneName) {
  const auto name = [](const std::string& image) {
    return EntryFromJson("{\"image\":\"" + image + "\",\"faces\":[]}", "m")->image;
  };
  for (const char* same : {"a/b.jpg", "./a/b.jpg", "a//b.jpg", "a/./b.jpg", ".//a/././b.jpg"}) {
    EXPECT_EQ(name(same), "a/b.jpg") << same;
  }
  // Behind a link ".." leads to another place than the text says.
  for (const char* kept : {"../a.jpg", "a/../b.jpg", "/a/b.jpg", ".a.jpg", "a./b.jpg", "."})
    EXPECT_EQ(name(kept), kept);
}

TEST(DatasetReaderTest, MissingDatasetSaysWhatADatasetIs) {
  const auto reader = DatasetReader::Open(Temp("none"));
  EXPECT_EQ(reader.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(Message(reader.status()), HasSubstr("manifest.jsonl"));
}

TEST(DatasetReaderTest, NewerVersionIsRefusedWithAHint) {
  const std::string folder = WithManifest("newer", "{\"format\":\"hardface.dataset\",\"version\":2}\n");
  EXPECT_THAT(Message(DatasetReader::Open(folder).status()),
              AllOf(HasSubstr("manifest.jsonl:1"), HasSubstr("\"version\" is 2"), HasSubstr("newer hardface")));
}

TEST(DatasetReaderTest, ForeignHeaderIsRefused) {
  EXPECT_THAT(Message(DatasetReader::Open(WithManifest("foreign", "{\"image\":\"a\"}\n")).status()),
              HasSubstr("expected the header"));
  EXPECT_THAT(Message(DatasetReader::Open(WithManifest("empty", "")).status()), HasSubstr("expected the header"));
}

TEST(DatasetReaderTest, BadLineIsNamedByItsNumber) {
  const std::string folder =
      WithManifest("bad_line", std::string(kHeader) + "{\"image\":\"a\",\"faces\":[]}\n\n{\"image\":7,\"faces\":[]}\n");
  const auto reader = DatasetReader::Open(folder);
  ASSERT_TRUE(reader.ok());
  DatasetEntry entry;
  EXPECT_TRUE(*(*reader)->Next(&entry));
  EXPECT_THAT(Message((*reader)->Next(&entry).status()), HasSubstr("manifest.jsonl:4"));
}

TEST(DatasetReaderTest, LineEndsOfWindowsAreTaken) {
  std::string header = kHeader;
  header.insert(header.size() - 1, "\r");
  const std::string folder = WithManifest("crlf", header + "\r\n{\"image\":\"a\",\"faces\":[]}\r\n\r\n");
  const auto dataset = ReadDataset(folder);
  ASSERT_TRUE(dataset.ok()) << dataset.status();
  EXPECT_EQ(dataset->entries.size(), 1u);
}

TEST(DatasetReaderTest, ImagePathsStartFromTheImageRoot) {
  const std::string folder = WithManifest("root", kHeader);
  const auto reader = DatasetReader::Open(folder);
  ASSERT_TRUE(reader.ok());
  DatasetEntry entry;
  entry.image = "sub/a.jpg";
  EXPECT_EQ((*reader)->ImagePath(entry), fs::path(folder + "/images/sub/a.jpg").lexically_normal().string());
  entry.image = "/data/a.jpg";
  EXPECT_EQ((*reader)->ImagePath(entry), "/data/a.jpg");
}

TEST(DatasetTest, WriterAndReaderAgreeAndTheHeaderIsRebased) {
  const std::string folder = Temp("written");
  const auto writer = DatasetWriter::Create(folder, {"../photos"});
  ASSERT_TRUE(writer.ok()) << writer.status();
  DatasetEntry entry;
  entry.image = "Zürich/päron 1.jpg";
  entry.width = 100;
  entry.faces.push_back({{10, 20, 30, 40}, false, {}});
  ASSERT_TRUE((*writer)->Write(entry).ok());
  EXPECT_FALSE(fs::exists(folder)) << "appears on Commit() only";
  ASSERT_TRUE((*writer)->Commit(Provenance()).ok());
  EXPECT_TRUE(fs::exists(folder + "/provenance.json"));
  const auto dataset = ReadDataset(folder);
  ASSERT_TRUE(dataset.ok()) << dataset.status();
  ASSERT_EQ(dataset->entries.size(), 1u);
  EXPECT_EQ(EntryToJson(dataset->entries[0]), EntryToJson(entry));
  EXPECT_EQ(dataset->image_paths[0], (fs::path(folder).parent_path() / "photos" / entry.image).lexically_normal());
  const auto reader = DatasetReader::Open(folder);
  EXPECT_EQ(RebasedHeader(**reader, Temp("deep/er")).image_root, "../../photos");
}

TEST(DatasetWriterTest, RefusesWhatJsonCannotHold) {
  const auto writer = DatasetWriter::Create(Temp("refuses"), {});
  ASSERT_TRUE(writer.ok());
  DatasetEntry entry;
  entry.image = "latin\xe9.jpg";
  EXPECT_THAT(Message((*writer)->Write(entry)), HasSubstr("not UTF-8"));
  entry.image = "a.jpg";
  entry.faces.push_back({{1, 2, std::nanf(""), 4}, false, {}});
  EXPECT_THAT(Message((*writer)->Write(entry)), HasSubstr("not finite"));
  EXPECT_THAT(Message(DatasetWriter::Create(Temp("refuses_root"), {"caf\xe9"}).status()), HasSubstr("not UTF-8"));
}

TEST(MirrorEntryTest, MirrorsBoxesAndEllipsesAndTwiceIsNothing) {
  DatasetEntry entry;
  entry.image = "a.jpg";
  entry.width = 100;
  entry.faces.push_back({{10, 20, 30, 40}, false, {{"ellipse", {20.0, 15.0, 1.25, 25.0, 40.0}}}});
  const DatasetEntry original = entry;
  ASSERT_TRUE(MirrorEntry(&entry).ok());
  EXPECT_TRUE(entry.flip);
  EXPECT_EQ(entry.faces[0].box, (Rect{60, 20, 30, 40}));
  EXPECT_EQ(entry.faces[0].attributes["ellipse"], nlohmann::json({20.0, 15.0, -1.25, 75.0, 40.0}));
  ASSERT_TRUE(MirrorEntry(&entry).ok());
  EXPECT_EQ(EntryToJson(entry), EntryToJson(original));
}

TEST(MirrorEntryTest, NeedsTheWidth) {
  DatasetEntry entry;
  entry.image = "a.jpg";
  EXPECT_THAT(Message(MirrorEntry(&entry)), AllOf(HasSubstr("a.jpg"), HasSubstr("doctor")));
}

TEST(DatasetReaderTest, VersionsBelowOneAreRefused) {
  for (const char* version : {"0", "-3"}) {
    const std::string folder =
        WithManifest("older", absl::StrCat("{\"format\":\"hardface.dataset\",\"version\":", version, "}\n"));
    EXPECT_THAT(Message(DatasetReader::Open(folder).status()),
                AllOf(HasSubstr("manifest.jsonl:1"), HasSubstr(absl::StrCat("\"version\" is ", version))));
  }
}

TEST(DatasetReaderTest, CountsEntriesByLines) {
  const std::string line = "{\"image\":\"a\",\"faces\":[]}\n";
  const auto count = [&](const std::string& rest) {
    return (*DatasetReader::Open(WithManifest("counted", kHeader + rest)))->CountEntries();
  };
  EXPECT_EQ(count(""), 0);
  EXPECT_EQ(count(line + "\n\n" + line), 2) << "empty lines do not count";
  EXPECT_EQ(count(line + line.substr(0, line.size() - 1)), 2) << "no line break at the end";
}

class CheckSparesDatasetTest : public ::testing::Test {
 protected:
  CheckSparesDatasetTest() : folder_(Temp(::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    fs::remove_all(folder_);
    EXPECT_TRUE(WriteFileAtomically(folder_ + "/photos/a.jpg", "a").ok());
    EXPECT_TRUE(WriteFileAtomically(folder_ + "/out/b.jpg", "b").ok());
  }

  absl::Status Check(const std::string& output, const std::string& image_root, const std::string& image) {
    const auto writer = DatasetWriter::Create(folder_ + "/data", {image_root});
    DatasetEntry entry;
    entry.image = image;
    EXPECT_TRUE((*writer)->Write(entry).ok());
    EXPECT_TRUE((*writer)->Commit(Provenance()).ok());
    return CheckSparesDataset(folder_ + "/" + output, folder_ + "/data");
  }

  const std::string folder_;
};

TEST_F(CheckSparesDatasetTest, OtherFoldersAreFine) {
  for (const char* output : {"out", "new", "out/inside"}) {
    EXPECT_TRUE(Check(output, "../photos", "a.jpg").ok()) << output;
    EXPECT_TRUE(Check(output, "..", "photos/a.jpg").ok()) << output << ": the images' folder holds everything";
  }
}

TEST_F(CheckSparesDatasetTest, RefusesWhatLiesInTheDatasetOrItsImageRoot) {
  for (const char* output : {"data/inside", "photos/inside", "new/../data/inside", "photos/new/../inside"}) {
    EXPECT_THAT(Message(Check(output, "../photos", "a.jpg")), HasSubstr("would lie in")) << output;
  }
}

TEST_F(CheckSparesDatasetTest, RefusesTheDatasetAndItsImageRoot) {
  for (const char* output : {"data", "photos", ".", "data/../photos"}) {
    EXPECT_THAT(Message(Check(output, "../photos", "a.jpg")), HasSubstr("would replace")) << output;
  }
  EXPECT_THAT(Message(Check("photos", "../photos/not/there", "a.jpg")), HasSubstr("photos"));
}

TEST_F(CheckSparesDatasetTest, RefusesTheFoldersOfSingleImages) {
  fs::create_directories(folder_ + "/links");
  fs::create_symlink("../out/b.jpg", folder_ + "/links/b.jpg");
  fs::create_directory_symlink("out", folder_ + "/alias");
  for (const std::string& image : {std::string("../out/b.jpg"), folder_ + "/out/b.jpg", std::string("../links/b.jpg"),
                                   std::string("../alias/b.jpg")}) {
    EXPECT_THAT(Message(Check("out", "../photos", image)), HasSubstr("b.jpg of the dataset")) << image;
  }
}

// As `bazel run` in a home that is a symbolic link: ".." behind the link leads elsewhere than the text says.
TEST(RebasedHeaderTest, FindsTheImagesAlsoBehindSymbolicLinks) {
  const std::string folder = Temp("links");
  fs::remove_all(folder);
  ASSERT_TRUE(WriteFileAtomically(folder + "/here/photos/a.jpg", "a").ok());
  fs::create_directories(folder + "/far/far/away");
  fs::create_directory_symlink(folder + "/far/far/away", folder + "/here/link");
  const auto copy = [](const std::string& from, const std::string& to) {
    const auto reader = DatasetReader::Open(from);
    ASSERT_TRUE(reader.ok()) << reader.status();
    const auto writer = DatasetWriter::Create(to, RebasedHeader(**reader, to), {from});
    ASSERT_TRUE(writer.ok()) << writer.status();
    DatasetEntry entry;
    while (*(*reader)->Next(&entry)) ASSERT_TRUE((*writer)->Write(entry).ok());
    ASSERT_TRUE((*writer)->Commit(Provenance()).ok());
    EXPECT_EQ(*ReadFile(ReadDataset(to)->image_paths[0]), "a") << to;
  };
  const auto writer = DatasetWriter::Create(folder + "/here/first", {"../photos"});
  DatasetEntry entry;
  entry.image = "a.jpg";
  ASSERT_TRUE((*writer)->Write(entry).ok());
  ASSERT_TRUE((*writer)->Commit(Provenance()).ok());
  copy(folder + "/here/first", folder + "/here/link/second");
  copy(folder + "/here/link/second", folder + "/here/third");
  copy(folder + "/here/link/second", folder + "/here/link/fourth");
  EXPECT_EQ(*ReadFile(ReadDataset(folder + "/far/far/away/second")->image_paths[0]), "a");
  EXPECT_EQ((*DatasetReader::Open(folder + "/here/third"))->header().image_root, "../photos") << "portable again";
}

}  // namespace
}  // namespace hardface::data
