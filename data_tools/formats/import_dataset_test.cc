#include "data_tools/formats/import_dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <memory>
#include <opencv2/core.hpp>

#include "base/atomic_output.h"
#include "base/read_file.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/formats/csv.h"
#include "data_tools/formats/fddb.h"
#include "data_tools/formats/mat_annotations.h"
#include "data_tools/formats/voc.h"
#include "data_tools/formats/wider.h"
#include "data_tools/formats/yolo.h"
#include "data_tools/images/image_io.h"

namespace hardface::data {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;

// Hands out prepared images.
class FakeSource : public AnnotationSource {
 public:
  explicit FakeSource(std::deque<AnnotatedImage> images) : images_(std::move(images)) {}
  absl::StatusOr<bool> Next(AnnotatedImage* image) override {
    if (images_.empty()) return false;
    *image = std::move(images_.front());
    images_.pop_front();
    return true;
  }
  std::vector<std::string> inputs() const override { return {}; }

 private:
  std::deque<AnnotatedImage> images_;
};

AnnotatedFace FaceAt(double x, double y, double w, double h, const std::string& class_name = "") {
  AnnotatedFace face;
  face.x = x;
  face.y = y;
  face.w = w;
  face.h = h;
  face.class_name = class_name;
  return face;
}

AnnotatedImage ImageWith(const std::string& name, std::vector<AnnotatedFace> faces) {
  AnnotatedImage image;
  image.place = "gt.txt:" + name;
  image.candidates = {name};
  image.faces = std::move(faces);
  return image;
}

class ImportDatasetTest : public ::testing::Test {
 protected:
  ImportDatasetTest()
      : folder_(::testing::TempDir() + "/import_" + ::testing::UnitTest::GetInstance()->current_test_info()->name()) {
    options_.images = folder_ + "/images";
    options_.output = folder_ + "/out";
    MakeImage("a.jpg", 200, 100);
  }

  void MakeImage(const std::string& name, int width, int height) {
    ASSERT_TRUE(WriteJpeg(options_.images + "/" + name, cv::Mat(height, width, CV_8UC3, cv::Scalar(90, 90, 90))).ok());
  }

  absl::StatusOr<ImportSummary> Import(std::deque<AnnotatedImage> images) {
    FakeSource source(std::move(images));
    return ImportDataset(&source, options_);
  }

  std::string ErrorOf(std::deque<AnnotatedImage> images) {
    return std::string(Import(std::move(images)).status().message());
  }

  std::vector<DatasetEntry> Entries() {
    const auto dataset = ReadDataset(options_.output);
    EXPECT_TRUE(dataset.ok()) << dataset.status();
    return dataset.ok() ? dataset->entries : std::vector<DatasetEntry>();
  }

  std::string ReportText() { return *ReadFile(options_.output + "/import_report.jsonl"); }

  const std::string folder_;
  ImportOptions options_;
};

TEST_F(ImportDatasetTest, SeveralThreadsWriteTheSame) {
  for (int i = 0; i < 40; ++i) MakeImage(std::to_string(i) + ".jpg", 30 + i, 20);
  ASSERT_TRUE(WriteFileAtomically(options_.images + "/7.jpg", "no picture").ok());
  options_.on_error = OnError::kReport;
  std::vector<std::string> manifests, reports;
  for (const int threads : {1, 4}) {
    std::deque<AnnotatedImage> images;
    for (int i = 0; i < 42; ++i) {  // two are missing, one is broken, and boxes lie outside and twice
      images.push_back(
          ImageWith(std::to_string(i) + ".jpg", {FaceAt(1, 2, 3, 4), FaceAt(1, 2, 3, 4), FaceAt(60, 2, 5, 5)}));
    }
    options_.threads = threads;
    options_.output = folder_ + "/out" + std::to_string(threads);
    const auto summary = Import(std::move(images));
    ASSERT_TRUE(summary.ok()) << summary.status();
    EXPECT_EQ(summary->images, 39);
    manifests.push_back(*ReadFile(options_.output + "/manifest.jsonl"));
    reports.push_back(ReportText());
  }
  EXPECT_EQ(manifests[0], manifests[1]);
  EXPECT_EQ(reports[0], reports[1]);
}

TEST_F(ImportDatasetTest, SizesComeFromTheFilesAndTheOrderStays) {
  MakeImage("sub/b c.jpg", 31, 17);
  const auto summary = Import({ImageWith("sub/b c.jpg", {FaceAt(1, 2, 3, 4)}), ImageWith("a.jpg", {})});
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->images, 2);
  EXPECT_EQ(summary->boxes, 1);
  EXPECT_EQ(summary->faces, 1);
  EXPECT_THAT(summary->findings, IsEmpty());
  const auto entries = Entries();
  ASSERT_THAT(entries, SizeIs(2));
  EXPECT_EQ(entries[0].image, "sub/b c.jpg");
  EXPECT_EQ(entries[0].width, 31);
  EXPECT_EQ(entries[0].height, 17);
  EXPECT_EQ(entries[0].faces[0].box, (Rect{1, 2, 3, 4}));
  EXPECT_EQ(entries[1].width, 200);
}

