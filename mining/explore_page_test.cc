#include "mining/explore_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <opencv2/core.hpp>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/atomic_output.h"
#include "base/provenance.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/images/image_io.h"
#include "mining/ledger_history.h"

namespace hardface::mining {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class ExplorePageTest : public testing::Test {
 protected:
  void SetUp() override {
    if (std::system("command -v gnuplot > /dev/null") != 0) GTEST_SKIP() << "gnuplot is not installed";
    folder_ = testing::TempDir() + "/explore_page_test";
    std::filesystem::remove_all(folder_);
  }

  // Six visits of IMAGE, one each tenth iteration, all of this WPAS.
  void Visit(const std::string& image, bool flip, float wpas) {
    EntryHistory& entry = history_.entries.emplace_back();
    entry.image = image;
    entry.flip = flip;
    for (int i = 0; i < 6; ++i) entry.scores.push_back({10 * i, wpas});
    entry.visits = 6;
    history_.visits += 6;
    history_.last_iteration = 50;
    history_.hard = {{0, 0}, {50, static_cast<double>(history_.entries.size())}};
    history_.easy = history_.without_positives = {{0, 0}, {50, 0}};
  }

  // A dataset of images 400 x 200: the left half black, the right half white, a face in the black half.
  void WriteDataset(const std::vector<std::string>& images) {
    auto writer = data::DatasetWriter::Create(folder_, {});
    ASSERT_TRUE(writer.ok()) << writer.status();
    for (const std::string& image : images) {
      cv::Mat pixels(200, 400, CV_8UC3, cv::Scalar(0, 0, 0));
      pixels(cv::Rect(200, 0, 200, 200)) = cv::Scalar(255, 255, 255);
      ASSERT_TRUE(data::WritePng((*writer)->temporary_path() + "/" + image, pixels).ok());
      data::DatasetEntry entry;
      entry.image = image;
      entry.width = 400;
      entry.height = 200;
      entry.faces = {{{40, 40, 80, 80}, /*ignore=*/false}};
      ASSERT_TRUE((*writer)->Write(entry).ok());
      ASSERT_TRUE(data::MirrorEntry(&entry).ok());
      ASSERT_TRUE((*writer)->Write(entry).ok());
    }
    ASSERT_TRUE((*writer)->Commit(Provenance()).ok());
    options_.dataset = folder_;
  }

  ExplorePage Make() {
    auto page = MakeExplorePage(history_, options_);
    EXPECT_TRUE(page.ok()) << page.status();
    return page.ok() ? *std::move(page) : ExplorePage();
  }

  // The N-th JPEG in the page.
  cv::Mat Thumbnail(const std::string& html, int n) {
    const std::string start = "data:image/jpeg;base64,";
    size_t begin = 0;
    for (int i = 0; i <= n; ++i) begin = html.find(start, begin) + start.size();
    std::string bytes;
    EXPECT_TRUE(absl::Base64Unescape(html.substr(begin, html.find('"', begin) - begin), &bytes));
    const std::string path = testing::TempDir() + "/thumbnail.jpg";
    EXPECT_TRUE(WriteFileAtomically(path, bytes).ok());
    return data::ReadImage(path).value();
  }

