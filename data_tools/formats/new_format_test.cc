// A format of one's own, added as CONTRIBUTING.md says: a reader that yields what the source states, and import_dataset
// for the rest. The format here: a line "IMAGE X Y W H" for each face.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <opencv2/core/mat.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/atomic_output.h"
#include "base/read_file.h"
#include "base/status_macros.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/formats/annotation_source.h"
#include "data_tools/formats/import_dataset.h"
#include "data_tools/images/image_io.h"

namespace hardface::data {
namespace {

using ::testing::HasSubstr;

// Step 1: an OpenNAME that returns an AnnotationSource. It looks for no pictures and judges no boxes; what it cannot
// read goes into the image's errors, with its place.
absl::StatusOr<std::unique_ptr<AnnotationSource>> OpenPlainLines(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  std::vector<AnnotatedImage> images;
  int number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    const std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    if (words.empty()) continue;
    const std::string place = absl::StrCat(path, ":", number);
    if (images.empty() || images.back().candidates[0] != words[0]) {
      AnnotatedImage image;
      image.place = place;
      image.candidates = {words[0]};
      images.push_back(std::move(image));
    }
    AnnotatedFace face;
    face.place = place;
    if (words.size() != 5 || !absl::SimpleAtod(words[1], &face.x) || !absl::SimpleAtod(words[2], &face.y) ||
        !absl::SimpleAtod(words[3], &face.w) || !absl::SimpleAtod(words[4], &face.h)) {
      images.back().errors.push_back(absl::StrCat(place, ": expected IMAGE X Y W H, got \"", line, "\""));
      continue;
    }
    images.back().faces.push_back(face);
  }
  return std::make_unique<VectorSource>(std::vector<std::string>{path}, std::move(images));
}

// Step 2: a test that makes its input, a broken one among it.
class NewFormatTest : public ::testing::Test {
 protected:
  NewFormatTest() {
    for (const std::string name : {"a.png", "b.png"}) {
      EXPECT_TRUE(WritePng(options_.images + "/" + name, cv::Mat(60, 80, CV_8UC3, cv::Scalar(9, 9, 9))).ok());
    }
  }
  static ImportOptions Options() {
    ImportOptions options;
    options.images = ::testing::TempDir() + "/new_format_images";
    options.output = ::testing::TempDir() + "/new_format_set";
    options.threads = 1;
    return options;
  }
  absl::StatusOr<ImportSummary> Import(const std::string& text) {
    const std::string path = ::testing::TempDir() + "/new_format.txt";
    EXPECT_TRUE(WriteFileAtomically(path, text).ok());
    ASSIGN_OR_RETURN(const auto source, OpenPlainLines(path));
    return ImportDataset(source.get(), options_);
  }

  ImportOptions options_ = Options();
};

TEST_F(NewFormatTest, FacesBecomeADatasetWithSizesAndWithoutBadBoxes) {
  const auto summary = Import("a.png 1 2 30 40\na.png 5 5 0 9\nb.png 10 10 20 20\n");
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->images, 2);
  EXPECT_EQ(summary->faces, 2);
  EXPECT_EQ(summary->CountOf("bad_box"), 1) << "a box without area";
  const auto dataset = ReadDataset(options_.output);
  ASSERT_TRUE(dataset.ok()) << dataset.status();
  EXPECT_EQ(dataset->entries[0].width, 80) << "the reader did not say so: the file's header did";
  EXPECT_EQ(dataset->entries[0].faces[0].box, (Rect{1, 2, 30, 40}));
}

TEST_F(NewFormatTest, AFaultOfOneImageIsTheUsersToDecide) {
  const std::string text = "a.png 1 2 30 40\nb.png 10 ten 20 20\n";
  const auto failed = Import(text);
  ASSERT_FALSE(failed.ok());
  EXPECT_THAT(std::string(failed.status().message()), HasSubstr("new_format.txt:2: expected IMAGE X Y W H"));
  options_.on_error = OnError::kSkip;
  const auto summary = Import(text);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->images, 1);
  EXPECT_EQ(summary->images_left_out, 1);
}

}  // namespace
}  // namespace hardface::data