TEST_F(ImportDatasetTest, BoxesOfAnotherSizeAreScaled) {
  AnnotatedImage image = ImageWith("a.jpg", {FaceAt(0.25, 0.5, 0.5, 0.25)});
  image.reference_width = image.reference_height = 1;
  ASSERT_TRUE(Import({image}).ok());
  EXPECT_EQ(Entries()[0].faces[0].box, (Rect{50, 50, 100, 25}));
}

TEST_F(ImportDatasetTest, ClassesAreFilteredByPatternAndKept) {
  options_.classes = "face|head_.*";
  const auto summary = Import(
      {ImageWith("a.jpg", {FaceAt(1, 2, 3, 4, "face"), FaceAt(1, 2, 3, 4, "faces"), FaceAt(5, 2, 3, 4, "head_left")})});
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->boxes, 3);
  EXPECT_THAT(summary->findings, ElementsAre(Pair("other_class", 1)));
  const auto entries = Entries();
  ASSERT_THAT(entries[0].faces, SizeIs(2));
  EXPECT_TRUE(entries[0].faces[0].attributes.empty()) << "that a face is a face goes without saying";
  EXPECT_EQ(entries[0].faces[1].attributes["class"], "head_left");
  options_.classes = "(";
  EXPECT_THAT(ErrorOf({}), HasSubstr("class pattern \"(\""));
}

TEST_F(ImportDatasetTest, BoxesWithoutAreaAreSkippedOrMarked) {
  const AnnotatedImage image =
      ImageWith("a.jpg", {FaceAt(1, 2, 0, 4), FaceAt(1, 2, 3, -4), FaceAt(1, 2, 3, 4), FaceAt(1, 1e9, 3, 4)});
  auto summary = Import({image});
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->boxes, 4);
  EXPECT_EQ(summary->faces, 1);
  EXPECT_THAT(summary->findings, ElementsAre(Pair("bad_box", 3)));
  EXPECT_THAT(ReportText(), AllOf(HasSubstr("gt.txt:a.jpg"), HasSubstr("box 1 2 0 4 has no area; left out"),
                                  HasSubstr("out of all proportion")));
  options_.bad_boxes = BadBoxes::kMark;
  summary = Import({image});
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->faces, 3);
  EXPECT_EQ(summary->ignored, 2);
  EXPECT_TRUE(Entries()[0].faces[0].ignore);
  EXPECT_EQ(Entries()[0].faces[1].box, (Rect{1, 2, 3, -4}));
}

TEST_F(ImportDatasetTest, BoxesBeyondTheImageAreKeptAndReported) {
  const auto summary = Import({ImageWith("a.jpg", {FaceAt(190, 90, 11, 10), FaceAt(190, 90, 10, 10)})});
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_THAT(summary->findings, ElementsAre(Pair("beyond_image", 1)));
  EXPECT_EQ(Entries()[0].faces[0].box, (Rect{190, 90, 11, 10}));
}

TEST_F(ImportDatasetTest, ABoxThatStandsTwiceIsReported) {
  MakeImage("b.jpg", 100, 100);
  const auto summary = Import({ImageWith("a.jpg", {FaceAt(1, 2, 3, 4), FaceAt(9, 2, 3, 4), FaceAt(1, 2, 3, 4)}),
                               ImageWith("b.jpg", {FaceAt(1, 2, 3, 4)})});
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->faces, 4);
  EXPECT_THAT(summary->findings, ElementsAre(Pair("double_box", 1)));
  EXPECT_THAT(ReportText(), HasSubstr("box 1 2 3 4 stands twice in this image"));
}