  std::string folder_;
  LedgerHistory history_;
  ExploreOptions options_;
};

TEST_F(ExplorePageTest, ListsImagesWithSparklinesAndNumbers) {
  Visit("hard.png", false, 0.125f);
  Visit("easy.png", true, 0.875f);
  options_.title = "Hard images: run";
  const ExplorePage page = Make();
  EXPECT_THAT(page.warnings, IsEmpty());
  EXPECT_EQ(page.never_learnt, 1);
  EXPECT_EQ(page.pictures, 0);
  EXPECT_THAT(
      page.html,
      HasSubstr("<b>0.125</b> recent, 0.125 best of the later half, 0 turns; 6 visits, 6 with a score, from 0 on"));
  EXPECT_THAT(page.html, HasSubstr("easy.png (mirrored)"));
  // From left to right, at (1 - 0.125) of the height.
  EXPECT_THAT(page.html, HasSubstr("<polyline points=\"2.0,40.5 49.2,40.5 "));
  EXPECT_LT(page.html.find("hard.png"), page.html.find("easy.png"));
  EXPECT_THAT(page.html, HasSubstr("<td>never learnt (below)</td><td>1 (50.0 %)</td>"));
  EXPECT_THAT(page.html, HasSubstr("<p>None.</p>"));  // nothing is unsteady
}

TEST_F(ExplorePageTest, ThumbnailsShowFacesAsTheNetworkSawThem) {
  WriteDataset({"a.png"});
  Visit("a.png", false, 0.9f);
  Visit("a.png", true, 0.95f);
  const ExplorePage page = Make();
  EXPECT_THAT(page.warnings, IsEmpty());
  EXPECT_EQ(page.pictures, 2);
  const cv::Mat straight = Thumbnail(page.html, 0), mirrored = Thumbnail(page.html, 1);
  ASSERT_EQ(straight.size(), cv::Size(240, 120));
  EXPECT_LT(cv::norm(straight.at<cv::Vec3b>(110, 20)), 30);   // black on the left
  EXPECT_GT(cv::norm(mirrored.at<cv::Vec3b>(110, 20)), 400);  // white
  // The face's left edge, at 40 * 0.6 pixels, and its mirror image's right one.
  EXPECT_GT(straight.at<cv::Vec3b>(48, 24)[1], 60);
  EXPECT_GT(mirrored.at<cv::Vec3b>(48, 215)[1], 60);
  EXPECT_LT(straight.at<cv::Vec3b>(48, 40)[1], 30);  // nothing within the box
}

TEST_F(ExplorePageTest, MissingImagesAndOtherDatasetsAreWarnings) {
  WriteDataset({"a.png", "gone.png"});
  ASSERT_TRUE(std::filesystem::remove(folder_ + "/gone.png"));
  Visit("a.png", false, 0.9f);
  Visit("gone.png", false, 0.1f);
  Visit("unknown.png", false, 0.1f);
  const ExplorePage page = Make();
  EXPECT_EQ(page.pictures, 1);
  EXPECT_THAT(page.warnings, ElementsAre(HasSubstr("has not 1 of the 3 entries"), HasSubstr("gone.png")));
  EXPECT_THAT(page.html, HasSubstr("the image cannot be read"));
  EXPECT_THAT(page.html, HasSubstr("<td>images (a mirror image counts by itself)</td><td>4</td>"));
  EXPECT_THAT(page.html, HasSubstr("<td>not visited yet</td><td>1 (25.0 %)</td>"));
}

TEST_F(ExplorePageTest, ADatasetThatIsNoneIsAnError) {
  Visit("a.png", false, 0.9f);
  options_.dataset = testing::TempDir() + "/no_dataset";
  EXPECT_THAT(std::string(MakeExplorePage(history_, options_).status().message()), HasSubstr("no_dataset"));
}

TEST_F(ExplorePageTest, NamesAreNoMarkup) {
  Visit("<script>alert(1)</script>", false, 0.1f);
  options_.title = "<script>alert(2)</script>";
  const ExplorePage page = Make();
  EXPECT_THAT(page.html, Not(HasSubstr("<script")));
  EXPECT_THAT(page.html, HasSubstr("&lt;script&gt;alert(1)"));
}

TEST_F(ExplorePageTest, ImagesWithoutAnyScoreAreCountedOnly) {
  EntryHistory& entry = history_.entries.emplace_back();
  entry.image = "none.png";
  entry.visits = history_.visits = 1;
  history_.hard = history_.easy = {{0, 0}};
  history_.without_positives = {{0, 1}};
  const ExplorePage page = Make();
  EXPECT_THAT(page.html, HasSubstr("<td>never with a positive anchor</td><td>1 (100.0 %)</td>"));
  EXPECT_THAT(page.html, Not(HasSubstr("none.png")));
}

TEST_F(ExplorePageTest, ListsAreCutAtTheNumberAsked) {
  for (int i = 0; i < 9; ++i) Visit(absl::StrCat("image", i, ".png"), false, 0.1f);
  options_.images = 2;
  const ExplorePage page = Make();
  EXPECT_EQ(page.never_learnt, 9);
  EXPECT_THAT(page.html, HasSubstr("image1.png"));
  EXPECT_THAT(page.html, Not(HasSubstr("image2.png")));
}

}  // namespace
}  // namespace hardface::mining
