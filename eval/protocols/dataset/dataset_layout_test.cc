#include "eval/protocols/dataset/dataset_layout.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "data_tools/dataset/detections.h"

namespace hardface::eval {
namespace {

data::Dataset FourImages() {
  data::Dataset dataset;
  for (const char* name : {"a.jpg", "b.jpg", "c.jpg", "d.jpg"}) {
    data::DatasetEntry& entry = dataset.entries.emplace_back();
    entry.image = name;
    entry.faces = {{{100, 100, 40, 40}, false, {}}};
  }
  return dataset;
}

LayoutReport Check(const std::vector<data::Rect>& boxes, const std::vector<float>& scores) {
  const data::Dataset dataset = FourImages();
  DatasetDetections detections;
  for (size_t i = 0; i < boxes.size(); ++i) {
    detections.images.push_back({dataset.entries[i].image, false, {{boxes[i], scores[i]}}});
  }
  detections.images.push_back({"elsewhere.jpg", false, {}});
  for (const int64_t line : {1, 2, 4, 5, 6}) detections.places.push_back({"d.jsonl", ":", line, {}});
  const auto joined = JoinDetections(dataset, detections.images, "d.jsonl");
  EXPECT_TRUE(joined.ok()) << joined.status();
  return CheckDatasetLayout(dataset, detections, *joined);
}

TEST(DatasetLayout, SeesCornersInAllOrSomeImages) {
  const data::Rect extent = {100, 100, 40, 40}, corners = {100, 100, 140, 140};
  const char* kind = "results of corners instead of extents";
  EXPECT_EQ(Check({extent, extent, extent, extent}, {0.9f, 0.8f, 0.7f, 0.6f}).count(kind), 0);
  EXPECT_EQ(Check({corners, corners, corners, corners}, {0.9f, 0.8f, 0.7f, 0.6f}).count(kind), 4);
  const LayoutReport some = Check({extent, extent, corners, extent}, {0.9f, 0.8f, 0.7f, 0.6f});
  EXPECT_EQ(some.count(kind), 1);
  EXPECT_NE(some.Text().find("d.jsonl:4 (c.jpg)"), std::string::npos) << some.Text();
}

TEST(DatasetLayout, SeesTheScoreInTheFirstColumnAndFractions) {
  const data::Rect extent = {100, 100, 40, 40}, score_first = {0.9f, 100, 100, 40}, fraction = {0.2f, 0.3f, 0.1f, 0.1f};
  const char* first = "results whose first column looks like scores";
  EXPECT_EQ(Check({extent, extent, extent, extent}, {0.9f, 0.8f, 0.7f, 0.6f}).count(first), 0);
  EXPECT_EQ(Check({score_first, score_first, score_first, score_first}, {40, 40, 40, 40}).count(first), 4);
  EXPECT_EQ(Check({score_first, extent, extent, extent}, {40, 0.8f, 0.7f, 0.6f}).count(first), 1);
  const LayoutReport fractions = Check({extent, fraction, fraction, extent}, {0.9f, 0.8f, 0.7f, 0.6f});
  EXPECT_EQ(fractions.count("results of fractions instead of pixels"), 2);
  EXPECT_NE(fractions.Text().find("d.jsonl:2 (b.jpg)"), std::string::npos) << fractions.Text();
}

TEST(DatasetLayout, SeesBoxesOfAnotherScale) {
  const char* kind = "images most of whose boxes lie outside of them";
  data::Dataset dataset = FourImages();
  for (data::DatasetEntry& entry : dataset.entries) entry.width = entry.height = 160;
  const auto check = [&](const data::Rect& box) {
    DatasetDetections detections;
    detections.images = {{"a.jpg", false, {{{100, 100, 40, 40}, 0.5f}, {box, 0.9f}, {box, 0.8f}}}};
    detections.places = {{"d.jsonl", ":", 1, {}}};
    const auto joined = JoinDetections(dataset, detections.images, "d.jsonl");
    return CheckDatasetLayout(dataset, detections, *joined).count(kind);
  };
  EXPECT_EQ(check({200, 200, 80, 80}), 1);
  EXPECT_EQ(check({120, 120, 80, 80}), 0) << "its centre lies on the edge";
  dataset.entries[0].width = 0;
  EXPECT_EQ(check({200, 200, 80, 80}), 0) << "the size is not known";
}

TEST(DatasetLayout, SeesDetectionsOfOtherPicturesAndFacesWithoutArea) {
  const char* no_hit = "results of which no best box lies on a face";
  const auto check = [&](const data::Rect& face, const std::vector<data::Rect>& boxes) {
    data::Dataset dataset;
    DatasetDetections detections;
    for (size_t i = 0; i < boxes.size(); ++i) {
      data::DatasetEntry& entry = dataset.entries.emplace_back();
      entry.image = absl::StrCat(i, ".jpg");
      entry.faces = {{face, false, {}}};
      detections.images.push_back({entry.image, false, {{boxes[i], 1 / (1.0f + static_cast<float>(i))}}});
      detections.places.push_back({"d.jsonl", ":", static_cast<int64_t>(i) + 1, {}});
    }
    const auto joined = JoinDetections(dataset, detections.images, "d.jsonl");
    return CheckDatasetLayout(dataset, detections, *joined);
  };
  const data::Rect face = {100, 100, 40, 40}, elsewhere = {300, 10, 50, 50};
  EXPECT_EQ(check(face, std::vector<data::Rect>(10, elsewhere)).count(no_hit), 1);
  EXPECT_EQ(check(face, std::vector<data::Rect>(9, elsewhere)).count(no_hit), 0) << "few images may all be missed";
  std::vector<data::Rect> boxes(20, elsewhere);
  boxes[7] = face;
  EXPECT_EQ(check(face, boxes).count(no_hit), 0);
  const char* no_area = "images of the dataset with faces without area";
  EXPECT_EQ(check({100, 100, -40, 40}, {face, face}).count(no_area), 2);
  EXPECT_EQ(check(face, {face, face}).count(no_area), 0);
}

TEST(DatasetLayout, SeesScoresThatAreAllTheSame) {
  const char* kind = "results whose scores are all the same";
  const data::Dataset dataset = FourImages();
  for (const bool equal : {true, false}) {
    DatasetDetections detections;
    data::ImageDetections& of_image = detections.images.emplace_back();
    of_image.image = "a.jpg";
    for (int i = 0; i < 10; ++i) of_image.boxes.push_back({{10.0f * i, 10, 20, 20}, equal || i > 0 ? 1.0f : 0.5f});
    detections.places = {{"d.jsonl", ":", 1, {}}};
    const auto joined = JoinDetections(dataset, detections.images, "d.jsonl");
    EXPECT_EQ(CheckDatasetLayout(dataset, detections, *joined).count(kind), equal ? 1 : 0);
  }
}

TEST(DatasetLayout, SaysWhereNoFaceCounts) {
  data::Dataset dataset = FourImages();
  dataset.manifest_path = "set/manifest.jsonl";
  for (data::DatasetEntry& entry : dataset.entries) entry.faces[0].ignore = true;
  DatasetDetections detections;
  detections.images = {{"a.jpg", false, {}}};
  detections.places = {{"d.jsonl", ":", 1, {}}};
  detections.lists_only_found = true;
  const auto joined = JoinDetections(dataset, detections.images, "d.jsonl");
  ASSERT_TRUE(joined.ok()) << joined.status();
  const LayoutReport layout = CheckDatasetLayout(dataset, detections, *joined);
  EXPECT_NE(layout.Text().find("set/manifest.jsonl"), std::string::npos) << layout.Text();
  EXPECT_EQ(layout.count("images without a line in the detections"), 0);
}

TEST(DatasetLayout, SeesTwoScalesAndNamesUnknownAndMissingImages) {
  const data::Rect extent = {100, 100, 40, 40};
  const LayoutReport layout = Check({extent, extent, extent}, {0.9f, 80, 0.7f});
  EXPECT_EQ(layout.count("results on two scales of scores"), 1);
  EXPECT_EQ(layout.count("images without a line in the detections"), 1);
  EXPECT_EQ(layout.count("images that are not in the dataset"), 1);
  for (const char* place : {"d.jsonl:2 (b.jpg) (score 80)", "d.jpg", "d.jsonl:5 (elsewhere.jpg)"}) {
    EXPECT_NE(layout.Text().find(place), std::string::npos) << layout.Text();
  }
}

}  // namespace
}  // namespace hardface::eval