TEST_F(ImportDatasetTest, BoxesThatLookLikeCornersAreReported) {
  // Images of 200 x 100. The second box alone says nothing: a face may be as large as that.
  auto summary = Import({ImageWith("a.jpg", {FaceAt(120, 60, 180, 90), FaceAt(10, 10, 50, 50)})});
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_THAT(summary->findings, ElementsAre(Pair("beyond_image", 1), Pair("corners", 1)));
  EXPECT_THAT(ReportText(), HasSubstr("1 of 2 boxes reach beyond their images, such as in a.jpg, and all would lie"));
  // One that cannot be corners settles it.
  summary = Import({ImageWith("a.jpg", {FaceAt(120, 60, 180, 90), FaceAt(60, 60, 20, 20)})});
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_THAT(summary->findings, ElementsAre(Pair("beyond_image", 1)));
}

TEST_F(ImportDatasetTest, BoxesWhollyOutsideTheImageAreBad) {
  const AnnotatedImage image =
      ImageWith("a.jpg", {FaceAt(200, 10, 10, 10), FaceAt(10, 100, 10, 10), FaceAt(-10, 10, 10, 10),
                          FaceAt(10, -20, 10, 10), FaceAt(1, 2, 3, 4)});
  auto summary = Import({image});
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_THAT(summary->findings, ElementsAre(Pair("bad_box", 4)));
  EXPECT_EQ(summary->faces, 1);
  EXPECT_EQ(summary->boxes_left_out, 4);
  EXPECT_THAT(ReportText(), HasSubstr("box 200 10 10 10 lies outside the image of 200 x 100; left out"));
  options_.bad_boxes = BadBoxes::kMark;
  summary = Import({image});
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->ignored, 4);
}

TEST_F(ImportDatasetTest, FractionsAreNotTakenForPixels) {
  const AnnotatedImage image = ImageWith("a.jpg", {FaceAt(0.25, 0.5, 0.5, 0.25)});
  EXPECT_THAT(ErrorOf({image}),
              AllOf(HasSubstr("gt.txt:a.jpg"), HasSubstr("box 0.25 0.5 0.5 0.25"), HasSubstr("--box_unit=fractions")));
  options_.box_unit = BoxUnit::kFractions;
  ASSERT_TRUE(Import({image}).ok());
  EXPECT_EQ(Entries()[0].faces[0].box, (Rect{50, 50, 100, 25}));
  options_.box_unit = BoxUnit::kOfFormat;
  EXPECT_TRUE(Import({ImageWith("a.jpg", {FaceAt(0, 0, 1, 1), FaceAt(0.5, 0.5, 20, 30)})}).ok()) << "pixels";
}

TEST_F(ImportDatasetTest, ThePictureThatStandsTwiceIsTold) {
  MakeImage("b.jpg", 60, 50);
  std::filesystem::copy_file(options_.images + "/a.jpg", options_.images + "/copy.jpg",
                             std::filesystem::copy_options::overwrite_existing);
  const auto summary = Import({ImageWith("a.jpg", {}), ImageWith("b.jpg", {}), ImageWith("copy.jpg", {})});
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_THAT(summary->findings, ElementsAre(Pair("same_picture", 1)));
  EXPECT_EQ(summary->images, 3) << "kept, for either may be annotated better";
  EXPECT_THAT(summary->examples.at("same_picture"), HasSubstr("copy.jpg has the same bytes as a.jpg"));
}

TEST_F(ImportDatasetTest, OneFileUnderTwoNamesIsAnErrorWhereFacesWouldBeLost) {
  std::filesystem::remove(options_.images + "/link.jpg");
  std::filesystem::create_symlink("a.jpg", options_.images + "/link.jpg");
  EXPECT_THAT(ErrorOf({ImageWith("a.jpg", {}), ImageWith("link.jpg", {FaceAt(1, 2, 3, 4)})}),
              HasSubstr("link.jpg is the file that is annotated as a.jpg already"));
  const auto summary = Import({ImageWith("a.jpg", {FaceAt(1, 2, 3, 4)}), ImageWith("link.jpg", {})});
  ASSERT_TRUE(summary.ok()) << "nothing is lost with a link without faces: " << summary.status();
  EXPECT_EQ(summary->images, 1);
  EXPECT_THAT(summary->findings, ElementsAre(Pair("duplicate_image", 1)));
}

