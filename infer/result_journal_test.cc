#include "infer/result_journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/atomic_output.h"
#include "base/fresh_folder.h"
#include "base/read_file.h"

namespace hardface::infer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

ImageOutcome Found(const std::string& name) { return {{name, false, {{{1, 2, 3, 4}, 0.5f}}}, {640, 480}, ""}; }
ImageOutcome Failed(const std::string& name) { return {{name, false, {}}, {}, name + ": is broken"}; }

// A journal of three images, and the names that another one finds there.
std::string Three(const std::string& name) {
  const std::string folder = FreshFolder(name);
  const auto journal = ResultJournal::Open(folder);
  EXPECT_TRUE(journal.ok()) << journal.status();
  for (const ImageOutcome& outcome : {Found("a.jpg"), Failed("b.jpg"), Found("c.jpg")}) {
    EXPECT_TRUE((*journal)->Add(outcome).ok());
  }
  return folder;
}

std::vector<std::string> Seen(const std::string& folder, std::unique_ptr<ResultJournal>* journal) {
  std::vector<std::string> seen;
  auto opened = ResultJournal::Open(folder, [&](const ImageOutcome& outcome) {
    seen.push_back(outcome.detections.image);
    return absl::OkStatus();
  });
  EXPECT_TRUE(opened.ok()) << opened.status();
  if (opened.ok()) *journal = *std::move(opened);
  return seen;
}

TEST(ResultJournalTest, EveryImageIsThereWhenAddReturns) {
  const std::string folder = FreshFolder("each");
  const auto journal = ResultJournal::Open(folder);
  ASSERT_TRUE((*journal)->Add(Found("a.jpg")).ok());
  EXPECT_EQ(*ReadFile(folder + "/detections.jsonl"), "{\"image\":\"a.jpg\",\"boxes\":[[1.00,2.00,3.00,4.00,0.5]]}\n");
  EXPECT_EQ(*ReadFile(folder + "/images.jsonl"), "{\"image\":\"a.jpg\",\"width\":640,\"height\":480}\n");
  ASSERT_TRUE((*journal)->Add(Failed("b.jpg")).ok());
  EXPECT_THAT(*ReadFile(folder + "/images.jsonl"), HasSubstr("{\"image\":\"b.jpg\",\"error\":\"b.jpg: is broken\"}\n"));
  ImageOutcome mirrored = Found("a.jpg");
  mirrored.detections.flip = true;
  ASSERT_TRUE((*journal)->Add(mirrored).ok());
  EXPECT_THAT(*ReadFile(folder + "/images.jsonl"), HasSubstr("\"a.jpg\",\"flip\":true,\"width\""));
  EXPECT_EQ((*journal)->images(), 3);
  EXPECT_EQ((*journal)->detected(), 2);
  EXPECT_EQ((*journal)->boxes(), 2);
}

TEST(ResultJournalTest, WhereverAProcessDiesTheNextOneFindsWholeImages) {
  const std::string whole = Three("whole");
  const std::string images = *ReadFile(whole + "/images.jsonl"), detections = *ReadFile(whole + "/detections.jsonl");
  std::unique_ptr<ResultJournal> journal;
  size_t last = 0;
  for (size_t cut = 0; cut <= images.size(); ++cut) {
    const std::string folder = FreshFolder("cut");
    // The file of detections is ahead.
    std::ofstream(folder + "/detections.jsonl") << detections;
    std::ofstream(folder + "/images.jsonl") << images.substr(0, cut);
    const size_t there = Seen(folder, &journal).size();
    EXPECT_GE(there, last);
    last = there;
    EXPECT_EQ(journal->images(), static_cast<int64_t>(there));
    EXPECT_EQ(images.find(*ReadFile(folder + "/images.jsonl")), 0u);
    const ImageOutcome rest[] = {Found("a.jpg"), Failed("b.jpg"), Found("c.jpg")};
    for (size_t i = there; i < 3; ++i) ASSERT_TRUE(journal->Add(rest[i]).ok());
    EXPECT_EQ(*ReadFile(folder + "/images.jsonl"), images) << cut;
    EXPECT_EQ(*ReadFile(folder + "/detections.jsonl"), detections) << cut;
  }
  EXPECT_EQ(last, 3u);
}

TEST(ResultJournalTest, GoesOnBehindWhatIsThere) {
  std::unique_ptr<ResultJournal> journal;
  EXPECT_THAT(Seen(Three("on"), &journal), ElementsAre("a.jpg", "b.jpg", "c.jpg"));
  EXPECT_EQ(journal->boxes(), 2);
  EXPECT_THAT(journal->failures(), ElementsAre("b.jpg: is broken"));
}

TEST(ResultJournalTest, FilesThatSomebodyChangedAreErrorsThatNameTheLine) {
  const std::string folder = Three("changed");
  ASSERT_TRUE(WriteFileAtomically(folder + "/detections.jsonl", "{\"image\":\"x.jpg\",\"boxes\":[]}\n").ok());
  EXPECT_THAT(std::string(ResultJournal::Open(folder).status().message()),
              HasSubstr("detections.jsonl:1: is of x.jpg, but"));
  ASSERT_TRUE(WriteFileAtomically(folder + "/images.jsonl", "{\"image\":7}\n").ok());
  EXPECT_THAT(std::string(ResultJournal::Open(folder).status().message()), HasSubstr("images.jsonl:1: expected"));
}

}  // namespace
}  // namespace hardface::infer