TEST_F(ImportDatasetTest, PicturesOfWhichNothingIsSaidAreCounted) {
  MakeImage("sub/b.jpg", 60, 50);
  ASSERT_TRUE(WriteFileAtomically(options_.images + "/c.heic", "x").ok());
  AnnotatedImage guessed = ImageWith("a.jpg", {});
  guessed.unlabelled = true;
  auto summary = Import({guessed});
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->images, 1);
  EXPECT_THAT(summary->findings, ElementsAre(Pair("other_picture", 1), Pair("unlabelled", 2)));
  EXPECT_THAT(ReportText(), AllOf(HasSubstr("a.jpg: has no annotation; taken as without faces"),
                                  HasSubstr("sub/b.jpg: no annotation speaks of it"), HasSubstr("c.heic")));
  // An image that is left out is one that the annotations speak of.
  AnnotatedImage bad = ImageWith("sub/b.jpg", {});
  bad.errors = {"bad"};
  options_.on_error = OnError::kSkip;
  summary = Import({ImageWith("a.jpg", {}), bad});
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->CountOf("unlabelled"), 0);
}

TEST_F(ImportDatasetTest, WhatTheSourceSawBesidesIsReported) {
  const auto import = [&](bool is_error) {
    VectorSource source({}, {ImageWith("a.jpg", {})},
                        {{"orphan", "ann.json", "", "annotation 7 is of no image", is_error}});
    return ImportDataset(&source, options_);
  };
  EXPECT_THAT(import(/*is_error=*/false)->findings, ElementsAre(Pair("orphan", 1)));
  EXPECT_THAT(std::string(import(/*is_error=*/true).status().message()),
              HasSubstr("ann.json: annotation 7 is of no image"));
  options_.on_error = OnError::kSkip;
  const auto summary = import(/*is_error=*/true);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->images, 1);
}

TEST_F(ImportDatasetTest, TextThatIsNotUtf8IsAnError) {
  EXPECT_THAT(ErrorOf({ImageWith("a.jpg", {FaceAt(1, 2, 3, 4,
                                                  "Gesch\xe4"
                                                  "ft")})}),
              HasSubstr("not UTF-8"));
  AnnotatedImage image = ImageWith("a.jpg", {FaceAt(1, 2, 3, 4)});
  image.faces[0].attributes["who"] = "J\xf6rg";
  EXPECT_THAT(ErrorOf({image}), HasSubstr("not UTF-8"));
}

TEST(SummaryTextTest, SaysWhatCameInAndWhatDidNot) {
  ImportSummary summary;
  summary.images = 3;
  summary.faces = 5;
  summary.ignored = 1;
  summary.images_without_faces = 1;
  EXPECT_EQ(SummaryText(summary), "3 images with 5 faces, 1 of them ignored; 1 images have no face.\n");
  summary.boxes_left_out = 2;
  summary.findings["bad_box"] = 2;
  summary.examples["bad_box"] = "a.xml:4: box 1 2 0 4 has no area; left out";
  EXPECT_THAT(SummaryText(summary), AllOf(HasSubstr("Left out: 0 images, and 2 boxes of the others.\n"),
                                          HasSubstr("2 x bad_box, the first: a.xml:4: box 1 2 0 4 has no area")));
}

TEST_F(ImportDatasetTest, MissingImagesFailAreLeftOutOrAllowed) {
  AnnotatedImage missing = ImageWith("none.jpg", {FaceAt(1, 2, 3, 4)});
  missing.declared_width = 64;
  missing.declared_height = 48;
  EXPECT_THAT(ErrorOf({missing}), AllOf(HasSubstr("gt.txt:none.jpg"), HasSubstr("images/none.jpg: no such image"),
                                        HasSubstr("--allow_missing_images")));
  EXPECT_FALSE(std::filesystem::exists(options_.output));
  options_.on_error = OnError::kSkip;
  auto summary = Import({missing, ImageWith("a.jpg", {})});
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->images, 1);
  EXPECT_EQ(summary->images_left_out, 1);
  EXPECT_THAT(summary->findings, ElementsAre(Pair("missing_image", 1)));
  options_.allow_missing_images = true;
  summary = Import({missing});
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(Entries()[0].width, 64);
}

TEST_F(ImportDatasetTest, FractionsNeedTheImagesSize) {
  AnnotatedImage missing = ImageWith("none.jpg", {FaceAt(0.1, 0.1, 0.2, 0.2)});
  missing.reference_width = missing.reference_height = 1;
  options_.allow_missing_images = true;
  EXPECT_THAT(ErrorOf({missing}), HasSubstr("Its size is needed"));
}

TEST_F(ImportDatasetTest, BrokenImagesAndAnnotationsAreNamed) {
  ASSERT_TRUE(WriteFileAtomically(options_.images + "/text.jpg", "no image").ok());
  EXPECT_THAT(ErrorOf({ImageWith("text.jpg", {})}), HasSubstr("neither a JPEG nor a PNG"));
  AnnotatedImage bad = ImageWith("a.jpg", {FaceAt(1, 2, 3, 4)});
  bad.errors = {"gt.txt:9: \"x\" is not a number"};
  EXPECT_THAT(ErrorOf({bad}), HasSubstr("gt.txt:9: \"x\" is not a number"));
  options_.on_error = OnError::kReport;
  const auto summary = Import({bad, ImageWith("text.jpg", {})});
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->images, 0);
  EXPECT_THAT(summary->findings, ElementsAre(Pair("bad_annotation", 1), Pair("unreadable_image", 1)));
}

TEST_F(ImportDatasetTest, AnImageAnnotatedTwiceIsAnError) {
  EXPECT_THAT(ErrorOf({ImageWith("a.jpg", {}), ImageWith("./a.jpg", {})}), HasSubstr("a second time"));
}

TEST_F(ImportDatasetTest, ExifOrientationIsReportedAndBoxesAreTurnedBackWhenAskedFor) {
  const std::string plain = *ReadFile(options_.images + "/a.jpg");  // 200 x 100
  using namespace std::string_literals;                             // NOLINT(build/namespaces): zero bytes
  const std::string exif =
      "\xff\xe1\0\x22"s + "Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"s;
  ASSERT_TRUE(WriteFileAtomically(options_.images + "/a.jpg", "\xff\xd8" + exif + plain.substr(2)).ok());
  AnnotatedImage image = ImageWith("a.jpg", {FaceAt(10, 20, 30, 40)});
  image.declared_width = 100;  // as the annotation tool showed it
  image.declared_height = 200;
  auto summary = Import({image});
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_THAT(summary->findings, ElementsAre(Pair("exif_orientation", 1), Pair("size_differs", 1)));
  EXPECT_EQ(Entries()[0].faces[0].box, (Rect{10, 20, 30, 40}));
  options_.exif = ExifBoxes::kTurn;
  summary = Import({image});
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_THAT(summary->findings, ElementsAre(Pair("exif_orientation", 1)));
  EXPECT_EQ(Entries()[0].width, 200) << "as stored";
  // Turned clockwise, stored (x, y) is seen at (100 - y, x): the box's y is the stored x, its right edge the stored
  // top.
  EXPECT_EQ(Entries()[0].faces[0].box, (Rect{20, 60, 40, 30}));
  image.reference_width = image.reference_height = 1;  // fractions, of the picture as seen
  image.faces = {FaceAt(0.1, 0.1, 0.3, 0.2)};
  ASSERT_TRUE(Import({image}).ok());
  EXPECT_EQ(Entries()[0].faces[0].box, (Rect{20, 60, 40, 30}));
  image.faces[0].attributes["landmarks"] = {1, 2};
  EXPECT_THAT(ErrorOf({image}), HasSubstr("not the attribute \"landmarks\""));
}

TEST_F(ImportDatasetTest, DifferingSizesAreReportedAndTheFileCounts) {
  AnnotatedImage image = ImageWith("a.jpg", {});
  image.declared_width = 100;
  image.declared_height = 200;
  const auto summary = Import({image});
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_THAT(summary->findings, ElementsAre(Pair("size_differs", 1)));
  EXPECT_EQ(Entries()[0].width, 200);
}

TEST_F(ImportDatasetTest, TheFirstCandidateThatExistsIsTheImage) {
  AnnotatedImage image = ImageWith("x/a.jpg", {});
  image.candidates = {"x/a.jpg", "a.jpg"};
  ASSERT_TRUE(Import({image}).ok());
  EXPECT_EQ(Entries()[0].image, "a.jpg");
}

TEST_F(ImportDatasetTest, APictureThatIsOnlyGuessedIsTold) {
  AnnotatedImage guessed = ImageWith("none.jpg", {FaceAt(1, 2, 3, 4)});
  guessed.candidates = {"none.jpg", "a.jpg"};
  guessed.first_guess = 1;
  const auto summary = Import({guessed});
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->images, 1);
  EXPECT_EQ(summary->CountOf("guessed_image"), 1);
  EXPECT_THAT(summary->examples.at("guessed_image"),
              HasSubstr("names the image none.jpg, which is not there; taken to be about a.jpg"));
  guessed.first_guess = 2;
  EXPECT_EQ(Import({guessed})->CountOf("guessed_image"), 0);
}

TEST_F(ImportDatasetTest, AnAnnotationThatIsNamedLikeAnotherPictureIsTold) {
  MakeImage("b.jpg", 200, 100);
  AnnotatedImage image = ImageWith("b.jpg", {FaceAt(1, 2, 3, 4)});
  image.candidates = {"b.jpg", "c.jpg", "a.jpg"};
  image.first_guess = 1;
  const auto summary = Import({image});
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_THAT(summary->examples.at("other_image"), HasSubstr("names the image b.jpg, but is itself named like a.jpg"));
  EXPECT_EQ(Entries()[0].image, "b.jpg");
  image.candidates = {"b.jpg", "b.png", "c.jpg"};
  MakeImage("b.png", 200, 100);
  EXPECT_EQ(Import({image})->CountOf("other_image"), 0) << "the name is the same, and c.jpg is not there";
}

TEST_F(ImportDatasetTest, ImageRootIsKeptOrRebased) {
  ASSERT_TRUE(Import({}).ok());
  const std::string absolute = (*DatasetReader::Open(options_.output))->header().image_root;
  EXPECT_EQ(absolute, std::filesystem::path(options_.images).lexically_normal());
  std::filesystem::current_path(folder_);
  options_.images = "images/";
  options_.output = "deep/out";
  ASSERT_TRUE(Import({ImageWith("a.jpg", {})}).ok());
  EXPECT_EQ((*DatasetReader::Open("deep/out"))->header().image_root, "../../images");
  EXPECT_TRUE(std::filesystem::exists(ReadDataset("deep/out")->image_paths[0]));
}

TEST_F(ImportDatasetTest, PathsThatJsonCannotHoldAreAnError) {
  options_.allow_missing_images = true;
  EXPECT_THAT(ErrorOf({ImageWith("latin\xe9.jpg", {})}), HasSubstr("not UTF-8"));
}

// The system would take the path up to there: the picture of another entry.
TEST_F(ImportDatasetTest, AZeroByteInAPathIsAnError) {
  EXPECT_THAT(ErrorOf({ImageWith(std::string("a.jpg\0", 6), {})}), HasSubstr("a.jpg\\x00\" holds a zero byte"));
}

// Real sets, where they lie: the counts that their README states.
class RealDataTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("HARDFACE_DATA_DIR");
    if (folder == nullptr) GTEST_SKIP() << "HARDFACE_DATA_DIR is not set: no real data here";
    data_ = folder;
    options_.output = ::testing::TempDir() + "/import_real";
  }

  absl::StatusOr<ImportSummary> Import(absl::StatusOr<std::unique_ptr<AnnotationSource>> source) {
    if (!source.ok()) return source.status();
    return ImportDataset(source->get(), options_);
  }

  void ExpectCounts(absl::StatusOr<std::unique_ptr<AnnotationSource>> source, int64_t images, int64_t boxes) {
    const auto summary = Import(std::move(source));
    ASSERT_TRUE(summary.ok()) << summary.status();
    EXPECT_EQ(summary->images, images);
    EXPECT_EQ(summary->boxes, boxes);
  }

  std::string data_;
  ImportOptions options_;
};

TEST_F(RealDataTest, WebFaces) {
  options_.images = data_ + "/web_faces/JPEGImages";
  ExpectCounts(OpenVoc(data_ + "/web_faces/Annotations", VocBoxes::kEdges), 1533, 4251);
}

TEST_F(RealDataTest, YoloFaces) {
  options_.images = data_ + "/yolo_faces";
  auto data_set = OpenYolo({options_.images, options_.images, ""});
  ASSERT_TRUE(data_set.ok()) << data_set.status();
  ExpectCounts(std::move(data_set->source), 149, 954);
}

TEST_F(RealDataTest, WiderVal) {
  options_.images = data_ + "/wider_face";
  options_.allow_missing_images = true;
  const auto summary = Import(OpenWider(data_ + "/wider_face/wider_face_split/wider_face_val_bbx_gt.txt"));
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->images, 3226);
  EXPECT_EQ(summary->boxes, 39708);
  EXPECT_EQ(summary->findings.at("no_faces"), 4);
  EXPECT_EQ(summary->findings.at("bad_box"), 7);
}

TEST_F(RealDataTest, WiderMatFiles) {
  options_.images = data_ + "/wider_face";
  options_.allow_missing_images = true;
  const std::string split = data_ + "/wider_face/wider_face_split/wider_face_";
  ExpectCounts(OpenWiderMat(split + "train.mat"), 12880, 159424);
  ExpectCounts(OpenWiderMat(split + "val.mat"), 3226, 39708);
}

TEST_F(RealDataTest, WiderMatAndTextAreTheSameDataset) {
  options_.images = data_ + "/wider_face";
  options_.allow_missing_images = true;
  const auto lines = [&](absl::StatusOr<std::unique_ptr<AnnotationSource>> source) {
    EXPECT_TRUE(Import(std::move(source)).ok());
    std::vector<std::string> all;
    const auto dataset = ReadDataset(options_.output);
    EXPECT_TRUE(dataset.ok()) << dataset.status();
    for (const DatasetEntry& entry : dataset->entries) all.push_back(EntryToJson(entry));
    std::sort(all.begin(), all.end());
    return all;
  };
  const std::string split = data_ + "/wider_face/wider_face_split/wider_face_val";
  EXPECT_EQ(lines(OpenWiderMat(split + ".mat")), lines(OpenWider(split + "_bbx_gt.txt")));
}

TEST_F(RealDataTest, FddbFoldsAfwAndPascal) {
  options_.images = data_;
  options_.allow_missing_images = true;
  ExpectCounts(OpenFddb(data_ + "/fddb/FDDB-folds"), 2845, 5171);
  const auto afw = Import(OpenFaceEvalMat(data_ + "/afw_pascal/new_annotations_AFW.mat"));
  ASSERT_TRUE(afw.ok()) << afw.status();
  EXPECT_EQ(afw->images, 205);
  const auto pascal = Import(OpenFaceEvalMat(data_ + "/afw_pascal/Annotations_Face_PASCALLayout_large_fixed.mat"));
  ASSERT_TRUE(pascal.ok()) << pascal.status();
  EXPECT_EQ(pascal->images, 851);
}

TEST_F(RealDataTest, FddbEllipses) {
  options_.images = data_ + "/fddb/images";
  CsvColumns columns;
  columns.image = "file";
  columns.ellipse = {"major", "minor", "angle", "cx", "cy"};
  ExpectCounts(OpenCsv(data_ + "/fddb/image_names.csv", columns), 1444, 1444);
}

TEST_F(RealDataTest, StretchedWider) {
  options_.images = data_ + "/wider_val_416/images";
  CsvColumns columns;
  columns.image = "file";
  columns.box = {"x", "y", "w", "h"};
  columns.original_size = {"orig_w", "orig_h"};
  ExpectCounts(OpenCsv(data_ + "/wider_val_416/ground_truth.csv", columns), 200, 4372);
}

}  // namespace
}  // namespace hardface::data
